"""How a package gets to the site without azd: as it is, and until it is in force; against a site on loopback."""

import io
import json
import os
import socket
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from infra import publish
from slipway.local.azure.authority import Authority, open_authority
from slipway.local.azure.state import StateFolder
from tests.infra.built import for_backend

SHIPPED = json.loads((Path(__file__).parents[2] / "host.json").read_text())


def a_package(host: dict[str, Any]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as written:
        written.writestr("host.json", json.dumps(host))
    return packed.getvalue()


PACKAGE = a_package(for_backend(SHIPPED, "scheduler"))
DONE = (200, {"status": publish.SUCCESS})
UNDER_WAY = (200, {"status": 1})
GONE = (404, {})
ILL = (503, {})
NO_ANSWER = (0, {})  # the connection is closed
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
def served(site: Site, authority: Authority | None = None) -> Iterator[str]:
    """By http; by https with an authority."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            status, said = site.answer(self.command, self.path, self.headers.get("Authorization"), body)
            text = said if isinstance(said, bytes) else json.dumps(said).encode()
            if not status:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if authority is not None:
        server.socket = authority.server_context().wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http{'s' if authority else ''}://127.0.0.1:{server.server_port}"
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
    site = Site(UNDER_WAY, GONE)
    published_to(site)
    assert len(site.asked) == 1 + 1 + publish.SAYS_NOTHING + 1, "the first 404s say nothing"


def test_a_deployment_that_is_unknown_for_a_moment_is_waited_for() -> None:
    """And it is not taken for done: here it fails after that."""
    failed = (200, {"status": 3, "status_text": "no host.json"})
    with pytest.raises(publish.NotPublished, match=r"failed: no host\.json"):
        published_to(Site(UNDER_WAY, *[GONE] * publish.SAYS_NOTHING, failed))


def test_a_site_that_starts_anew_is_asked_again() -> None:
    site = Site(ILL, UNDER_WAY, NO_ANSWER, NO_ANSWER, ILL, DONE)
    published_to(site)
    assert len(site.asked) == 7


@pytest.mark.parametrize(
    ("site", "said"),
    [
        (Site(DONE, takes=(403, "no right")), 'answers 403: "no right"'),
        (Site(DONE, takes=NO_ANSWER), "does not answer: "),
        (Site(DONE, takes=(202, {})), "names no deployment"),
        (Site(DONE, takes=(202, b"<html>")), "no JSON: it answers 202: <html>"),
        (Site((200, {"status": 3, "status_text": "no host.json"})), "failed: no host.json"),
        (Site((200, {"status": 5})), "another deployment"),
        (Site((200, {"status": 9})), r"not known here \(9\)"),
        (Site((200, {})), r"not known here \(None\)"),
        (Site((200, b"<html>")), "no JSON"),
        (Site(UNDER_WAY, (401, {})), "answers 401"),
        (Site(UNDER_WAY, (500, {})), "answers 500"),
        (Site(UNDER_WAY, NO_ANSWER), "does not answer: "),
        (Site(UNDER_WAY), "did not end in time"),
        (Site(GONE), "did not end in time"),
    ],
)
def test_a_package_that_is_not_in_force_is_no_success(site: Site, said: str) -> None:
    with pytest.raises(publish.NotPublished, match=said):
        published_to(site, tries=publish.BORNE + 9)


def test_where_nobody_listens_is_said() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(publish.NotPublished, match=r"does not answer: .*refused"):
            publish.publish(f"http://127.0.0.1:{nobody.getsockname()[1]}", "t0ken", PACKAGE, lambda: None, 1)


# What `az` answers: a script that writes down what it is asked, and has `shown` for the site.
AZ = """#!/bin/sh
echo "$@" >> "$FOLDER/asked"
if [ -f "$FOLDER/refusal" ]; then cat "$FOLDER/refusal" >&2; exit 3; fi
case "$1" in
  functionapp) cat "$FOLDER/shown" ;;
  account) echo '{"accessToken": "t0ken", "tokenType": "Bearer"}' ;;
esac
"""
Shape = Callable[[list[dict[str, str]]], dict[str, object]]
AS_RESOURCE_MANAGER_HAS_IT: Shape = lambda states: {"name": "slip", "properties": {"hostNameSslStates": states}}  # noqa: E731
LAID_OPEN: Shape = lambda states: {"name": "slip", "hostNameSslStates": states}  # noqa: E731
SHAPES = pytest.mark.parametrize("shape", [AS_RESOURCE_MANAGER_HAS_IT, LAID_OPEN], ids=["flex", "laid-open"])


@pytest.fixture
def az(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the `az` that is found first; sh and cat are found behind it."""
    folder = tmp_path / "az"
    folder.mkdir()
    (folder / "az").write_text(AZ)
    (folder / "az").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("FOLDER", str(folder))
    return folder


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """It lies where the command line that the page shows, and `--package` after it, says."""
    file = tmp_path / "slipway.zip"
    file.write_bytes(PACKAGE)
    line = ["publish.py", "--resource-group", "rg-slipway-prod", "--site", "slip", "--backend", "scheduler"]
    monkeypatch.setattr("sys.argv", [*line, "--package", str(file)])
    return file


def states_of(address: str) -> list[dict[str, str]]:
    """Two hosts of one site; the one for deployments is at `address`."""
    return [
        {"name": "slip.azurewebsites.net", "hostType": "Standard"},
        {"name": address.partition("://")[2], "hostType": "Repository"},
    ]


@SHAPES
def test_the_command_sends_the_package_to_the_host_for_deployments_with_a_token_of_az(
    shape: Shape,
    az: Path,
    package: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    authority = open_authority(StateFolder(tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    site = Site(DONE)
    with served(site, authority) as url:
        (az / "shown").write_text(json.dumps(shape(states_of(url))))
        assert publish.main() == 0
    assert site.received == PACKAGE
    assert {token for _, _, token in site.asked} == {"Bearer t0ken"}
    assert (az / "asked").read_text().splitlines() == [
        "functionapp show --resource-group rg-slipway-prod --name slip --output json",
        "account get-access-token --resource https://management.azure.com --output json",
    ]
    assert capsys.readouterr().out == "slipway.zip is deployed to slip\n"


@SHAPES
def test_a_site_that_names_no_host_for_deployments_is_said(shape: Shape, az: Path, package: Path) -> None:
    (az / "shown").write_text(json.dumps(shape([{"name": "slip.azurewebsites.net", "hostType": "Standard"}])))
    assert "names no host of the type Repository for slip" in str(publish.main())


def test_a_site_that_is_not_there_is_said(az: Path, package: Path) -> None:
    (az / "shown").write_text("")
    assert "az functionapp show finds nothing" in str(publish.main())


def test_a_refusal_of_az_is_said_in_its_words(az: Path, package: Path) -> None:
    (az / "refusal").write_text("ERROR: Please run 'az login' to setup account.\n")
    assert publish.main() == "az functionapp show: ERROR: Please run 'az login' to setup account."


def test_a_package_for_the_other_backend_is_not_sent(az: Path, package: Path) -> None:
    package.write_bytes(a_package(for_backend(SHIPPED, "storage")))
    assert "host.json has no storageProvider" in str(publish.main())
    assert not (az / "asked").exists()


def test_without_az_it_says_what_to_install(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert publish.main() == "az is not there: install the Azure CLI, then az login"


def test_a_package_that_was_not_made_is_asked_for_before_anything_else(az: Path, package: Path) -> None:
    package.unlink()
    assert publish.main() == f"{package} is not there: make package"
    assert not (az / "asked").exists()
