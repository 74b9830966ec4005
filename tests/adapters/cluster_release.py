"""A Helm release of two sides for tests, driven as the activities drive it."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import requests

from slipway.adapters.aks import Aks
from slipway.adapters.aks.api import Api
from slipway.adapters.aks.clusters import Clusters
from slipway.adapters.aks.place import place_of
from slipway.adapters.aks.revisions import Release
from slipway.adapters.aks.service_switch import ServiceSwitch
from slipway.promotion.outcomes import Answer
from tests.laptop import AzureStandin
from tests.laptop_holds import CHART, IMAGE

Follow = Callable[[Callable[[Answer], Answer], Answer], Answer]
NEW = "2.0.0"


def now() -> datetime:
    return datetime.now(UTC)


class ClusterRelease:
    def __init__(
        self,
        azure: AzureStandin,
        name: str,
        follow: Follow,
        stuck_after_s: float = 600.0,
        registries: tuple[str, ...] = (),
        **helm: Any,
    ) -> None:
        self.azure = azure
        self.target = azure.release(name, **helm)
        self.service = Aks(azure.settings, settle_s=20.0, stuck_after_s=stuck_after_s, registries=registries)
        self.switch = ServiceSwitch(azure.settings, settle_s=20.0)
        self.place = place_of(self.target)
        self.api = Api(azure.settings, Clusters(azure.settings))
        self.follow = follow

    def start_deployment(
        self, version: str, operation: str = "op", package: str = "", resuming: bool = False
    ) -> Answer:
        package = package or f"{CHART}:{version} {IMAGE}:{version}"
        return self.service.start_deployment(self.target, package, operation, now(), resuming, version)

    def deployed(self, answer: Answer, version: str) -> Answer:
        return self.follow(lambda last: self.service.poll_deployment(self.target, last.handle, version), answer)

    def deploy(self, version: str, operation: str = "op", package: str = "") -> Answer:
        return self.deployed(self.start_deployment(version, operation, package), version)

    def start_swap(self, version: str) -> Answer:
        return self.service.start_swap(self.target, version, "op:swap", now(), False)

    def swapped(self, answer: Answer, version: str) -> Answer:
        return self.follow(lambda last: self.service.poll_swap(self.target, last.handle, version), answer)

    def swap(self, version: str) -> Answer:
        return self.swapped(self.start_swap(version), version)

    def release(self, side: str) -> Release:
        return self.api.release(self.place, side)

    @property
    def side(self) -> str:
        return self.switch.read(self.target).side

    @property
    def versions(self) -> tuple[str | None, str | None]:
        state = self.service.read_live(self.target)
        return state.production_version, state.idle_version

    def met(self, visits: int = 20) -> Counter[str]:
        with requests.Session() as users:
            users.trust_env = False
            return Counter(
                users.get(f"{self.place.address}/cart", timeout=30).headers["x-version"] for _ in range(visits)
            )
