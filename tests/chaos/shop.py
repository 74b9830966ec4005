"""The shop that a chaos run releases: services, their pipelines, their sites, and the broker's queues.

Everything is written into the run's own state folder; the checks are short, everything else is as in earnest.
"""

import json
import random
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from slipway.cli.laptop.layout import STAND_IN_URL, Layout, Ports, checkout

SUBSCRIPTION = "00000000-0000-4000-8000-000000000001"
FIRST = "1.0.0"  # what every site serves before Slipway comes
PORTS = range(12_000, 20_000)
USERS_PER_S = 60
CANARY = {
    "steps": ["20%", "50%", "100%"],
    "ramp": "fixed",
    "patience": 2,
    "tick": "1s",
    "warm_up": "0s",
    "telemetry": {"delay": "0s"},
    "router": {"settle": "1s"},
    "within": "1m",
}
LOCK_DURATION = "PT5S"  # the shortest that Service Bus takes: a dropped message comes again soon


@dataclass(frozen=True)
class Stage:
    """One stage: its environment has its name. `sites` are its targets. Where it `ramps`, users are needed."""

    name: str
    sites: tuple[str, ...]
    needs: tuple[str, ...] = ()
    approval: bool = False
    retry_within: str = "0s"
    ramps: bool = False

    def written(self) -> dict[str, Any]:
        """As a pipeline writes it."""
        group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers/Microsoft.Web/sites"
        stage: dict[str, Any] = {
            "name": self.name,
            "environment": self.name,
            "targets": [{"name": site, "kind": "app-service", "resource": f"{group}/{site}"} for site in self.sites],
            "verify": [{"health": {"for": "20s", "successes": 2, "interval": "100ms"}}],
            "bake": "300ms",
            "retry_within": self.retry_within,
        }
        if self.ramps:
            stage |= {"rollout": {"canary": CANARY}, "bake": "1s"}
        if self.needs:
            stage["needs"] = list(self.needs)
        if self.approval:
            asked = {"approvers": ["role:release-manager"], "at_least": 1, "not": ["author"], "within": "30s"}
            stage["approval"] = asked
        return stage


@dataclass(frozen=True)
class Service:
    name: str
    stages: tuple[Stage, ...]
    on_newer_build: str = "queue"

    def written(self) -> dict[str, Any]:
        """As a pipeline file writes it."""
        return {
            "service": self.name,
            "owner": f"team-{self.name}",
            "triggers": {"branches": ["main"]},
            "artifact": {"zip": f"{STAND_IN_URL}/artifacts/{self.name}/{{version}}.zip"},
            "on_newer_build": self.on_newer_build,
            "stages": [stage.written() for stage in self.stages],
        }


SERVICES = (
    Service(
        "checkout",
        (
            Stage("test", ("checkout-test",), retry_within="4s"),
            Stage("production", ("checkout-prod",), needs=("test",), approval=True),
        ),
    ),
    Service("basket", (Stage("production", ("basket-weu", "basket-neu"), ramps=True),)),
    Service("search", (Stage("production", ("search-prod",), approval=True),), on_newer_build="supersede"),
    Service("billing", (Stage("production", ("billing-prod",), retry_within="4s", ramps=True),)),
)


@dataclass(frozen=True)
class ShopLayout(Layout):
    """The laptop's layout, with the shop's services instead of the shipped one."""

    services: Sequence[Service] = SERVICES
    pace: float = 0.2
    instances: int = 2

    @property
    def sites(self) -> Path:
        return self.state / "shop.yaml"

    def servicebus(self, certificate: str) -> list[str]:
        shipped, ours = str(self.root / "examples" / "servicebus.json"), str(self.state / "servicebus.json")
        return [ours if each == shipped else each for each in super().servicebus(certificate)]

    @property
    def written(self) -> list[Path]:
        return sorted(self.pipelines({"url": STAND_IN_URL}).glob("*.yaml"))

    def pipelines(self, azure: Mapping[str, Any]) -> Path:
        folder = self.state / "pipelines"
        folder.mkdir(exist_ok=True)
        for service in self.services:
            text = yaml.safe_dump(service.written(), sort_keys=False).replace(STAND_IN_URL, azure["url"])
            (folder / f"{service.name}.yaml").write_text(text, encoding="utf-8")
        return folder

    def write(self) -> "ShopLayout":
        """Write what the processes read at their start; the pipelines wait for the stand-in's address."""
        self.state.mkdir(parents=True, exist_ok=True)
        sites = [
            {
                "name": site,
                "port": 8000 + 2 * number,
                "live": {"service": service.name, "version": FIRST},
                "slots": [{"name": "staging", "port": 8001 + 2 * number}],
            }
            for number, (service, site) in enumerate(self._sites())
        ]
        layout = {"subscription": SUBSCRIPTION, "resource_group": "shop", "sites": sites}
        layout |= {"pace": self.pace, "instances": self.instances}
        self.sites.write_text(yaml.safe_dump(layout), encoding="utf-8")
        config = json.loads((self.root / "examples" / "servicebus.json").read_text(encoding="utf-8"))
        for queue in config["UserConfig"]["Namespaces"][0]["Queues"]:
            queue["Properties"]["LockDuration"] = LOCK_DURATION
        (self.state / "servicebus.json").write_text(json.dumps(config), encoding="utf-8")
        return self

    def _sites(self) -> list[tuple[Service, str]]:
        return [(service, site) for service in self.services for stage in service.stages for site in stage.sites]


def shop_in(state: Path, services: Sequence[Service] = SERVICES, pace: float = 0.2, instances: int = 2) -> ShopLayout:
    """The layout of a shop in a new state folder, with so many processes for each release.

    Host and broker get ports that no outgoing connection is given while they are dead, nor the stand-in's sites.
    """
    host, plain, tls = [port for port in random.sample(PORTS, 50) if _is_free(port)][:3]
    ports = Ports(host, azure=0, msi=0, servicebus=plain, servicebus_tls=tls)
    return ShopLayout(checkout(), state, ports, services=services, pace=pace, instances=instances).write()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0
