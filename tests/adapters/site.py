"""A small real HTTP server on loopback, with or without TLS, whose answers a test chooses."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Page = tuple[int, bytes]


@contextmanager
def a_site(answer: Callable[[str], Page], tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve `answer(path)`, whatever the query, and yield the server's address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body = answer(self.path.partition("?")[0])
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "/healthy")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: object) -> None: ...  # a client that gave up is no error of ours

    server = Server(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://localhost:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def a_release(version: str, health: int = 200, slow_s: float = 0.0) -> Callable[[str], Page]:
    """Answers of a release: `/version`, and `health` for everything else, after `slow_s`."""

    def answer(path: str) -> Page:
        if path == "/version":
            return 200, b'{"service": "checkout", "version": "%s"}' % version.encode()
        time.sleep(slow_s)
        return health, b"{}"

    return answer
