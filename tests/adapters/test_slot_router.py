"""Routing rules of App Service through the official SDK: what share the slot gets, and what becomes of it."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from math import sqrt
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.adapters.app_service import AppService, SlotRouter
from slipway.adapters.app_service.arm import Arm
from slipway.adapters.app_service.rules import percent_of
from slipway.adapters.http_probe import probe
from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.port_values import Split
from tests.laptop import AzureStandin
from tests.laptop_holds import SUBSCRIPTION

Follow = Callable[[Callable[[Answer], Answer], Answer], Answer]
CONFIG = "/config/web"
NEW = "2.0.0"


class Divided:
    """A site with 1.0.0 live and NEW in its slot, whose traffic is divided as the activities divide it."""

    def __init__(self, azure: AzureStandin, site: str, follow: Follow) -> None:
        self.azure = azure
        self.site = site
        self.target = azure.target(site)
        self.service = AppService(azure.settings, settle_s=0.5)
        self.router = SlotRouter(azure.settings, settle_s=0.3)
        self._follow = follow

    def start(self, share: float, resuming: bool = False) -> Answer:
        return self.router.start_split(self.target, NEW, share, "op:split", resuming)

    def ended(self, answer: Answer, share: float) -> Answer:
        return self._follow(lambda last: self.router.poll_split(self.target, last.handle, NEW, share), answer)

    def split(self, share: float) -> Answer:
        return self.ended(self.start(share), share)

    def deploy(self, version: str) -> None:
        package = self.azure.package(version)
        started = self.service.start_deployment(self.target, package, version, datetime.now(UTC), False, version)
        ended = self._follow(lambda last: self.service.poll_deployment(self.target, last.handle, version), started)
        assert ended.outcome is Outcome.PASSED, ended

    def swap(self, version: str) -> Answer:
        started = self.service.start_swap(self.target, version, "op:swap", datetime.now(UTC), False)
        return self._follow(lambda last: self.service.poll_swap(self.target, last.handle, version), started)

    @property
    def now(self) -> Split:
        return self.router.read_split(self.target, NEW)

    def met(self, requests: int) -> Counter[str]:
        """The versions that so many users without cookies met."""
        return asyncio.run(_met(self.azure.ready["sites"][self.site], requests))

    def write(self, *rules: tuple[str, float]) -> None:
        """Somebody else's write: rules by slot and percentage, in place of all."""
        self.write_named(*((slot, slot, percent) for slot, percent in rules))

    def write_named(self, *rules: tuple[str, str, float]) -> None:
        """The same by name, slot and percentage."""
        sites = self.azure.ready["sites"]
        hosts = {slot: sites[f"{self.site}({slot})"].removeprefix("http://") for _, slot, _ in rules}
        listed = [
            {"name": name, "actionHostName": hosts[slot], "reroutePercentage": each} for name, slot, each in rules
        ]
        body: Any = {"properties": {"experiments": {"rampUpRules": listed}}}
        Arm(self.azure.settings, SUBSCRIPTION).client.web_apps.update_configuration("shop", self.site, body)


