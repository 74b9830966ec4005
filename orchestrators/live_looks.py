"""Looks at a release that is live: one activity for all its targets, and a check only where a look was not good.

Bake and watch look hundreds of times and nearly always find nothing. A single bad answer says little, so what a look
finds is checked as in verification before it counts.
"""

from collections.abc import Callable
from dataclasses import replace

from orchestrators.fan_out import fan_out, health_checks, reachable
from orchestrators.waiting import Context, Durable, called
from slipway.promotion.ids import child_id
from slipway.promotion.outcomes import Answer, Outcome, passed, worst
from slipway.promotion.plain import plain
from slipway.promotion.ramp_run import LIVE, UNSEEN, RampRun, Signal
from slipway.promotion.stage_run import StageRun


def live_answers(
    context: Context, run: StageRun, step: str, n: int, named: Callable[[str], str] = lambda id: id
) -> Durable:
    """The `Answer` of each target that can be reached, in their order. `n` numbers the look; `named` makes a check's
    id of the stage's own for it."""
    targets = reachable(run.plan.targets)
    if not targets:
        return []
    order = {
        "promotion": run.promotion,
        "addresses": {target.name: run.sites[target.name].production for target in targets},
        "version": run.build.version,
        "health": plain(run.plan.health),
    }
    if run.plan.members:
        order["versions"] = {target.name: run.version_of(target.name) for target in targets}
    look = yield from called(context, "look_at_live", order)
    well = look.result.get("well", ())
    suspects = [target for target in targets if target.name not in well]
    checks = health_checks(context, run, step, live=True, n=n, targets=suspects)
    ended = yield from fan_out(context, [{**each, "id": named(each["id"])} for each in checks])
    told = zip((target.name for target in suspects), ended, strict=True)
    found = {name: _said_of(name, answer) if run.plan.members else answer for name, answer in told}
    good = {target.name: passed(f"a good answer from {run.version_of(target.name)}") for target in targets}
    return [found.get(target.name, good[target.name]) for target in targets]


def look_at_everybodys(context: Context, run: RampRun) -> Durable:
    """In the ramp of a flag the release serves everybody, whatever share of them has the flag. The run, and signals:
    that it is not well, or that nobody can see how it is."""
    stage, n = run.stage, run.looks + 1
    answers = yield from live_answers(
        context, stage, "live", n, lambda check: child_id(run.instance, *check.split(":")[-3:])
    )
    told = zip(reachable(stage.plan.targets), answers, strict=True)
    verdict = worst([_said_of(target.name, answer) for target, answer in told])
    run = replace(run, looks=n)
    if verdict.outcome in (Outcome.PASSED, Outcome.CANCELLED):
        return run, ()  # an abort is heard from people's word
    return run, (Signal(LIVE if verdict.outcome == Outcome.FAILED else UNSEEN, verdict.words),)


def _said_of(target: str, answer: Answer) -> Answer:
    """Of several services, whose it is."""
    return answer if answer.outcome == Outcome.PASSED else replace(answer, words=f"{target}: {answer.words}")
