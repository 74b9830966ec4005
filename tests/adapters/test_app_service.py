"""App Service through the official SDK: deploy, swap, read back, each effect once whatever goes wrong."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from slipway.adapters.app_service import AppService
from slipway.promotion.outcomes import Answer, Outcome, iso
from slipway.promotion.plan import Target
from tests.laptop import AzureStandin

Follow = Callable[[Callable[[Answer], Answer], Answer], Answer]
ONEDEPLOY, SWAP = "extensions/onedeploy", "slotsswap"


def now() -> datetime:
    return datetime.now(UTC)


class Slot:
    """A site's idle slot, driven as the activities drive it."""

    def __init__(self, azure: AzureStandin, site: str, follow: Follow) -> None:
        self.azure = azure
        self.site = site
        self.target = azure.target(site)
        self.service = AppService(azure.settings, settle_s=0.5)
        self._follow = follow

    def start_deployment(self, version: str, operation: str, intent_at: datetime, resuming: bool) -> Answer:
        package = self.azure.package(version)
        return self.service.start_deployment(self.target, package, operation, intent_at, resuming)

    def deploy(self, version: str, operation: str = "op", resuming: bool = False) -> Answer:
        started = self.start_deployment(version, operation, now(), resuming)
        return self.deployed(started, version)

    def deployed(self, answer: Answer, version: str) -> Answer:
        return self._follow(lambda last: self.service.poll_deployment(self.target, last.handle, version), answer)

    def start_swap(self, version: str, intent_at: datetime | None = None, resuming: bool = False) -> Answer:
        return self.service.start_swap(self.target, version, "op:swap", intent_at or now(), resuming)

    def swapped(self, answer: Answer, version: str) -> Answer:
        return self._follow(lambda last: self.service.poll_swap(self.target, last.handle, version), answer)

    @property
    def versions(self) -> tuple[str | None, str | None]:
        live = self.service.read_live(self.target)
        return live.production_version, live.idle_version

    @property
    def deployed_count(self) -> int:
        return len(self.azure.deployments(self.site))


@pytest.fixture
def slot(azure: AzureStandin, until_ended: Follow) -> Callable[[str], Slot]:
    return lambda site: Slot(azure, site, until_ended)


def test_a_build_is_deployed_to_the_slot_and_made_live_by_a_swap(slot: Callable[[str], Slot]) -> None:
    it = slot("deploys")
    assert it.versions == ("1.0.0", None)

    answer = it.deploy("2.0.0")
    assert answer.outcome is Outcome.PASSED, answer
    assert it.versions == ("1.0.0", "2.0.0")

    answer = it.swapped(it.start_swap("2.0.0"), "2.0.0")
    assert answer.outcome is Outcome.PASSED, answer
    assert answer.result["before"] == "1.0.0"
    live = it.service.read_live(it.target)
    assert (live.production_version, live.idle_version) == ("2.0.0", "1.0.0")
    assert live.last_swap_at is not None and abs(now() - live.last_swap_at) < timedelta(seconds=30)
    assert not live.in_progress and live.idle_state == "Running"

    again = it.start_swap("2.0.0")
    assert again.outcome is Outcome.PASSED and "already live" in again.words
    assert it.versions == ("2.0.0", "1.0.0")

    back = it.swapped(it.start_swap("1.0.0"), "1.0.0")
    assert back.outcome is Outcome.PASSED
    assert it.versions == ("1.0.0", "2.0.0")


def test_deploying_what_is_there_already_is_a_no_op_that_says_so(slot: Callable[[str], Slot]) -> None:
    it = slot("repeats")
    it.deploy("2.1.0")
    before = it.deployed_count
    package = it.azure.package("2.1.0")
    answer = it.service.start_deployment(it.target, package, "another", now(), False, version="2.1.0")
    assert answer.outcome is Outcome.PASSED and "already deployed" in answer.words
    assert it.deployed_count == before


def test_a_start_that_is_repeated_follows_the_deployment_of_the_first(slot: Callable[[str], Slot]) -> None:
    it = slot("repeats")
    before = it.deployed_count
    intent_at = now()
    first = it.start_deployment("2.2.0", "twice", intent_at, resuming=False)
    again = it.start_deployment("2.2.0", "twice", intent_at, resuming=True)
    assert again.handle["id"] == first.handle["id"]
    assert it.deployed(again, "2.2.0").outcome is Outcome.PASSED
    once_more = it.start_deployment("2.2.0", "twice", intent_at, resuming=True)
    assert it.deployed(once_more, "2.2.0").outcome is Outcome.PASSED
    assert it.deployed_count == before + 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"drop": "after"}, "not known"),
        ({"drop": "before"}, "not known"),
        ({"answer": {"status": 500}}, "not available"),
        ({"answer": {"status": 429, "headers": {"Retry-After": "1"}}}, "slow down"),
        ({"answer": {"status": 409, "body": {"Code": "Conflict", "Message": "busy"}}}, "under way"),
    ],
)
def test_a_deployment_whose_start_fails_once_is_made_once(
    slot: Callable[[str], Slot], fault: dict[str, Any], words: str
) -> None:
    it = slot("lost")
    before = it.deployed_count
    version = f"2.3.{before}"
    it.azure.fault("PUT", ONEDEPLOY, **fault)
    started = it.start_deployment(version, f"lost-{before}", now(), resuming=False)
    assert started.running and words in started.words, started
    assert started.after_s >= 1.0
    assert it.deployed(started, version).outcome is Outcome.PASSED
    assert it.deployed_count == before + 1
    assert it.versions[1] == version


