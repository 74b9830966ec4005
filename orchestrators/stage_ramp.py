"""The phase `ramp` of a stage: its canary, as an orchestration of its own."""

from dataclasses import replace
from datetime import timedelta

from orchestrators.recording import record_stage
from orchestrators.release_settings import settings_before_users
from orchestrators.stage_consent import consent_before_users
from orchestrators.stage_flag import after_bad_end, concluded, for_everybody
from orchestrators.stage_front_door import opened, returned
from orchestrators.waiting import Context, Durable, answers_of, now
from slipway.promotion import stage_phases as phase
from slipway.promotion.flags.setting import BY_COMPARISON
from slipway.promotion.ids import child_id
from slipway.promotion.judge.verdict import Action
from slipway.promotion.outcomes import Answer, Outcome, broken, moment
from slipway.promotion.ramp_run import RampRun
from slipway.promotion.stage_parts import Step
from slipway.promotion.stage_run import StageRun


def ramp(context: Context, run: StageRun) -> Durable:
    """Move traffic to the release step by step, then go on to give it all. A first release has nothing beside it, and
    one that was proven here lately needs no other proof: they go on at once. With a flag the release is live already,
    and it is the flag that users are given step by step."""
    run = replace(run, since=now(context))
    if reason := _needs_none(context, run):
        run = yield from record_stage(context, run, "not-ramped", reason)
        return run.to(_after(run))
    run = yield from settings_before_users(context, run)
    run = run if run.ending else (yield from consent_before_users(context, run))
    if run.ending:
        return run
    drop_s = 0.0
    if run.before_it:
        run, open_to, drop_s = yield from opened(context, run)
        if open_to.outcome != Outcome.PASSED:
            return run.ends(open_to.outcome, open_to.code, f"before the ramp: {open_to.words}")
    child = child_id(run.instance, "ramp", str(run.attempt))
    if not run.flag_plan:  # without one, there is nothing beside the release to judge a bake by but the time before
        run = replace(run, watched={"usual_until": now(context)})
    run = run.stepping([Step("ramp", target.name, child) for target in run.dividing], now(context))
    run = yield from record_stage(context, run, "ramping", _words(run))
    asked = context.call_sub_orchestrator("canary_ramp", RampRun(run, child, drop_s=drop_s).dump(), child)
    (ended,) = yield from answers_of(context, [asked])
    answer = Answer.load(ended) if ended else broken("RAMP_LOST", f"{child} broke off or was ended from outside")
    if run.flag_plan and answer.outcome == Outcome.PASSED:
        if run.flag_plan.compare:
            run, answer = yield from concluded(context, run, answer)
        else:
            answer = yield from for_everybody(context, run)
    for target in run.dividing:
        run = run.stepped("ramp", target.name, answer, now(context))
    if run.before_it and answer.outcome == Outcome.PASSED:
        run, answer = yield from returned(context, run)
    if answer.outcome == Outcome.PASSED:
        return run.to(_after(run) if run.flag_plan or not run.before_it else run.to_users)
    if run.flag_plan:
        return (yield from after_bad_end(context, run, answer))
    # Whoever took the traffic back: harm that is proven stays proven, and its version is rejected.
    proven = answer.result.get("verdict", {}).get("action") == Action.ROLLBACK
    return replace(run, harm=run.harm or proven).ends(answer.outcome, answer.code, answer.words)


def _after(run: StageRun) -> str:
    return phase.BAKE if run.flag_plan else phase.ROLL_OUT


def _words(run: StageRun) -> str:
    if run.flag_plan:
        return f"gives {run.flag_plan.where} to users of {run.build.version} step by step"
    return f"ramps {run.build.version} up beside what is live"


def _needs_none(context: Context, run: StageRun) -> str:
    """Why there is no ramp, in words; empty when there is one."""
    if run.flag_plan:
        if run.is_dark:
            return ""
        where, off = run.flag_plan.where, run.flag.get("why")
        if off and off.startswith(BY_COMPARISON):
            return f"{where} stays off: {off}"
        return f"{where} stays off, as a person said: {off}" if off else f"everybody has {where} already"
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
