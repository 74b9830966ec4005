"""Fan-out of operations, at most 20 children."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from orchestrators.waiting import Context, Durable, answers_of, carried_by
from slipway.promotion.outcomes import Answer, broken, iso
from slipway.promotion.plain import plain
from slipway.promotion.plan import Target
from slipway.promotion.stage_parts import Site
from slipway.promotion.stage_run import StageRun

WIDEST = 20


def fan_out(context: Context, asked: list[dict[str, Any]]) -> Durable:
    """Run at most 20 operations side by side. Returns their `Answer`s in the same order, `OPERATION_LOST` for one
    that was ended from outside, or had not ended when one beside it was.

    Raises ValueError for more: whoever has more splits them over generations, or the history would grow.
    """
    if len(asked) > WIDEST:
        raise ValueError(f"{len(asked)} operations side by side; {WIDEST} are allowed")
    if not asked:
        return []
    children = [context.call_sub_orchestrator("operation", each, each["id"]) for each in asked]
    ended = yield from answers_of(context, children)
    return [Answer.load(each) if each else _lost(id) for each, id in zip(ended, (o["id"] for o in asked), strict=True)]


def _lost(id: str) -> Answer:
    return broken("OPERATION_LOST", f"the operation {id}, or one beside it, was ended from outside")


def an_operation(context: Context, id: str, activity: str, order: dict[str, Any], within_s: float) -> dict[str, Any]:
    """The input of an orchestration `operation`."""
    deadline = iso(context.current_utc_datetime + timedelta(seconds=within_s))
    order = {**carried_by(context), **order}
    return {"id": id, "activity": activity, "order": order, "deadline": deadline}


def reachable(targets: Sequence[Target]) -> tuple[Target, ...]:
    """Those that have an address to be probed at."""
    return tuple(target for target in targets if target.of_kind.answers)


def health_checks(
    context: Context,
    run: StageRun,
    step: str,
    *,
    live: bool,
    n: int | None = None,
    targets: Sequence[Target] | None = None,
) -> list[dict[str, Any]]:
    """A health check of the live or the idle side of each of `targets` (all that can be reached, unless told
    otherwise)."""
    checks = []
    for target in reachable(run.plan.targets) if targets is None else targets:
        site = run.sites[target.name]
        order = {
            "promotion": run.promotion,
            "address": site.production if live else site.idle,
            "version": run.version_of(target.name),
            "health": plain(run.plan.health),
            "beside": _beside(site, target, live),
        }
        id = run.operation(target, step, n)
        checks.append(an_operation(context, id, "check_health", order, run.plan.health.within_s + 60))
    return checks


def _beside(site: Site, target: Target, live: bool) -> str:
    """Where the release before answers while this one is checked; empty where there was none. Where sides are
    swapped that is the other one, else the live release's own address of before."""
    if not (site.previous or site.held):
        return ""
    if not target.of_kind.swapped:
        return site.live
    return site.idle if live else site.production