def test_a_package_that_crashes_fails_with_the_tail_of_its_log(slot: Callable[[str], Slot]) -> None:
    it = slot("crashes")
    answer = it.deploy("3.0.0-crash")
    assert (answer.outcome, answer.code) == (Outcome.FAILED, "DEPLOYMENT_FAILED")
    assert "did not start" in answer.words
    assert "Traceback" in answer.log or "crash" in answer.log, answer
    assert it.versions[0] == "1.0.0"


def test_a_package_that_is_not_there_fails_in_words(slot: Callable[[str], Slot]) -> None:
    it = slot("crashes")
    url = f"{it.azure.url}/artifacts/checkout/nothing-here"
    started = it.service.start_deployment(it.target, url, "missing", now(), resuming=False)
    answer = it.deployed(started, "3.1.0")
    assert (answer.outcome, answer.code) == (Outcome.FAILED, "DEPLOYMENT_FAILED")


def test_another_deployment_is_waited_for_and_then_ours_is_made(slot: Callable[[str], Slot]) -> None:
    it = slot("held")
    theirs = it.start_deployment("4.0.0", "theirs", now(), resuming=False)
    under_way = {"status": 1, "message": "slipway:theirs", "start_time": iso(now()), "end_time": None}
    listed = {"value": [{"id": f"x/deployments/{theirs.handle['id']}", "properties": under_way}]}
    it.azure.fault("GET", "/deployments", answer={"status": 200, "body": listed})
    ours = it.start_deployment("4.1.0", "ours", now(), resuming=True)
    assert ours.running and ours.handle["id"] == theirs.handle["id"]
    assert it.deployed(ours, "4.1.0").outcome is Outcome.PASSED
    assert it.versions[1] == "4.1.0"
    assert it.deployed_count == 2


def test_a_stopped_slot_is_started_for_a_deployment(slot: Callable[[str], Slot]) -> None:
    it = slot("held")
    assert it.service.stop_idle(it.target, "2.0.0").outcome is Outcome.PASSED
    assert it.service.read_live(it.target).idle_state == "Stopped"
    assert it.deploy("4.2.0", "from-stopped").outcome is Outcome.PASSED
    assert it.versions[1] == "4.2.0"


@pytest.mark.parametrize("fault", [{"drop": "after"}, {"drop": "before"}, {"answer": {"status": 503}}])
def test_a_swap_whose_answer_is_lost_is_not_swapped_back(slot: Callable[[str], Slot], fault: dict[str, Any]) -> None:
    it = slot("swaps")
    live, idle = it.versions
    if idle is None:
        it.deploy("5.0.0")
        live, idle = it.versions
    assert idle is not None
    it.azure.fault("POST", SWAP, **fault)
    started = it.start_swap(idle)
    assert started.running and started.handle["kind"] == "intended"
    assert it.swapped(started, idle).outcome is Outcome.PASSED
    assert it.versions == (idle, live)


def test_a_swap_that_is_started_again_after_a_crash_happens_once(slot: Callable[[str], Slot]) -> None:
    it = slot("swaps")
    live, idle = it.versions
    assert idle is not None
    intent_at = now()
    it.start_swap(idle, intent_at)
    again = it.start_swap(idle, intent_at, resuming=True)
    assert it.swapped(again, idle).outcome is Outcome.PASSED
    assert it.start_swap(idle, intent_at, resuming=True).outcome is Outcome.PASSED
    assert it.versions == (idle, live)


def test_a_slot_with_another_version_is_not_swapped(slot: Callable[[str], Slot]) -> None:
    it = slot("swaps")
    before = it.versions
    answer = it.start_swap("9.9.9")
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "IDLE_HOLDS_ANOTHER")
    assert it.versions == before


def test_a_slot_that_says_no_version_is_waited_for_a_minute_and_not_swapped(slot: Callable[[str], Slot]) -> None:
    it = slot("plain")
    before = it.versions
    assert before == ("1.0.0", None)
    answer = it.start_swap("2.0.0", now() - timedelta(seconds=50))
    assert answer.running and "does not answer yet" in answer.words
    answer = it.start_swap("2.0.0", now() - timedelta(seconds=61))
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "IDLE_SILENT")
    assert it.versions == before


