"""The phase `bake` of a stage: the release is watched while it has all the traffic, and not proven yet."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from orchestrators.fan_out import reachable
from orchestrators.live_looks import live_answers
from orchestrators.one_arm import CALLS, watch_order
from orchestrators.recording import record_stage
from orchestrators.release_settings import settings_before_proven
from orchestrators.stage_intents import word
from orchestrators.switch_signals import after_switch
from orchestrators.waiting import Context, Durable, ask_decisions, insist, now, nudge_or
from slipway.promotion import stage_phases as phase
from slipway.promotion.ids import child_id
from slipway.promotion.judge.verdict import Action
from slipway.promotion.outcomes import Answer, Outcome, broken, failed, iso, moment, passed, worst
from slipway.promotion.precedence import BACK, STOPPED
from slipway.promotion.stage_parts import Step
from slipway.promotion.stage_run import StageRun
from slipway.promotion.telemetry import last_tick

PROBE_EVERY = timedelta(seconds=30)
BLIND_BUDGET = timedelta(minutes=15)


def for_bake(context: Context, run: StageRun) -> Durable:
    """Watch the new release for its bake time: a look at least every 30 s, the last one at its end; after a
    ramp the judge looks at every tick, too, and after a blue-green switch at counters and alerts. While everything is
    stopped it goes on beyond that time: nothing is proven then."""
    if not run.deadline:
        run = yield from _begun(context, run)
    going = yield from ask_decisions(
        context, run.promotion, "ask_going_on", {"waiter": run.instance, "past_pause": True}
    )
    if going["do"] == "cancel":
        return run.ends(Outcome.CANCELLED, going["code"], going["words"])
    said = yield from word(context, run)
    if said["do"] == BACK:
        return run.ends(Outcome.CANCELLED, said["code"], f"while baking: {said['words']}")
    over = context.current_utc_datetime >= moment(run.deadline) and said.get("code") != STOPPED
    answers = yield from live_answers(context, run, "bake", run.tick)
    run, judged = yield from _judged(context, run)
    run, signalled = yield from after_switch(context, run)
    verdict = worst([*answers, judged, signalled])
    seen = verdict.outcome in (Outcome.PASSED, Outcome.FAILED, Outcome.CANCELLED)
    blind_until = moment(run.deadline) + BLIND_BUDGET
    if not seen and context.current_utc_datetime < blind_until:
        # A check that broke says nothing about the release: look again, for a while beyond the bake.
        yield from nudge_or(context, context.current_utc_datetime + PROBE_EVERY)
        return replace(run, tick=run.tick + 1)
    if over or verdict.outcome != Outcome.PASSED:
        for target, answer in zip(reachable(run.plan.targets), answers, strict=True):
            run = run.stepped("bake", target.name, answer, now(context))
        if verdict.outcome == Outcome.PASSED:
            run = yield from settings_before_proven(context, run)
            return run if run.ending else run.to(phase.SETTLE)
        if not seen:
            words = f"blind for {BLIND_BUDGET} beyond the bake, so the release is withdrawn: {verdict.words}"
            return run.ends(Outcome.NOT_ENOUGH_EVIDENCE, "BLIND", words)
        return run.ends(verdict.outcome, verdict.code, f"while baking: {verdict.words}")
    ends, wakes = moment(run.deadline), _wakes_at(context, run)
    yield from nudge_or(context, min(ends, wakes) if context.current_utc_datetime < ends else wakes)
    return replace(run, tick=run.tick + 1)


def _begun(context: Context, run: StageRun) -> Durable:
    ends = context.current_utc_datetime + timedelta(seconds=run.plan.bake_s)
    run = replace(run, since=now(context), deadline=iso(ends))
    if run.watched:
        run = replace(run, watched={**run.watched, "began_at": now(context), "tick": 0, "state": {}, "code": ""})
    steps = [Step("bake", target.name, run.operation(target, "bake", 0)) for target in reachable(run.plan.targets)]
    run = run.stepping(steps, now(context))
    return (yield from record_stage(context, run, "baking", f"watches {run.called} until {run.deadline}"))


def _judged(context: Context, run: StageRun) -> Durable:
    """The run, and what the judge of one arm has against the release; it is never the reason to withdraw for blindness:
    a person is called, once for each reason."""
    tick = _due(context, run)
    if tick <= run.watched.get("tick", 0):
        return run, passed()
    operation = child_id(run.instance, "bake", "judge", f"{run.attempt}-{tick}")
    order = watch_order(run, run.watched, operation, tick)
    answer = yield from insist(context, "watch_tick", order)
    if answer.state != Outcome.PASSED:
        return run, broken(answer.code, answer.words)
    verdict = answer.result["verdict"]
    run, answered = _after(run, tick, answer)
    if verdict["code"] in CALLS and verdict["code"] != run.watched["code"]:
        words = f"a person must look: {verdict['words']}"
        run = yield from record_stage(context, run, "bake-unseen", words, {"calls": True, "verdict": verdict})
        run = replace(run, watched={**run.watched, "code": verdict["code"]})
    return run, answered


def _after(run: StageRun, tick: int, answer: Answer) -> tuple[StageRun, Answer]:
    verdict: dict[str, Any] = answer.result["verdict"]
    run = replace(run, watched={**run.watched, "tick": tick, "state": answer.result["state"]})
    harm = verdict["action"] == Action.ROLLBACK
    return run, failed(verdict["code"], verdict["words"]) if harm else passed()


def _due(context: Context, run: StageRun) -> int:
    """The number of the judge's tick that ended last; 0 where nothing is judged."""
    if not run.watched or run.plan.judged is None:
        return 0
    return last_tick(run.watched["began_at"], run.plan.judged.policy.tick_s, context.current_utc_datetime)


def _wakes_at(context: Context, run: StageRun) -> datetime:
    soon: datetime = context.current_utc_datetime + PROBE_EVERY
    if not run.watched or run.plan.judged is None:
        return soon
    next_tick = (_due(context, run) + 1) * run.plan.judged.policy.tick_s
    return min(soon, moment(run.watched["began_at"]) + timedelta(seconds=next_tick))
