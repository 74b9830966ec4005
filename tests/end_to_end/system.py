"""The whole laptop system with a quick pipeline, and what a person or CI does with it."""

import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import yaml
from azure.servicebus import ServiceBusClient, ServiceBusMessage

from slipway.cli.laptop.layout import ANY_PORTS, WORKSPACE, Layout, checkout
from slipway.cli.laptop.supervisor import Laptop
from tests.api.conformance import check_answer
from tests.end_to_end.people import APPLICATIONS, with_these
from tests.plain_http import no_cookies

PIPELINE = Path(__file__).with_name("checkout.yaml")
LASTING = {"passed", "failed", "broken", "cancelled", "rolled back", "waiting for approval"}  # not passed by unseen
SELDOM_S = 0.2  # a look takes 10 ms of CPU, in three processes
Promotion = dict[str, Any]


@dataclass(frozen=True)
class QuickLayout(Layout):
    """The laptop's layout, with one of the tests' pipelines in place of the shipped ones, the sites that it names, and
    releases of which nothing fails by chance. Where it ramps, a release has two instances, as the judge compares them,
    and a site has had traffic; elsewhere a release is one process, and the traffic of an hour is not made up. `holds`
    replaces parts of what the stand-in holds."""

    pipeline: Path = PIPELINE
    holds: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sites(self) -> Path:
        shipped = yaml.safe_load(super().sites.read_text(encoding="utf-8"))
        pipeline = self.pipeline.read_text(encoding="utf-8")
        named = {
            kind: [each for each in shipped[kind] if f"/{each['name']}" in pipeline]
            for kind in ("sites", "container_apps", "clusters", "traffic_managers", "dns_zones", "jobs")
        }
        plain = {} if "canary:" in pipeline else {"instances": 1, "telemetry": {}}
        file = self.state / "sites.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(
            yaml.safe_dump({**shipped, **named, **plain, "usual_error_rate": 0, **self.holds}), encoding="utf-8"
        )
        return file

    @property
    def people(self) -> Path:
        return with_these(super().people, self.state / "people.yaml")

    @property
    def written(self) -> list[Path]:
        return [self.pipeline]

    def pipelines(self, azure: Mapping[str, Any]) -> Path:
        folder = self.state / "pipelines"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / self.pipeline.name).write_text(self.with_ports(self.pipeline.read_text(), azure))
        return folder