async def _met(address: str, requests: int) -> Counter[str]:
    seen: Counter[str] = Counter()
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as users:

        async def user(visits: int) -> None:
            for _ in range(visits):
                async with users.get(f"{address}/cart") as answer:
                    seen[answer.headers["x-version"]] += 1

        await asyncio.gather(*(user(requests // 20) for _ in range(20)))
    return seen


@pytest.fixture(scope="module")
def prepared(azure: AzureStandin) -> Iterator[set[str]]:
    """The sites whose slots hold NEW already."""
    yield set()


@pytest.fixture
def site(azure: AzureStandin, until_ended: Follow, prepared: set[str]) -> Divided:
    it = Divided(azure, "divided", until_ended)
    if it.site not in prepared:
        it.deploy(NEW)
        prepared.add(it.site)
    it.write()
    return it


@pytest.fixture
def turning(azure: AzureStandin, until_ended: Follow) -> Divided:
    """A site for tests that change what its sides hold; 1.0.0 is live and NEW in the slot."""
    it = Divided(azure, "turned", until_ended)
    it.write()
    if it.service.read_live(it.target).production_version == NEW:
        it.swap("1.0.0")
    if it.service.read_live(it.target).idle_version != NEW:
        it.deploy(NEW)
    return it


def test_a_share_is_set_raised_and_taken_away(site: Divided) -> None:
    assert site.now == Split(0.0)
    for share in (0.05, 0.25, 1.0):
        answer = site.split(share)
        assert answer.outcome is Outcome.PASSED and answer.result["share"] == share, answer
        assert site.now == Split(share)
    assert site.met(40) == {NEW: 40}
    answer = site.split(0.0)
    assert answer.outcome is Outcome.PASSED and answer.result["share"] == 0.0 and "all to production" in answer.words
    assert site.now == Split(0.0) and site.met(40) == {"1.0.0": 40}


def test_users_meet_the_share_that_was_set(site: Divided) -> None:
    share, requests = 0.1, 2000
    site.split(share)
    seen = site.met(requests)
    assert seen.total() == requests and set(seen) == {"1.0.0", NEW}
    # Five standard deviations: once in two million runs beyond it by chance.
    assert abs(seen[NEW] - share * requests) < 5 * sqrt(requests * share * (1 - share))


def test_what_is_set_already_is_not_written_again_and_said(site: Divided) -> None:
    site.split(0.05)
    site.azure.fault("PATCH", CONFIG, answer={"status": 500})
    again = site.start(0.05, resuming=True)
    assert again.outcome is Outcome.PASSED and "already sends 5 %" in again.words
    assert len(site.azure.faults_left()) == 1, "nobody wrote"


def test_rules_of_others_stay_and_are_named(site: Divided) -> None:
    site.write(("beta", 7.5))
    assert site.split(0.2).result == {"share": 0.2, "others": ["beta"]}
    assert site.now == Split(0.2, others=("beta",))
    assert site.split(0.0).result == {"share": 0.0, "others": ["beta"]}
    assert site.now == Split(0.0, others=("beta",))
    listed = Arm(site.azure.settings, SUBSCRIPTION).get(f"{site.target.resource}{CONFIG}").properties
    assert [rule["reroutePercentage"] for rule in listed["experiments"]["rampUpRules"]] == [7.5]


def test_a_rule_of_any_name_to_the_slot_counts_and_is_taken_away(site: Divided) -> None:
    site.write_named(("staging", "staging", 25), ("mine", "staging", 50), ("beta", "beta", 0.5))
    assert site.now == Split(0.75, others=("beta",))
    assert site.split(0.25).result == {"share": 0.25, "others": ["beta"]}
    assert site.now == Split(0.25, others=("beta",))
    site.write_named(("mine", "staging", 50))
    back = site.start(0.0)
    assert back.outcome is Outcome.PASSED and "already" not in back.words
    assert site.now == Split(0.0) and site.met(40) == {"1.0.0": 40}


def test_a_rule_to_another_slot_stays_even_under_our_slots_name(site: Divided) -> None:
    site.write_named(("staging", "beta", 1))
    assert site.split(0.2).result == {"share": 0.2, "others": ["staging"]}
    assert site.split(0.0).result == {"share": 0.0, "others": ["staging"]}
    assert site.now == Split(0.0, others=("staging",))


def test_a_share_that_azure_refuses_is_broken_in_its_words(site: Divided) -> None:
    site.write(("beta", 90))
    answer = site.split(0.2)
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "ROUTER_REFUSED")
    assert "must not exceed 100" in answer.words
    assert site.now == Split(0.0, others=("beta",))


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_a_missing_right_is_named(site: Divided, method: str) -> None:
    action = f"Microsoft.Web/sites/config/{'Read' if method == 'GET' else 'Write'}"
    words = f"The client does not have authorization to perform action '{action}' over scope '/x'."
    denied = {"error": {"code": "AuthorizationFailed", "message": words}}
    site.azure.fault(method, CONFIG, answer={"status": 403, "body": denied})
    answer = site.start(0.1)
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "ROUTER_REFUSED")
    assert f"lacks the action {action}" in answer.words


def test_a_share_that_azure_accepts_and_does_not_keep_is_broken_in_the_end(site: Divided) -> None:
    site.azure.fault("PATCH", CONFIG, answer={"status": 200, "body": {"properties": {}}})
    answer = site.start(0.1)
    assert answer.running and answer.handle["kind"] == "written" and "says 0 %, not 10 %" in answer.words
    ended = site.ended(answer, 0.1)
    assert (ended.outcome, ended.code) == (Outcome.BROKEN, "WEIGHT_NOT_APPLIED")


def test_a_share_that_shows_late_is_awaited(site: Divided) -> None:
    shown = {"properties": {"experiments": {"rampUpRules": []}}}
    answer = site.start(0.1)
    assert answer.outcome is Outcome.PASSED
    site.azure.fault("GET", CONFIG, times=2, answer={"status": 200, "body": shown})
    site.azure.fault("PATCH", CONFIG, answer={"status": 200, "body": shown})
    late = site.start(0.1)
    assert late.running
    assert site.ended(late, 0.1).outcome is Outcome.PASSED


def test_what_somebody_else_changes_is_seen_and_not_fought_over(site: Divided) -> None:
    site.split(0.1)
    site.write(("staging", 60), ("beta", 1))
    assert site.now == Split(0.6, others=("beta",))
    site.azure.fault("PATCH", CONFIG, answer={"status": 200, "body": {"properties": {}}})
    answer = site.ended(site.start(0.2), 0.2)
    assert answer.code == "WEIGHT_NOT_APPLIED" and "says 60 %, not 20 %" in answer.words
    assert site.now.share == 0.6


@pytest.mark.parametrize(
    ("method", "fault", "words"),
    [
        ("PATCH", {"drop": "before"}, "not known"),
        ("PATCH", {"drop": "after"}, "not known"),
        ("PATCH", {"answer": {"status": 500}}, "not available"),
        ("PATCH", {"answer": {"status": 429, "headers": {"Retry-After": "7"}}}, "slow down"),
        ("PATCH", {"answer": {"status": 409, "body": {"Code": "Conflict", "Message": "busy"}}}, "under way"),
        ("GET", {"answer": {"status": 503}}, "not available"),
    ],
)
def test_what_may_pass_is_tried_again_with_the_same_handle(
    site: Divided, method: str, fault: dict[str, Any], words: str
) -> None:
    site.azure.fault(method, CONFIG, **fault)
    answer = site.start(0.3)
    assert answer.running and answer.handle == {"kind": "intended", "operation": "op:split"}
    assert words in answer.words and answer.after_s >= (7 if "slow down" in words else 1)
    assert site.ended(answer, 0.3).outcome is Outcome.PASSED
    assert site.now == Split(0.3)


def test_a_written_share_whose_read_back_fails_is_read_again(site: Divided) -> None:
    answer = site.start(0.1)
    site.azure.fault("GET", CONFIG, answer={"status": 503})
    throttled = site.router.poll_split(site.target, {"kind": "written", "written_at": answer.at}, NEW, 0.1)
    assert throttled.running and throttled.handle["kind"] == "written"
    assert site.ended(throttled, 0.1).outcome is Outcome.PASSED


def test_the_live_side_is_read_and_probed_past_the_rule(site: Divided) -> None:
    site.split(1.0)
    live = site.service.read_live(site.target)
    assert (live.production_version, live.idle_version) == ("1.0.0", NEW)
    address = live.production_address
    for version, ok in (("1.0.0", True), (NEW, False)):
        seen = probe(f"{address}/healthz", f"{address}/version", version, 5.0, site.azure.settings, headers={})
        assert seen.ok is ok and seen.version == "1.0.0"


def test_a_swap_does_not_turn_the_shares_round(turning: Divided) -> None:
    turning.write(("staging", 25), ("beta", 0))
    assert turning.swap(NEW).outcome is Outcome.PASSED
    assert turning.now == Split(0.0, others=("beta",))
    assert turning.met(40) == {NEW: 40}
    turning.split(0.5)
    assert turning.swap("1.0.0").outcome is Outcome.PASSED
    assert turning.now.share == 0.0 and turning.met(40) == {"1.0.0": 40}


def test_the_live_release_takes_all_back_in_the_middle_of_a_ramp(turning: Divided) -> None:
    turning.split(0.3)
    answer = turning.swap("1.0.0")
    assert answer.outcome is Outcome.PASSED and "already live" in answer.words
    assert turning.now == Split(0.0) and turning.met(20) == {"1.0.0": 20}


@pytest.mark.parametrize("drop", ["before", "after"])
def test_a_swap_waits_until_the_rule_is_gone(turning: Divided, drop: str) -> None:
    turning.split(0.25)
    turning.azure.fault("PATCH", CONFIG, drop=drop)
    started = turning.service.start_swap(turning.target, NEW, "op:swap", datetime.now(UTC), False)
    assert started.running and started.handle["kind"] == "intended" and "not known" in started.words
    assert turning.swap(NEW).outcome is Outcome.PASSED
    assert turning.now == Split(0.0) and turning.met(40) == {NEW: 40}


def test_a_slot_that_is_stopped_or_changed_has_no_users(turning: Divided) -> None:
    turning.split(0.5)
    turning.deploy("2.1.0")
    assert turning.now == Split(0.0)
    turning.split(0.5)
    turning.service.stop_idle(turning.target, "2.0.0")
    assert turning.now == Split(0.0)
    answer = turning.split(0.1)
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "SLOT_NOT_RUNNING")
    assert turning.met(40) == {"1.0.0": 40}


