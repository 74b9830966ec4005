"""A stage whose rollout is a feature flag: the flag is dark before the release is live, off when it ends badly."""

from dataclasses import replace
from typing import Any

from orchestrators.fan_out import an_operation, fan_out
from orchestrators.recording import record_stage
from orchestrators.release_parts import with_changed
from orchestrators.waiting import Context, Durable, now
from slipway.promotion import stage_phases as phase
from slipway.promotion.flags.comparison_plan import TREATMENT
from slipway.promotion.flags.plan import FLAG_OFF, FlagPlan, flag_order
from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.plain import plain
from slipway.promotion.plan import Header, Target
from slipway.promotion.ramp_moves import UNHEALTHY
from slipway.promotion.stage_parts import Ending, Step
from slipway.promotion.stage_run import StageRun

WITHIN_S = 900.0
# Somebody's hand at the very end counts as it does at a tick.
_AS_AT_A_TICK = {"FLAG_OFF": Outcome.FAILED, "FLAG_CHANGED": Outcome.NOT_ENOUGH_EVIDENCE}


def dark(context: Context, run: StageRun) -> Durable:
    """Have the flag on for testers alone, before any user meets the release. The run; ended, when that cannot be."""
    flag, target = _flag(run)
    order = {**_about(run, target), "flag": flag_order(flag), "service": run.build.service}
    id = run.operation(target, "prepare-flag")
    asked = an_operation(context, id, "prepare_flag", {**order, "fence": run.fence}, WITHIN_S)
    run = run.stepping([Step("prepare flag", target.name, id)], now(context))
    (answer,) = yield from fan_out(context, [asked])
    run = run.stepped("prepare flag", target.name, answer, now(context))
    if answer.outcome != Outcome.PASSED:
        return run.ends(answer.outcome, answer.code, answer.words)
    if was := answer.result.get("was"):
        run = with_changed(run, flag.name, flag.label, was, "ramped")
    return replace(run, flag=answer.result)


def tester_checks(context: Context, run: StageRun) -> tuple[list[dict[str, Any]], list[Step]]:
    """What verifies a release with its flag as a tester: they have the flag, and are answered well."""
    if not run.is_dark:
        return [], []
    flag, target = _flag(run)
    id = run.operation(target, f"testers-{run.tick}")
    asked = [an_operation(context, id, "check_testers", {**_about(run, target), "flag": flag_order(flag)}, WITHIN_S)]
    steps = [Step("verify testers", target.name, id)]
    for user in flag.testers.users[:1]:
        headers = (*run.plan.health.headers, Header(flag.header, value=user))
        check = replace(run.plan.health, path=flag.path, headers=headers)
        for each in run.plan.targets:
            id = run.operation(each, f"tester-{run.tick}")
            about = {"promotion": run.promotion, "version": run.build.version}
            order = {**about, "address": run.sites[each.name].production, "health": plain(check)}
            asked.append(an_operation(context, id, "check_health", order, check.within_s + 60))
            steps.append(Step("verify as tester", each.name, id))
    return asked, steps


def for_everybody(context: Context, run: StageRun) -> Durable:
    """The ramp is over, and everybody gets the flag. The answer."""
    return _as_at_a_tick((yield from _set(context, run, "flag-on", 1.0)))


def concluded(context: Context, run: StageRun, ended: Answer) -> Durable:
    """The comparison is over: the variant that it keeps is everybody's, in one write that says why. The run, and the
    answer."""
    flag, target = _flag(run)
    keeps = ended.result.get("keeps") or TREATMENT
    order = {**_about(run, target), "flag": flag_order(flag), "keeps": keeps, "why": ended.words, "fence": run.fence}
    id = run.operation(target, "conclude-comparison")
    (answer,) = yield from fan_out(context, [an_operation(context, id, "conclude_comparison", order, WITHIN_S)])
    if answer.outcome == Outcome.PASSED:
        evidence = {"keeps": keeps, "flag": flag.name, "code": ended.result.get("code", "")}
        run = yield from record_stage(context, run, "compared", f"{answer.words}: {ended.words}", evidence)
    return run, _as_at_a_tick(answer)


def after_bad_end(context: Context, run: StageRun, answer: Answer) -> Durable:
    """The flag off, whatever the ramp could do about it, and the release with it or not, as the pipeline says. An abort
    takes everything back, and so does a release that is not well for those who do not have the flag, either."""
    flag, target = _flag(run)
    both = answer.outcome == Outcome.CANCELLED or answer.code == UNHEALTHY
    if both or flag.on_harm != FLAG_OFF:
        return run.ends(answer.outcome, answer.code, answer.words)
    off = yield from _set(context, run, "flag-off", 0.0)
    run = run.stepped("ramp", target.name, answer, now(context))
    words = f"{flag.where} is off and {run.build.version} stays: {answer.words}"
    if answer.code == "FLAG_CHANGED":
        words += ", which is written over"
    if off.outcome != Outcome.PASSED:
        words = f"{flag.where} could not be switched off ({off.words}), a person must look: {answer.words}"
    evidence = {"code": answer.code, "calls": True, "flag": flag.name, "off": off.outcome == Outcome.PASSED}
    run = yield from record_stage(context, run, "flag-off", words, evidence)
    return replace(run, flag_ending=Ending(answer.outcome, answer.code, words)).to(phase.BAKE)


def _as_at_a_tick(answer: Answer) -> Answer:
    if answer.outcome != Outcome.BROKEN:
        return answer
    return replace(answer, state=_AS_AT_A_TICK.get(answer.code, Outcome.BROKEN))


def _set(context: Context, run: StageRun, step: str, share: float) -> Durable:
    _, target = _flag(run)
    order = {**_about(run, target), "share": share, "fence": run.fence, "despite_abort": share == 0}
    (answer,) = yield from fan_out(
        context, [an_operation(context, run.operation(target, step), "split", order, WITHIN_S)]
    )
    return answer


def _flag(run: StageRun) -> tuple[FlagPlan, Target]:
    flag, target = run.flag_plan, run.flag_target
    assert flag is not None and target is not None
    return flag, target


def _about(run: StageRun, target: Target) -> dict[str, Any]:
    about = {"promotion": run.promotion, "target": plain(target), "version": run.build.version}
    return {**about, "release": run.release}
