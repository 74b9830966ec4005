"""What azd's hooks say of a deployment, against a site on loopback that answers as told."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from infra.hooks import after_deploy, before_deploy
from tests.infra.built import for_backend

ROOT = Path(__file__).parents[2]
Reply = tuple[int, str]  # status and content type
Site = Callable[[str, dict[str, str]], Reply]

APPS_OWN = "application/problem+json"


@contextmanager
def a_site(answers: Site) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind = answers(self.path, {key.lower(): value for key, value in self.headers.items()})
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

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


def guarded(path: str, _headers: dict[str, str]) -> Reply:
    return (200, "application/json") if path == "/api/health" else (401, "text/html")


def found_at(site: Site, tries: int = 1) -> list[str]:
    with a_site(site) as url:
        return after_deploy.findings(url, lambda: None, tries)


def test_a_site_whose_platform_refuses_strangers_is_well() -> None:
    assert found_at(guarded) == []


def test_a_site_whose_app_does_the_refusing_is_not_guarded_by_the_platform() -> None:
    found = found_at(lambda path, _: (200, "application/json") if path == "/api/health" else (401, APPS_OWN))
    assert len(found) == 3 and all("not in force" in words for words in found)


def test_a_site_that_believes_a_forged_principal_is_to_be_stopped_at_once() -> None:
    asked = []

    def believing(path: str, headers: dict[str, str]) -> Reply:
        asked.append(path)
        return (200, "application/json") if "x-ms-client-principal" in headers else guarded(path, headers)

    found = found_at(believing, tries=10)
    assert len(found) == 1 and "forged principal was ANSWERED" in found[0]
    assert len(asked) == 4, "there is nothing to wait for"


def test_a_site_that_still_starts_is_asked_again() -> None:
    starting = iter([503] * 4)

    def slow(path: str, headers: dict[str, str]) -> Reply:
        status = next(starting, None)
        return (status, "text/html") if status else guarded(path, headers)

    assert found_at(slow, tries=3) == []


def test_a_site_that_never_comes_up_is_said_so() -> None:
    assert [words for words in found_at(lambda *_: (404, "text/html"), tries=2) if "404 instead of 401" in words]
    assert "no answer" in after_deploy.findings("http://127.0.0.1:9", lambda: None, 1)[0]


def test_an_ill_slipway_is_said_so_and_one_that_cannot_be_asked_is_not() -> None:
    assert "503" in found_at(lambda path, _: (503 if path == "/api/health" else 401, "text/html"))[0]
    assert found_at(lambda *_: (401, "text/html")) == []


def test_without_an_address_nothing_is_said_to_be_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLIPWAY_URL", raising=False)
    assert "SLIPWAY_URL" in str(after_deploy.main())


@pytest.mark.parametrize(("site", "code"), [(guarded, 0), (lambda *_: (200, "application/json"), 1)])
def test_a_deployment_fails_when_a_stranger_gets_in(site: Site, code: int) -> None:
    """As azd and the workflows run it: by its exit code."""
    with a_site(site) as url:
        script = [sys.executable, str(ROOT / "infra" / "hooks" / "after_deploy.py")]
        environment = {**os.environ, "SLIPWAY_URL": f"{url}/", "no_proxy": "127.0.0.1"}
        done = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == code
    assert ("strangers get 401" in done.stdout) is (code == 0)
    assert ("ANSWERED" in done.stderr) is (code == 1)


SHIPPED = json.loads((ROOT / "host.json").read_text())
HOSTS = {"scheduler": for_backend(SHIPPED, "scheduler"), "storage": for_backend(SHIPPED, "storage")}


def test_a_host_json_fits_its_own_backend_and_no_other() -> None:
    assert HOSTS[before_deploy.backend_of(SHIPPED)] == SHIPPED, "its storageProvider is one that nobody tried"
    assert {backend: before_deploy.disagreement(backend, host) for backend, host in HOSTS.items()} == {
        "scheduler": "",
        "storage": "",
    }
    assert "take storageProvider out" in before_deploy.disagreement("storage", HOSTS["scheduler"])
    assert "azureManaged" in before_deploy.disagreement("scheduler", HOSTS["storage"])


@pytest.mark.parametrize("backend", ["", "$(SLIPWAY_DURABLE_BACKEND)", "Storage"])
def test_a_backend_that_nobody_said_is_no_agreement(backend: str) -> None:
    """A variable that a pipeline does not have is empty on GitHub, and its own name in Azure Pipelines."""
    for host in HOSTS.values():
        assert "SLIPWAY_DURABLE_BACKEND is " in before_deploy.disagreement(backend, host)


@pytest.mark.parametrize(("backend", "packed"), [(one, other) for one in HOSTS for other in HOSTS])
def test_a_package_for_the_other_backend_is_not_deployed(backend: str, packed: str, tmp_path: Path) -> None:
    """As the workflows run it: by its exit code, and of the package that they have, whatever the checkout says."""
    package = tmp_path / "slipway.zip"
    with zipfile.ZipFile(package, "w") as written:
        written.writestr("host.json", json.dumps(HOSTS[packed]))
    script = [sys.executable, str(ROOT / "infra" / "hooks" / "before_deploy.py"), str(package)]
    environment = {**os.environ, "SLIPWAY_DURABLE_BACKEND": backend, "SLIPWAY_PRINCIPAL_ID": ""}
    done = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode == 0) is (backend == packed), done.stderr
    assert ("host.json" in done.stderr) is (backend != packed)


def test_azd_asks_the_host_json_that_it_packs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_PRINCIPAL_ID", "")
    shipped = before_deploy.backend_of(SHIPPED)
    for backend in HOSTS:
        monkeypatch.setenv("SLIPWAY_DURABLE_BACKEND", backend)
        assert (before_deploy.main(None) == 0) is (backend == shipped)


def test_new_rights_are_waited_for_once() -> None:
    values = {"SLIPWAY_PRINCIPAL_ID": "p1"}
    waited: list[float] = []
    for principal in ("p1", "p1", "p2"):
        values["SLIPWAY_PRINCIPAL_ID"] = principal
        before_deploy.wait_for_rights(values, waited.append, values.__setitem__)
    assert waited == [before_deploy.SPREADS_WITHIN_S] * 2
