"""What the organisation's policies say to a stage: asked before it begins, and at the grant of its lock. A rule made
or tightened since the build was taken in holds it outside of every queue, until people have mended one or the
other, or ends it, as the rule says. Policies that cannot be read hold everything. A way back is never asked.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from orchestrators.environment_lock import give_back_unchanged
from orchestrators.recording import record_stage
from orchestrators.waiting import Context, Durable, ask_decisions, insist, now, nudge_or
from slipway.promotion import stage_phases as phase
from slipway.promotion.outcomes import Outcome, iso, moment
from slipway.promotion.plain import plain
from slipway.promotion.stage_run import StageRun
from slipway.promotion.under_policies import CANCEL, UNMET

LOOK_EVERY = timedelta(minutes=5)
START, AT_LOCK = "start", "lock"
_PHASES = {
    START: (phase.GATES, phase.APPROVAL, phase.LOCK),
    AT_LOCK: (phase.GATES_AT_LOCK, phase.MIGRATE, phase.DEPLOY),
}


def due(run: StageRun) -> str:
    """Which of both looks is due in this phase: one an attempt before the stage, one a grant of its lock. Empty where
    none is."""
    if run.plan.policies is None or run.goes_back:
        return ""
    here = next((look for look, phases in _PHASES.items() if run.phase in phases), "")
    return here if here and run.policies.get(here) != _time(run, here) else ""


def kept_back(context: Context, run: StageRun) -> Durable:
    """Look. Returns the run as it goes on, and the run as it waits or ends instead, if it does. Raises NotTaken."""
    look = due(run)
    if not look:
        return run, None
    answer = yield from insist(context, "check_policies", question(run))
    if answer.outcome == Outcome.PASSED:
        if look == AT_LOCK and answer.result["policies"]:
            run = yield from record_stage(context, run, "policies-met", answer.words, answer.result)
        looked = {**run.policies, look: _time(run, look)}
        run = replace(run, waits_for="", deadline="") if run.policies.get("held") else run
        return replace(run, policies={**looked, "held": False}), None
    if look == AT_LOCK:
        yield from give_back_unchanged(context, run)
        run = run.with_fences(dict.fromkeys(run.locks, 0)).to(phase.LOCK, policies={})
        return run, run
    return (yield from _held(context, run, answer.code, answer.words, answer.result.get("do", "")))


def question(run: StageRun) -> dict[str, Any]:
    """What the stage is, for whoever knows the policies."""
    assert run.plan.policies is not None
    owner = run.plan.policies.owner
    return {"promotion": run.promotion, "stage": plain(run.plan), "service": run.build.service, "owner": owner}


def _time(run: StageRun, look: str) -> int:
    """What tells this look from the ones before."""
    return run.attempt if look == START else run.fence


def _held(context: Context, run: StageRun, code: str, words: str, do: str) -> Durable:
    """Wait for people, at most as long as for the lock; or end."""
    if (code, do) == (UNMET, CANCEL):
        return run, run.ends(Outcome.CANCELLED, code, words)
    asked = {"waiter": run.instance, "at": now(context)}
    going = yield from ask_decisions(context, run.promotion, "ask_going_on", asked)
    if going["do"] == "cancel":
        return run, run.ends(Outcome.CANCELLED, going["code"], going["words"])
    if not run.policies.get("held"):
        ends = context.current_utc_datetime + timedelta(seconds=run.plan.lock_within_s)
        run = replace(run, since=now(context), deadline=iso(ends), policies={**run.policies, "held": True})
    if context.current_utc_datetime >= moment(run.deadline):
        return run, run.ends(Outcome.CANCELLED, code, f"held until {run.deadline}: {words}")
    if run.waits_for != words:
        run = replace(run, waits_for=words)
        run = yield from record_stage(context, run, "held-by-policies", f"waits: {words}", {"code": code})
    yield from nudge_or(context, min(context.current_utc_datetime + LOOK_EVERY, moment(run.deadline)))
    return run, run
