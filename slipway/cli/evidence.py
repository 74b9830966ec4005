"""`slipway evidence add`: give a gate the evidence that it waits for."""

import hashlib
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer
from rich.text import Text

from slipway.cli.connection import promotion_path
from slipway.cli.failure import ExitCode, Failure
from slipway.cli.moments import spoken
from slipway.cli.options import AsJson, PromotionId, Url
from slipway.cli.printing import answer, clean
from slipway.cli.sign_in import connect

app = typer.Typer(no_args_is_help=True, help="Give gates the evidence that they wait for.")
LARGEST_FILE = 28 * 1024  # of what is sent along: a promotion keeps 32 KB in all


@app.callback()
def evidence() -> None:
    """Its words are in `help` above."""


@app.command()
def add(
    promotion: PromotionId,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As the gate has it: coverage, sarif, tests …")],
    address: Annotated[str | None, typer.Option("--from", metavar="ADDRESS", help="Where it lies, over https.")] = None,
    file: Annotated[
        Path | None, typer.Option("--file", exists=True, dir_okay=False, help="A small file, sent along.")
    ] = None,
    sha256: Annotated[str, typer.Option("--sha256", help="Of what lies at the address; another is refused.")] = "",
    produced_at: Annotated[str, typer.Option("--produced-at", help="ISO 8601 with zone; else now.")] = "",
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Put evidence in the place of what is there under its name; its gates are asked again at once."""
    body: dict[str, Any] = {"name": name, "command": str(uuid4())}
    body |= {"produced_at": produced_at} if produced_at else {}
    if (address is None) == (file is None):
        raise Failure("USAGE", "say where it lies: either --from or --file", ExitCode.USAGE)
    body |= _of_file(file) if file else {"url": address, **({"sha256": sha256} if sha256 else {})}
    api = connect(url)
    document = api.post(promotion_path(promotion, "evidence"), body)
    words = document.get("words") if isinstance(document, dict) else None
    answer(document, Text(f"✓ {clean(spoken(str(words or f'{name} is on its way'), api.now()))}"), as_json)


def _of_file(file: Path) -> dict[str, str]:
    """Raises Failure for what is too large to be sent along, or no text."""
    raw = file.read_bytes()
    if len(raw) > LARGEST_FILE:
        words = f"{file} has {len(raw):,} bytes, and {LARGEST_FILE:,} can be sent along: put it where it can be fetched"
        raise Failure("USAGE", f"{words}, and give --from", ExitCode.USAGE)
    try:
        return {"inline": raw.decode(), "sha256": hashlib.sha256(raw).hexdigest()}
    except UnicodeDecodeError as error:
        raise Failure("USAGE", f"{file} is not UTF-8 text: give --from", ExitCode.USAGE) from error
