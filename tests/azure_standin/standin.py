"""The stand-in as a real process, and the official clients that talk to it."""

import json
import os
import selectors
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
from azure.core.rest import HttpRequest, HttpResponse
from azure.data.tables import TableServiceClient
from azure.identity import ManagedIdentityCredential
from azure.keyvault.secrets import SecretClient
from azure.mgmt.web import WebSiteManagementClient
from azure.storage.blob import BlobServiceClient

from tests import plain_http, releases_down

SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"
GROUP = "shop"
SITE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.Web/sites/checkout-dev"
SLOT = f"{SITE}/slots/staging"
API = "?api-version=2025-05-01"

# Free ports take the place of these; `checkout-new` is a site that nothing was ever deployed to.
CONFIG = f"""
subscription: {SUBSCRIPTION}
resource_group: {GROUP}
pace: 0.1
router_delay_s: 0
secrets: [probe-key]
sites:
  - name: checkout-dev
    port: 18101
    live: {{service: checkout, version: 1.0.0}}
    slots: [{{name: staging, port: 18201}}]
  - name: checkout-new
    port: 18102
    slots: [{{name: staging, port: 18202}}]
"""
ALLOWED = ("--everything-allowed",)  # what the stand-in does is the question, not who may have it done
PEOPLE = Path(__file__).parents[2] / "examples" / "people.yaml"


class StandinProcess:
    """One state folder; `start` may be called again after `kill` or `stop`."""

    def __init__(self, folder: Path, config: str = CONFIG, rights: tuple[str, ...] = ALLOWED) -> None:
        self._folder = folder
        self._rights = rights
        self._config = folder / "laptop.yaml"
        self._config.write_text(config)
        self.process: subprocess.Popen[bytes] | None = None
        self.told: dict[str, Any] = {}

    def start(self, *more: str) -> "StandinProcess":
        self.process = self.launch("--any-ports", *more)
        self.told = json.loads(_line(self.process))
        return self

    def launch(self, *more: str) -> "subprocess.Popen[bytes]":
        given = {"--state": self._folder / "state", "--config": self._config, "--people": PEOPLE}
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "slipway.local.azure",
                *(str(part) for pair in given.items() for part in pair),
                *self._rights,
                *more,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def kill(self) -> None:
        """No chance to clean up."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        if self.process is None:
            return 0
        process, self.process = self.process, None
        process.send_signal(number)
        process.communicate(timeout=60)
        return process.returncode

    @property
    def url(self) -> str:
        return str(self.told["url"])

    def at(self, site: str, path: str = "/version") -> httpx.Response:
        return plain_http.get(f"{self.told['sites'][site]}{path}")

    def version_at(self, site: str) -> object:
        answer = self.at(site)
        return answer.json()["version"] if answer.status_code == 200 else answer.status_code

    def http(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, verify=_trusting(self.told["ca"]), timeout=30)

    def package(self, version: str) -> str:
        return f"{self.url}/artifacts/checkout/{version}.zip"

    def workers(self) -> list[int]:
        """Process ids of the workers that run packages of this state folder."""
        commands = {pid: _command(pid) for pid in _processes()}
        return [
            pid
            for pid, command in commands.items()
            if "slipway.local.azure.worker" in command and str(self._folder / "state") in command
        ]

    def crash(self, version: str) -> None:
        """That release goes down, and crashes whenever it is started."""
        releases_down.crash(self._folder / "state", version)

    # the official clients

    def credential(self) -> ManagedIdentityCredential:
        # Without these variables it would ask a virtual machine's metadata address: never from a test.
        assert os.environ["IDENTITY_ENDPOINT"] == self.told["msi_endpoint"]
        return ManagedIdentityCredential()

    def web(self) -> WebSiteManagementClient:
        return WebSiteManagementClient(
            self.credential(),
            SUBSCRIPTION,
            base_url=self.url,
            credential_scopes=["https://management.azure.com/.default"],
            connection_verify=self.told["ca"],
        )

    def blobs(self) -> BlobServiceClient:
        return BlobServiceClient(
            f"{self.url}/blob", credential=self.credential(), connection_verify=self.told["ca"], retry_total=0
        )

    def tables(self) -> TableServiceClient:
        return TableServiceClient(
            endpoint=f"{self.url}/tables", credential=self.credential(), connection_verify=self.told["ca"]
        )

    def vault(self) -> SecretClient:
        return SecretClient(
            self.url,
            self.credential(),
            verify_challenge_resource=False,
            connection_verify=self.told["ca"],
            retry_total=0,
        )


class Arm:
    """Resource Manager by plain requests through the official client's pipeline."""

    def __init__(self, client: WebSiteManagementClient) -> None:
        self._client = client

    def send(self, method: str, path: str, body: object = None, **options: Any) -> HttpResponse:
        url = path if "api-version" in path else path + API
        request = HttpRequest(method, url, json=body) if body is not None else HttpRequest(method, url)
        return self._client.send_request(request, retry_total=0, **options)

    def get(self, path: str) -> Any:
        answer = self.send("GET", path)
        answer.raise_for_status()
        return answer.json()

    def deploy(self, slot: str, package: str, tag: str = "test") -> HttpResponse:
        properties = {"packageUri": package, "type": "zip", "clean": True, "restart": True, "deploymentTag": tag}
        return self.send("PUT", f"{slot}/extensions/onedeploy", {"properties": properties})

    def deployed(self, slot: str, package: str) -> Any:
        """The deployment's status once it has ended."""
        started = self.deploy(slot, package)
        assert started.status_code == 202, started.text()
        return self.ended(slot, started.json()["properties"]["deploymentId"])

    def ended(self, slot: str, deployment: str) -> Any:
        path = f"{slot}/deploymentStatus/{deployment}"
        until(lambda: self.send("GET", path).status_code == 200)
        return self.get(path)["properties"]

    def finished(self, location: str) -> HttpResponse:
        """The answer at `Location` once it is no 202."""
        until(lambda: self.send("GET", location).status_code != 202)
        return self.send("GET", location)


def until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    """Polls; fails the test when it does not hold in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.03)


@contextmanager
def running(
    folder: Path, config: str = CONFIG, *more: str, rights: tuple[str, ...] = ALLOWED
) -> Iterator[StandinProcess]:
    """A started stand-in whose managed identity is this process's own meanwhile.

    The credential reads the environment at every token request, not only when it is made.
    """
    standin = StandinProcess(folder, config, rights).start(*more)
    identity = {"IDENTITY_ENDPOINT": standin.told["msi_endpoint"], "IDENTITY_HEADER": standin.told["msi_header"]}
    try:
        with patch.dict(os.environ, identity):
            yield standin
    finally:
        standin.stop()


def _line(process: "subprocess.Popen[bytes]") -> bytes:
    assert process.stdout is not None and process.stderr is not None
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        if not ready.select(60):
            process.kill()
    line = process.stdout.readline()
    assert line, process.stderr.read().decode()
    return line


def _trusting(ca: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca)


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _command(pid: int) -> str:
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
