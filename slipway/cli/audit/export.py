"""`slipway audit export`: the audit trail in one file, byte for byte as it is stored."""

import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer
from pydantic import BaseModel
from rich.text import Text

from slipway.cli.audit.options import From, Service, To, begin_of, end_of
from slipway.cli.connection import Api, understood
from slipway.cli.failure import ExitCode, Failure
from slipway.cli.options import Url
from slipway.cli.printing import err
from slipway.cli.sign_in import connect
from slipway.promotion.audit_checkpoint import FOLDER, NotACheckpoint, read_checkpoint
from slipway.promotion.audit_file import chain_line, end, header
from slipway.promotion.audit_scope import Scope


class _Chain(BaseModel):
    name: str
    size: int
    grew_at: str


class _Page(BaseModel):
    chains: list[_Chain]
    after: str | None
    at: str


class _Part(BaseModel):
    text: str
    next: int | None


def export(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="Where to write it; - is standard output.")],
    begins: From = None,
    ends: To = None,
    service: Service = None,
    url: Url = None,
) -> None:
    """Take the audit trail away in one file: every chain that grew in that time, and all checkpoints.

    Needs the role auditor. What it writes is verified by `slipway audit verify`, on any machine.
    """
    scope = Scope(begin_of(begins), end_of(ends), service or "")
    api = connect(url)
    try:
        with nullcontext(sys.stdout.buffer) if file == "-" else Path(file).open("wb") as written:
            chains, lines = write_trail(api, scope, written)
    except OSError as error:
        raise Failure("USAGE", f"{file} cannot be written: {error}", ExitCode.USAGE) from error
    err().print(Text(f"✓ {chains} chains, {lines} lines: verify them with `slipway audit verify {file}`", "green"))


def write_trail(api: Api, scope: Scope, file: BinaryIO) -> tuple[int, int]:
    """How many chains were written, and lines in them. The checkpoints are read first: what they name is there by then.
    Raises Failure."""
    first = _page(api, None, 1)
    file.write(header(first.at, scope).encode())
    needed: set[str] = set()
    newest = ""

    def hear(line: bytes) -> None:
        nonlocal newest
        try:
            read, _ = read_checkpoint(line)
        except NotACheckpoint:
            return  # for whoever verifies
        newest = read.at
        needed.update(head.chain for head in read.heads if scope.holds(head.chain, read.since, read.at))

    chains = lines = 0
    signed = [each.name for each in _chains(api) if each.name.startswith(FOLDER)]
    for name in signed:
        lines += _copied(api, name, file, hear)
    chains += len(signed)
    for each in _chains(api):
        if not each.name.startswith(FOLDER) and (
            each.name in needed or scope.may_hold(each.name, each.grew_at, newest)
        ):
            lines += _copied(api, each.name, file)
            chains += 1
    file.write(end(chains, lines).encode())
    return chains, lines


def _chains(api: Api) -> Iterator[_Chain]:
    after: str | None = None
    while True:
        page = _page(api, after, 1000)
        yield from page.chains
        after = page.after
        if not after:
            return


def _page(api: Api, after: str | None, top: int) -> _Page:
    return understood(_Page, api.get("/api/audit/chains", top=top, after=after))


def _copied(api: Api, name: str, file: BinaryIO, hear: Callable[[bytes], Any] | None = None) -> int:
    """How many lines the chain has. `hear` is told of each, without its line end."""
    file.write(chain_line(name).encode())
    offset: int | None = 0
    lines, rest = 0, b""
    while offset is not None:
        part = understood(_Part, api.get("/api/audit/chain", name=name, offset=offset))
        raw, offset = part.text.encode("latin-1"), part.next
        file.write(raw)
        lines += raw.count(b"\n")
        if hear:
            *whole, rest = (rest + raw).split(b"\n")
            for line in whole:
                hear(line)
    return lines
