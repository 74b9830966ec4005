"""A real TLS server on loopback that answers each path as a test says, byte by byte where it must."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import trustme

Send = Callable[[bytes], None]
Answer = Callable[[Send], None]


def whole(body: bytes, status: str = "200 OK", **headers: str) -> Answer:
    """An answer with a length."""
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return lambda send: send("\r\n".join([*lines, "", ""]).encode() + body)


def sent_on(location: str) -> Answer:
    return whole(b"", "302 Found", Location=location)


@dataclass
class Server:
    """`answers` by path, `heard` are the requests so far, as text."""

    port: int
    ca: Path
    answers: dict[str, Answer] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)

    def url(self, path: str, host: str = "localhost") -> str:
        return f"https://{host}:{self.port}{path}"


@contextmanager
def evidence_server(folder: Path, *names: str) -> Iterator[Server]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", "127.0.0.1", *names).configure_cert(tls)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Server(listening.getsockname()[1], folder / "ca.pem")
        listener = threading.Thread(target=_listen, args=(listening, tls, server), daemon=True)
        listener.start()
        yield server


def _listen(listening: socket.socket, tls: ssl.SSLContext, server: Server) -> None:
    with suppress(OSError):  # that the test is over
        while True:
            plain, _ = listening.accept()
            threading.Thread(target=_serve, args=(plain, tls, server), daemon=True).start()


def _serve(plain: socket.socket, tls: ssl.SSLContext, server: Server) -> None:
    with suppress(OSError), tls.wrap_socket(plain, server_side=True) as connection:
        request = b""
        while b"\r\n\r\n" not in request and (piece := connection.recv(4096)):
            request += piece
        server.heard.append(request.decode())
        path = request.split(b" ")[1].decode() if b" " in request else "/"
        answer = server.answers.get(path, whole(b"", "404 Not Found"))
        answer(connection.sendall)