class System:
    """A running system: messages go in over AMQP, everything else over HTTP."""

    def __init__(self, laptop: Laptop) -> None:
        self.laptop = laptop
        assert laptop.run is not None
        self.run = laptop.run
        self._tokens: dict[str, str] = {}
        # One client, as making one reads all authorities; a connection for each request, as whoever listens is killed.
        tls = ssl.create_default_context(cafile=self.run.ca)
        alone = httpx.Limits(max_keepalive_connections=0)
        self.http = httpx.Client(verify=tls, timeout=30, trust_env=False, limits=alone, cookies=no_cookies())

    def get(self, path: str, who: str = "alice") -> Any:
        answer = self.call("GET", path, who)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def call(self, method: str, path: str, who: str | None = "alice", **request: Any) -> httpx.Response:
        headers = {**({"authorization": f"Bearer {self.token(who)}"} if who else {}), **request.pop("headers", {})}
        answer = self.http.request(method, self.run.url + path, headers=headers, **request)
        check_answer(answer)
        return answer

    def token(self, who: str) -> str:
        if who not in self._tokens:
            form = {"grant_type": "password", "client_id": "slipway", "username": who}
            if who in APPLICATIONS:
                form = {"grant_type": "client_credentials", "client_id": who, "scope": "slipway/.default"}
            url = self.run.issuer.removesuffix("/v2.0") + "/oauth2/v2.0/token"
            self._tokens[who] = self.http.post(url, data=form).json()["access_token"]
        return self._tokens[who]

    def send(self, *bodies: bytes | dict[str, Any], **properties: str) -> None:
        """Put messages on the queue `builds` with the plain Service Bus SDK, each with these application properties."""
        with (
            ServiceBusClient.from_connection_string(self.run.servicebus) as client,
            client.get_queue_sender("builds") as sender,
        ):
            told: dict[str | bytes, Any] = dict(properties)
            texts = [b if isinstance(b, bytes) else json.dumps(b) for b in bodies]
            sender.send_messages([ServiceBusMessage(text, application_properties=told) for text in texts])

    def receive(self, queue: str, count: int) -> list[ServiceBusMessage]:
        """Take `count` messages off a queue."""
        taken: list[ServiceBusMessage] = []
        with (
            ServiceBusClient.from_connection_string(self.run.servicebus) as client,
            client.get_queue_receiver(queue) as receiver,
        ):
            deadline = time.monotonic() + 30
            while len(taken) < count and time.monotonic() < deadline:
                for message in receiver.receive_messages(max_message_count=count, max_wait_time=2):
                    receiver.complete_message(message)
                    taken.append(message)
        return taken

    def promotion(self, id: str) -> Promotion | None:
        """The promotion as the API shows it; None while it is not there or the host is away."""
        try:
            answer = self.call("GET", f"/api/promotions/{id}")
        except httpx.TransportError:
            return None
        return answer.json() if answer.status_code == 200 else None

    def until(
        self, id: str, happened: Callable[[Promotion], bool], within_s: float = 60, every_s: float = 0.05
    ) -> Promotion:
        """Look at the promotion until `happened`. Raises AssertionError with its last state."""
        deadline, seen = time.monotonic() + within_s, None
        while time.monotonic() < deadline:
            seen = self.promotion(id) or seen
            if seen and seen["stages"] and happened(seen):
                return seen
            time.sleep(every_s)
        raise AssertionError(f"not within {within_s} s; last seen: {json.dumps(seen, indent=1)[:4000]}")

    def until_state(self, id: str, stage: str, *states: str, within_s: float = 60) -> Promotion:
        every_s = SELDOM_S if LASTING.issuperset(states) else 0.05
        return self.until(id, lambda seen: stage_of(seen, stage)["state"] in states, within_s, every_s)

    def until_ended(self, id: str, within_s: float = 90) -> Promotion:
        ended = ("passed", "failed", "cancelled", "broken", "not enough evidence")
        return self.until(
            id,
            lambda seen: seen["state"] in ended and (seen["runtime"] == "Completed" or "retry" in seen["waits_for"]),
            within_s,
            SELDOM_S,
        )

    def approve(self, id: str, stage: str = "production", who: str = "alice") -> httpx.Response:
        return self.call("POST", f"/api/promotions/{id}/stages/{stage}/approval", who, json={"decision": "approve"})

    def live(self, id: str) -> dict[str, str]:
        """What every target's live address answers, by target name."""
        promotion = self.promotion(id)
        assert promotion is not None
        targets = [target for stage in promotion["stages"] for target in stage["targets"] if target["address"]]
        return {each["name"]: self.http.get(each["address"] + "/version").json()["version"] for each in targets}

    def deployments(self, site: str, slot: str = "staging") -> list[dict[str, Any]]:
        """What Azure says was deployed to a slot."""
        where = "subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/shop/providers/Microsoft.Web"
        path = f"/{where}/sites/{site}/slots/{slot}/deployments?api-version=2025-05-01"
        found: list[dict[str, Any]] = self.azure("GET", path, "https://management.azure.com/").json()["value"]
        return found

    def ask(self, kql: str, timespan: str = "") -> list[dict[str, Any]]:
        """The rows that the workspace answers, by the name of their columns; `timespan` as ISO 8601 has it."""
        asked = {"query": kql, **({"timespan": timespan} if timespan else {})}
        path = f"/v1/workspaces/{WORKSPACE}/query"
        table = self.azure("POST", path, "https://api.loganalytics.io", json=asked).json()["tables"][0]
        names = [column["name"] for column in table["columns"]]
        return [dict(zip(names, row, strict=True)) for row in table["rows"]]

    def until_asked(self, kql: str, enough: Callable[[list[dict[str, Any]]], bool], within_s: float = 15) -> Any:
        """The rows once there are `enough`: what is told travels for some seconds."""
        deadline = time.monotonic() + within_s
        while not enough(rows := self.ask(kql)) and time.monotonic() < deadline:
            time.sleep(0.3)
        assert enough(rows), rows[-5:]
        return rows

    def azure(self, method: str, path: str, resource: str = "", **request: Any) -> httpx.Response:
        """Ask the stand-in, with a token of its owner's for `resource` when one is named."""
        headers = {}
        if resource:
            msi, header = self.laptop.azure["msi_endpoint"], self.laptop.azure["owner_header"]
            query = {"api-version": "2019-08-01", "resource": resource}
            token = self.http.get(msi, params=query, headers={"X-IDENTITY-HEADER": header}).json()["access_token"]
            headers = {"authorization": f"Bearer {token}"}
        url = self.laptop.azure["url"] + path
        return self.http.request(method, url, headers=headers, **request).raise_for_status()


def stage_of(promotion: Promotion, name: str) -> dict[str, Any]:
    """The stage of that name."""
    return next(stage for stage in promotion["stages"] if stage["name"] == name)


def a_message(version: str, **changes: Any) -> dict[str, Any]:
    """A build message as CI sends it, by bob."""
    message = {
        "service": "checkout",
        "version": version,
        "commit": "c0ffee1",
        "branch": "main",
        "author": "bob@shop.example",
        "finished_at": datetime.now(UTC).isoformat(),
    }
    return {**message, **changes}


def start(
    state: Path,
    pipeline: Path = PIPELINE,
    virtual_time: bool = False,
    starts_at: datetime | None = None,
    policies: Path | None = None,
    **holds: Any,
) -> Laptop:
    """The system with that pipeline, to be entered as a context; `policies` is the organisation's folder. `holds`
    replaces parts of the stand-in's file."""
    layout = QuickLayout(checkout(), state, ANY_PORTS, virtual_time, starts_at, policies, pipeline, holds)
    return Laptop(layout, lambda _: None)
