"""Activity `nudge`: wakes waiters."""

import logging

import azure.durable_functions as df

from activities.answering import Client, Order, answering_async
from slipway.promotion.outcomes import Answer, passed

bp = df.Blueprint()

_log = logging.getLogger("slipway.activities")


@bp.activity_trigger(input_name="order", activity="nudge")
@bp.durable_client_input(client_name="client")
@answering_async
async def nudge(order: Order, client: Client) -> Answer:
    """Raise the event `nudge` on every waiter. One that has ended needs none; a lost one costs a timer."""
    for waiter in order["waiters"]:
        try:
            await client.raise_event(waiter, "nudge", {"why": "something changed"})
        except Exception as error:  # noqa: BLE001 - the SDK raises bare Exception for 404 and 410
            _log.info("nudge of %s was not taken: %s", waiter, error)
    return passed()
