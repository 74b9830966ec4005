"""Fan-out of operations, at most 20 children at a time."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from orchestrators.waiting import Context, Durable
from slipway.promotion.outcomes import Answer, iso
from slipway.promotion.stage_run import StageRun

WIDEST = 20


def in_waves(context: Context, asked: list[dict[str, Any]]) -> Durable:
    """Run operations side by side, 20 at a time. Returns their `Answer`s in the same order."""
    answers: list[Answer] = []
    for start in range(0, len(asked), WIDEST):
        wave = asked[start : start + WIDEST]
        ended = yield context.task_all([context.call_sub_orchestrator("operation", each, each["id"]) for each in wave])
        answers += [Answer.load(each) for each in ended]
    return answers


def an_operation(context: Context, id: str, activity: str, order: dict[str, Any], within_s: float) -> dict[str, Any]:
    """The input of an orchestration `operation`."""
    deadline = iso(context.current_utc_datetime + timedelta(seconds=within_s))
    return {"id": id, "activity": activity, "order": order, "deadline": deadline}


def health_checks(
    context: Context, run: StageRun, step: str, *, live: bool, n: int | None = None
) -> list[dict[str, Any]]:
    """A health check of the live side of every target, or of the idle side of those that change."""
    checks = []
    for target in run.plan.targets if live else run.changing:
        site = run.sites[target.name]
        order = {
            "promotion": run.promotion,
            "address": site.production if live else site.idle,
            "version": run.build.version,
            "health": asdict(run.plan.health),
        }
        id = run.operation(target, step, n)
        checks.append(an_operation(context, id, "check_health", order, run.plan.health.within_s + 60))
    return checks
