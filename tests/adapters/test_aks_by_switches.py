"""An AKS release whose users come by Traffic Manager or by DNS: both adapters together, as activities drive them."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from slipway.adapters.aks.clusters import Clusters
from slipway.adapters.dns.record import Record
from slipway.adapters.dns.record import place_of as dns_place
from slipway.adapters.switches import switch_of
from slipway.adapters.traffic_manager import TrafficManagerRouter
from slipway.adapters.traffic_manager.profile import Profile, place_of
from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.port_values import Split
from tests.adapters.cluster_release import NEW, ClusterRelease
from tests.laptop import AzureStandin
from tests.laptop_holds import CHART, IMAGE, ZONE, network

Follow = Callable[[Callable[[Answer], Answer], Answer], Answer]
OLD = "1.0.0"


class Crossed(ClusterRelease):
    """The release `crossed`, switched from outside of its cluster."""

    def __init__(self, azure: AzureStandin, follow: Follow, name: str, switch: str, **section: Any) -> None:
        super().__init__(azure, "crossed", follow)
        self.target = replace(self.target, settings={**self.target.settings, switch: section})
        self.users = azure.ready["sites"][name]

    @property
    def side(self) -> str:
        return switch_of(self.target, self.azure.settings).read(self.target).side

    def met(self, visits: int = 20) -> Counter[str]:
        with requests.Session() as users:
            return Counter(users.get(f"{self.users}/cart", timeout=30).headers["x-version"] for _ in range(visits))

    def split(self, share: float) -> Answer:
        router = TrafficManagerRouter(self.azure.settings)
        started = router.start_split(self.target, NEW, share, "op:split", False)
        return self.follow(lambda last: router.poll_split(self.target, last.handle, NEW, share), started)


def test_traffic_manager_divides_the_users_of_two_helm_releases_then_switches_them(
    azure: AzureStandin, until_ended: Follow
) -> None:
    profile = network("trafficManagerProfiles/crossed")
    crossed = Crossed(azure, until_ended, "crossed", "traffic-manager", profile=profile, blue="blue", green="green")
    assert crossed.deploy(NEW).outcome is Outcome.PASSED and crossed.versions == (OLD, NEW)
    assert crossed.split(0.4).result == {"share": 0.4, "others": []}
    assert crossed.met(100).keys() == {OLD, NEW}
    stopped = crossed.service.stop_idle(crossed.target, NEW)
    assert stopped.running and "users may still be on the green side" in stopped.words
    answer = crossed.swap(NEW)
    assert answer.outcome is Outcome.PASSED and "sends all users to green" in answer.words, answer
    assert crossed.side == "green" and crossed.met() == {NEW: 20} and crossed.versions == (NEW, OLD)
    assert TrafficManagerRouter(azure.settings).read_split(crossed.target, NEW) == Split(1.0)
    assert crossed.swap(OLD).outcome is Outcome.PASSED and crossed.met() == {OLD: 20}

    sides = Profile(azure.settings, place_of(crossed.target))
    body: Any = {"properties": {"endpointStatus": "Disabled"}}
    (kind,) = (each.kind for each in sides.show().sides.values() if each.name == "blue")
    sides.client.endpoints.update("shop", "crossed", kind, "blue", body)
    assert crossed.side == ""
    answers = crossed.start_deployment("3.0.0"), crossed.start_swap(NEW)
    assert [each.code for each in answers] == ["SWITCHED_ELSEWHERE"] * 2, "both endpoints are off: nothing is written"
    assert crossed.release("blue").number == 1 and crossed.side == ""
    body["properties"]["endpointStatus"] = "Enabled"
    sides.client.endpoints.update("shop", "crossed", kind, "blue", body)

    assert crossed.split(0.6).result == {"share": 0.6, "others": []}
    by_hand = f"helm upgrade --install crossed-green oci://{CHART} --version 2.0.1 -n shop --set-string"
    Clusters(azure.settings).run(crossed.place, f"{by_hand} image.repository={IMAGE},image.tag=2.0.1")
    deadline = time.monotonic() + 20
    while (answer := crossed.split(0.8)).code != "IDLE_HOLDS_ANOTHER":
        assert time.monotonic() < deadline, answer
    assert "answers 2.0.1, not 2.0.0" in answer.words, "a side that somebody made another release of gets no more"
    assert crossed.split(0.0).result["share"] == 0.0, "and is still the one that was brought"
    assert crossed.side == "blue" and crossed.met() == {OLD: 20}


def test_dns_switches_the_users_of_two_helm_releases(
    azure: AzureStandin, until_ended: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites = azure.ready["sites"]
    reached = {side: sites[f"shop-crossed-{side}"] for side in ("blue", "green")}
    names = {side: f"{side}.crossed.{ZONE}" for side in ("blue", "green")}
    record = network(f"dnsZones/{ZONE}/CNAME/crossed")
    crossed = Crossed(azure, until_ended, f"crossed.{ZONE}", "dns", record=record, addresses=reached, ttl=1.0, **names)
    assert crossed.deploy(NEW).outcome is Outcome.PASSED
    elsewhere = f"maintenance.{ZONE}"
    for name in (elsewhere, names["blue"]):
        body: Any = {"properties": {"CNAMERecord": {"cname": name}}}
        Record(azure.settings, dns_place(crossed.target)).client.record_sets.update(
            "shop", ZONE, "crossed", "CNAME", body
        )
        if name == elsewhere:
            answers = crossed.start_deployment("3.0.0"), crossed.start_swap(NEW)
            assert [each.code for each in answers] == ["SWITCHED_ELSEWHERE"] * 2
    assert crossed.release("blue").number == 1
    for version in (NEW, OLD):
        answer = crossed.start_swap(version)
        while answer.handle["kind"] != "settling":
            answer = crossed.service.poll_swap(crossed.target, answer.handle, version)
        assert answer.running and "answers from before may live for" in answer.words
        with monkeypatch.context() as later:  # when name servers and resolvers have all heard of it
            later.setenv("FUNCTIONS_NOW", (datetime.now(UTC) + timedelta(seconds=61)).isoformat())
            assert crossed.swapped(answer, version).outcome is Outcome.PASSED
        deadline = time.monotonic() + 10
        while crossed.met() != {version: 20}:  # the stand-in's resolvers go by the real time, and keep it for a second
            assert time.monotonic() < deadline
