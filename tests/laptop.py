"""The Azure stand-in and the broker as real processes, and what tests tell and ask them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import requests
import yaml
from azure.servicebus import ServiceBusClient, ServiceBusReceivedMessage, ServiceBusReceiver

from slipway.adapters.app_service.arm import Arm
from slipway.promotion.plan import Target
from slipway.settings import Settings
from tests.laptop_holds import GROUP, SUBSCRIPTION, holds
from tests.laptop_names import Names
from tests.laptop_rights import all_roles

PEOPLE = Path(__file__).parents[1] / "examples" / "people.yaml"
_REPORTED = {"FilterType": "Sql", "SqlFilter": {"SqlExpression": "reported = 'yes' AND action LIKE 'stage.%'"}}
REPORTED = {"Name": "$Default", "Properties": _REPORTED}
BUS = {
    "Queues": [{"Name": "builds"}, {"Name": "builds-rejected"}, {"Name": "plain"}],
    "Topics": [
        {"Name": "promotions", "Subscriptions": [{"Name": "audit"}, {"Name": "reports", "Rules": [REPORTED]}]},
        {"Name": "plain-topic", "Subscriptions": [{"Name": "audit"}]},
    ],
}
PLAIN = "Endpoint=sb://localhost:{port};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE"


@dataclass(frozen=True)
class Running:
    """A process of the laptop and what it said when it was ready."""

    process: "subprocess.Popen[str]"
    ready: dict[str, Any]


@dataclass(frozen=True)
class AzureStandin(Names):
    """`ready` is what the stand-in said of itself; `settings` are those of an app that uses it."""

    settings: Settings
    url: str
    ready: dict[str, Any]
    _told: list[str] = field(default_factory=list)  # the faults since it last forgot them
    group = GROUP

    @property
    def logging(self) -> Settings:
        return replace(self.settings, logs_endpoint=self.url, workspace="anything")

    def fault(self, method: str | None, path: str, times: int = 1, site: str | None = None, **how: Any) -> None:
        """Misbehave `times` times: `drop="before"|"after"`, `answer={"status": …}`, `hold_s`; a method None means all.
        `site` is a front end, such as `plain(staging)`; without it Azure's own services are meant."""
        self._told.append(path)
        self._faults("POST", {"match": {"method": method, "path_contains": path, "site": site}, "times": times, **how})

    def withhold(self, *actions: str, **until: Any) -> None:
        """Refuse them although they are given: so many `times`, `for_s` seconds, or until faults are forgotten."""
        self._told.append("rights")
        answer = _session(str(self.settings.ca_file)).post(
            f"{self.url}/standin/rights", json={"withhold": actions, **until}, timeout=30
        )
        answer.raise_for_status()

    def asked(self) -> set[str]:
        """The actions that Slipway's identity has asked for since rights were forgotten, in small letters."""
        return set(_session(str(self.settings.ca_file)).get(f"{self.url}/standin/rights", timeout=30).json()["asked"])

    def forget_rights(self) -> None:
        """Nothing is withheld, and nothing was asked for."""
        _session(str(self.settings.ca_file)).delete(f"{self.url}/standin/rights", timeout=30).raise_for_status()

    def forget_faults(self) -> None:
        if "rights" in self._told:
            self.forget_rights()
        if self._told:
            self._faults("DELETE")
        self._told.clear()

    def faults_left(self) -> list[dict[str, Any]]:
        """The faults that nobody has met so far."""
        left: list[dict[str, Any]] = self._faults("GET").json()
        return left

    def held(self, method: str) -> Any:
        """The requests that wait (`GET`), or let them go (`DELETE`)."""
        answer = _session(str(self.settings.ca_file)).request(method, f"{self.url}/standin/held", timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def tell_cluster(self, cluster: str, **told: Any) -> None:
        """What happens to a cluster: `unschedulable` commands; a `release` left `pending` for `age_s`, or `edited`."""
        session = _session(str(self.settings.ca_file))
        session.post(f"{self.url}/standin/clusters", json={"cluster": cluster, **told}, timeout=30).raise_for_status()

    def stack(self, name: str, **section: Any) -> Target:
        """A deployment stack, whose templates are kept at `document(f"{name}-{version}.json")`."""
        resource = f"{self.group}/providers/Microsoft.Resources/deploymentStacks/{name}"
        settings = {"stack": section, "artifact": self.document(f"{name}-{{version}}.json")}
        return Target(name, "bicep", resource, "", settings=settings)

    def document(self, name: str) -> str:
        return f"{self.url}/documents/{name}"

    def keep_document(self, name: str, content: bytes) -> None:
        _session(str(self.settings.ca_file)).put(self.document(name), data=content, timeout=30).raise_for_status()

    def resources(self) -> dict[str, dict[str, Any]]:
        """What stacks have made, by id."""
        found: dict[str, dict[str, Any]] = (
            _session(str(self.settings.ca_file)).get(f"{self.url}/standin/resources", timeout=30).json()
        )
        return found

    def change_resource(self, id: str, document: dict[str, Any] | None) -> None:
        """As somebody else does, by hand."""
        told = {"id": id, "document": document}
        _session(str(self.settings.ca_file)).put(
            f"{self.url}/standin/resources", json=told, timeout=30
        ).raise_for_status()

    def tell_account(self, name: str, **told: str) -> None:
        """What happens to a Cosmos DB account: `write=region`, `region=` and `state=`, `removed=`."""
        session = _session(str(self.settings.ca_file))
        session.post(f"{self.url}/standin/cosmos", json={"account": name, **told}, timeout=30).raise_for_status()

    def package(self, version: str) -> str:
        return f"{self.url}/artifacts/checkout/{version}.zip"

    def deployments(self, site: str) -> list[dict[str, Any]]:
        """What the stand-in has carried out on the slot, whoever asked for it."""
        path = f"{self.target(site).resource}/slots/staging/deployments"
        value: list[dict[str, Any]] = Arm(self.settings, SUBSCRIPTION).get(path).body["value"]
        return value

    def slot_state(self, site: str) -> str:
        """`Running` or `Stopped`."""
        found = Arm(self.settings, SUBSCRIPTION).get(f"{self.target(site).resource}/slots/staging")
        return str(found.properties["state"])

    def live_version(self, site: str) -> str:
        """What the site's own address answers."""
        answer = requests.get(f"{self.ready['sites'][site]}/version", timeout=30)
        return str(answer.json()["version"])

    def _faults(self, method: str, body: dict[str, Any] | None = None) -> requests.Response:
        answer = _session(str(self.settings.ca_file)).request(
            method, f"{self.url}/standin/faults", json=body, timeout=30
        )
        answer.raise_for_status()
        return answer


@cache
def _session(ca: str) -> requests.Session:
    """One connection, kept open: reading the authorities anew for each request takes longer than the request."""
    session = requests.Session()
    session.verify, session.trust_env = ca, False  # requests takes the environment's authorities before a session's
    return session


@dataclass(frozen=True)
class Bus:
    """The broker, seen from outside of the app."""

    ready: dict[str, Any]

    @contextmanager
    def client(self) -> Iterator[ServiceBusClient]:
        connection = f"{PLAIN.format(port=self.ready['port'])};UseDevelopmentEmulator=true"
        with ServiceBusClient.from_connection_string(connection) as client:
            yield client

    @contextmanager
    def watch(self, queue: str) -> Iterator["Watched"]:
        with self.client() as client, client.get_queue_receiver(queue) as receiver:
            yield Watched(receiver)

    @contextmanager
    def watch_events(self) -> Iterator["Watched"]:
        with self.client() as client, client.get_subscription_receiver("promotions", "audit") as receiver:
            yield Watched(receiver)


class Watched:
    """What came to a queue or subscription. A sender returns when the broker has its message: no look need wait."""

    def __init__(self, receiver: ServiceBusReceiver) -> None:
        self._receiver = receiver
        self._next = 1
        self.new()

    def new(self) -> list[ServiceBusReceivedMessage]:
        """The messages that came since the last look; they stay where they are."""
        found: list[ServiceBusReceivedMessage] = []
        while more := self._receiver.peek_messages(100, sequence_number=self._next):
            found += more
            self._next = int(more[-1].sequence_number or 0) + 1
        return found


def properties_of(message: ServiceBusReceivedMessage) -> dict[str, str]:
    """A message's application properties as text."""
    return {_text(name): _text(value) for name, value in (message.application_properties or {}).items()}


@contextmanager
def run_standin(folder: Path) -> Iterator[Running]:
    """A stand-in with what `laptop_holds` says."""
    (folder / "laptop.yaml").write_text(yaml.safe_dump(holds()))
    (folder / "rights.json").write_text(json.dumps(all_roles(GROUP)))
    arguments = ["--config", str(folder / "laptop.yaml"), "--people", str(PEOPLE), "--any-ports"]
    arguments += ["--rights", str(folder / "rights.json")]
    with _run(["slipway.local.azure", "--state", str(folder / "state"), *arguments]) as running:
        yield running


@contextmanager
def run_broker(folder: Path, certificate: str, *ports: str) -> Iterator[Running]:
    """A broker with the queues and the topic of `BUS`, over AMQP with and without TLS."""
    config = {"UserConfig": {"Namespaces": [{"Name": "sbemulatorns", **BUS}], "Logging": {"Type": "Console"}}}
    (folder / "config.json").write_text(json.dumps(config))
    files = ["--config", str(folder / "config.json"), "--state", str(folder / "bus.sqlite")]
    with _run(["slipway.local.servicebus", *files, "--cert", certificate, *ports]) as running:
        yield running


@contextmanager
def _run(arguments: list[str]) -> Iterator[Running]:
    command = [sys.executable, "-m", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"{arguments[0]} did not start"
    try:
        yield Running(process, json.loads(line))
    finally:
        process.terminate()
        process.wait(60)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
