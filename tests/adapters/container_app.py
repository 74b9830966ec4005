"""A container app for tests, driven as the activities drive it."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from slipway.adapters.container_apps import ContainerApps, RevisionRouter
from slipway.adapters.container_apps.apps import Apps, place_of
from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.port_values import Split
from tests.laptop import AzureStandin
from tests.laptop_holds import IMAGE

Follow = Callable[[Callable[[Answer], Answer], Answer], Answer]
NEW = "2.0.0"


def now() -> datetime:
    return datetime.now(UTC)


class App:
    """A container app, driven as the activities drive it."""

    def __init__(self, azure: AzureStandin, name: str, follow: Follow) -> None:
        self.azure = azure
        self.name = name
        self.target = azure.app(name)
        self.service = ContainerApps(azure.settings, settle_s=0.3)
        self.router = RevisionRouter(azure.settings, settle_s=0.3)
        self.apps, self.place = Apps(azure.settings), place_of(self.target)
        self.follow = follow

    def start_deployment(self, version: str, image: str = "") -> Answer:
        package = image or f"{IMAGE}:{version}"
        return self.service.start_deployment(self.target, package, "op", now(), False, version)

    def deployed(self, answer: Answer, version: str) -> Answer:
        return self.follow(lambda last: self.service.poll_deployment(self.target, last.handle, version), answer)

    def deploy(self, version: str, image: str = "") -> Answer:
        return self.deployed(self.start_deployment(version, image), version)

    def start(self, share: float, version: str = NEW) -> Answer:
        return self.router.start_split(self.target, version, share, "op:split", False)

    def split(self, share: float, version: str = NEW) -> Answer:
        return self.ended(self.start(share, version), share, version)

    def ended(self, answer: Answer, share: float, version: str = NEW) -> Answer:
        return self.follow(lambda last: self.router.poll_split(self.target, last.handle, version, share), answer)

    def swap(self, version: str, intent_at: datetime | None = None) -> Answer:
        started = self.service.start_swap(self.target, version, "op:swap", intent_at or now(), False)
        return self.follow(lambda last: self.service.poll_swap(self.target, last.handle, version), started)

    def stop(self, version: str) -> None:
        assert self.service.stop_idle(self.target, version).outcome is Outcome.PASSED

    @property
    def active(self) -> set[str]:
        return {each.name for each in self.apps.revisions(self.place) if each.active}

    @property
    def split_now(self) -> Split:
        return self.router.read_split(self.target, NEW)

    @property
    def versions(self) -> tuple[str | None, str | None]:
        state = self.service.read_live(self.target)
        return state.production_version, state.idle_version

    def write(self, *traffic: dict[str, Any]) -> None:
        """Somebody else's write of the traffic, and its end."""
        self.apps.change(self.place, {"configuration": {"ingress": {"traffic": list(traffic)}}})
        while self.apps.app(self.place).in_progress:
            pass

    def met(self, requests: int) -> Counter[str]:
        return asyncio.run(_met(self.azure.ready["sites"][self.name], requests))


async def _met(address: str, requests: int) -> Counter[str]:
    seen: Counter[str] = Counter()
    async with aiohttp.ClientSession() as users:

        async def user(visits: int) -> None:
            for _ in range(visits):
                async with users.get(f"{address}/cart") as answer:
                    seen[answer.headers["x-version"]] += 1

        await asyncio.gather(*(user(requests // 20) for _ in range(20)))
    return seen


def weight(revision: str, percent: int) -> dict[str, Any]:
    return {"revisionName": revision, "weight": percent}


@pytest.fixture
def app(azure: AzureStandin, until_ended: Follow) -> App:
    """1.0.0 live alone, and NEW beside it."""
    it = App(azure, "apart", until_ended)
    assert it.deploy(NEW).outcome is Outcome.PASSED
    if it.split_now != Split(0.0):
        it.write(weight("apart--v1-0-0", 100))
    return it


@pytest.fixture
def moved(azure: AzureStandin, until_ended: Follow) -> App:
    """An app for tests that change what is live."""
    return App(azure, "moved", until_ended)
