"""Activity `mirror_environment`: copies the entity `environment` into the read model."""

import asyncio
from typing import Any

import azure.durable_functions as df

from slipway.adapters.azure_errors import AzureProblem
from slipway.adapters.read_model import write_environment
from slipway.promotion.ids import environment_key
from slipway.promotion.outcomes import passed, running

bp = df.Blueprint()


@bp.activity_trigger(input_name="order", activity="mirror_environment")
@bp.durable_client_input(client_name="client")
async def mirror_environment(order: dict[str, Any], client: df.DurableOrchestrationClient) -> dict[str, Any]:
    """The only writer of the table `environments`. The entity's `rev` decides, so an old copy loses."""
    key = environment_key(order["environment"], order["service"])
    found = await client.read_entity_state(df.EntityId("environment", key))
    if not found.entity_exists:
        return running({}, 0.5, "the entity does not show its state yet").dump()
    try:
        await asyncio.to_thread(write_environment, order["environment"], order["service"], found.entity_state)
    except AzureProblem as problem:
        return problem.fault.answer({}, 1.0).dump()
    return passed().dump()
