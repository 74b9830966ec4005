"""The stand-in and the broker as real processes, one of each for all tests of this folder."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from slipway.adapters.app_service.arm import Arm
from slipway.promotion.outcomes import Answer
from slipway.promotion.plan import Target
from slipway.settings import Settings

SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"
SITES = ("deploys", "repeats", "crashes", "lost", "swaps", "held", "plain")
BUS = {
    "Queues": [{"Name": "builds"}, {"Name": "builds-rejected"}],
    "Topics": [{"Name": "promotions", "Subscriptions": [{"Name": "audit"}]}],
}


@dataclass(frozen=True)
class Running:
    """A process of the laptop and what it said when it was ready."""

    process: "subprocess.Popen[str]"
    ready: dict[str, Any]


@dataclass(frozen=True)
class AzureStandin:
    settings: Settings
    url: str

    def fault(self, method: str, path: str, times: int = 1, **how: Any) -> None:
        """Misbehave `times` times: `drop="before"|"after"` or `answer={"status": …}`."""
        self._faults("POST", {"match": {"method": method, "path_contains": path}, "times": times, **how})

    def forget_faults(self) -> None:
        self._faults("DELETE", None)

    def target(self, site: str) -> Target:
        resource = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.Web/sites/{site}"
        return Target(site, "app-service", resource, "staging")

    def package(self, version: str) -> str:
        return f"{self.url}/artifacts/checkout/{version}.zip"

    def deployments(self, site: str) -> list[dict[str, Any]]:
        """What the stand-in has carried out on the slot, whoever asked for it."""
        path = f"{self.target(site).resource}/slots/staging/deployments"
        value: list[dict[str, Any]] = Arm(self.settings, SUBSCRIPTION).get(path).body["value"]
        return value

    def _faults(self, method: str, body: dict[str, Any] | None) -> None:
        ca = str(self.settings.ca_file)
        requests.request(method, f"{self.url}/standin/faults", json=body, verify=ca, timeout=5).raise_for_status()


@pytest.fixture(scope="session")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("azure")
    live = {"service": "checkout", "version": "1.0.0"}
    sites = [
        {"name": name, "port": 1 + n, "live": live, "slots": [{"name": "staging", "port": 101 + n}]}
        for n, name in enumerate(SITES)
    ]
    config = {"subscription": SUBSCRIPTION, "resource_group": "shop", "sites": sites, "pace": 0.1}
    (folder / "laptop.yaml").write_text(yaml.safe_dump(config))
    people = Path(__file__).parents[2] / "examples" / "people.yaml"
    arguments = ["--config", str(folder / "laptop.yaml"), "--people", str(people), "--any-ports"]
    with_state = ["slipway.local.azure", "--state", str(folder / "state"), *arguments]
    yield from _run(with_state)


@pytest.fixture(scope="session")
def azure(standin: Running) -> Iterator[AzureStandin]:
    identity = {"IDENTITY_ENDPOINT": standin.ready["msi_endpoint"], "IDENTITY_HEADER": standin.ready["msi_header"]}
    before = {name: os.environ.get(name) for name in identity}
    os.environ.update(identity)
    url = standin.ready["url"]
    yield AzureStandin(
        Settings(
            tables_endpoint=f"{url}/tables",
            blobs_endpoint=f"{url}/blob",
            arm_endpoint=url,
            vault=url,
            ca_file=Path(standin.ready["ca"]),
            site_scheme="http",
        ),
        url,
    )
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


@pytest.fixture(autouse=True)
def _no_fault_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "azure" in request.fixturenames:
        request.getfixturevalue("azure").forget_faults()


@pytest.fixture(scope="session")
def broker(azure: AzureStandin, standin: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    yield from run_broker(tmp_path_factory.mktemp("broker"), standin)


def run_broker(folder: Path, standin: Running, *ports: str) -> Iterator[Running]:
    config = {"UserConfig": {"Namespaces": [{"Name": "sbemulatorns", **BUS}], "Logging": {"Type": "Console"}}}
    (folder / "config.json").write_text(json.dumps(config))
    files = ["--config", str(folder / "config.json"), "--state", str(folder / "bus.sqlite")]
    yield from _run(["slipway.local.servicebus", *files, "--cert", standin.ready["cert"], *ports])


@pytest.fixture
def until_ended() -> Callable[[Callable[[Answer], Answer], Answer], Answer]:
    def follow(poll: Callable[[Answer], Answer], answer: Answer, within_s: float = 20.0) -> Answer:
        deadline = time.monotonic() + within_s
        while answer.running:
            assert time.monotonic() < deadline, answer
            time.sleep(min(answer.after_s, 0.25))
            answer = poll(answer)
        return answer

    return follow


def _run(arguments: list[str]) -> Iterator[Running]:
    command = [sys.executable, "-m", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"{arguments[0]} did not start"
    yield Running(process, json.loads(line))
    process.terminate()
    process.wait(15)
