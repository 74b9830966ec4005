"""Orchestration `rollback`: the previous release back on every target of a stage, and proof that it serves."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import azure.durable_functions as df

from orchestrators.fan_out import an_operation, fan_out
from orchestrators.release_parts import FIRST, LAST, flags_back, half_way_back, has_parts, of_flags, put_back
from orchestrators.release_settings import seen
from orchestrators.stage_front_door import NOBODY_THERE, OPEN, closing, edges_may_know, settling
from orchestrators.waiting import LONGEST_WAIT, Context, Durable, NotTaken, given, insist, now
from slipway.promotion import stage_phases as phase
from slipway.promotion.outcomes import Answer, Outcome, broken, passed
from slipway.promotion.plain import plain
from slipway.promotion.plan import Target
from slipway.promotion.release_parts.before import Brought, brought
from slipway.promotion.routed import router_of
from slipway.promotion.stage_parts import Site, Step
from slipway.promotion.stage_run import StageRun
from slipway.promotion.stored import known

bp = df.Blueprint()

SPLIT_WITHIN_S = 900.0
TRIES = 3
PAUSE = timedelta(seconds=30)
ROUNDS = 40  # of about five minutes each
SWAP_BACK = "swap back"
UNREADABLE = "TARGETS_UNREADABLE"
_NOTHING_BUT = "the database stays as its migration left it, and nothing else had been changed"


@bp.orchestration_trigger(context_name="context", orchestration="rollback")
def rollback(context: df.DurableOrchestrationContext) -> Durable:
    """Traffic back, if the release ramped; the flags back that it gave to users; read what is live, swap back where the
    new release is, read again, stop the idle side's copy, once the router has settled; then what is left of its flags.

    Input: the `StageRun` as JSON. Returns an `Answer`: passed only when the previous release was read on every target,
    and, where a Front Door was moved, when it sends nobody to the idle side any more; `result.steps` says what was
    done, `result.brought` what came back with the code and what did not.
    A release that is down and answers nothing goes back, too, where the side before it answers. A swap back without
    effect is tried again, twice (`part` counts), and what answers nothing is looked at again as often. What was
    switched last goes back first, and only once it is back what it had come after: so where one level of a group cannot
    go back, those before it wait for a person, too. Not stopped by an abort: it is the abort's work.
    """
    run = StageRun.load(given(context))
    context.set_custom_status({"state": "rolling back", "since": now(context)})
    try:
        answer = yield from _undone(context, run)
    except NotTaken as error:
        if run.tick >= ROUNDS:
            return _not_proven(run, [], {}, UNREADABLE, f"the way back came no further for hours: {error}").dump()
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
        return passed(_NOTHING_BUT if _has_migrated(run) else "nothing had been changed")
    steps: list[Step] = []
    before = yield from seen(context, run)
    if run.plan.canary and (not run.flag_plan or (run.is_dark and not run.keeps_its_flag)):
        steps = yield from _traffic_back(context, run)
        left = [step for step in steps if step.state != Outcome.PASSED]
        if left and run.part + 1 < TRIES:
            return None
        if left:
            words = "; ".join(f"{step.target}: {step.words}" for step in left)
            return _not_proven(run, steps, {}, "TRAFFIC_NOT_BACK", f"the router still has the release: {words}")
    told_at = context.current_utc_datetime
    flags, more = yield from flags_back(context, run, FIRST, {})
    steps += more
    if any(step.name == OPEN for step in run.steps):
        for target in run.dividing:
            steps += yield from _done(context, run, "close front door", closing(context, run, target))
    live = yield from _live(context, run, "before")
    if live is None:
        return _not_proven(run, steps, flags, UNREADABLE, f"the targets could not be read{_how_long(run)}")
    back = [each for each in run.plan.targets if _has_it(run, each, live[each.name])]
    back = [each for each in back if run.sites[each.name].previous not in ("", run.version_of(each.name))]
    for level in reversed(run.plan.levels):
        swapped = yield from _swapped_back(context, run, [target for target in level if target in back])
        steps += swapped
        if any(step.state != Outcome.PASSED for step in swapped):
            break
    live = yield from _live(context, run, "after")
    if live is None:
        return _not_proven(
            run, steps, flags, UNREADABLE, f"the targets could not be read{_how_long(run)} after the swap"
        )
    wrong = [name for name, site in run.sites.items() if not live[name].is_as(site)]
    silent = [name for name in wrong if not live[name].previous]
    if {*silent, *(target.name for target in back)}.intersection(wrong) and run.part + 1 < TRIES:
        return None
    if wrong:
        answers = "; ".join(_wrong(run, name, live[name].previous) for name in wrong)
        tried = f" (tried {run.part + 1} times)" if run.part else ""
        refused = [f"{step.target} is not swapped back: {step.words}" for step in steps if _is_refused(step)]
        words = "; ".join([answers + tried, *refused])
        return _not_proven(run, steps, flags, "PREVIOUS_NOT_LIVE", words)
    stale = [each for each in run.plan.targets if live[each.name].idle_was == run.version_of(each.name)]
    stale += [each for each in back if not live[each.name].idle_was]  # it is down, and was swapped there just now
    stale += [each for each in run.may_still_come if each not in stale]
    asked = []
    for target in stale:
        if run.sites[target.name].previous == run.version_of(target.name):
            continue
        order = {
            "promotion": run.promotion,
            "target": plain(target),
            "version": run.version_of(target.name),
            "fence": run.fence_of(target.name),
        }
        asked.append(an_operation(context, run.operation(target, "stop-idle"), "stop_idle", order, 300))
    if edges_may_know(run):
        settled = yield from _done(context, run, NOBODY_THERE, [settling(context, run, each) for each in run.dividing])
        steps += settled
        if any(step.state != Outcome.PASSED for step in settled):
            words = "; ".join(f"{step.target}: {step.words}" for step in settled)
            words = f"users may still be sent to the idle side: {words}"
            return _not_proven(run, steps, flags, "TRAFFIC_NOT_BACK", words)
    elif asked and not run.before_it:
        yield from _settled(context, run, told_at)
    if asked:
        steps += yield from _done(context, run, "stop idle", asked)
    flags, more = yield from flags_back(context, run, LAST, flags)
    code = _words(run, bool(back))
    all_of_it = brought(before, code, *of_flags(flags), put_back(flags)) if has_parts(run) else Brought()
    return _with(steps + more, passed(), code, all_of_it)


def _swapped_back(context: Context, run: StageRun, back: list[Target]) -> Durable:
    """The steps of the swaps back, side by side."""
    asked = []
    for target in back:
        order = {
            "promotion": run.promotion,
            "target": plain(target),
            "version": run.sites[target.name].previous,
            **run.plan.reading,
            "fence": run.fence_of(target.name),
            "despite_abort": True,
        }
        id = run.operation(target, f"swap-back-{run.part + 1}" if run.part else "swap-back")
        asked.append(an_operation(context, id, "swap", order, run.plan.switch_within_s(target)))
    return (yield from _done(context, run, SWAP_BACK, asked)) if asked else []


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
    that is stopped answers nobody."""
    ramped = any(step.name == "ramp" for step in run.steps)
    until = told_at + timedelta(seconds=run.plan.canary.settle_s if run.plan.canary and ramped else 0)
    while until > context.current_utc_datetime:
        yield context.create_timer(min(until, context.current_utc_datetime + LONGEST_WAIT))


