"""After the storm: the weather is calm, people answer what is asked, and everything comes to its end."""

import time
from collections.abc import Callable
from pathlib import Path

import httpx
from azure.core.exceptions import AzureError
from azure.servicebus import ServiceBusClient

from tests.chaos.ci import ONE_TRY
from tests.chaos.evidence import live_instances, operations_under_way
from tests.chaos.world import World

LOOK_EVERY_S = 0.5
SWEEP_EVERY_S = 5.0


def until_quiet(world: World, tidy_up: Callable[[], None], within_s: float) -> list[str]:
    """Wait until nothing is under way any more, tidying up meanwhile; what still is, when the time is over."""
    world.all_up(30)
    world.ask("DELETE", "/standin/faults")
    world.ask("DELETE", "/standin/held")
    deadline, sweep_at = time.monotonic() + within_s, 0.0
    while True:
        tidy_up()
        busy = under_way(world)
        if not busy or time.monotonic() > deadline:
            return busy
        if time.monotonic() > sweep_at:
            sweep_at = time.monotonic() + SWEEP_EVERY_S
            _sweep(world)
        time.sleep(LOOK_EVERY_S)


def under_way(world: World) -> list[str]:
    """Orchestrations and operations that have not come to their end; if there are none, such messages: to look at a
    queue takes a connection."""
    state = world.layout.state
    messages = [] if _at_work(state) else [f"message {id} on builds" for id in _messages(world)]
    return messages or _at_work(state)  # what was a message may be at work by now


def _at_work(state: Path) -> list[str]:
    return [*live_instances(state), *["an operation of Azure"] * operations_under_way(state)]


def _messages(world: World) -> list[str]:
    try:
        with (
            ServiceBusClient.from_connection_string(world.run.servicebus, **ONE_TRY) as client,
            client.get_queue_receiver("builds") as receiver,
        ):
            return [str(each.message_id) for each in receiver.peek_messages(20)]
    except (AzureError, OSError, ValueError) as error:
        return [f"(unknown: {type(error).__name__})"]


def _sweep(world: World) -> None:
    """The janitor comes by each minute; here sooner."""
    try:
        httpx.post(f"{world.run.url}/admin/functions/janitor", timeout=5, trust_env=False)
    except httpx.TransportError:
        world.chronicle.note("trouble", "the janitor could not be called")
