"""Looks at a release that is live: one activity for all its targets, and a check only where a look was not good.

Bake and watch look hundreds of times and nearly always find nothing. A single bad answer says little, so what a look
finds is checked as in verification before it counts.
"""

from collections.abc import Callable
from dataclasses import replace

from orchestrators.fan_out import fan_out, health_checks, reachable
from orchestrators.waiting import Context, Durable, called
from slipway.promotion.outcomes import Answer, Outcome, passed
from slipway.promotion.plain import plain
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


def _said_of(target: str, answer: Answer) -> Answer:
    """Of several services, whose it is."""
    return answer if answer.outcome == Outcome.PASSED else replace(answer, words=f"{target}: {answer.words}")
