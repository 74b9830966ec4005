"""`slipway audit report`: every change that reached an environment, from a trail that was verified first."""

import tempfile
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.text import Text

from slipway.cli.audit.export import write_trail
from slipway.cli.audit.options import From, Keys, Service, To, begin_of, end_of
from slipway.cli.audit.verify import SHOWN, verify_at
from slipway.cli.failure import ExitCode, Failure
from slipway.cli.options import Url
from slipway.cli.printing import clean, err
from slipway.cli.sign_in import connect
from slipway.promotion.audit_findings import Verified
from slipway.promotion.audit_report.change import Change
from slipway.promotion.audit_report.collecting import Collecting
from slipway.promotion.audit_report.page import as_page
from slipway.promotion.audit_report.table import as_csv
from slipway.promotion.audit_scope import Scope


def report(
    environment: Annotated[str, typer.Option(help="The environment that was changed.")],
    begins: From = None,
    ends: To = None,
    service: Service = None,
    form: Annotated[Literal["csv", "html"], typer.Option("--format", help="A table, or a page to print.")] = "html",
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="Report from this export; else a new one is taken.")
    ] = None,
    written_to: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write it; else standard output.")
    ] = None,
    key: Keys = None,
    url: Url = None,
) -> None:
    """Report every change that reached an environment: which build, who approved it, on which evidence, how it ended.

    The trail is verified first. Exit 1 when it is not whole; the report says so too, and what was found.
    """
    begin, end = begin_of(begins), end_of(ends)
    collecting = Collecting(environment, service or "", begin, end)
    verified = _verified(collecting, file, key, Scope(begin, end, service or ""), url)
    text = _written(form, collecting.changes(), verified, _asked(environment, service, begin, end))
    if written_to is None:
        typer.echo(text, nl=False)
    else:
        try:
            written_to.write_text(text, "utf-8", newline="")
        except OSError as error:
            raise Failure("USAGE", f"{written_to} cannot be written: {error}", ExitCode.USAGE) from error
    for finding in verified.findings[:SHOWN]:
        err().print(Text(clean(str(finding)), "red"))
    if not verified.intact:
        raise typer.Exit(ExitCode.REFUSED)


def _verified(collecting: Collecting, file: Path | None, key: Path | None, scope: Scope, url: str | None) -> Verified:
    if file is not None:
        return verify_at(str(file), key, collecting.take)
    with tempfile.TemporaryDirectory() as folder:
        taken = Path(folder) / "trail.jsonl"
        with taken.open("wb") as trail:
            write_trail(connect(url), scope, trail)
        return verify_at(str(taken), key, collecting.take)


def _written(form: str, changes: list[Change], verified: Verified, asked: str) -> str:
    return as_csv(changes) if form == "csv" else as_page(changes, verified, asked)


def _asked(environment: str, service: str | None, begins: str, ends: str) -> str:
    of = f"{service} in {environment}" if service else f"all services in {environment}"
    return f"{of}, from {begins[:10] or 'the beginning'} to {ends[:10] or 'now'}"
