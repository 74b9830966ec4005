from dataclasses import replace
from typing import Any

from slipway.promotion import lock
from slipway.promotion.canary_plan import CanaryPlan
from slipway.promotion.judge.policy import Policy
from slipway.promotion.may_promote import may_promote
from slipway.promotion.outcomes import iso
from slipway.promotion.plan import PromotionPlan, StagePlan
from slipway.promotion.ramp_run import RampRun
from slipway.promotion.stage_row import stage_row
from slipway.promotion.stage_run import StageRun
from slipway.promotion.telemetry import Source
from slipway.promotion.views import cases, detail, environment_service, environments, open_stages, summary
from tests.promotion.builders import NOON, a_build, a_stage, later

PLAN = PromotionPlan("checkout", "team", "sha256:0", "https://a/{version}", (a_stage("dev"), a_stage("test", ("dev",))))


def rows(**stage_changes: Any) -> dict[str, dict[str, Any]]:
    """The rows of a promotion with stages dev (begun) and test (pending)."""
    plan = [
        {"name": "dev", "environment": "dev", "needs": [], "targets": ["checkout-dev"], "approval": True},
        {"name": "test", "environment": "test", "needs": ["dev"], "targets": ["checkout-test"], "approval": False},
    ]
    promotion = {
        "id": "checkout--1.1.0",
        "service": "checkout",
        "version": "1.1.0",
        "state": "running",
        "started_at": "2026-11-24T12:00:00Z",
        "ended_at": "",
        "author": "bob",
        "branch": "main",
        "commit": "c0ffee",
        "code": "",
        "words": "",
        "build": a_build().dump(),
        "pipeline_digest": "sha256:0",
        "received_at": "2026-11-24T12:00:00Z",
        "frozen_plan": PLAN.dump(),
        "plan": plan,
    }
    stage = stage_row(StageRun("checkout--1.1.0", "checkout--1.1.0:dev", a_stage("dev"), a_build(), ""))
    return {"intake": {"state": "running"}, "promotion": promotion, "stage:dev": {**stage, **stage_changes}}


def test_a_promotion_that_needs_a_person_is_waiting_and_says_for_whom() -> None:
    shown = summary(rows(state="waiting for approval", waits_for="approval by 1 of role:qa"))
    assert (shown["state"], shown["waits_for"]) == ("waiting", "dev: approval by 1 of role:qa")


def test_a_promotion_that_waits_for_the_lock_runs_and_says_so() -> None:
    shown = summary(rows(state="waiting for the lock", waits_for="the lock, behind checkout--1.0.9"))
    assert (shown["state"], shown["waits_for"]) == ("running", "dev: the lock, behind checkout--1.0.9")


def test_a_pending_stage_shows_what_it_needs() -> None:
    shown = detail("checkout--1.1.0", rows(), {}, {"checkout--1.1.0:dev": "Running"}, {})
    dev, test = shown["stages"]
    assert (dev["runtime"], dev["state"]) == ("Running", "pending")
    assert (test["state"], test["waits_for"], test["instance"]) == ("pending", "stage dev", "checkout--1.1.0:test")


def test_a_promotion_that_was_only_taken_in_is_shown_as_running() -> None:
    shown = detail("checkout--1.1.0", {"intake": {"service": "checkout"}}, {}, {"checkout--1.1.0": "Pending"}, {})
    assert (shown["state"], shown["runtime"], shown["stages"]) == ("running", "Pending", [])


def test_each_stage_that_is_not_over_says_whether_the_build_may_go_there_now() -> None:
    waiting = rows(state="waiting for the lock", deadline="2026-11-24T13:00:00Z")
    taken = {**lock.empty(), "holder": {"holder": "x", "promotion": "checkout--1.0", "stage": "dev", "since": ""}}
    may = {each.stage.name: may_promote(each) for each in cases(waiting, {}, {"dev": taken}, iso(NOON))}
    dev, test = detail("checkout--1.1.0", waiting, {}, {}, may)["stages"]
    assert [(each["code"], each["until"]) for each in dev["may_promote"]["reasons"] if each["blocks"]] == [
        ("LOCK_TAKEN", "2026-11-24T13:00:00Z")
    ]
    assert [each["code"] for each in test["may_promote"]["reasons"]] == ["NEED_NOT_OVER", "FIRST_RELEASE"]
    assert (dev["may_promote"]["allowed"], test["may_promote"]["allowed"]) == (False, False)


