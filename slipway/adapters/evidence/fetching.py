"""A piece of evidence as a file: fetched within limits, hashed as it comes, unpacked."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPResponse, IncompleteRead
from typing import BinaryIO
from urllib.parse import SplitResult, urljoin, urlsplit

from slipway.adapters.azure_errors import explained
from slipway.adapters.credentials import credential
from slipway.adapters.evidence.connection import get
from slipway.adapters.evidence.egress import HTTPS, Resolve, Way, way_to
from slipway.adapters.evidence.faults import Altered, Missing, NotAllowed, Unreachable
from slipway.adapters.evidence.unpacking import unpacked
from slipway.adapters.secrets import Secrets, sendable
from slipway.promotion.errors import SlipwayError
from slipway.promotion.gates.answer import cut
from slipway.promotion.gates.evidence import Evidence
from slipway.promotion.gates.reading import TooLarge, Unreadable
from slipway.settings import Settings

WITHIN_S = 60.0
MOST_REDIRECTS = 3
_PIECE = 256 * 1024
_STORAGE_SCOPE = "https://storage.azure.com/.default"
_BLOB_VERSION = "2024-11-04"


@dataclass(frozen=True)
class Fetched:
    """`read` is what a judge reads; `digest` (`sha256:…`) is of the file as it lay there, before it was unpacked."""

    read: BinaryIO
    digest: str


@contextmanager
def fetched(
    evidence: Evidence,
    settings: Settings,
    *,
    resolve: Resolve | None = None,
    within_s: float = WITHIN_S,
) -> Iterator[Fetched]:
    """Raises SlipwayError: EVIDENCE_MISSING, EVIDENCE_NOT_ALLOWED, EVIDENCE_TOO_LARGE, EVIDENCE_ALTERED,
    EVIDENCE_UNREADABLE; Unreachable when it may come by itself."""
    most = settings.evidence_bytes
    with tempfile.TemporaryFile() as file:
        if evidence.url:
            found = _fetch(evidence.url, file, most, _Asking(settings, resolve, within_s))
        else:
            found = _Hashed(evidence.name, most)
            found.take(evidence.inline.encode(), file)
        digest = found.digest.hexdigest()
        if evidence.sha256 and digest != evidence.sha256:
            words = f"{evidence.name} has the SHA-256 {digest}, and the build says {cut(evidence.sha256, 64)}"
            raise Altered(words)
        file.flush()
        read = unpacked(file, found.size, most)
        with read:
            yield Fetched(read, f"sha256:{digest}")


class _Hashed:
    """Counts and hashes what comes, and refuses more than `most` bytes."""

    def __init__(self, what: str, most: int) -> None:
        self.what, self.most, self.size, self.digest = what, most, 0, sha256()

    def take(self, piece: bytes, into: BinaryIO) -> None:
        self.size += len(piece)
        if self.size > self.most:
            raise TooLarge(f"{self.what} is larger than {self.most:,} bytes")
        self.digest.update(piece)
        into.write(piece)


@dataclass(frozen=True)
class _Asking:
    settings: Settings
    resolve: Resolve | None
    within_s: float

    def way(self, url: SplitResult) -> Way:
        if url.scheme != "https" or not url.hostname or url.username is not None:
            raise NotAllowed("evidence is fetched from an https address, without a user in it")
        try:
            port = url.port or HTTPS
        except ValueError as error:
            raise NotAllowed(f"{cut(url.hostname)} with a port that there cannot be") from error
        return way_to(url.hostname, port, self.settings.evidence_hosts, self.resolve)

    def headers_to(self, way: Way, first: bool) -> dict[str, str]:
        """Our identity and secrets go to whom the list names, when the build names it: whoever a redirect names is
        sent nothing. Raises what `Secrets.read` raises, and AzureProblem."""
        if not first:
            return {}
        if way.blob:
            with explained():
                token = credential(self.settings.client_id).get_token(_STORAGE_SCOPE).token
            return {"authorization": f"Bearer {token}", "x-ms-version": _BLOB_VERSION}
        return {"authorization": sendable(way.secret, Secrets(self.settings).read(way.secret))} if way.secret else {}


def _fetch(url: str, file: BinaryIO, most: int, asking: _Asking) -> _Hashed:
    deadline = time.monotonic() + asking.within_s
    for turn in range(MOST_REDIRECTS + 1):
        parts = _split(url)
        way = asking.way(parts)
        target = parts.path or "/"
        target = f"{target}?{parts.query}" if parts.query else target
        headers = asking.headers_to(way, first=turn == 0)
        with get(way, target, headers, asking.settings.ca_file, deadline) as response:
            if response.status == 200:
                return _read(response, file, most, way.host)
            onward = response.headers.get("location", "")
            if response.status not in (301, 302, 303, 307, 308) or not onward:
                raise _refusal(response.status, way.host, response.headers.get("retry-after", ""))
        url = _onward(url, onward)
    raise NotAllowed(f"{cut(urlsplit(url).hostname or '')} sends on more than {MOST_REDIRECTS} times")


def _split(url: str) -> SplitResult:
    """What is in it stays out of our words: it may be signed."""
    if not url.isascii() or not url.isprintable() or " " in url:
        raise NotAllowed("an address with a character that has to be escaped")
    try:
        return urlsplit(url)
    except ValueError as error:
        raise NotAllowed("an address that cannot be read") from error


def _onward(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise NotAllowed("a redirect to an address that cannot be read") from error


def _read(response: HTTPResponse, file: BinaryIO, most: int, host: str) -> _Hashed:
    """Raises TooLarge, and IncompleteRead for a body that ends before its announced length."""
    found = _Hashed(f"what {host} sends", most)
    announced = response.length
    if announced is not None and announced > most:
        raise TooLarge(f"{host} has {announced:,} bytes for us; at most {most:,} are read")
    while piece := response.read1(_PIECE):
        found.take(piece, file)
    if announced is not None and found.size < announced:
        raise IncompleteRead(b"", announced - found.size)
    return found


def _refusal(status: int, host: str, retry_after: str) -> SlipwayError:
    words = f"{host} answers {status}"
    if status in (404, 410):
        return Missing(f"{words}: nothing is there; put the evidence there, or add another address")
    if status in (401, 403):
        return NotAllowed(f"{words}: our identity, or the header that the pipeline names, may not read it")
    if status in (408, 425, 429) or status >= 500:
        after_s = float(retry_after) if retry_after.isdigit() and len(retry_after) < 5 else 0.0
        return Unreachable(words, after_s)
    return Unreadable(f"{words} in place of the evidence")
