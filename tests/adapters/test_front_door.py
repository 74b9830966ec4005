"""The Front Door adapter on the official SDK: weights of two origins, the testers' rule, what is checked before."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from slipway.adapters.front_door import FrontDoorRouter, TestersRule, check
from slipway.adapters.front_door.profile import Profile, place_of, started
from slipway.adapters.front_door.weights import Weight, Write
from slipway.promotion.front_door import KIND, Testers
from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.plan import Target
from slipway.promotion.port_values import Split
from tests.laptop import AzureStandin
from tests.owner import change

Follow = Callable[[Callable[[Answer], Answer], Answer], Answer]
SITE, NEW = "edged", "2.0.0"
ORIGIN, OPERATION = f"/originGroups/{SITE}/origins/", "/operationresults/"
TESTERS = Testers("testers", f"{SITE}-testers", "me", header="x-canary")


@dataclass
class Fronted:
    """A Front Door before a site."""

    azure: AzureStandin
    follow: Follow

    @property
    def target(self) -> Target:
        front_door = self.azure.origins(SITE)
        return Target("weu", KIND, front_door.resource, front_door.live)

    @property
    def router(self) -> FrontDoorRouter:
        return FrontDoorRouter(self.azure.settings, settle_s=1.0)

    @property
    def profile(self) -> Profile:
        return Profile(self.azure.settings, place_of(self.target))

    def give(self, share: float) -> Answer:
        started = self.router.start_split(self.target, NEW, share, "op", False)
        return self.goes_on(share, started)

    def goes_on(self, share: float, answer: Answer) -> Answer:
        return self.follow(lambda last: self.router.poll_split(self.target, last.handle, NEW, share), answer)

    def testers(self, there: bool, testers: Testers = TESTERS) -> Answer:
        rule = TestersRule(self.azure.settings)
        change = rule.make if there else rule.remove
        return self.follow(lambda last: change(self.target, testers, last.handle), change(self.target, testers, {}))

    @property
    def now(self) -> Split:
        return self.router.read_split(self.target, NEW)

    def by_somebody(self, idle: bool, weight: Weight) -> None:
        """A change of an origin that is not ours."""
        profile = self.profile
        begun = profile.write(Write(idle, weight))
        self.until_rests(begun.poll_url)

    def group_by_somebody(self, **properties: Any) -> None:
        group = self.target.resource.partition("/origins/")[0]
        self.until_rests(change(self.azure, group, {"properties": properties}))

    def until_rests(self, url: str) -> None:
        profile = self.profile
        self.follow(
            lambda last: Answer(Outcome.PASSED) if profile.follow(url) is None else last, Answer("running", after_s=0.1)
        )


@pytest.fixture
def edge(azure: AzureStandin, until_ended: Follow) -> Iterator[Fronted]:
    edge = Fronted(azure, until_ended)
    yield edge
    azure.forget_faults()
    edge.by_somebody(False, Weight(1000))
    edge.by_somebody(True, Weight(1, enabled=False))


def test_a_share_is_set_followed_and_read_back(edge: Fronted) -> None:
    assert edge.now == Split(0.0)
    answer = edge.give(0.05)
    assert (answer.outcome, answer.result["share"]) == (Outcome.PASSED, pytest.approx(52 / 1052, abs=1e-6))
    assert edge.now.share == answer.result["share"]
    assert edge.profile.origins().pair.idle == Weight(52)
    assert edge.give(0.05).words.startswith("edge/edged already gives")
    assert edge.give(0.0).outcome is Outcome.PASSED
    assert edge.now == Split(0.0) and edge.profile.origins().pair.idle == Weight(52, enabled=False)


def test_a_share_of_two_changes_makes_both(edge: Fronted) -> None:
    edge.by_somebody(False, Weight(50))
    assert edge.give(0.01).outcome is Outcome.PASSED
    assert edge.profile.origins().pair.live == Weight(1000) and edge.now.share == pytest.approx(10 / 1010, abs=1e-6)


def test_a_start_that_is_repeated_changes_nothing(edge: Fronted) -> None:
    started = edge.router.start_split(edge.target, NEW, 0.1, "op", False)
    repeated = edge.router.start_split(edge.target, NEW, 0.1, "op", True)
    assert repeated.running and "is under way" in repeated.words
    assert edge.goes_on(0.1, repeated).outcome is Outcome.PASSED
    assert edge.goes_on(0.1, started).outcome is Outcome.PASSED


@pytest.mark.parametrize("status", [409, 429, 500, 503])
def test_what_may_pass_is_tried_again(edge: Fronted, status: int) -> None:
    edge.azure.fault("PATCH", ORIGIN, times=2, answer={"status": status})
    started = edge.router.start_split(edge.target, NEW, 0.1, "op", False)
    assert started.running and started.handle["kind"] == "intended"
    assert edge.goes_on(0.1, started).outcome is Outcome.PASSED
    assert edge.azure.faults_left() == []


def test_a_change_whose_answer_is_lost_is_looked_for_first(edge: Fronted) -> None:
    edge.azure.fault("PATCH", ORIGIN, drop="after")
    started = edge.router.start_split(edge.target, NEW, 0.1, "op", False)
    assert started.running and started.code == "AZURE_UNKNOWN"
    assert edge.goes_on(0.1, started).outcome is Outcome.PASSED


def test_polls_that_fail_are_polled_again_and_an_operation_that_is_forgotten_counts_by_what_is_shown(
    edge: Fronted,
) -> None:
    edge.azure.fault("GET", OPERATION, answer={"status": 503})
    assert edge.give(0.1).outcome is Outcome.PASSED
    edge.azure.fault("GET", OPERATION, times=50, answer={"status": 404})
    assert edge.give(0.25).outcome is Outcome.PASSED
    assert edge.now.share == pytest.approx(0.25, abs=0.001)


def test_a_refusal_is_told_in_azures_words(edge: Fronted) -> None:
    refusal = {"error": {"code": "AuthorizationFailed", "message": "may not perform action 'Microsoft.Cdn/x/write'"}}
    edge.azure.fault("PATCH", ORIGIN, answer={"status": 403, "body": refusal})
    answer = edge.give(0.1)
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "ROUTER_REFUSED")
    assert "Microsoft.Cdn/x/write" in answer.words


def test_a_weight_that_somebody_changes_meanwhile_is_not_fought_over(edge: Fronted) -> None:
    started = edge.router.start_split(edge.target, NEW, 0.1, "op", False)
    edge.until_rests(started.handle["poll_url"])
    edge.by_somebody(True, Weight(7))
    answer = edge.goes_on(0.1, started)
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "WEIGHT_NOT_APPLIED")


def test_a_live_origin_that_somebody_disabled_is_named_and_the_idle_one_is_never_the_last_to_go(edge: Fronted) -> None:
    edge.give(0.1)
    edge.by_somebody(False, Weight(1000, enabled=False))
    assert edge.now.share == 1.0
    answer = edge.give(0.0)
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "LIVE_ORIGIN_DISABLED")
    assert edge.profile.origins().pair.idle.enabled


def test_an_idle_origin_that_somebody_disabled_is_seen_as_nothing_for_the_release(edge: Fronted) -> None:
    edge.give(0.1)
    edge.by_somebody(True, Weight(111, enabled=False))
    assert edge.now.share == 0.0


def test_what_is_none_of_a_front_door_is_refused(edge: Fronted) -> None:
    for target in (edge.azure.target(SITE), replace(edge.target, slot="nowhere")):
        answer = edge.router.start_split(target, NEW, 0.1, "op", False)
        assert (answer.outcome, answer.code) == (Outcome.BROKEN, "ROUTER_REFUSED")


def test_the_testers_rule_is_made_once_and_taken_away(edge: Fronted) -> None:
    assert edge.testers(there=True).outcome is Outcome.PASSED
    profile = edge.profile
    (rule,) = profile.client.rules.list_by_rule_set(*profile.address, "testers")
    assert (rule.name, rule.order, rule.match_processing_behavior) == ("slipwayidle", 1, "Stop")
    assert edge.testers(there=True).words == "testers (header x-canary: me) are sent to edged-testers"
    assert edge.testers(there=True, testers=replace(TESTERS, header="", cookie="canary")).outcome is Outcome.PASSED
    assert edge.testers(there=False).outcome is Outcome.PASSED
    assert list(profile.client.rules.list_by_rule_set(*profile.address, "testers")) == []
    assert edge.testers(there=False).words == "there is no rule for testers"


def test_a_rule_of_ours_that_somebody_sent_elsewhere_is_put_right(edge: Fronted) -> None:
    assert edge.testers(there=True, testers=replace(TESTERS, origin_group=SITE)).outcome is Outcome.PASSED
    assert edge.testers(there=True).outcome is Outcome.PASSED
    profile = edge.profile
    (rule,) = profile.client.rules.list_by_rule_set(*profile.address, "testers")
    assert f"/originGroups/{SITE}-testers" in str(rule.as_dict())
    assert edge.testers(there=False).outcome is Outcome.PASSED


def test_the_testers_rule_takes_an_order_that_no_other_rule_of_the_set_has(edge: Fronted) -> None:
    profile = edge.profile
    client, address = profile.client.rules, (*profile.address, "testers", "peoples")
    edge.testers(there=True, testers=replace(TESTERS, value="them"))
    (ours,) = client.list_by_rule_set(*profile.address, "testers")
    edge.testers(there=False)
    written = ours.as_dict()["properties"]
    body: Any = {"properties": {key: written[key] for key in ("conditions", "actions", "matchProcessingBehavior")}}
    body["properties"]["order"] = 1
    edge.until_rests(started(lambda **sent: client.begin_create(*address, body, **sent)).poll_url)
    made = edge.testers(there=True)
    orders = {rule.name: rule.order for rule in client.list_by_rule_set(*profile.address, "testers")}
    gone = edge.testers(there=False)
    edge.until_rests(started(lambda **sent: client.begin_delete(*address, **sent)).poll_url)
    assert made.outcome is gone.outcome is Outcome.PASSED
    assert orders == {"peoples": 1, "slipwayidle": 2}


def test_a_change_is_followed_with_our_token_at_azure_only(edge: Fronted) -> None:
    with pytest.raises(ValueError, match=r"elsewhere.example is not .*; it gets no token of ours"):
        edge.profile.follow("https://elsewhere.example/operationresults/1")
    with pytest.raises(ValueError, match="gets no token of ours"):
        edge.profile.follow(edge.azure.settings.arm_endpoint.replace("https://", "http://") + "/operationresults/1")


def test_testers_of_a_rule_set_that_is_not_there_are_refused_and_have_no_rule_that_could_go(edge: Fronted) -> None:
    assert edge.testers(there=False, testers=replace(TESTERS, rule_set="nowhere")).outcome is Outcome.PASSED
    answer = edge.testers(there=True, testers=replace(TESTERS, rule_set="nowhere"))
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "TESTERS_REFUSED")


def test_a_front_door_that_can_divide_traffic_is_told_with_its_fast_way_back(edge: Fronted) -> None:
    answer = check(edge.target, edge.azure.settings)
    assert (answer.outcome, answer.result["drop_s"]) == (Outcome.PASSED, 2.0)
    assert answer.words == "edges drop a stopped side of edge/edged within 2 s"


def balancing(window_ms: int) -> dict[str, Any]:
    return {"loadBalancingSettings": {"additionalLatencyInMilliseconds": window_ms}}


@pytest.mark.parametrize(
    ("wrong", "right", "code"),
    [
        (balancing(0), balancing(1000), "LATENCY_WINDOW_TOO_SMALL"),
        (balancing(499), balancing(1000), "LATENCY_WINDOW_TOO_SMALL"),
        ({"sessionAffinityState": "Enabled"}, {"sessionAffinityState": "Disabled"}, "SESSION_AFFINITY"),
    ],
)
def test_a_group_by_which_weights_do_not_divide_requests_is_named(
    edge: Fronted, wrong: dict[str, Any], right: dict[str, Any], code: str
) -> None:
    edge.group_by_somebody(**wrong)
    answer = check(edge.target, edge.azure.settings)
    edge.group_by_somebody(**right)
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, code)


def test_origins_of_different_priorities_are_named(edge: Fronted) -> None:
    profile = edge.profile

    def prioritised(priority: int) -> None:
        body = {"properties": {"priority": priority}}
        update = profile.client.afd_origins.begin_update
        edge.until_rests(started(lambda **sent: update(*profile.address, SITE, "idle", body, **sent)).poll_url)

    prioritised(2)
    answer = check(edge.target, edge.azure.settings)
    prioritised(1)
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "PRIORITIES_DIFFER")
