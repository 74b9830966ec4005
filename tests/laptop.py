"""The Azure stand-in and the broker as real processes, and what tests tell and ask them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import requests
import yaml
from azure.servicebus import ServiceBusClient, ServiceBusReceivedMessage, ServiceBusReceiver

from slipway.adapters.app_service.arm import Arm
from slipway.promotion.front_door import FrontDoor, Testers
from slipway.promotion.load_runs.plan import LoadRunPlan
from slipway.promotion.plan import Target
from slipway.settings import Settings

SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"
PEOPLE = Path(__file__).parents[1] / "examples" / "people.yaml"
# Each file of tests that changes a site has sites of its own.
SITES: tuple[str, ...] = (
    "deploys",
    "repeats",
    "crashes",
    "lost",
    "swaps",
    "held",
    "plain",
    "once",
    "swapped",
    "divided",
    "turned",
)
SITES += ("stopped", "halted", "granted-site", "old-side")
SITES += ("edged", "fronted", "ring-weu", "ring-neu")  # behind the Front Door
SIDES = {"side-blue": "1.0.0", "side-green": "2.0.0"}  # what Traffic Manager and DNS send users to, with their versions
SITES += tuple(SIDES)
# Container apps; a suffix is of a first revision that Slipway has not named.
APPS: dict[str, dict[str, str]] = {
    name: {} for name in ("apart", "moved", "many", "drawn", "granted", "back", "behind", "dead")
}
APPS |= {"alone": {"mode": "Single"}, "older": {"suffix": "by-hand"}}
COSMOS, COSMOS_REGIONS = ("shop-db", "looked-at"), ("West Europe", "North Europe")  # the first one is written to
IMAGE = os.environ.get("SLIPWAY_TEST_IMAGE", "registry.example/checkout")
PINNED_IMAGE = os.environ.get("SLIPWAY_TEST_IMAGE", "shop.azurecr.io/checkout")  # in a registry that pins it
LOAD_TESTING = "loads"
_SHORT = {"takes_s": 0.5, "rate_per_s": 100}  # the requests of a run of four minutes
LOAD_TESTS: list[dict[str, Any]] = [
    {"id": "peak", **_SHORT, "criteria": [{"metric": "error", "aggregate": "percentage", "value": 5}]},
    {"id": "strict_one", **_SHORT, "criteria": [{"aggregate": "p95", "value": 0.01}]},
    {"id": "late", **_SHORT, "results_after": 2},
    {"id": "stuck", "mishap": "never-provisioned"},
    {"id": "failing", "mishap": "engine-fails"},
    {"id": "cancelled", **_SHORT, "mishap": "cancelled"},
]
UAT, MIGRATIONS = "registry.example/storefront-uat", "registry.example/storefront-migrations"
# Jobs, by what tests do with them; each has an image that runs, a database of its own, and one secret.
JOBS: dict[str, dict[str, Any]] = {
    name: {} for name in ("uat", "migrate", "lost-start", "several", "looked-for", "of-activities", "granted-job")
}
JOBS |= {"silent": {"logs": False}, "named-later": {"answers_later": True}, "belated": {"log_delay_s": 0.8}}
INFRA = "registry.example/storefront-infra"
JOBS |= {name: {"image": f"{INFRA}:1.0.0", "env": {"STATE": name}} for name in ("infra", "infra-faults", "infra-odd")}
JOBS["several"] = {"parallelism": 2}
CHART = "registry.example/charts/checkout"
PINNED_CHART = "shop.azurecr.io/charts/checkout"
# Releases in clusters, by whether something is live there at first. The cluster `plain` knows nothing of Entra ID.
RELEASES = {"story": True, "faulty": True, "first": False, "stuck": True, "edited": True, "granted": True, "late": True}
RELEASES |= {"crossed": True}  # its users come by Traffic Manager or DNS
OLDER = "older"
_REPORTED = {"FilterType": "Sql", "SqlFilter": {"SqlExpression": "reported = 'yes' AND action LIKE 'stage.%'"}}
REPORTED = {"Name": "$Default", "Properties": _REPORTED}
BUS = {
    "Queues": [{"Name": "builds"}, {"Name": "builds-rejected"}, {"Name": "plain"}],
    "Topics": [
        {"Name": "promotions", "Subscriptions": [{"Name": "audit"}, {"Name": "reports", "Rules": [REPORTED]}]},
        {"Name": "plain-topic", "Subscriptions": [{"Name": "audit"}]},
    ],
}
# Its origin groups are named after their sites; each ring has a rule set of its own.
FRONT_DOOR = "edge"
# Of Traffic Manager and of DNS; `crossed` is before the release of that name.
PROFILES, ZONE = {"shop": "side", "slow": "side", "crossed": "shop-crossed"}, "shop.example"
FRONT_DOORS = {"edged": "testers", "fronted": "testers", "ring-weu": "testersweu", "ring-neu": "testersneu"}
PLAIN = "Endpoint=sb://localhost:{port};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE"


@dataclass(frozen=True)
class Running:
    """A process of the laptop and what it said when it was ready."""

    process: "subprocess.Popen[str]"
    ready: dict[str, Any]


@dataclass(frozen=True)
class AzureStandin:
    """`ready` is what the stand-in said of itself; `settings` are those of an app that uses it."""

    settings: Settings
    url: str
    ready: dict[str, Any]
    _told: list[str] = field(default_factory=list)  # the faults since it last forgot them

    def fault(self, method: str | None, path: str, times: int = 1, site: str | None = None, **how: Any) -> None:
        """Misbehave `times` times: `drop="before"|"after"`, `answer={"status": …}`, `hold_s`; a method None means all.
        `site` is a front end, such as `plain(staging)`; without it Azure's own services are meant."""
        self._told.append(path)
        self._faults("POST", {"match": {"method": method, "path_contains": path, "site": site}, "times": times, **how})

    def forget_faults(self) -> None:
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

    def target(self, site: str) -> Target:
        resource = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.Web/sites/{site}"
        return Target(site, "app-service", resource, "staging")

    def app(self, name: str) -> Target:
        resource = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.App/containerApps/{name}"
        return Target(name, "container-apps", resource, "")

    def job(self, name: str) -> str:
        """The resource id of a job."""
        return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.App/jobs/{name}"

    def release(self, name: str, **helm: Any) -> Target:
        """A Helm release of two sides in a cluster."""
        cluster = "plain" if name == OLDER else "shop"
        group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers"
        ends = {side: str(self.ready["sites"][f"{cluster}-{name}{side}"]) for side in ("", "-blue", "-green")}
        told = {"namespace": "shop", "release": name, "deployment": f"{name}-{{side}}", "address": ends[""]}
        settings = {"helm": {**told, "preview": {"blue": ends["-blue"], "green": ends["-green"]}, **helm}}
        resource = f"{group}/Microsoft.ContainerService/managedClusters/{cluster}"
        return Target(name, "aks", resource, "", f"shop/{name}", settings)

    def tell_cluster(self, cluster: str, **told: Any) -> None:
        """What happens to a cluster: `unschedulable` commands; a `release` left `pending` for `age_s`, or `edited`."""
        session = _session(str(self.settings.ca_file))
        session.post(f"{self.url}/standin/clusters", json={"cluster": cluster, **told}, timeout=30).raise_for_status()

    def origins(self, site: str, testers: Testers | None = None) -> FrontDoor:
        """The two origins of a site behind the Front Door, `live` and `idle`."""
        group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.Cdn"
        endpoint = str(self.ready["sites"][f"{site}-edge"])
        return FrontDoor(f"{group}/profiles/{FRONT_DOOR}", site, "live", "idle", endpoint, testers=testers)

    def stack(self, name: str, **section: Any) -> Target:
        """A deployment stack, whose templates are kept at `document(f"{name}-{version}.json")`."""
        group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop"
        resource = f"{group}/providers/Microsoft.Resources/deploymentStacks/{name}"
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

    def switched(self, switch: str, **section: Any) -> Target:
        """A target with that section, whose sides are sites."""
        cluster = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.ContainerService"
        return Target("weu", "aks", f"{cluster}/managedClusters/shop", "", settings={switch: section})

    def account(self, name: str) -> str:
        """The resource id of a Cosmos DB account."""
        group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop"
        return f"{group}/providers/Microsoft.DocumentDB/databaseAccounts/{name}"

    def load_run(self, test: str, **more: Any) -> LoadRunPlan:
        """A load that Azure Load Testing drives."""
        group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop"
        return LoadRunPlan(f"{group}/providers/Microsoft.LoadTestService/loadTests/{LOAD_TESTING}", test, **more)

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
    """A stand-in with the sites of `SITES`, each with 1.0.0 live, an empty slot `staging` and one `beta`, and with
    the container apps of `APPS`."""
    live = {"service": "checkout", "version": "1.0.0"}
    sites: list[dict[str, Any]] = [
        {"name": name, "port": 1 + n, "live": {**live, "version": SIDES.get(name, "1.0.0")}, "slots": _slots(n)}
        for n, name in enumerate(SITES)
    ]
    config: dict[str, Any] = {"subscription": SUBSCRIPTION, "resource_group": "shop", "sites": sites, "pace": 0.1}
    config["load_testing"] = [{"name": LOAD_TESTING, "tests": LOAD_TESTS}]
    config["cosmos_accounts"] = [{"name": name, "locations": list(COSMOS_REGIONS)} for name in COSMOS]
    apps = [{"name": name, "port": 301 + n, "live": live, **more} for n, (name, more) in enumerate(APPS.items())]
    config |= {"router_delay_s": 0, "instances": 1, "container_apps": apps}
    config["images"] = {IMAGE: "checkout", PINNED_IMAGE: "checkout"}
    config["jobs"] = [_job(name) | more for name, more in JOBS.items()]
    config["job_images"] = {UAT: "uat", MIGRATIONS: "migrate", INFRA: "terraform"}
    config["front_doors"] = [_front_door()]
    config |= {
        "traffic_managers": [_traffic_manager(n, *each) for n, each in enumerate(PROFILES.items())],
        "dns_zones": [_zone()],
    }
    config |= {"clusters": _clusters(live), "charts": [CHART, PINNED_CHART]}
    (folder / "laptop.yaml").write_text(yaml.safe_dump(config))
    arguments = ["--config", str(folder / "laptop.yaml"), "--people", str(PEOPLE), "--any-ports"]
    with _run(["slipway.local.azure", "--state", str(folder / "state"), *arguments]) as running:
        yield running


