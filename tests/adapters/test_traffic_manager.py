"""The Traffic Manager adapters on the official SDK: weights of two endpoints, as a switch and as a router."""

import time
from collections.abc import Iterator
from dataclasses import replace
from math import sqrt

import pytest

from slipway.adapters.platforms import router_of
from slipway.adapters.switches import switch_of
from slipway.adapters.traffic_manager import TrafficManagerRouter, TrafficManagerSwitch
from slipway.promotion.outcomes import Outcome
from slipway.promotion.port_values import Split, SwitchState
from tests.adapters.managed_profile import GREEN, NEW, OLD, PATH, PROFILE, SLOW, Managed
from tests.laptop import AzureStandin
from tests.laptop_holds import network
from tests.owner import resource


@pytest.fixture
def slow(azure: AzureStandin) -> Iterator[Managed]:
    slow = Managed(azure, SLOW)
    yield slow
    slow.put_back()


@pytest.fixture
def shop(azure: AzureStandin) -> Iterator[Managed]:
    shop = Managed(azure)
    yield shop
    azure.forget_faults()
    shop.put_back()


def test_all_users_are_sent_to_the_other_side_and_back(shop: Managed) -> None:
    sites = shop.azure.ready["sites"]
    sides = {"blue": sites["side-blue"], "green": sites["side-green"]}
    assert shop.state == SwitchState("blue", sites[PROFILE], sides)
    answer = shop.to("green")
    assert (answer.outcome, answer.result) == (Outcome.PASSED, {"side": "green", "observed": NEW, "old_answers_s": 0.0})
    assert shop.state == SwitchState("green", sites[PROFILE], sides) and shop.met(20) == {NEW: 20}
    assert shop.to("blue").result["observed"] == OLD
    assert shop.state.side == "blue" and shop.met(20) == {OLD: 20}


def test_a_switch_that_is_there_already_is_a_no_op_that_says_so(shop: Managed) -> None:
    answer = shop.start("blue")
    assert answer.outcome is Outcome.PASSED and answer.words == "shop already sends all users to blue"


def test_a_side_that_stood_idle_is_probed_with_one_answer_in_a_thousand_first(shop: Managed) -> None:
    answer = shop.looked_at()
    assert shop.shown.pair("green").share == 0.001
    assert shop.ended(answer).outcome is Outcome.PASSED


def test_a_side_that_probes_find_ill_gets_no_users_and_what_it_had_is_taken_away(shop: Managed) -> None:
    shop.ill("green")
    answer = shop.to("green")
    assert (answer.outcome, answer.code) == (
        Outcome.BROKEN,
        "SIDE_NOT_HEALTHY",
    ) and "green of shop is Degraded" in answer.words
    assert not shop.shown.sides["green"].weight.enabled and shop.state.side == "blue"


def test_a_live_side_that_is_ill_keeps_nobody_from_leaving_it(shop: Managed) -> None:
    shop.to("green")
    shop.ill("green")
    assert shop.to("blue").outcome is Outcome.PASSED and shop.met(10) == {OLD: 10}


def test_where_all_are_ill_all_are_answered_and_that_is_said(shop: Managed) -> None:
    shop.ill("blue")
    shop.ill("green")
    assert shop.met(5) == {OLD: 5}
    answer = shop.to("green")
    assert answer.outcome is Outcome.PASSED and "every endpoint that is on is Degraded" in answer.words


def test_users_that_only_traffic_manager_moved_are_seen(shop: Managed) -> None:
    shop.by_somebody("green", endpointStatus="Enabled")
    assert shop.state.share == 0.5
    shop.ill("blue")
    state = shop.state
    assert (state.side, state.share) == ("green", 0.0) and shop.split.share == 1.0
    assert "blue is Degraded" in shop.shown.warning


def test_users_are_not_there_before_the_old_answers_have_gone(slow: Managed) -> None:
    slow.of_profile(dnsConfig={"ttl": 2})
    slow.met(300)  # by now every resolver keeps an answer
    answer = slow.start()
    while answer.handle["kind"] != "settling":
        written_at, answer = time.monotonic(), slow.poll(answer)
    assert answer.running and "answers from before may live for" in answer.words
    assert slow.shown.pair("green").says(1.0)
    ended = slow.ended(answer)
    assert time.monotonic() - written_at >= 2.0
    assert ended.result == {"side": "green", "observed": NEW, "old_answers_s": 2.0}
    assert slow.met(60) == {NEW: 60}


def test_users_who_still_meet_the_old_side_keep_a_switch_from_ending(shop: Managed) -> None:
    shop.by_somebody("blue", endpointStatus="Enabled")
    told = shop.target.settings["traffic-manager"]
    sites = shop.azure.ready["sites"]
    target = replace(shop.target, settings={"traffic-manager": {**told, "addresses": {"users": sites["side-blue"]}}})
    answer = shop.switch.start(target, "green", "op", False)
    for _ in range(10):
        answer = shop.switch.poll(target, answer.handle, "green")
    assert answer.running and "0 of 5 looks at the users' address met 2.0.0" in answer.words


