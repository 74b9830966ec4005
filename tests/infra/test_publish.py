"""How a package gets to the site without azd: as it is, and until it is in force; against a site on loopback."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from infra import publish

PACKAGE = b"the bytes of a package"
DONE = (200, {"status": publish.SUCCESS})
UNDER_WAY = (200, {"status": 1})
GONE = (404, {})
Reply = tuple[int, object]


class Site:
    """Takes a package (`takes`), then answers how far it is with `answers`, the last of them again and again."""

    def __init__(self, *answers: Reply, takes: Reply = (202, "d1")) -> None:
        self.answers, self.takes = list(answers), takes
        self.asked: list[tuple[str, str, str | None]] = []
        self.received = b""

    def answer(self, method: str, path: str, token: str | None, body: bytes) -> Reply:
        self.asked.append((method, path, token))
        if method == "POST":
            self.received = body
            return self.takes
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def served(site: Site) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            status, said = site.answer(self.command, self.path, self.headers.get("Authorization"), body)
            text = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def published_to(site: Site, tries: int = 9) -> None:
    with served(site) as url:
        publish.publish(url, "t0ken", PACKAGE, lambda: None, tries)


def test_the_package_arrives_as_it_is_and_is_not_built_anew() -> None:
    site = Site(GONE, UNDER_WAY, DONE)  # a deployment that has only begun is not known yet
    published_to(site)
    assert site.received == PACKAGE
    assert site.asked[0] == ("POST", "/api/publish?RemoteBuild=false", "Bearer t0ken")
    assert site.asked[1:] == [("GET", "/api/deployments/d1", "Bearer t0ken")] * 3


def test_a_deployment_that_is_put_away_when_it_is_done_is_done() -> None:
    published_to(Site(UNDER_WAY, GONE))


@pytest.mark.parametrize(
    ("site", "said"),
    [
        (Site(DONE, takes=(403, "no right")), "answers 403"),
        (Site((200, {"status": 3, "status_text": "no host.json"})), "failed: no host.json"),
        (Site((200, {"status": 5})), "another deployment"),
        (Site(UNDER_WAY, (500, {})), "answers 500"),
        (Site(UNDER_WAY), "did not end in time"),
        (Site(GONE), "did not end in time"),
    ],
)
def test_a_package_that_is_not_in_force_is_no_success(site: Site, said: str) -> None:
    with pytest.raises(publish.NotPublished, match=said):
        published_to(site)
