"""A profile of Traffic Manager as its tests see it: before two sites, written and read through the adapters."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from slipway.adapters.traffic_manager import TrafficManagerRouter, TrafficManagerSwitch
from slipway.adapters.traffic_manager.profile import Profile, Shown, place_of
from slipway.promotion.outcomes import Answer
from slipway.promotion.plan import Target
from slipway.promotion.port_values import Split, SwitchState
from tests.laptop import AzureStandin
from tests.laptop_holds import network
from tests.owner import change
from tests.patience import AZURES, wait_a_little

OLD, NEW = "1.0.0", "2.0.0"  # blue's and green's
PROFILE, SLOW = "shop", "slow"  # what users were answered by the second one, they keep
PATH = f"/trafficmanagerprofiles/{PROFILE}"
GREEN = f"{PATH}/AzureEndpoints/green"


@dataclass
class Managed:
    """A profile before two sites, of which blue has the users."""

    azure: AzureStandin
    name: str = PROFILE

    @property
    def target(self) -> Target:
        return self.azure.switched("traffic-manager", profile=self.id, blue="blue", green="green")

    @property
    def id(self) -> str:
        return network(f"trafficManagerProfiles/{self.name}")

    @property
    def switch(self) -> TrafficManagerSwitch:
        return TrafficManagerSwitch(self.azure.settings, settle_s=1.5)

    @property
    def router(self) -> TrafficManagerRouter:
        return TrafficManagerRouter(self.azure.settings, settle_s=1.5)

    @property
    def profile(self) -> Profile:
        return Profile(self.azure.settings, place_of(self.target))

    @property
    def shown(self) -> Shown:
        return self.profile.show()

    @property
    def state(self) -> SwitchState:
        return self.switch.read(self.target)

    @property
    def split(self) -> Split:
        return self.router.read_split(self.target, NEW)

    def start(self, side: str = "green", resuming: bool = False) -> Answer:
        return self.switch.start(self.target, side, "op", resuming)

    def poll(self, answer: Answer, side: str = "green") -> Answer:
        return self.switch.poll(self.target, answer.handle, side)

    def ended(self, answer: Answer, side: str = "green") -> Answer:
        return promptly(lambda last: self.poll(last, side), answer)

    def looked_at(self) -> Answer:
        """On the way to green, from the moment on at which it has something for the probes."""
        answer = self.start()
        while not self.shown.sides["green"].weight.enabled:
            answer = self.poll(answer)
        return answer

    def to(self, side: str) -> Answer:
        return self.ended(self.start(side), side)

    def give(self, share: float, version: str = NEW) -> Answer:
        return self.shared(self.router.start_split(self.target, version, share, "op", False), share, version)

    def shared(self, answer: Answer, share: float, version: str = NEW) -> Answer:
        return promptly(lambda last: self.router.poll_split(self.target, last.handle, version, share), answer)

    def by_somebody(self, endpoint: str, **properties: Any) -> None:
        """A change of an endpoint that is not ours."""
        kind = "AzureEndpoints" if endpoint == "green" else "ExternalEndpoints"
        body: Any = {"properties": properties}
        self.profile.client.endpoints.update("shop", self.name, kind, endpoint, body)

    def put_back(self) -> None:
        self.of_profile(trafficRoutingMethod="Weighted", profileStatus="Enabled")
        self.by_somebody("blue", weight=1000, endpointStatus="Enabled")
        self.by_somebody("green", weight=1000, endpointStatus="Disabled")
        self.by_somebody("elsewhere", weight=100, endpointStatus="Disabled")

    def of_profile(self, **properties: Any) -> None:
        change(self.azure, self.id, {"properties": properties})

    def ill(self, side: str, times: int = 1000) -> None:
        """Its probes fail from now on."""
        self.azure.fault("GET", "/healthz", times, site=f"side-{side}", answer={"status": 503})

    def met(self, requests_: int) -> Counter[str]:
        with requests.Session() as user:
            url = f"{self.azure.ready['sites'][self.name]}/version"
            return Counter(user.get(url, timeout=30).json()["version"] for _ in range(requests_))


def promptly(poll: Callable[[Answer], Answer], answer: Answer) -> Answer:
    """To its end: nothing here takes longer than Azure's answer and a short TTL."""
    deadline = time.monotonic() + AZURES * 30
    while answer.running:
        assert time.monotonic() < deadline, answer
        wait_a_little(answer, 0.05)
        answer = poll(answer)
    return answer