def test_a_share_is_set_read_back_and_met(shop: Managed) -> None:
    assert shop.split == Split(0.0)
    for share in (0.05, 0.257, 1.0, 0.25):
        answer = shop.give(share)
        assert answer.outcome is Outcome.PASSED and answer.result == {"share": share, "others": []}, answer
        assert shop.split == Split(share)
    assert shop.give(0.25).words == "shop already gives green 25.0%"
    seen = shop.met(600)
    assert seen.total() == 600 and abs(seen[NEW] - 150) < 5 * sqrt(600 * 0.25 * 0.75)
    assert shop.give(0.0).result["share"] == 0.0 and shop.met(20) == {OLD: 20}


def test_the_release_is_known_by_what_its_side_answers_and_is_never_guessed(shop: Managed) -> None:
    shop.give(0.3)
    assert shop.router.read_split(shop.target, OLD).share == 0.7
    before = shop.shown
    for share in (0.0, 0.6):
        answer = shop.router.start_split(shop.target, "3.0.0", share, "op", False)
        assert answer.running and "blue answers 1.0.0 and green answers 2.0.0" in answer.words
        assert "which side of shop is 3.0.0's is not known" in answer.words and shop.shown == before


@pytest.mark.parametrize("silent", [["blue"], ["green"], ["blue", "green"]])
def test_a_side_that_falls_silent_does_not_make_the_other_one_the_releases(shop: Managed, silent: list[str]) -> None:
    shop.give(0.7)
    before = shop.shown
    for side in silent:
        shop.azure.fault("GET", "/version", times=1000, site=f"side-{side}", answer={"status": 500})
    version = "3.0.0" if silent == ["blue"] else NEW
    answer = shop.router.start_split(shop.target, version, 0.0, "op", False)
    assert answer.running and f"{silent[0]} answers nothing" in answer.words and shop.shown == before
    shop.azure.forget_faults()
    assert shop.shared(answer, 0.0, NEW).outcome is Outcome.PASSED and shop.met(10) == {OLD: 10}


def test_endpoints_of_others_stay_and_are_named(shop: Managed) -> None:
    shop.by_somebody("elsewhere", endpointStatus="Enabled")
    assert shop.give(0.1).result == {"share": 0.1, "others": ["elsewhere"]}
    assert shop.split == Split(0.1, others=("elsewhere",))
    found = resource(shop.azure, f"{shop.id}/externalEndpoints/elsewhere")
    assert (found["properties"]["weight"], found["properties"]["endpointStatus"]) == (100, "Enabled")


def test_a_release_that_probes_find_ill_gets_no_more(shop: Managed) -> None:
    shop.give(0.1)
    shop.ill("green")
    assert shop.split.share == 0.0
    answer = shop.give(0.2)
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "SIDE_NOT_HEALTHY")
    assert shop.give(0.0).outcome is Outcome.PASSED


@pytest.mark.parametrize("status", [409, 429, 500, 503])
@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_what_may_pass_is_tried_again(shop: Managed, method: str, status: int) -> None:
    shop.azure.fault(method, PATH, answer={"status": status, "headers": {"Retry-After": "7"}})
    started = shop.start()
    assert started.running and started.after_s == 7.0
    assert shop.ended(started).outcome is Outcome.PASSED
    assert shop.azure.faults_left() == []


def test_an_azure_that_fails_for_ever_is_asked_until_the_operations_time_is_over(shop: Managed) -> None:
    shop.azure.fault("PATCH", PATH, times=50, answer={"status": 500})
    answer = shop.start()
    for _ in range(5):
        assert answer.running and "Azure is not available" in answer.words
        answer = shop.poll(answer)
    assert not shop.shown.sides["green"].weight.enabled


def test_probes_that_never_end_keep_the_switch_running_with_words(shop: Managed) -> None:
    answer = shop.looked_at()
    found = shop.profile.client.profiles.get("shop", PROFILE).as_dict()
    for each in found["properties"]["endpoints"]:
        if each["name"] == "green":
            each["properties"]["endpointMonitorStatus"] = "CheckingEndpoint"
    shop.azure.fault("GET", PATH, times=3, answer={"status": 200, "body": found})
    for _ in range(3):
        answer = shop.poll(answer)
        assert answer.running and answer.words == "green of shop is being probed: CheckingEndpoint"


