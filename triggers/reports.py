"""Service Bus trigger: what is told on the topic `promotions` reaches the code hosts that pipelines name.

On its own: no promotion waits for it. What fails is tried again by redelivery, what is refused for good is not asked
for again, and either ends in the dead-letter queue of the subscription (`slipway dlq`).
"""

import asyncio
import logging

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters.azure_errors import AzureProblem
from slipway.adapters.insights import Kind, current, span
from slipway.adapters.reporting.asking import NothingToTell, ReportFailed
from slipway.adapters.reporting.stages import tell_hosts
from slipway.adapters.reports import forget_refusal, keep_refusal, refused_for_good
from slipway.promotion.ids import is_promotion_id
from slipway.promotion.trace import begun
from slipway.settings import EVENTS_TOPIC, REPORTS_SUBSCRIPTION

bp = df.Blueprint()

LONGEST_DELAY_S = 60.0
_log = logging.getLogger("slipway.reports")


@bp.function_name("reports")
@bp.service_bus_topic_trigger(
    arg_name="message", topic_name=EVENTS_TOPIC, subscription_name=REPORTS_SUBSCRIPTION, connection="SERVICEBUS"
)
async def reports(message: func.ServiceBusMessage) -> None:
    """Tell the code hosts of the stage that the event is about. Returning completes the message; raising gives it back,
    after a pause that grows with the delivery count and is as long as the host asked for, a minute at most."""
    told = {str(name): str(value) for name, value in (message.application_properties or {}).items()}
    promotion, stage = told.get("promotion", ""), told.get("stage", "")
    wanted = told.get("reported") == "yes" and told.get("action", "").startswith("stage.")
    if not wanted or not stage or not is_promotion_id(promotion):
        return
    delivery = message.delivery_count or 1
    with span("reports", Kind.MESSAGE, begun(message.message_id), delivery=delivery, promotion=promotion, stage=stage):
        await _tell(promotion, stage, message.message_id, delivery)


async def _tell(promotion: str, stage: str, message_id: str, delivery: int) -> None:
    if delivery > 1 and (words := await asyncio.to_thread(refused_for_good, promotion, message_id)):
        raise ReportFailed(words, for_good=True)
    try:
        where = await asyncio.to_thread(tell_hosts, promotion, stage)
    except NothingToTell as nothing:
        current().tell(outcome="nothing to tell", code=nothing.code, words=nothing.words)
        _log.info("%s, stage %s is not told (%s): %s", promotion, stage, nothing.code, nothing.words)
        await asyncio.to_thread(keep_refusal, promotion, message_id, nothing.code, nothing.words, False)
        return
    except ReportFailed as failed:
        current().tell(outcome="not told", code=failed.code, words=failed.words)
        _log.warning("%s, stage %s is not told (%s): %s", promotion, stage, failed.code, failed.words)
        await asyncio.to_thread(keep_refusal, promotion, message_id, failed.code, failed.words, failed.for_good)
        if not failed.for_good:
            await _pause(delivery, failed.after_s)
        raise
    except AzureProblem as problem:  # of our own rows
        _log.warning("%s, stage %s is not told: %s", promotion, stage, problem.words)
        await _pause(delivery, problem.fault.retry_after_s)
        raise
    current().tell(outcome="told", where=", ".join(where))
    if delivery > 1:
        await asyncio.to_thread(forget_refusal, promotion, message_id)


async def _pause(delivery: int, after_s: float) -> None:
    await asyncio.sleep(min(LONGEST_DELAY_S, max(after_s, 2.0**delivery)))
