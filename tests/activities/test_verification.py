"""Health checks and loads against a real server: what they find is an outcome, and they change nothing."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest

from activities import verification
from slipway.adapters.intake import mark_aborted
from slipway.promotion.load_judgement import LoadMeasurement
from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.plan import HealthCheck
from tests.activities.conftest import BUSY, DOWN, Promotion
from tests.adapters.site import Page, a_release, a_site
from tests.app_host import AppHost
from tests.laptop import AzureStandin

pytestmark = pytest.mark.usefixtures("configured")

QUICK = HealthCheck(within_s=0.3, successes=3, interval_s=0.02, timeout_s=1.0)
NOWHERE = "http://127.0.0.1:9"


class Visited:
    """A release that counts who came; `health` are the statuses it answers in turn, the last one for good."""

    def __init__(self, *health: int, version: str = "1.4.2") -> None:
        self.count = 0
        self._health = list(health) or [200]
        self._version = a_release(version)

    def __call__(self, path: str) -> Page:
        self.count += 1
        if path == "/version":
            return self._version(path)
        return (self._health.pop(0) if len(self._health) > 1 else self._health[0]), b"{}"


def checked(promotion: Promotion, address: str, health: HealthCheck = QUICK, **more: Any) -> dict[str, Any]:
    order = {"promotion": promotion.id, "operation": f"{promotion.id}:dev:weu:health:1", "address": address}
    return {**order, "version": "1.4.2", "health": asdict(health), **more}


def seen_live(promotion: Promotion, *addresses: str) -> dict[str, Any]:
    named = {f"region-{n}": address for n, address in enumerate(addresses)}
    return {"promotion": promotion.id, "addresses": named, "version": "1.4.2", "health": asdict(QUICK)}


def loaded(promotion: Promotion, url: str, duration_s: float = 0.2, **more: Any) -> dict[str, Any]:
    order = {"promotion": promotion.id, "operation": f"{promotion.id}:dev:weu:load:1", "url": url}
    return {**order, "rate_per_s": 50.0, "duration_s": duration_s, **more}


def measured(answer: Answer) -> LoadMeasurement:
    assert answer.outcome is Outcome.PASSED, answer
    return LoadMeasurement.load(answer.result)


def test_a_healthy_release_passes_each_time_it_is_checked(app: AppHost, promotion: Promotion) -> None:
    with a_site(Visited()) as address:
        answers = [app.activity("check_health", checked(promotion, address)) for _ in range(2)]
    assert [each.outcome for each in answers] == [Outcome.PASSED] * 2
    assert answers[0].result["probes"] == 3


def test_good_answers_must_come_in_a_row(app: AppHost, promotion: Promotion) -> None:
    with a_site(Visited(200, 200, 503, 200)) as address:
        answer = app.activity("check_health", checked(promotion, address, replace(QUICK, within_s=5)))
    assert answer.outcome is Outcome.PASSED and answer.result["probes"] == 6


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_release_that_answers_badly_fails(app: AppHost, promotion: Promotion, status: int) -> None:
    with a_site(Visited(status)) as address:
        answer = app.activity("check_health", checked(promotion, address))
    assert (answer.outcome, answer.code, answer.result["status"]) == (Outcome.FAILED, "UNHEALTHY", status)


def test_where_the_release_before_does_not_answer_either_the_platform_is_at_fault(
    app: AppHost, promotion: Promotion
) -> None:
    answer = app.activity("check_health", checked(promotion, NOWHERE, beside=NOWHERE))
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "TARGET_SILENT")
    assert "nor does the release before" in answer.words
    with a_site(Visited(503)) as before:
        alone = app.activity("check_health", checked(promotion, NOWHERE, beside=before))
    assert (alone.outcome, alone.code) == (Outcome.FAILED, "UNHEALTHY"), "however badly that one answers"
    with a_site(Visited(503)) as address:
        answers = app.activity("check_health", checked(promotion, address, beside=NOWHERE))
    assert answers.code == "UNHEALTHY", "it answers, so it can be blamed for what"


def test_another_version_and_no_answer_at_all_fail_too(app: AppHost, promotion: Promotion) -> None:
    with a_site(Visited(version="1.4.1")) as address:
        answer = app.activity("check_health", checked(promotion, address))
    assert answer.code == "UNHEALTHY" and "answers version 1.4.1" in answer.words
    answer = app.activity("check_health", checked(promotion, NOWHERE))
    assert answer.code == "UNHEALTHY" and "connection refused or lost" in answer.words


def test_a_check_goes_on_where_its_last_call_stopped(
    app: AppHost, promotion: Promotion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "ROUND_S", 0.0)
    with a_site(Visited()) as address:
        order = checked(promotion, address, replace(QUICK, within_s=30))
        first = app.activity("check_health", order)
        assert first.running and (first.handle["streak"], first.handle["probes"]) == (1, 1)
        answer = app.followed("check_health", order, first)
    assert answer.outcome is Outcome.PASSED and answer.result["probes"] == 3


def test_where_the_clock_stands_a_bad_answer_is_waited_out_between_two_calls(
    app: AppHost, promotion: Promotion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUNCTIONS_NOW", "2026-11-30T07:00:00+00:00")
    with a_site(Visited(503, 503, 200, 200, 200)) as address:
        order = checked(promotion, address, replace(QUICK, within_s=30))
        first = app.activity("check_health", order)
        assert first.running and (first.handle["streak"], first.handle["probes"]) == (0, 1)
        assert first.after_s == QUICK.interval_s, "by which time it is later"
        second = app.followed("check_health", order, first)
        answer = app.followed("check_health", order, second)
    assert answer.outcome is Outcome.PASSED, "good ones are counted in one call"


def test_a_look_at_the_live_release_names_the_targets_that_are_well(app: AppHost, promotion: Promotion) -> None:
    with a_site(Visited()) as good, a_site(Visited(503)) as ill, a_site(Visited(version="1.4.1")) as former:
        answer = app.activity("look_at_live", seen_live(promotion, ill, good, NOWHERE, former))
    assert (answer.outcome, answer.result) == (Outcome.PASSED, {"well": ["region-1"]})


def test_a_look_at_a_group_asks_each_member_for_its_own_version(app: AppHost, promotion: Promotion) -> None:
    with a_site(Visited()) as one, a_site(Visited(version="3.0.1")) as other, a_site(Visited()) as former:
        order = seen_live(promotion, one, other, former)
        names = list(order["addresses"])
        answer = app.activity("look_at_live", {**order, "versions": {names[1]: "3.0.1", names[2]: "9.9.9"}})
    assert answer.result == {"well": names[:2]}


def test_a_load_is_measured_each_time_it_is_driven(app: AppHost, promotion: Promotion) -> None:
    with a_site(Visited()) as address:
        both = [measured(app.activity("drive_load", loaded(promotion, address))) for _ in range(2)]
    assert [(each.sent, each.answered, each.errors) for each in both] == [(10, 10, 0)] * 2


def test_a_long_load_is_driven_in_rounds_and_measured_as_one(
    app: AppHost, promotion: Promotion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "LOAD_ROUND_S", 0.2)
    with a_site(Visited()) as address:
        order = loaded(promotion, address, duration_s=0.5)
        first = app.activity("drive_load", order)
        assert first.running and first.handle["driven_s"] == 0.2
        whole = measured(app.followed("drive_load", order, first))
    assert whole.sent == 25 and whole.duration_s == pytest.approx(0.5)


def test_errors_under_load_are_measured_for_whoever_judges(app: AppHost, promotion: Promotion) -> None:
    with a_site(Visited(500)) as address:
        assert measured(app.activity("drive_load", loaded(promotion, address))).errors == 10
    lost = measured(app.activity("drive_load", loaded(promotion, NOWHERE)))
    assert (lost.sent, lost.answered, lost.errors) == (10, 0, 10)


def test_a_load_that_no_driver_can_send_is_our_own_fault(app: AppHost, promotion: Promotion) -> None:
    answer = app.activity("drive_load", loaded(promotion, NOWHERE, rate_per_s=1000.0))
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "UNEXPECTED")
    assert "one driver cannot send" in answer.words


@pytest.mark.parametrize(
    ("activity", "order"), [("check_health", checked), ("drive_load", loaded), ("look_at_live", seen_live)]
)
def test_an_aborted_promotion_is_not_measured_and_its_release_is_left_alone(
    app: AppHost, promotion: Promotion, activity: str, order: Callable[[Promotion, str], dict[str, Any]]
) -> None:
    mark_aborted(promotion.id)
    visited = Visited()
    with a_site(visited) as address:
        answer = app.activity(activity, order(promotion, address))
    assert (answer.outcome, answer.code, visited.count) == (Outcome.CANCELLED, "ABORTED", 0)


def test_an_abort_ends_a_check_and_a_load_at_their_next_round(
    app: AppHost, promotion: Promotion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "ROUND_S", 0.0)
    monkeypatch.setattr(verification, "LOAD_ROUND_S", 0.1)
    with a_site(Visited()) as address:
        check, load = checked(promotion, address, replace(QUICK, within_s=30)), loaded(promotion, address, 9.0)
        begun = [app.activity("check_health", check), app.activity("drive_load", load)]
        assert all(each.running for each in begun)
        mark_aborted(promotion.id)
        ended = [
            app.activity("check_health", {**check, "handle": begun[0].handle}),
            app.activity("drive_load", {**load, "handle": begun[1].handle}),
        ]
    assert [each.code for each in ended] == ["ABORTED"] * 2


@pytest.mark.parametrize("fault", [BUSY, DOWN])
@pytest.mark.parametrize(("activity", "order"), [("check_health", checked), ("drive_load", loaded)])
def test_while_nobody_can_say_whether_it_was_aborted_nothing_is_measured_and_nothing_forgotten(
    app: AppHost,
    azure: AzureStandin,
    promotion: Promotion,
    activity: str,
    order: Callable[[Promotion, str], dict[str, Any]],
    fault: dict[str, Any],
) -> None:
    azure.fault("GET", "/tables/promotions", **fault)
    visited, handle = Visited(), {"kept": "for the next call"}
    with a_site(visited) as address:
        answer = app.activity(activity, {**order(promotion, address), "handle": handle})
    assert answer.running and answer.handle == handle
    assert visited.count == 0
