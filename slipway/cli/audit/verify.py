"""`slipway audit verify`: an exported trail, held against itself and its signatures. No server, no Azure."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import httpx
import typer
from rich.console import Group
from rich.text import Text

from slipway.cli.audit.options import Keys, keys_in
from slipway.cli.connection import LOOPBACK, http_client
from slipway.cli.failure import ExitCode, Failure
from slipway.cli.options import AsJson
from slipway.cli.printing import answer, clean
from slipway.promotion.audit_chain import OnRecord
from slipway.promotion.audit_file import verify_file
from slipway.promotion.audit_findings import Verified
from slipway.promotion.audit_line import LONGEST
from slipway.promotion.errors import SlipwayError

LARGEST = 8 * 1024**3  # bytes of a file that is fetched
WITHIN_S = 900.0
SHOWN = 20


def verify(
    file: Annotated[str, typer.Argument(metavar="FILE|URL|-", help="What `slipway audit export` wrote.")],
    key: Keys = None,
    as_json: AsJson = False,
) -> None:
    """Verify an exported audit trail offline: that nothing in it was altered, removed or put in another order.

    Exit 0: whole. 1: it is not, and the first record that shows it is named for each chain. 2: it cannot be read.
    """
    verified = verify_at(file, key)
    answer(document_of(verified), Group(*lines_about(verified)), as_json)
    if not verified.intact:
        raise typer.Exit(ExitCode.REFUSED)


def verify_at(place: str, key: Path | None, on_record: OnRecord | None = None) -> Verified:
    """What comes of it. Raises Failure (usage) for what cannot be read."""
    keys = keys_in(key)
    try:
        with _opened(place) as lines:
            return verify_file(lines, keys, on_record)
    except SlipwayError as error:
        raise Failure(error.code, error.words, ExitCode.USAGE) from error
    except OSError as error:
        raise Failure("USAGE", f"{place} cannot be read: {error}", ExitCode.USAGE) from error


def document_of(verified: Verified) -> dict[str, Any]:
    """For a script."""
    told = {name: value for name, value in vars(verified).items() if name not in ("newest", "findings")}
    newest = {"number": verified.newest.number, "at": verified.newest.at} if verified.newest else None
    return {
        "intact": verified.intact,
        "findings": [asdict(each) for each in verified.findings],
        **told,
        "newest": newest,
    }


def lines_about(verified: Verified) -> Iterator[Text]:
    """For a person."""
    counted = f"{verified.records:,} records in {verified.chains:,} chains, {verified.checkpoints:,} checkpoints"
    if verified.intact:
        yield Text(f"✓ whole: {counted}", "green")
    else:
        yield Text(f"✗ not whole: {counted}", "red")
    for finding in verified.findings[:SHOWN]:
        yield Text(f"  {clean(str(finding))}")
    if len(verified.findings) > SHOWN:
        yield Text(f"  and {len(verified.findings) - SHOWN} more")
    if verified.newest:
        yield Text(f"  signed up to {verified.newest.at}, checkpoint {verified.newest.number}", "dim")
    if verified.unsigned:
        yield Text(f"  {verified.unsigned} records came later, and only follow each other: no signature is on them yet")
    for each in verified.thumbprints:
        yield Text(f"  key {each}" + (", one of yours" if verified.pinned else ""), "dim")
    if not verified.pinned:
        yield Text("  nobody vouches for the key: it is the file's own; name the one you trust with --key", "yellow")


@contextmanager
def _opened(place: str) -> Iterator[Iterator[bytes]]:
    if "://" in place:
        with _fetched(place) as lines:
            yield lines
    elif place == "-":
        yield iter(partial(sys.stdin.buffer.readline, LONGEST + 2), b"")
    else:
        with Path(place).open("rb", buffering=1024 * 1024) as file:
            yield iter(partial(file.readline, LONGEST + 2), b"")


@contextmanager
def _fetched(url: str) -> Iterator[Iterator[bytes]]:
    """The lines at an address: no redirects, no more bytes and no longer than is reasonable. Raises Failure."""
    asked = urlsplit(url)
    if asked.scheme != "https" and not (asked.scheme == "http" and asked.hostname in LOOPBACK):
        raise Failure("USAGE", f"an audit trail is fetched over https, not from {url}", ExitCode.USAGE)
    try:
        with http_client(None, url) as http, http.stream("GET", url) as answered:
            if answered.status_code != 200:
                words = f"{url} answers {answered.status_code} {answered.reason_phrase}"
                raise Failure("USAGE", words, ExitCode.USAGE)
            yield _lines_of(answered, url)
    except httpx.HTTPError as error:
        raise Failure("USAGE", f"{url} cannot be fetched: {error}", ExitCode.USAGE) from error


def _lines_of(answered: httpx.Response, url: str) -> Iterator[bytes]:
    began, size, rest = time.monotonic(), 0, b""
    for part in answered.iter_bytes():
        size += len(part)
        if size > LARGEST or time.monotonic() - began > WITHIN_S:
            words = f"{url} does not end: after {size} bytes it is given up"
            raise Failure("USAGE", words, ExitCode.USAGE)
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            yield line + b"\n"
        if len(rest) > LONGEST + 2:
            yield rest
            rest = b""
    if rest:
        yield rest
