"""Activities on orchestrations: wake waiters, start one that outlives its parent."""

import logging

import azure.durable_functions as df

from activities.answering import Client, Order, answering_async
from slipway.promotion.outcomes import Answer, passed, running

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


@bp.activity_trigger(input_name="order", activity="start_orchestration")
@bp.durable_client_input(client_name="client")
@answering_async
async def start_orchestration(order: Order, client: Client) -> Answer:
    """Start `orchestration` under a fixed `instance` with what it is `given`. One that exists already is the same."""
    try:
        await client.start_new(order["orchestration"], order["instance"], order["given"])
    except Exception as error:  # noqa: BLE001 - the SDK raises bare Exception for whatever the runtime answers
        if "already exists" not in str(error):
            return running({}, 1.0, f"{order['instance']} could not be started: {error}")
    return passed()
