"""One request over TLS, to an address that was chosen before: nothing resolves the name again, and no proxy is asked.

The certificate has to be of the name. Everything, from the handshake to the last byte, ends by a deadline: then the
socket is shut down under whatever waits for it.
"""

import http.client
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer

from slipway.adapters.evidence.egress import Way
from slipway.adapters.evidence.faults import Unreachable
from slipway.adapters.once import once_per_process
from slipway.promotion.gates.answer import cut

CONNECT_S = 10.0
STALL_S = 15.0  # without a byte


class _Pinned(http.client.HTTPSConnection):
    """`end` may be called by another thread at any time."""

    def __init__(self, way: Way, context: ssl.SSLContext, connect_s: float) -> None:
        super().__init__(way.host, way.port, timeout=STALL_S, context=context)
        self._way, self._tls, self._connect_s = way, context, connect_s
        self._held: socket.socket | None = None
        self.is_over = False

    def connect(self) -> None:
        plain = socket.create_connection((self._way.address, self._way.port), self._connect_s)
        plain.settimeout(STALL_S)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self._way.host, do_handshake_on_connect=False)
        self._held = self.sock  # HTTPConnection gives its own up as soon as the answer has begun
        if self.is_over:
            raise TimeoutError
        self.sock.do_handshake()

    def end(self) -> None:
        self.is_over = True
        if self._held is not None:
            with suppress(OSError):
                # Not SSLSocket's own, which would forget its state under the thread that reads.
                socket.socket.shutdown(self._held, socket.SHUT_RDWR)


@contextmanager
def get(
    way: Way,
    target: str,
    headers: Mapping[str, str],
    ca_file: Path | None,
    deadline: float,
    body: bytes | None = None,
) -> Iterator[http.client.HTTPResponse]:
    """The answer, whose body is yet to be read; with a `body` of ours it is a POST. `deadline` is of `time.monotonic`.
    Raises Unreachable for whatever goes wrong within, in the caller's reading too."""
    left_s = deadline - time.monotonic()
    if left_s <= 0:
        raise Unreachable(f"{way.host} did not answer in time")
    connection = _Pinned(way, _context(ca_file), min(CONNECT_S, left_s))
    timer = Timer(left_s, connection.end)
    timer.daemon = True
    timer.start()
    try:
        own = {"accept-encoding": "identity", "connection": "close"}
        connection.request("GET" if body is None else "POST", target, body, {**own, **headers})
        yield connection.getresponse()
        if connection.is_over:  # a body without a length would look complete
            raise TimeoutError
    except (OSError, http.client.HTTPException, ValueError) as error:
        if connection.is_over:
            words = "did not answer in time"
        elif isinstance(error, TimeoutError):
            words = f"sent nothing for {STALL_S:g} s"
        else:
            words = f"does not answer well: {_in_short(error)}"
        raise Unreachable(f"{way.host} {words}") from error
    finally:
        timer.cancel()
        connection.close()


def _in_short(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({cut(error.verify_message)})"
    # A ValueError may hold a header that cannot be sent.
    return type(error).__name__ if isinstance(error, ValueError) else cut(f"{type(error).__name__}: {error}")


@once_per_process
def _context(ca_file: Path | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