def _job(name: str) -> dict[str, Any]:
    image = MIGRATIONS if name == "migrate" else UAT
    env = {"DATABASE": name, "GREETING": "its own"}
    return {"name": name, "image": f"{image}:1.0.0", "env": env, "secrets": {"api-key": "hush"}}


def _clusters(live: dict[str, str]) -> list[dict[str, Any]]:
    def release(n: int, name: str, has_live: bool) -> dict[str, Any]:
        ports = {"port": 502 + 10 * n, "blue_port": 503 + 10 * n, "green_port": 504 + 10 * n}
        return {"namespace": "shop", "name": name, **ports, **({"live": live} if has_live else {})}

    shop = [release(n, name, has_live) for n, (name, has_live) in enumerate(RELEASES.items())]
    older = {"name": "plain", "port": 501, "entra": False, "releases": [release(len(shop), OLDER, True)]}
    return [{"name": "shop", "port": 500, "releases": shop}, older]


def _front_door() -> dict[str, Any]:
    """Before each of its sites an endpoint, a group of both sides, and one of the idle side for testers."""
    groups, endpoints = [], []
    for n, (site, rules) in enumerate(FRONT_DOORS.items()):
        live, idle = {"name": "live", "site": site}, {"name": "idle", "site": site, "slot": "staging"}
        group = {"additional_latency_ms": 1000, "probe": {"interval_s": 1}}
        groups.append({"name": site, "origins": [live, {**idle, "weight": 1, "enabled": False}], **group})
        groups.append({"name": f"{site}-testers", "origins": [idle], **group})
        routes = [{"name": "all", "origin_group": site, "rule_sets": [rules]}]
        endpoints.append({"name": f"{site}-edge", "port": 401 + n, "routes": routes})
    door = {
        "name": FRONT_DOOR,
        "operation_s": 0.2,
        "propagation_s": 0.3,
        "rule_sets": sorted(set(FRONT_DOORS.values())),
    }
    return {**door, "endpoints": endpoints, "origin_groups": groups}


