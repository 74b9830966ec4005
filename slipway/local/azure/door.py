"""The way to one worker process: HTTP/1.1 over connections that stay open.

It asks our own worker and nobody else, which answers every request with a Content-Length: what a general client must
also be ready for costs more than the request itself, and a proxy shares two cores with its load.
"""

import asyncio
from dataclasses import dataclass

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]
LARGEST_HEAD = 64 * 1024


class Unanswered(Exception):
    """The process ended, or cut the connection."""


@dataclass(frozen=True, slots=True)
class Reply:
    """`headers` as they came, without the end of the line."""

    status: int
    reason: str
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Door:
    """One process on its `port`. A connection is used by one request at a time, and kept for the next."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._free: list[Stream] = []

    async def ask(self, method: str, head: bytes, body: bytes) -> Reply:
        """Send a request whose `head` is whole, down to its empty line. Raises Unanswered."""
        try:
            stream = self._kept() or await self._connect()
        except OSError as error:
            raise Unanswered from error
        reader, writer = stream
        try:
            writer.write(head + body if body else head)
            reply, stays_open = await _read_reply(reader, method)
        except (OSError, EOFError, asyncio.LimitOverrunError, ValueError) as error:
            writer.close()
            raise Unanswered from error
        except asyncio.CancelledError:
            writer.close()  # its answer is still to come, and not the next one's
            raise
        if stays_open:
            self._free.append(stream)
        else:
            writer.close()
        return reply

    def close(self) -> None:
        for _, writer in self._free:
            writer.close()
        self._free.clear()

    def _kept(self) -> Stream | None:
        """A connection from before that the other side has not closed meanwhile."""
        while self._free:
            stream = self._free.pop()
            if not stream[0].at_eof():
                return stream
            stream[1].close()
        return None

    async def _connect(self) -> Stream:
        return await asyncio.open_connection("127.0.0.1", self.port, limit=LARGEST_HEAD)


async def _read_reply(reader: asyncio.StreamReader, method: str) -> tuple[Reply, bool]:
    """The answer, and whether the connection stays open after it (RFC 9112 §9.3)."""
    status_line, *lines = (await reader.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
    _, status, reason = status_line.split(b" ", 2)
    headers, length, stays_open = [], 0, True
    for line in lines:
        name, _, value = line.partition(b":")
        value = value.strip()
        headers.append((name, value))
        match name.lower():
            case b"content-length":
                length = int(value)
            case b"connection":
                stays_open = value.lower() != b"close"
    body = await reader.readexactly(length) if length and method != "HEAD" else b""
    return Reply(int(status), reason.decode("latin-1"), headers, body), stays_open
