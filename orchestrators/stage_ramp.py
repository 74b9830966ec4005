"""The phase `ramp` of a stage: its canary, as an orchestration of its own."""

from dataclasses import replace
from datetime import timedelta

from orchestrators.recording import record_stage
from orchestrators.waiting import Context, Durable, answers_of, now
from slipway.promotion import stage_run as phase
from slipway.promotion.ids import child_id
from slipway.promotion.outcomes import Answer, Outcome, broken, moment
from slipway.promotion.ramp_run import RampRun
from slipway.promotion.stage_run import StageRun, Step


def ramp(context: Context, run: StageRun) -> Durable:
    """Move traffic to the release step by step, then go on to give it all. A first release has nothing beside it, and
    one that was proven here lately needs no other proof: they go on at once."""
    run = replace(run, since=now(context))
    if reason := _needs_none(context, run):
        run = yield from record_stage(context, run, "not-ramped", reason)
        return run.to(phase.ROLL_OUT)
    child = child_id(run.instance, "ramp", str(run.attempt))
    run = replace(run, watched={"usual_until": now(context)})
    run = run.stepping([Step("ramp", target.name, child) for target in run.changing], now(context))
    run = yield from record_stage(context, run, "ramping", f"ramps {run.build.version} up beside what is live")
    asked = context.call_sub_orchestrator("canary_ramp", RampRun(run, child).dump(), child)
    (ended,) = yield from answers_of(context, [asked])
    answer = Answer.load(ended) if ended else broken("RAMP_LOST", f"{child} broke off or was ended from outside")
    for target in run.changing:
        run = run.stepped("ramp", target.name, answer, now(context))
    if answer.outcome == Outcome.PASSED:
        return run.to(phase.ROLL_OUT)
    return run.ends(answer.outcome, answer.code, answer.words)


def _needs_none(context: Context, run: StageRun) -> str:
    """Why there is no ramp, in words; empty when there is one."""
    if not run.changing:
        return f"{run.build.version} is live on every target already"
    first = [target.name for target in run.changing if not run.sites[target.name].previous]
    if first:
        return f"nothing is live on {', '.join(first)} that {run.build.version} could be compared with"
    assert run.plan.canary is not None
    within = timedelta(seconds=run.plan.canary.proven_within_s)
    if run.proven_at and context.current_utc_datetime - moment(run.proven_at) <= within:
        return f"{run.build.version} was proven here at {run.proven_at}, and returns without a ramp"
    return ""
