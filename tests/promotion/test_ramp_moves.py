"""What a ramp does next: the first reason that holds."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.promotion.canary_plan import IGNORE, PROMOTE, STAY, WAIT, CanaryPlan, Signals
from slipway.promotion.front_door import ALWAYS, NEVER, WHEN_IT_PAYS, FrontDoor
from slipway.promotion.judge.policy import FAILURES, Policy
from slipway.promotion.outcomes import Outcome, iso
from slipway.promotion.plan import Target
from slipway.promotion.ramp_moves import Look, Move, Said, Signal, held, is_stopped_at_once, next_move, to_set
from slipway.promotion.ramp_run import RampRun
from slipway.promotion.region_gate import UNREAD
from slipway.promotion.stage_parts import Site
from slipway.promotion.stage_run import StageRun
from slipway.promotion.telemetry import Source
from tests.promotion.builders import NOON, a_build, a_stage

STEPS = (0.05, 0.10, 0.25, 0.50, 1.0)
PLAN = CanaryPlan(Policy(), Source("", "checkout"))
PROBE = Signal("probe", "weu: http://weu/healthz answers 503")


def a_ramp(share: float = 0.10, plan: CanaryPlan = PLAN, **more: Any) -> RampRun:
    targets = tuple(Target(name, "app-service", f"/sites/{name}", "staging") for name in ("weu", "neu"))
    sites = {target.name: Site("http://live", "http://idle", "1.0.0", "0.9.0") for target in targets}
    stage = StageRun(
        "checkout--2.0.0", "s", replace(a_stage("prod"), targets=targets, canary=plan), a_build("2.0.0"), ""
    )
    run = RampRun(replace(stage, sites=sites), "s:ramp", iso(NOON), iso(NOON + timedelta(hours=1)))
    return replace(run, share=share, allowed=share, **more)


def a_verdict(action: str, weight: float, code: str = "X") -> dict[str, Any]:
    return {"action": action, "code": code, "words": "as the judge says", "weight": weight, "step": 0}


def judged(run: RampRun, action: str, weight: float) -> RampRun:
    return run.judged(1, {"state": {}, "verdict": a_verdict(action, weight), "unwell": 0})


def seen(share: float, **more: Any) -> Look:
    return Look({"weu": share, "neu": share}, **more)


def moved(run: RampRun, look: Look, minutes: float = 5) -> Move:
    return next_move(run, look, NOON + timedelta(minutes=minutes))


def test_the_ramp_goes_where_the_judge_lets_it() -> None:
    assert moved(judged(a_ramp(), "advance", 0.25), seen(0.10)).share == 0.25
    assert moved(judged(a_ramp(), "wait", 0.10), seen(0.10)) == Move(0.10, "X", "as the judge says")
    last = moved(judged(a_ramp(0.5), "advance", 1.0), seen(0.5))
    assert (last.share, last.outcome) == (1.0, Outcome.PASSED)


def test_harm_takes_all_traffic_back_and_speaks_against_the_release() -> None:
    move = moved(judged(a_ramp(), "rollback", 0.0), seen(0.10))
    assert (move.share, move.outcome) == (0.0, Outcome.FAILED)


def test_blindness_takes_all_traffic_back_and_blames_nobody() -> None:
    move = moved(judged(a_ramp(), "withdraw", 0.0), seen(0.10))
    assert (move.share, move.outcome) == (0.0, Outcome.NOT_ENOUGH_EVIDENCE)


def test_a_region_that_cannot_be_read_holds_the_ramp_for_as_long_as_a_judge_may_be_blind() -> None:
    look, patience_min = (
        seen(0.10, signals=(Signal(UNREAD, "hub could not be read: 503"),)),
        PLAN.policy.blind_ticks * 5,
    )
    ready = judged(a_ramp(plan=replace(PLAN, policy=replace(PLAN.policy, tick_s=300))), "wait", 0.10)
    run = ready.with_blindness(True, NOON)
    holds = moved(run, look)
    assert (holds.share, holds.code, holds.outcome, holds.calls) == (0.10, "REGION_UNREAD", "", False)
    assert "nothing advances" in held(run, look, NOON)
    run = run.with_blindness(True, NOON + timedelta(minutes=patience_min))
    withdrawn = moved(run, look)
    assert (withdrawn.share, withdrawn.outcome, withdrawn.calls) == (0.0, Outcome.NOT_ENOUGH_EVIDENCE, True)
    assert run.with_blindness(False, NOON) == ready, "read again, it is forgotten"


def test_by_policy_harm_stays_where_it_is_and_calls_a_person() -> None:
    run = judged(a_ramp(plan=replace(PLAN, on_harm=STAY)), "rollback", 0.0)
    move = moved(run, seen(0.10))
    assert (move.share, move.outcome, move.calls) == (0.10, "", True)
    back = moved(run, seen(0.10, said=Said(1, "rollback", "Alice", "enough")))
    assert (back.share, back.outcome, back.words) == (0.0, Outcome.FAILED, "Alice says rollback: enough")
    assert moved(run, seen(0.10, said=Said(1, "promote", "Alice"))).share == 1.0


@pytest.mark.parametrize(
    ("does", "share", "outcome"), [("roll back", 0.0, "failed"), (WAIT, 0.1, ""), (IGNORE, 0.25, "")]
)
def test_a_fast_signal_does_what_the_pipeline_says(does: str, share: float, outcome: str) -> None:
    run = judged(a_ramp(plan=replace(PLAN, signals=Signals(probe=does))), "advance", 0.25)
    if does == WAIT:
        assert held(run, seen(0.1, signals=(PROBE,)), NOON), "the judge was told, and did not let it advance"
        run = judged(a_ramp(plan=run.canary), "wait", 0.1)
    move = moved(run, seen(0.10, signals=(PROBE,)))
    assert (move.share, move.outcome) == (share, outcome)


def test_a_person_outranks_the_judge_upwards_only_by_name() -> None:
    run = judged(a_ramp(), "wait", 0.10)
    assert moved(run, seen(0.10, said=Said(1, "advance", "Alice"))).share == 0.25
    assert moved(run, seen(0.10, said=Said(1, "promote", "Alice"))).outcome == Outcome.PASSED
    harmful = judged(a_ramp(), "rollback", 0.0)
    assert moved(harmful, seen(0.10, said=Said(1, "advance", "Alice"))).share == 0.0, "nobody advances proven harm"


def test_abort_outranks_everything() -> None:
    look = seen(0.10, aborted="the promotion was aborted", said=Said(1, "promote", "Alice"))
    assert moved(judged(a_ramp(), "advance", 0.25), look).code == "ABORTED"


def test_paused_and_at_hold_points_nothing_advances() -> None:
    assert held(a_ramp(), seen(0.10, paused="waits for resume"), NOON) == "waits for resume"
    plan = replace(PLAN, hold_at=(0.10,))
    move = moved(judged(a_ramp(plan=plan), "wait", 0.10), seen(0.10))
    assert (move.code, move.calls) == ("HOLD_POINT", True)
    passed_on = replace(judged(a_ramp(plan=plan), "wait", 0.10), past_holds=(0.10,))
    assert moved(passed_on, seen(0.10)).code == "X"


def test_a_router_that_somebody_else_changed_is_named() -> None:
    """More than was allowed goes back to it; less is left to whoever wanted it so."""
    run = judged(a_ramp(), "wait", 0.10)
    more, less = Look({"weu": 0.4, "neu": 0.1}), Look({"weu": 0.0, "neu": 0.1})
    for look in (more, less):
        move = moved(run, look)
        assert (move.code, move.share, move.calls) == ("ROUTER_CHANGED", 0.10, True)
        assert "weu has" in move.words
    assert to_set(run, more, 0.10) == ["weu"]
    assert to_set(run, less, 0.10) == []
    assert to_set(run, less, 0.0) == ["weu", "neu"], "a rollback tells every router"


def test_a_target_that_could_not_be_read_is_no_drift() -> None:
    assert moved(judged(a_ramp(), "wait", 0.10), Look({})).code == "X"


def test_a_router_that_refuses_is_asked_again_and_in_the_end_the_release_is_withdrawn_unblamed() -> None:
    run = replace(judged(a_ramp(), "advance", 0.25), refused=3)
    assert to_set(run, seen(0.10), 0.25) == ["weu", "neu"]
    assert moved(replace(run, refused=10), seen(0.10)).outcome == Outcome.BROKEN


def test_a_live_release_that_turns_bad_holds_the_ramp_and_calls_a_person() -> None:
    run = replace(judged(a_ramp(), "wait", 0.10), unwell=3)
    move = moved(run, seen(0.10))
    assert (move.code, move.share, move.calls) == ("BASELINE_UNWELL", 0.10, True)


@pytest.mark.parametrize(
    ("does", "share", "outcome"), [("withdraw", 0.0, "not enough evidence"), (PROMOTE, 1.0, "passed"), (STAY, 0.1, "")]
)
def test_the_time_for_a_ramp_ends_as_the_pipeline_says(does: str, share: float, outcome: str) -> None:
    run = judged(a_ramp(plan=replace(PLAN, at_deadline=does)), "wait", 0.10)
    assert not moved(run, seen(0.10), minutes=59).outcome
    move = moved(run, seen(0.10), minutes=60)
    assert (move.share, move.outcome) == (share, outcome)


def test_a_ramp_that_stays_at_its_deadline_is_a_persons_from_then_on() -> None:
    over = NOON + timedelta(hours=2)
    run = judged(a_ramp(plan=replace(PLAN, at_deadline=STAY)), "wait", 0.10)
    assert not held(run, seen(0.10), NOON) and "stays" in held(run, seen(0.10), over), "the judge lets it go no further"
    for do, share in (("advance", 0.25), ("promote", 1.0), ("rollback", 0.0)):
        assert next_move(run, seen(0.10, said=Said(1, do, "Alice")), over).share == share
    assert run.wakes_at(over) > over


@pytest.mark.parametrize(
    ("look", "code"),
    [
        (Look({"weu": 0.1, "neu": 0.1}, paused="waits for resume"), "PAUSED"),
        (Look({"weu": 0.4, "neu": 0.1}), "ROUTER_CHANGED"),
        (Look({"weu": 0.1, "neu": 0.1}, signals=(Signal("alert", "fired"),)), "ALERT_SPEAKS"),
        (Look({"weu": 0.1, "neu": 0.1}), "HOLD_POINT"),
    ],
)
def test_no_deadline_promotes_what_is_held(look: Look, code: str) -> None:
    plan = replace(PLAN, at_deadline=PROMOTE, hold_at=(0.10,))
    move = moved(judged(a_ramp(plan=plan), "wait", 0.10), look, minutes=60)
    assert (move.code, move.share, move.outcome) == (code, 0.10, "")


def test_a_pause_that_nobody_ended_takes_the_traffic_back_under_its_own_name() -> None:
    look = seen(0.10, aborted="nobody resumed it", aborted_as="PAUSE_OVER")
    move = moved(judged(a_ramp(), "advance", 0.25), look)
    assert (move.code, move.share, move.outcome) == ("PAUSE_OVER", 0.0, "cancelled")


def test_no_deadline_promotes_proven_harm() -> None:
    run = judged(a_ramp(plan=replace(PLAN, at_deadline=PROMOTE, on_harm=STAY)), "rollback", 0.0)
    assert moved(run, seen(0.10), minutes=60).share == 0.0


@given(
    st.sampled_from(["advance", "wait", "rollback", "withdraw"]),
    st.sampled_from([0.0, *STEPS]),
    st.lists(st.sampled_from([PROBE, Signal("alert", "fired")]), max_size=2),
    st.sampled_from(["", "stopped"]),
    st.sampled_from(["", "paused"]),
    st.dictionaries(st.sampled_from(["weu", "neu"]), st.floats(0, 1), max_size=2),
    st.integers(0, 12),
)
def test_without_a_person_traffic_never_exceeds_what_the_judge_allowed(
    action: str, weight: float, signals: list[Signal], aborted: str, paused: str, shares: dict[str, float], refused: int
) -> None:
    run = replace(judged(a_ramp(0.25), action, weight), refused=refused)
    move = moved(run, Look(shares, tuple(signals), Said(), aborted, paused))
    assert move.share <= run.allowed
    assert move.share in (0.0, run.allowed)
    if move.outcome and move.outcome != Outcome.PASSED:
        assert move.share == 0.0, "whatever ends badly leaves no traffic behind"


def fronted(stop: str, release_bad: int = 0, live_bad: int = 0) -> RampRun:
    """A ramp whose edges drop a stopped side within 60 s and hear of weights within 1200 s, so that a stop pays when
    5 % fail beyond what is usual; of 1000 requests of either side so many were bad."""
    door = FrontDoor("/profiles/edge", "shop", "weu", "weu-staging", "https://shop.azurefd.net", stop_on_harm=stop)
    run = a_ramp(plan=replace(PLAN, settle_s=1200.0, front_door=door), drop_s=60.0)
    counted = {"name": FAILURES, "canary_requests": 1000, "canary_bad": release_bad}
    counted |= {"baseline_requests": 1000, "baseline_bad": live_bad}
    return replace(run, verdict={**a_verdict("rollback", 0.0), "metrics": [counted]})


@pytest.mark.parametrize("code", ["PROBE_FAILED", "COUNTERS_FAILED", "TAKEN_BACK"])
def test_an_outage_and_a_persons_word_stop_the_side_whatever_it_costs(code: str) -> None:
    assert is_stopped_at_once(fronted(WHEN_IT_PAYS), Move(0.0, code, "", Outcome.FAILED))
    assert not is_stopped_at_once(fronted(NEVER), Move(0.0, code, "", Outcome.FAILED))


@pytest.mark.parametrize(("release_bad", "live_bad", "stops"), [(51, 0, True), (49, 0, False), (80, 40, False)])
def test_harm_stops_the_side_where_more_fails_beyond_the_usual_than_the_stop_would_cost(
    release_bad: int, live_bad: int, stops: bool
) -> None:
    harm = Move(0.0, "HARM_PROVEN", "", Outcome.FAILED)
    assert is_stopped_at_once(fronted(WHEN_IT_PAYS, release_bad, live_bad), harm) is stops
    assert is_stopped_at_once(fronted(ALWAYS, release_bad, live_bad), harm)


@pytest.mark.parametrize("outcome", [Outcome.CANCELLED, Outcome.NOT_ENOUGH_EVIDENCE, Outcome.BROKEN, ""])
def test_a_release_that_nobody_blames_is_not_stopped(outcome: str) -> None:
    assert not is_stopped_at_once(fronted(ALWAYS, release_bad=900), Move(0.0, "X", "", outcome))


def test_no_side_is_stopped_that_no_edge_would_drop() -> None:
    run = replace(fronted(ALWAYS), drop_s=0.0)
    assert not is_stopped_at_once(run, Move(0.0, "PROBE_FAILED", "", Outcome.FAILED))
