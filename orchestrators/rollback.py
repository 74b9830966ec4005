"""Orchestration `rollback`: the previous release back on every target of a stage, and proof that it serves."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import azure.durable_functions as df

from orchestrators.fan_out import an_operation, fan_out
from orchestrators.stage_front_door import closing
from orchestrators.waiting import LONGEST_WAIT, Context, Durable, NotTaken, insist, now
from slipway.promotion.outcomes import Answer, Outcome, broken, passed
from slipway.promotion.plain import plain
from slipway.promotion.routed import router_of
from slipway.promotion.stage_parts import Step
from slipway.promotion.stage_run import StageRun

bp = df.Blueprint()

SWAP_WITHIN_S = 900.0
SPLIT_WITHIN_S = 900.0
TRIES = 3
PAUSE = timedelta(seconds=30)
ROUNDS = 40  # of about five minutes each


@bp.orchestration_trigger(context_name="context", orchestration="rollback")
def rollback(context: df.DurableOrchestrationContext) -> Durable:
    """Traffic back, if the release ramped; read what is live, swap back where the new release is, read again, stop the
    idle side's copy, once the router has settled.

    Input: the `StageRun` as JSON. Returns an `Answer`: passed only when the previous release was read
    on every target; `result.steps` says what was done. A swap back without effect is tried again, twice (`part`
    counts). Not stopped by an abort: it is the abort's work.
    """
    run = StageRun.load(context.get_input())
    context.set_custom_status({"state": "rolling back", "since": now(context)})
    try:
        answer = yield from _undone(context, run)
    except NotTaken as error:
        if run.tick >= ROUNDS:
            return broken("TARGETS_UNREADABLE", f"the targets could not be read for hours: {error}").dump()
        context.continue_as_new(replace(run, tick=run.tick + 1).dump())
        return None
    if answer is None:
        yield context.create_timer(context.current_utc_datetime + PAUSE)
        context.continue_as_new(replace(run, part=run.part + 1).dump())
        return None
    return answer.dump()


def _undone(context: Context, run: StageRun) -> Durable:
    """The rollback's answer, or None when it is to be tried again."""
    if not run.sites or not (run.steps or run.goes_back):
        return passed("nothing had been changed")
    steps: list[Step] = []
    if run.plan.canary and (run.is_dark or not run.flag_plan):
        steps = yield from _traffic_back(context, run)
        left = [step for step in steps if step.state != Outcome.PASSED]
        if left and run.part + 1 < TRIES:
            return None
        if left:
            words = "; ".join(f"{step.target}: {step.words}" for step in left)
            return _with(steps, broken("TRAFFIC_NOT_BACK", f"the router still has the release: {words}"))
    told_at = context.current_utc_datetime
    if any(step.name == "open front door" for step in run.steps):
        for target in run.dividing:
            steps += yield from _done(context, run, "close front door", closing(context, run, target))
    live = yield from _live(context, run, "before")
    if live is None:
        return broken("TARGETS_UNREADABLE", "the targets could not be read")
    back = [target for target in run.plan.targets if live[target.name]["production"] == run.build.version]
    back = [target for target in back if run.sites[target.name].previous != run.build.version]
    back = [target for target in back if run.sites[target.name].previous]
    if back:
        asked = []
        for target in back:
            order = {
                "promotion": run.promotion,
                "target": plain(target),
                "version": run.sites[target.name].previous,
                **run.plan.reading,
                "fence": run.fence,
                "despite_abort": True,
            }
            id = run.operation(target, f"swap-back-{run.part + 1}" if run.part else "swap-back")
            asked.append(an_operation(context, id, "swap", order, SWAP_WITHIN_S))
        steps += yield from _done(context, run, "swap back", asked)
    live = yield from _live(context, run, "after")
    if live is None:
        return broken("TARGETS_UNREADABLE", "the targets could not be read after the swap")
    wrong = [name for name, site in run.sites.items() if live[name]["production"] != site.previous]
    if any(target.name in wrong for target in back) and run.part + 1 < TRIES:
        return None
    if wrong:
        answers = "; ".join(_wrong(run, name, live[name]["production"]) for name in wrong)
        tried = f" (tried {run.part + 1} times)" if run.part else ""
        return _with(steps, broken("PREVIOUS_NOT_LIVE", answers + tried))
    stale = [target for target in run.plan.targets if live[target.name]["idle"] == run.build.version]
    asked = []
    for target in stale:
        if run.sites[target.name].previous == run.build.version:
            continue
        order = {
            "promotion": run.promotion,
            "target": plain(target),
            "version": run.build.version,
            "fence": run.fence,
        }
        asked.append(an_operation(context, run.operation(target, "stop-idle"), "stop_idle", order, 300))
    if asked or run.before_it:
        yield from _settled(context, run, told_at)
    if asked:
        steps += yield from _done(context, run, "stop idle", asked)
    return _with(steps, passed(_words(run, bool(back))))


def _traffic_back(context: Context, run: StageRun) -> Durable:
    """All requests to the live release, before anything else: users come first."""
    asked = []
    for target in run.dividing:
        order = {
            "promotion": run.promotion,
            "target": plain(router_of(run, target)),
            "version": run.build.version,
            "share": 0.0,
            **run.plan.reading,
            "fence": run.fence,
            "despite_abort": True,
        }
        id = run.operation(target, f"traffic-back-{run.part + 1}" if run.part else "traffic-back")
        asked.append(an_operation(context, id, "split", order, SPLIT_WITHIN_S))
    return (yield from _done(context, run, "traffic back", asked))


def _settled(context: Context, run: StageRun, told_at: datetime) -> Durable:
    """Wait until no user is sent any more to a release that ramped: front ends follow their router late, and a side
    that is stopped answers nobody. What is deployed next to a side that Front Door still knows would meet users."""
    ramped = any(step.name == "ramp" for step in run.steps)
    until = told_at + timedelta(seconds=run.plan.canary.settle_s if run.plan.canary and ramped else 0)
    while until > context.current_utc_datetime:
        yield context.create_timer(min(until, context.current_utc_datetime + LONGEST_WAIT))


def _live(context: Context, run: StageRun, when: str) -> Durable:
    """What answers on each target now: `{target: {production, idle}}` as versions; None if unreadable."""
    order = {
        "promotion": run.promotion,
        "targets": [plain(target) for target in run.plan.targets],
        **run.plan.reading,
        "when": when,
    }
    survey = yield from insist(context, "survey_targets", order)
    if survey.state != Outcome.PASSED:
        return None
    sites = survey.result["sites"]
    return {name: {"production": site["previous"], "idle": site["idle_was"]} for name, site in sites.items()}


def _done(context: Context, run: StageRun, name: str, asked: list[dict[str, Any]]) -> Durable:
    began = now(context)
    answers = yield from fan_out(context, asked)
    ended = now(context)
    return [
        Step(name, each["order"]["target"]["name"], each["id"], answer.state, began, answer.at or ended, answer.words)
        for each, answer in zip(asked, answers, strict=True)
    ]


def _with(steps: list[Step], answer: Answer) -> Answer:
    return Answer(answer.state, answer.code, answer.words, result={"steps": [plain(step) for step in steps]})


def _wrong(run: StageRun, name: str, answers: str) -> str:
    if not run.sites[name].previous:
        return f"{name} had no release before {run.build.version}, so there is none to return to"
    return f"{name} answers {answers or 'nothing'}"


def _words(run: StageRun, swapped: bool) -> str:
    versions = sorted({site.previous or "nothing" for site in run.sites.values()})
    was = "back on" if swapped else "still on"
    return f"{run.plan.environment} is {was} {', '.join(versions)}"