def _traffic_manager(n: int, name: str, sides: str) -> dict[str, Any]:
    """Both sides, and an endpoint that is not ours. Whoever looks has it probed; nobody keeps an answer."""
    ends: list[dict[str, Any]] = [
        {"name": "blue", "to": f"{sides}-blue", "weight": 1000},
        {"name": "green", "to": f"{sides}-green", "weight": 1000, "enabled": False, "kind": "azureEndpoints"},
        {"name": "elsewhere", "to": "plain", "weight": 100, "enabled": False},
    ]
    return {
        "name": name,
        "port": 601 + n,
        "ttl_s": 0,
        "endpoints": ends,
        "probe_interval_s": 0,
        "tolerated_failures": 0,
    }


def _zone() -> dict[str, Any]:
    """A record that is a name's, and an alias, of both sides."""
    addresses = {f"{side}.{ZONE}": f"side-{side}" for side in ("blue", "green")}
    addresses |= {f"{side}.crossed.{ZONE}": f"shop-crossed-{side}" for side in ("blue", "green")}
    addresses |= {public_ip(side): f"side-{side}" for side in ("blue", "green")}
    records = [
        {"name": "www", "port": 611, "points_at": f"blue.{ZONE}", "ttl_s": 1},
        {"name": "crossed", "port": 613, "points_at": f"blue.crossed.{ZONE}", "ttl_s": 1},
        {"name": "root", "port": 612, "type": "A", "points_at": public_ip("blue"), "ttl_s": 1},
    ]
    return {"name": ZONE, "records": records, "addresses": addresses, "propagation_s": 0, "resolvers": 20}


def network(path: str) -> str:
    """The resource id of something of Microsoft.Network."""
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.Network/{path}"


def public_ip(name: str) -> str:
    return network(f"publicIPAddresses/{name}")


def _slots(n: int) -> list[dict[str, Any]]:
    return [{"name": "staging", "port": 101 + n}, {"name": "beta", "port": 201 + n}]


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
