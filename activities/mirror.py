"""Activity `mirror_environment`: copies the entity `environment` into the read model."""

import asyncio

import azure.durable_functions as df

from activities.answering import Client, Order, answering_async
from slipway.adapters.read_model import write_environment
from slipway.promotion.ids import environment_key
from slipway.promotion.outcomes import Answer, passed, running

bp = df.Blueprint()


@bp.activity_trigger(input_name="order", activity="mirror_environment")
@bp.durable_client_input(client_name="client")
@answering_async
async def mirror_environment(order: Order, client: Client) -> Answer:
    """The only writer of the table `environments`. The entity's `rev` decides, so an old copy loses."""
    key = environment_key(order["environment"], order["service"])
    try:
        found = await client.read_entity_state(df.EntityId("environment", key))
    except Exception as error:  # noqa: BLE001 - the SDK raises bare Exception for whatever the host answers
        return running({}, 1.0, f"the entity could not be read: {error}")
    if not found.entity_exists:
        return running({}, 0.5, "the entity does not show its state yet")
    await asyncio.to_thread(write_environment, order["environment"], order["service"], found.entity_state)
    return passed()