def test_a_stage_whose_orchestration_is_suspended_says_who_can_end_that() -> None:
    known = {
        "dev": {**lock.empty(), "live": {"version": "1.0", "promotion": "x", "proven": True, "finished_at": iso(NOON)}}
    }
    found = cases(rows(), {}, known, iso(NOON), ["checkout--1.1.0:dev"])
    dev, test = (may_promote(case) for case in found)
    assert not dev.allowed
    assert (dev.reasons[0].code, dev.reasons[0].ended_by[:23]) == ("SUSPENDED", "the runtime's `resume` ")
    assert "SUSPENDED" not in [reason.code for reason in test.reasons]
    whole = [may_promote(case) for case in cases(rows(), {}, known, iso(NOON), ["checkout--1.1.0"])]
    assert [each.reasons[0].code for each in whole] == ["SUSPENDED", "SUSPENDED"]


def test_what_is_over_is_not_asked_about() -> None:
    dev_over = {"stages": {"dev": {"outcome": "passed", "over": True}}}
    assert [stage.name for stage in open_stages(rows(), dev_over)] == ["test"]
    assert detail("checkout--1.1.0", rows(), dev_over, {}, {})["stages"][0]["may_promote"] is None
    ended = rows()
    ended["promotion"]["state"] = "passed"
    assert open_stages(ended, {}) == open_stages(rows(), {"ended": "passed"}) == open_stages({}, {}) == []


def test_environments_are_listed_in_the_order_of_the_pipelines_with_their_services() -> None:
    rows = [
        (name, service, lock.empty())
        for name, service in (("test", "web"), ("dev", "web"), ("dev", "api"), ("lab", "api"))
    ]
    shown = environments(rows, ["dev", "test", "production"], iso(NOON))
    assert [(each["environment"], [s["service"] for s in each["services"]]) for each in shown] == [
        ("dev", ["api", "web"]),
        ("test", ["web"]),
        ("lab", ["api"]),
    ]


def test_a_hold_is_shown_for_as_long_as_it_is_in_force() -> None:
    hold = {"id": "h1", "by": "Dave", "reason": "stocktaking", "at": iso(NOON), "expires_at": iso(later(hours=1))}
    state = lock.apply(lock.empty(), "hold", hold)[0]
    assert environment_service("checkout", state, iso(later(minutes=59)))["holds"] == [hold]
    assert environment_service("checkout", state, iso(later(hours=1)))["holds"] == [], "nobody is kept out any more"


def test_a_stage_shows_how_far_its_canary_is_and_what_the_judge_said() -> None:
    stage = StageRun("checkout--1.1.0", "checkout--1.1.0:dev", a_ramped_stage(), a_build(), "", attempt=2)
    began, deadline = iso(NOON), iso(later(days=1))
    verdict = {"action": "wait", "code": "DISQUIET", "words": "canary fails 1.3 × as often", "missing_requests": 1200}
    ramp = RampRun(stage, "checkout--1.1.0:dev:ramp:2", began, deadline, 7, 0.25, 0.25, verdict=verdict, since=began)
    ramp = replace(ramp, move={"code": "PAUSED", "words": "waits for resume", "calls": False})
    with_ramp = {**rows(attempt=2, state="ramping"), "ramp:dev": ramp.row()}
    dev, test = detail("checkout--1.1.0", with_ramp, {}, {}, {})["stages"]
    assert dev["ramp"] == {
        "ramp": "adaptive",
        "steps": [0.05, 0.1, 0.25, 0.5, 1.0],
        "tick_s": 60.0,
        "share": 0.25,
        "tick": 7,
        "began_at": began,
        "since": began,
        "deadline": deadline,
        "code": "DISQUIET",
        "words": "canary fails 1.3 × as often",
        "missing_requests": 1200,
        "missing_s": None,
        "move": "PAUSED",
        "move_words": "waits for resume",
        "notes": "",
        "flag": "",
        "comparison": None,
        "calls": False,
    }
    assert test["ramp"] is None
    of_the_first_try = {**with_ramp, "stage:dev": {**with_ramp["stage:dev"], "attempt": 3}}
    assert detail("checkout--1.1.0", of_the_first_try, {}, {}, {})["stages"][0]["ramp"] is None


def a_ramped_stage() -> StagePlan:
    return a_stage("dev", rollout="canary", canary=CanaryPlan(Policy(), Source("", "checkout")))
