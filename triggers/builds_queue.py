"""Service Bus trigger: build messages come in, promotions start, what cannot be used is set aside."""

import asyncio
import hashlib
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters.audit_log import AuditLog
from slipway.adapters.clock import now
from slipway.adapters.insights import Kind, current, span
from slipway.adapters.intake import take_in
from slipway.adapters.packages import note_package
from slipway.adapters.read_model import count_event, count_not_promoted
from slipway.adapters.service_bus import ServiceBus
from slipway.promotion.audit import AuditRecord
from slipway.promotion.cloud_event_attributes import as_properties
from slipway.promotion.errors import BuildRejected, NotABuild, NotForPromotion, SlipwayError
from slipway.promotion.promotion_run import PromotionRun
from slipway.promotion.trace import begun, told_by
from slipway.settings import BUILDS_QUEUE, REJECTED_QUEUE
from triggers.intake import SENDER, build_of, match
from triggers.version import orchestrations_version

bp = df.Blueprint()

LONGEST_DELAY_S = 60
ENOUGH_DELIVERIES = 5  # of a message that breaks us: others wait behind it
LARGEST_FORWARDED = 192 * 1024  # a queue takes 256 KiB, its reason and other properties included
_log = logging.getLogger("slipway.builds")


@bp.function_name("builds")
@bp.service_bus_queue_trigger(arg_name="message", queue_name=BUILDS_QUEUE, connection="SERVICEBUS")
@bp.durable_client_input(client_name="client")
async def builds(message: func.ServiceBusMessage, client: df.DurableOrchestrationClient) -> None:
    """Start the promotion of the build in `message`, once, however often the message comes.

    Returning completes the message. A fault on our side is raised after a pause that grows with the
    delivery count, so that the queue tries again for long instead of giving up in seconds.
    """
    parent = told_by(message.application_properties) or begun(message.message_id or message.get_body().hex())
    try:
        with span("builds", Kind.MESSAGE, parent, delivery=message.delivery_count or 1):
            run = await _taken_in(message)
            if run is not None:
                await asyncio.to_thread(note_package, orchestrations_version())
                await _start(run, client)
    except Exception:
        delay_s = min(LONGEST_DELAY_S, 2 ** (message.delivery_count or 1))
        _log.warning("a build message could not be taken in; the queue gives it again in %s s", delay_s)
        await asyncio.sleep(delay_s)
        raise


async def _taken_in(message: func.ServiceBusMessage) -> PromotionRun | None:
    """The promotion that the message begins, if it begins one. What Azure or the network does not do now is raised, for
    it may pass; so is what nobody foresaw, a few times: then the message is set aside, as a reject of our own fault."""
    from azure.core.exceptions import AzureError

    try:
        return await _promotion_of(message)
    except (SlipwayError, AzureError, OSError):
        raise
    except Exception as error:
        if (message.delivery_count or 1) < ENOUGH_DELIVERIES:
            raise
        _log.exception("a build message breaks the intake, and is set aside")
        words = f"Slipway itself failed on it, {ENOUGH_DELIVERIES} times or more ({type(error).__name__}); its log says"
        words += " why. Nothing shows that the message is wrong: send it again when Slipway is mended"
        await _reject(message, BuildRejected("INTAKE_BROKE", words), now())
        return None


async def _promotion_of(message: func.ServiceBusMessage) -> PromotionRun | None:
    received_at, body, properties = now(), message.get_body(), message.application_properties or {}
    submitter, sender = str(properties.get("submitted_by", "")), str(properties.get(SENDER, ""))
    try:
        matched = await asyncio.to_thread(match, body, properties, sender)
        current().find_by(promotion=matched.build.promotion)
        run = matched.run(received_at, submitter, current().traceparent)
        own = orchestrations_version()
        state = await asyncio.to_thread(take_in, matched.build, matched.pipeline_text, received_at, run.trace, own)
    except NotForPromotion as reason:
        current().tell(outcome="not for promotion", code=reason.code, words=reason.words)
        _log.info("not for promotion: %s: %s", reason.code, reason.words)
        await asyncio.to_thread(_count, body, properties, reason, received_at)
        return None
    except BuildRejected as rejection:
        await _reject(message, rejection, received_at)
        return None
    current().tell(outcome=f"was {state}")
    return run if state == "new" else None


async def _reject(message: func.ServiceBusMessage, rejection: BuildRejected, at: datetime) -> None:
    current().tell(outcome="rejected", code=rejection.code, words=rejection.words)
    _log.warning("rejected: %s: %s", rejection.code, rejection.words)
    properties = message.application_properties or {}
    kept = {name: str(properties[name]) for name in ("submitted_by", SENDER) if properties.get(name)}
    await asyncio.to_thread(_set_aside, message, as_properties(properties) | kept, rejection, at)


async def _start(run: PromotionRun, client: df.DurableOrchestrationClient) -> None:
    try:
        await client.start_new("promotion", run.id, run.dump())
    except Exception as error:
        # The extension refuses a second start by text, with one status in older and another in newer versions.
        if "already exists" not in str(error):
            raise
        _log.info("%s is already on its way", run.id)


def _count(body: bytes, beside: Mapping[Any, Any], reason: NotForPromotion, at: datetime) -> None:
    if isinstance(reason, NotABuild):
        count_event(hashlib.sha256(body).hexdigest(), reason, at)
    else:
        count_not_promoted(build_of(body, beside, str(beside.get(SENDER, ""))), reason.code, reason.words, at)


def _set_aside(
    message: func.ServiceBusMessage, beside: Mapping[str, str], rejection: BuildRejected, at: datetime
) -> None:
    """Audit the reject, then put the message on `builds-rejected` with its reason, and with what it takes to put it
    back: who submitted it, by which CI system's hook it came, and a CloudEvent's attributes that came beside it. No
    other property is kept: CI may have put its token there. Safe to repeat."""
    body, message_id = message.get_body(), message.message_id
    id = f"rejected:{hashlib.sha256(body + (message_id or '').encode()).hexdigest()[:32]}"
    record = AuditRecord(
        id=id,
        at=at,
        actor="slipway",
        action="build.rejected",
        words=rejection.words,
        evidence={
            "code": rejection.code,
            "message_id": message_id,
            "sha256": hashlib.sha256(body).hexdigest(),
        },
    )
    AuditLog().append(f"rejected-{at:%Y-%m-%d}", record)
    whole = len(body) <= LARGEST_FORWARDED
    ServiceBus().send(
        REJECTED_QUEUE,
        body if whole else body[:LARGEST_FORWARDED],
        message_id=id,
        application_properties={
            **beside,
            "code": rejection.code,
            "reason": rejection.words[:1000],
            "message_id": message_id or "",
            "cut": "no" if whole else f"{len(body)} bytes, the audit has the hash of all",
        },
        content_type=message.content_type or "application/json",
    )
