"""A stage and its environment's lock: what it asks, and the copy in the read model after each change."""

from typing import Any

import azure.durable_functions as df

from orchestrators.waiting import Context, Durable, insist, nudge_all
from slipway.promotion.ids import environment_key
from slipway.promotion.stage_run import StageRun


def ask_lock(context: Context, run: StageRun, operation: str, given: dict[str, Any] | None = None) -> Durable:
    """Ask the lock of the stage's service and environment as its holder, and nudge whomever a change concerns.

    Returns the answer of `slipway.promotion.lock`.
    """
    entity = df.EntityId("environment", environment_key(run.plan.environment, run.build.service))
    asked = {"holder": run.instance, "fence": run.fence, **(given or {})}
    answer = yield context.call_entity(entity, operation, asked)
    yield from nudge_all(context, answer)
    return answer


def mirror_lock(context: Context, run: StageRun) -> Durable:
    """Copy the lock's state into the read model. Raises NotTaken."""
    where = {"environment": run.plan.environment, "service": run.build.service}
    yield from insist(context, "mirror_environment", where)
