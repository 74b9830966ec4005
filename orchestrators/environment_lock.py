"""A stage and its environment's lock: what it asks, and the copy in the read model after each change."""

from typing import Any

import azure.durable_functions as df

from orchestrators.waiting import Context, Durable, insist, nudge_all
from slipway.promotion.barriers import QUEUE
from slipway.promotion.ids import environment_key
from slipway.promotion.outcomes import iso
from slipway.promotion.stage_run import StageRun


def ask_lock(context: Context, run: StageRun, operation: str, given: dict[str, Any] | None = None) -> Durable:
    """Ask the lock of the stage's service and environment as its holder. Returns the lock's answer."""
    asked = {"holder": run.instance, "fence": run.fence, **(given or {})}
    return (yield from ask_environment(context, run.plan.environment, run.build.service, operation, asked))


def ask_environment(context: Context, environment: str, service: str, operation: str, given: dict[str, Any]) -> Durable:
    """Ask the lock of `service` in `environment`, and nudge whomever a change concerns.

    Returns the answer of `slipway.promotion.lock`.
    """
    entity = df.EntityId("environment", environment_key(environment, service))
    answer = yield context.call_entity(entity, operation, given)
    yield from nudge_all(context, answer)
    return answer


def announcement(run: StageRun, waiter: str, at: str) -> dict[str, Any]:
    """What the stage says of its build to the lock; `waiter` is woken when a newer one comes."""
    return {
        "holder": run.instance,
        "waiter": waiter,
        "promotion": run.promotion,
        "stage": run.plan.name,
        "version": run.build.version,
        "finished_at": iso(run.build.finished_at),
        "received_at": run.received_at,
        "on_newer_build": QUEUE if run.goes_back else run.plan.on_newer_build,
        "goes_back": run.goes_back,
        "at": at,
    }


def leave_lock(context: Context, run: StageRun, holder: str = "") -> Durable:
    """Wait for the lock no more (`holder` instead of the stage itself), and show that. Raises NotTaken."""
    left = yield from ask_lock(context, run, "leave", {"holder": holder or run.instance})
    if not left["new"]:
        yield from mirror_lock(context, run)


def mirror_lock(context: Context, run: StageRun) -> Durable:
    """Copy the lock's state into the read model. Raises NotTaken."""
    where = {"environment": run.plan.environment, "service": run.build.service}
    yield from insist(context, "mirror_environment", where)