def test_nobody_is_sent_by_a_rule_of_another_name_to_what_is_deployed_swapped_or_stopped(turning: Divided) -> None:
    mine = ("mine", "staging", 50.0)
    turning.write_named(mine)
    turning.deploy("2.2.0")
    assert turning.now == Split(0.0) and turning.met(40) == {"1.0.0": 40}
    turning.write_named(mine)
    assert turning.swap("2.2.0").outcome is Outcome.PASSED
    assert turning.now == Split(0.0) and turning.met(40) == {"2.2.0": 40}
    turning.write_named(mine)
    assert turning.swap("1.0.0").outcome is Outcome.PASSED
    assert turning.now == Split(0.0) and turning.met(40) == {"1.0.0": 40}
    turning.write_named(mine)
    turning.service.stop_idle(turning.target, "2.2.0")
    assert turning.now == Split(0.0) and turning.met(40) == {"1.0.0": 40}


def test_a_target_that_is_no_app_service_is_broken(site: Divided) -> None:
    elsewhere = site.azure.target("no-such-site")
    answer = site.router.start_split(elsewhere, NEW, 0.1, "op", False)
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "ROUTER_REFUSED") and "no-such-site" in answer.words


@given(st.floats(0, 1))
def test_a_share_is_rounded_down_to_hundredths_of_a_percent(share: float) -> None:
    percent = percent_of(share)
    assert round(percent / 100, 6) <= share < percent / 100 + 0.0001 + 1e-12
    assert round(percent, 2) == percent


@pytest.mark.parametrize(("share", "percent"), [(0.29, 29.0), (0.07, 7.0), (0.00019, 0.01), (0.00001, 0.0), (1, 100.0)])
def test_a_share_in_round_figures_stays_as_it_is(share: float, percent: float) -> None:
    assert percent_of(share) == percent


@pytest.mark.parametrize("share", [-0.1, 1.01])
def test_what_is_no_share_is_a_mistake_of_ours(share: float) -> None:
    with pytest.raises(ValueError, match="no share"):
        percent_of(share)
