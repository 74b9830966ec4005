"""A stage is overdue when it is past every deadline of what it does, and never while it may still be at it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from slipway.promotion.outcomes import iso
from slipway.promotion.overdue import GRACE, HOLDS_THE_LOCK, overdue
from slipway.promotion.plan import PromotionPlan
from slipway.promotion.promotion_run import PromotionRun
from tests.promotion.builders import a_build, a_stage

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def rows(stage: dict[str, Any], state: str = "running", **more: dict[str, Any]) -> dict[str, dict[str, Any]]:
    plan = PromotionPlan("checkout", "", "", "", (a_stage("dev"),))
    run = PromotionRun("checkout--1", "t", a_build("1"), plan, iso(AT))
    shown = {"since": "", "deadline": "", **stage}
    return {"promotion": {**run.row(), "state": state}, "stage:dev": shown, **more}


def found(stage: dict[str, Any], held: dict[str, str] | None = None, **more: Any) -> list[tuple[str, timedelta]]:
    return [(each.state, each.by) for each in overdue(rows(stage, **more), held or {}, AT)]


def ago(time: timedelta) -> str:
    return iso(AT - time)


WORKS_FOR = timedelta(seconds=a_stage("dev").longest_operation_s + a_stage("dev").bake_s)


@pytest.mark.parametrize("state", ["deploying", "verifying", "rolling back"])
def test_work_is_overdue_after_its_longest_operation_and_a_grace(state: str) -> None:
    assert found({"state": state, "since": ago(WORKS_FOR + GRACE)}) == []
    late = timedelta(minutes=5)
    assert found({"state": state, "since": ago(WORKS_FOR + GRACE + late)}) == [(state, late)]


def test_a_wait_is_overdue_only_after_its_deadline() -> None:
    waits = {"state": "waiting for approval", "since": ago(99 * HOUR)}
    assert found({**waits, "deadline": iso(AT + HOUR)}) == []
    assert found({**waits, "deadline": ago(GRACE)}) == []
    assert found({**waits, "deadline": ago(GRACE + HOUR)}) == [("waiting for approval", HOUR)]


def test_a_ramp_has_the_time_that_its_own_deadline_says() -> None:
    ramps = {"state": "ramping", "since": ago(99 * HOUR)}
    assert found(ramps, **{"ramp:dev": {"deadline": iso(AT + HOUR)}}) == []
    assert found(ramps, **{"ramp:dev": {"deadline": ago(GRACE + HOUR)}}) == [("ramping", HOUR)]


@pytest.mark.parametrize("state", ["pending", "waiting for the lock"])
def test_whoever_got_the_lock_and_never_began_is_overdue_by_the_locks_time(state: str) -> None:
    stage = {"state": state, "since": ago(HOUR), "deadline": iso(AT + HOUR)}
    assert found(stage, {"dev": ago(WORKS_FOR + GRACE)}) == []
    assert found(stage, {"dev": ago(WORKS_FOR + GRACE + HOUR)}) == [(HOLDS_THE_LOCK, HOUR)]


@pytest.mark.parametrize("state", ["pending", "passed", "failed", "rolled back"])
def test_who_waits_for_another_stage_or_is_over_is_not_overdue(state: str) -> None:
    assert found({"state": state, "since": ago(99 * HOUR)}) == []


def test_nothing_of_a_promotion_that_is_over_is_overdue() -> None:
    assert found({"state": "deploying", "since": ago(99 * HOUR)}, state="passed") == []