def test_an_expired_token_is_refreshed_where_azure_asks_for_it(shop: Managed) -> None:
    challenge = 'Bearer authorization_uri="https://login", error="insufficient_claims", claims="eyJhIjoxfQ=="'
    shop.azure.fault("PATCH", GREEN, answer={"status": 401, "headers": {"WWW-Authenticate": challenge}})
    assert shop.to("green").outcome is Outcome.PASSED
    assert shop.azure.faults_left() == []


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_told_in_azures_words(shop: Managed, status: int) -> None:
    action = "Microsoft.Network/trafficManagerProfiles/azureEndpoints/write"
    refusal = {"error": {"code": "AuthorizationFailed", "message": f"not allowed to perform action '{action}'"}}
    times = 2 * (2 if status == 401 else 1)  # with a new token, too
    shop.azure.fault("PATCH", GREEN, times=times, answer={"status": status, "body": refusal})
    answers = [shop.to("green"), shop.give(0.1)]
    assert [each.code for each in answers] == ["SWITCH_REFUSED", "ROUTER_REFUSED"]
    assert all(f"lacks the action {action}" in each.words for each in answers)


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"profile": network("trafficManagerProfiles/none")}, "does not find it"),
        ({"green": "red"}, "the profile shop has no endpoint red"),
        (
            {"profile": network("dnsZones/shop.example")},
            "is not the resource id of a Microsoft.Network/trafficManagerProfiles",
        ),
    ],
)
def test_what_is_not_there_is_refused_by_name(shop: Managed, section: dict[str, str], words: str) -> None:
    target = shop.azure.switched("traffic-manager", **{"profile": shop.id, "blue": "blue", "green": "green", **section})
    answer = shop.switch.start(target, "green", "op", False)
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "SWITCH_REFUSED") and words in answer.words


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"trafficRoutingMethod": "Priority"}, "routes by Priority, and only Weighted knows weights"),
        ({"profileStatus": "Disabled"}, "is disabled: nobody is answered"),
    ],
)
def test_a_profile_that_cannot_divide_is_refused_by_name(shop: Managed, properties: dict[str, str], words: str) -> None:
    shop.of_profile(**properties)
    answer = shop.start()
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "SWITCH_REFUSED") and words in answer.words


@pytest.mark.parametrize("drop", ["before", "after"])
@pytest.mark.parametrize("write", [1, 2, 3, 4])
def test_a_write_whose_answer_is_lost_is_looked_for_first(shop: Managed, drop: str, write: int) -> None:
    answer = shop.start() if write > 1 else None
    for _ in range(write - 2):
        assert answer is not None
        answer = shop.poll(answer)
    shop.azure.fault("PATCH", PATH, drop=drop)
    answer = shop.poll(answer) if answer else shop.start()
    assert answer.running and answer.code == "AZURE_UNKNOWN"
    assert shop.ended(answer).result["observed"] == NEW
    assert shop.azure.faults_left() == [] and shop.met(10) == {NEW: 10}


@pytest.mark.parametrize("body", ["{nonsense", "[]"])
def test_an_answer_that_cannot_be_read_is_asked_for_again(shop: Managed, body: str) -> None:
    json_ = {"Content-Type": "application/json"}
    for method in ("GET", "PATCH") if body != "[]" else ("GET",):
        shop.azure.fault(method, PATH, answer={"status": 200, "body": body, "headers": json_})
    started = shop.start()
    assert started.running and started.code == "AZURE_UNKNOWN"
    assert shop.ended(started).outcome is Outcome.PASSED
    assert shop.azure.faults_left() == []


def test_a_weight_that_is_accepted_and_not_kept_is_broken_in_the_end(shop: Managed) -> None:
    shop.azure.fault("PATCH", PATH, times=9, answer={"status": 200, "body": {}})
    answer = shop.give(0.1)
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "WEIGHT_NOT_APPLIED")


def test_success_that_is_not_visible_yet_is_waited_for(shop: Managed) -> None:
    before = shop.profile.client.profiles.get("shop", PROFILE).as_dict()
    started = shop.router.start_split(shop.target, NEW, 0.1, "op", False)
    shop.azure.fault("GET", PATH, times=1, answer={"status": 200, "body": before})
    assert shop.shared(started, 0.1).outcome is Outcome.PASSED


def test_what_somebody_writes_meanwhile_is_not_fought_over(shop: Managed) -> None:
    started = shop.router.start_split(shop.target, NEW, 0.1, "op", False)
    shop.by_somebody("blue", weight=7)
    answer = shop.shared(started, 0.1)
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "WEIGHT_NOT_APPLIED")
    assert shop.shown.sides["blue"].weight.value == 7


def test_users_that_somebody_sends_elsewhere_before_the_switch_has_settled_are_named(slow: Managed) -> None:
    slow.of_profile(dnsConfig={"ttl": 60})
    answer = slow.start()
    while answer.handle["kind"] != "settling":
        answer = slow.poll(answer)
    slow.by_somebody("blue", endpointStatus="Enabled")
    answer = slow.poll(answer)
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "WEIGHT_NOT_APPLIED") and "somebody else" in answer.words


def test_a_start_that_is_repeated_waits_for_the_old_answers_once_more(slow: Managed) -> None:
    slow.by_somebody("green", endpointStatus="Enabled")
    slow.by_somebody("blue", endpointStatus="Disabled")
    slow.of_profile(dnsConfig={"ttl": 60})
    answer = slow.start(resuming=True)
    assert answer.running and answer.handle["kind"] == "settling" and answer.after_s <= 15


def test_the_section_of_a_target_chooses_the_adapter(shop: Managed) -> None:
    assert isinstance(switch_of(shop.target), TrafficManagerSwitch)
    assert isinstance(router_of(shop.target), TrafficManagerRouter)