def test_a_swap_that_has_no_effect_is_a_failure_in_the_end(slot: Callable[[str], Slot]) -> None:
    it = slot("plain")
    handle = {"kind": "swap", "poll_url": "", "operation": "op", "intent_at": "2026-11-24T00:00:00Z"}
    answer = it.service.poll_swap(it.target, handle, "6.0.0")
    assert answer.running, "the front end may follow"
    ended = it.swapped(answer, "6.0.0")
    assert (ended.outcome, ended.code) == (Outcome.FAILED, "SWAP_NOT_EFFECTIVE")
    assert "production answers 1.0.0, not 6.0.0" in ended.words


def test_a_swap_that_azure_could_not_make_is_a_failure_in_its_words(slot: Callable[[str], Slot]) -> None:
    it = slot("swaps")
    before = it.versions
    assert before[1] is not None
    result = f"{it.azure.url}{it.target.resource}/slots/staging/operationresults/1?api-version=2025-05-01"
    it.azure.fault("POST", SWAP, answer={"status": 202, "headers": {"Location": result}})
    said = "Cannot swap site slots because the 'staging' slot did not respond to http ping."
    it.azure.fault("GET", "operationresults/1", answer={"status": 409, "body": {"Code": "Conflict", "Message": said}})
    ended = it.swapped(it.start_swap(before[1]), before[1])
    assert (ended.outcome, ended.code) == (Outcome.FAILED, "SWAP_FAILED")
    assert "did not respond to http ping" in ended.words
    assert it.versions == before


def test_a_swap_is_polled_through_throttles_and_faults(slot: Callable[[str], Slot]) -> None:
    it = slot("swaps")
    live, idle = it.versions
    assert idle is not None
    started = it.start_swap(idle)
    it.azure.fault("GET", "operationresults", answer={"status": 429, "headers": {"Retry-After": "2"}})
    throttled = it.service.poll_swap(it.target, started.handle, idle)
    assert throttled.running and throttled.after_s >= 2.0 and throttled.handle == started.handle
    it.azure.fault("GET", "operationresults", answer={"status": 500})
    assert it.swapped(throttled, idle).outcome is Outcome.PASSED
    assert it.versions == (idle, live)


def test_a_deployment_is_followed_where_azure_knows_no_deployment_status(slot: Callable[[str], Slot]) -> None:
    it = slot("repeats")
    it.azure.fault("GET", "deploymentStatus", times=99, answer={"status": 404})
    assert it.deploy("2.4.0", "kudu").outcome is Outcome.PASSED
    failure = it.deploy("2.5.0-crash", "kudu-crash")
    assert (failure.outcome, failure.code) == (Outcome.FAILED, "DEPLOYMENT_FAILED")


def test_a_deployment_is_followed_by_its_operation_where_azure_lists_none(slot: Callable[[str], Slot]) -> None:
    it = slot("repeats")
    started = it.start_deployment("2.6.0", "by-operation", now(), resuming=False)
    it.azure.fault("GET", "/deployments", times=99, answer={"status": 200, "body": {"value": []}})
    unknown = replace(started, handle={**started.handle, "id": ""})
    assert it.deployed(unknown, "2.6.0").outcome is Outcome.PASSED
    assert it.versions[1] == "2.6.0"


def test_our_token_goes_to_no_other_host(slot: Callable[[str], Slot]) -> None:
    it = slot("plain")
    elsewhere = "https://elsewhere.example/operations/1"
    handle = {"kind": "swap", "poll_url": elsewhere, "operation": "op", "intent_at": "2026-11-24T00:00:00Z"}
    assert it.service.poll_swap(it.target, handle, "1.0.0").outcome is Outcome.PASSED  # by looking at the site
    with pytest.raises(ValueError, match="gets no token of ours"):
        it.service._sites.arm(_place(it.target)).poll(elsewhere)


@pytest.mark.parametrize(
    ("status", "outcome", "code"), [(401, Outcome.BROKEN, "AZURE_DENIED"), (403, Outcome.BROKEN, "AZURE_DENIED")]
)
def test_a_refused_start_is_broken_and_never_the_releases_fault(
    slot: Callable[[str], Slot], status: int, outcome: Outcome, code: str
) -> None:
    it = slot("plain")
    it.azure.fault("PUT", ONEDEPLOY, times=2, answer={"status": status})
    answer = it.start_deployment("7.0.0", "denied", now(), resuming=False)
    assert (answer.outcome, answer.code) == (outcome, code)
    assert it.deployed_count == 0


def test_a_target_that_is_no_app_service_is_broken(azure: AzureStandin) -> None:
    service = AppService(azure.settings)
    target = Target("x", "app-service", "/subscriptions/1/nothing", "staging")
    answer = service.start_swap(target, "1.0.0", "op", now(), False)
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "AZURE_INVALID")


def test_a_site_that_is_not_there_is_broken_and_named(slot: Callable[[str], Slot], azure: AzureStandin) -> None:
    service = AppService(azure.settings)
    answer = service.start_swap(azure.target("no-such-site"), "1.0.0", "op", now(), False)
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "AZURE_MISSING")
    assert "no-such-site" in answer.words


def _place(target: Target) -> Any:
    from slipway.adapters.app_service.site import place_of

    return place_of(target)
