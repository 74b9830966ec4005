"""Timer trigger: finds locks and places in a queue whose orchestration is no more, and sees to them."""

import asyncio
import json
import logging
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters.read_model import environment_rows
from slipway.promotion.ids import child_id, shortened
from slipway.promotion.stage_run import StageRun

bp = df.Blueprint()

ENDED = (
    df.OrchestrationRuntimeStatus.Completed,
    df.OrchestrationRuntimeStatus.Failed,
    df.OrchestrationRuntimeStatus.Terminated,
    df.OrchestrationRuntimeStatus.Canceled,
)
_log = logging.getLogger("slipway.janitor")


@bp.function_name("janitor")
@bp.timer_trigger(arg_name="tick", schedule="30 * * * * *")
@bp.durable_client_input(client_name="client")
async def janitor(tick: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    """Every minute. A stage gives its lock back before it ends; one that ended and still holds it was terminated
    or broke off, so a run in its place takes the lock over under a higher fence and undoes what was changed."""
    for environment, service, lock in await asyncio.to_thread(environment_rows):
        holder = lock["holder"]
        if holder:
            await _sweep(client, holder["holder"])
        for entry in lock["queue"]:
            await _clear(client, environment, service, entry["holder"])


async def _sweep(client: df.DurableOrchestrationClient, holder: str) -> None:
    status = await client.get_status(holder, show_input=True)
    if not status or status.runtime_status not in ENDED:
        return
    given = json.loads(status.input_) if isinstance(status.input_, str) else status.input_
    _log.warning("%s ended (%s) and still holds its lock", holder, status.runtime_status.value)
    run = StageRun.load(given).sweeping(child_id(holder, "sweep"))
    await _start(client, "stage", run.instance, run.dump())


async def _clear(client: df.DurableOrchestrationClient, environment: str, service: str, waiter: str) -> None:
    status = await client.get_status(waiter)
    if not status or status.runtime_status not in ENDED:
        return
    _log.warning("%s ended and still waits for the lock of %s in %s", waiter, service, environment)
    order: dict[str, Any] = {"operation": "leave", "given": {"holder": waiter}, "by": "slipway"}
    order |= {"environment": environment, "service": service, "words": f"{waiter} is no more; its place is free"}
    await _start(client, "intent", shortened(f"intent:leave:{waiter}"), order)


async def _start(client: df.DurableOrchestrationClient, name: str, instance: str, given: dict[str, Any]) -> None:
    try:
        await client.start_new(name, instance, given)
    except Exception as error:
        if "already exists" not in str(error):
            raise
