"""What the commands of the audit trail share."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from slipway.cli.failure import ExitCode, Failure
from slipway.promotion.audit_keys import KeyUnreadable, read_jwks
from slipway.promotion.outcomes import iso

From = Annotated[str | None, typer.Option("--from", metavar="DAY", help="2026-01-01, or a moment. In UTC.")]
To = Annotated[str | None, typer.Option("--to", metavar="DAY", help="The last day, or a moment. In UTC.")]
Service = Annotated[str | None, typer.Option(help="Only what is of this service.")]
Keys = Annotated[
    Path | None,
    typer.Option("--key", metavar="JWKS", help="The public keys that may have signed; else the file's own."),
]


def begin_of(day: str | None) -> str:
    """The moment that `--from` means, empty for none. Raises Failure (usage)."""
    return iso(_moment(day, "T00:00:00")) if day else ""


def end_of(day: str | None) -> str:
    """The moment that `--to` means: of a day its end. Raises Failure (usage)."""
    return iso(_moment(day, "T23:59:59.999999")) if day else ""


def keys_in(file: Path | None) -> dict[str, dict[str, str]] | None:
    """The keys of that file. Raises Failure (usage)."""
    if file is None:
        return None
    try:
        return read_jwks(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Failure("USAGE", f"{file} cannot be read: {error}", ExitCode.USAGE) from error
    except KeyUnreadable as error:
        raise Failure(error.code, f"{file}: {error.words}", ExitCode.USAGE) from error


def _moment(text: str, of_a_day: str) -> datetime:
    try:
        found = datetime.fromisoformat(text if len(text) > 10 else text + of_a_day)
    except ValueError as error:
        raise Failure("USAGE", f"{text!r} is neither a day such as 2026-01-31 nor a moment", ExitCode.USAGE) from error
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
