"""How the command ends: every failure becomes words or a problem document, and an exit code."""

import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from slipway.cli.failure import ExitCode, Failure
from slipway.cli.printing import print_failure


class Commands(TyperGroup):
    """The group of all commands. With `--json` a wrong usage is a problem document too."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        given = list(sys.argv[1:] if args is None else args)
        as_json = "--json" in given
        try:
            code = super().main(
                given, prog_name, complete_var, standalone_mode and not as_json, windows_expand_args, **extra
            )
        except Failure as failure:
            print_failure(failure, as_json)
            sys.exit(failure.exit_code)
        except typer.TyperException as wrong:
            if not as_json:
                raise
            print_failure(Failure("USAGE", wrong.format_message(), ExitCode.USAGE), as_json)
            sys.exit(wrong.exit_code)
        if standalone_mode:
            sys.exit(code or 0)
        return code