def _live(context: Context, run: StageRun, when: str) -> Durable:
    """What answers on each target now, as a `Site`; None if unreadable. Raises NotTaken, but not for hours."""
    order = {
        "promotion": run.promotion,
        "targets": [plain(target) for target in run.plan.targets],
        **run.plan.reading,
        "when": when,
    }
    try:
        survey = yield from insist(context, "survey_targets", order)
    except NotTaken:
        if run.tick < ROUNDS:
            raise
        return None
    if survey.state != Outcome.PASSED:
        return None
    return {name: Site(**known(Site, site)) for name, site in survey.result["sites"].items()}


def _how_long(run: StageRun) -> str:
    return " for hours" if run.tick >= ROUNDS else ""


def _has_it(run: StageRun, target: Target, site: Site) -> bool:
    """Whether the new release is live there. Silence says so only where the release had been switched to."""
    swap = run.operation(target, "swap")
    begun = run.goes_back or run.swept or any(step.operation == swap for step in run.steps)
    return bool(site.previous or begun) and site.has(run.version_of(target.name), run.sites[target.name].previous)


def _done(context: Context, run: StageRun, name: str, asked: list[dict[str, Any]]) -> Durable:
    began = now(context)
    answers = yield from fan_out(context, asked)
    ended = now(context)
    return [
        Step(name, each["order"]["target"]["name"], each["id"], answer.state, began, answer.at or ended, answer.words)
        for each, answer in zip(asked, answers, strict=True)
    ]


def _not_proven(run: StageRun, steps: list[Step], flags: dict[str, Answer], code: str, words: str) -> Answer:
    """The previous release may not serve: the end of a way back that has moved `flags` already, if any."""
    return _with(steps, broken(code, ""), words, half_way_back(run, flags) if has_parts(run) else Brought())


def _with(steps: list[Step], answer: Answer, words: str, all_of_it: Brought) -> Answer:
    told = {"brought": all_of_it.dump()} if all_of_it.is_told else {}
    words = "; ".join(filter(None, (words, all_of_it.words)))
    return Answer(answer.state, answer.code, words, result={"steps": [plain(step) for step in steps], **told})


def _is_refused(step: Step) -> bool:
    return step.name == SWAP_BACK and step.state != Outcome.PASSED and bool(step.words)


def _wrong(run: StageRun, name: str, answers: str) -> str:
    if not run.sites[name].previous and (was := run.sites[name].held):
        return f"{was} was down on {name} before {run.version_of(name)} came, so there is none to return to"
    if not run.sites[name].previous:
        return f"{name} had no release before {run.version_of(name)}, so there is none to return to"
    return f"{name} answers {answers or 'nothing'}"


def _words(run: StageRun, swapped: bool) -> str:
    was = "back on" if swapped else "still on"
    return f"{run.plan.environment} is {was} {run.served_before}"


def _has_migrated(run: StageRun) -> bool:
    """Whether a migration was begun, as far as anybody knows."""
    return run.swept_in == phase.MIGRATE or any(step.name == "expand" for step in run.steps)
