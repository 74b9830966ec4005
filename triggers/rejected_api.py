"""`GET /api/rejected`, `GET /api/rejected/{message}`, `POST …/resubmit`: what lies aside, and back again."""

import asyncio
import hashlib
import logging
import uuid
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from slipway.adapters.azure_errors import AzureProblem, FaultKind
from slipway.adapters.clock import now
from slipway.adapters.service_bus import ServiceBus
from slipway.promotion.approval import Person
from slipway.promotion.audit import AuditRecord
from slipway.promotion.cloud_event_attributes import without_attributes
from slipway.promotion.errors import Refused
from slipway.promotion.outcomes import iso
from slipway.promotion.set_aside import REPORTS, SOURCES, Place, SetAside, place_of
from slipway.settings import BUILDS_QUEUE, EVENTS_TOPIC, REPORTS_SUBSCRIPTION
from triggers.deciding import audited
from triggers.http import NotFound, answer, api, body_of, query_of
from triggers.identity import READERS
from triggers.intake import SENDER

bp = df.Blueprint()

SHOWN_IN_LIST = 500  # characters of a body
SWEEPS = 100  # messages at the beginning of a source that are looked at for ones that were put back before
NOT_TAKEN = (FaultKind.THROTTLED, FaultKind.DENIED, FaultKind.MISSING, FaultKind.INVALID, FaultKind.CONFLICT)
_log = logging.getLogger("slipway.rejected")


@bp.route(route="api/rejected", methods=["GET"])
@api(*READERS, answers={200: "RejectedPage"}, query="RejectedQuery")
async def get_rejected(req: func.HttpRequest, person: Person) -> func.HttpResponse:
    """The messages that lie aside: build messages that cannot be used, and dead letters; the oldest of each first."""
    from triggers.bodies import RejectedQuery

    asked = query_of(req, RejectedQuery)
    return answer(await asyncio.to_thread(_page, place_of(asked.after or ""), asked.source, asked.top))


@bp.route(route="api/rejected/{message}", methods=["GET"])
@api(*READERS, answers={200: "RejectedMessage"}, refuses={404: ("UNKNOWN_MESSAGE",)})
async def get_rejected_message(req: func.HttpRequest, person: Person) -> func.HttpResponse:
    """One of them, with its body as far as it is kept."""
    return answer(await asyncio.to_thread(_one, req.route_params["message"]))


@bp.route(route="api/rejected/{message}/resubmit", methods=["POST"])
@api(
    "operator",
    answers={200: "Resubmitted"},
    body="Resubmit",
    refuses={
        404: ("UNKNOWN_MESSAGE",),
        409: ("ALREADY_RESUBMITTED", "RESUBMIT_UNDER_WAY", "RESUBMIT_UNKNOWN", "BODY_CUT", "BODY_FIXED"),
    },
)
async def post_resubmit(req: func.HttpRequest, person: Person) -> func.HttpResponse:
    """Put a message back where it came from, as it is or with another body; once. It is taken away from where it lies
    only after that was accepted."""
    from slipway.adapters import resubmissions
    from triggers.bodies import Resubmit

    asked = body_of(req, Resubmit)
    message = await asyncio.to_thread(_found, req.route_params["message"])
    body, author = _to_send(message, asked.body), person if asked.body is not None else None
    at, place, to = now(), message.place, _back_to(message.place)
    await asyncio.to_thread(resubmissions.claim, message, body, person.name, at)
    words = f"{person.name} puts {place.id} back on {to}" + (", with another body" if author else "")
    said = AuditRecord(_new_id(), at, person.oid, "message.resubmit", words, _evidence(message, body))
    try:
        await audited(f"rejected-{at:%Y-%m-%d}", said)
    except AzureProblem:
        await asyncio.to_thread(resubmissions.give_up, place)
        raise
    try:
        message_id = await asyncio.to_thread(_send, message, body, author)
    except AzureProblem as problem:
        if problem.fault.kind in NOT_TAKEN:  # else it may lie on the queue, and the claim holds
            await asyncio.to_thread(resubmissions.give_up, place)
        raise
    await asyncio.to_thread(resubmissions.sent, place)
    gone = await asyncio.to_thread(_taken_away, place)
    return answer({"id": place.id, "sent_to": to, "message_id": message_id, "taken_away": gone, "words": words})


def _to_send(message: SetAside, another: str | None) -> bytes:
    """The body that goes back. Raises Refused."""
    if message.cut and another is None:
        words = f"only the first {len(message.body)} bytes of it were kept: send it whole, as the new body"
        raise Refused("BODY_CUT", words)
    if message.place.source == REPORTS and another is not None:
        raise Refused("BODY_FIXED", "an event says what happened: it goes back as it is, or not at all")
    return message.body if another is None else another.encode()


def _back_to(place: Place) -> str:
    return EVENTS_TOPIC if place.source == REPORTS else BUILDS_QUEUE


def _new_id() -> str:
    return f"resubmit:{uuid.uuid4().hex}"


def _evidence(message: SetAside, body: bytes) -> dict[str, Any]:
    told = {"id": message.place.id, "code": message.code, "message_id": message.message_id}
    told |= {"sha256": hashlib.sha256(body).hexdigest()}
    return told if body == message.body else {**told, "instead_of": hashlib.sha256(message.body).hexdigest()}


def _page(after: Place | None, source: str | None, top: int) -> dict[str, Any]:
    from slipway.adapters import set_aside

    wanted = [each for each in SOURCES if source in (None, each)]
    if after is not None and after.source in wanted:
        wanted = wanted[wanted.index(after.source) :]
    begins = {each: after.sequence + 1 if after and after.source == each else 0 for each in wanted}
    with ThreadPoolExecutor(len(wanted)) as pool:  # each opens a connection of its own, which takes its time
        looks = list(pool.map(lambda each: set_aside.look(each, begins[each], top + 1), wanted))
    found = list(chain.from_iterable(looks))
    shown, more = found[:top], len(found) > top
    return {"messages": _shown(shown, SHOWN_IN_LIST), "after": shown[-1].place.id if more else None}


def _one(id: str) -> dict[str, Any]:
    message = _found(id)
    return _shown([message], len(message.body))[0]


def _found(id: str) -> SetAside:
    """The message. Raises NotFound, and Refused for one that was put back and is not there any more."""
    from slipway.adapters import resubmissions, set_aside

    place = place_of(id)
    message = set_aside.find(place) if place else None
    if place and message is None:
        resubmissions.check_not_sent(place)
    if message is None:
        raise NotFound("UNKNOWN_MESSAGE", f"no message {id} lies aside")
    return message


def _shown(messages: list[SetAside], longest: int) -> list[dict[str, Any]]:
    from slipway.adapters import resubmissions
    from slipway.adapters.hiding import Hiding
    from slipway.adapters.reports import why_refused
    from slipway.adapters.secrets import ever_read

    hide = Hiding(ever_read(()))
    back: dict[Place, tuple[str, str]] = {}
    for source in SOURCES:
        back |= resubmissions.put_back([each for each in messages if each.place.source == source])
    shown = []
    for each in messages:
        code, reason = why_refused(each) or (each.code, each.reason)
        at, by = back.get(each.place, ("", ""))
        body = hide(each.body.decode("utf-8", "replace"))
        shown.append(
            {
                "id": each.place.id,
                "source": each.place.source,
                "at": iso(each.at),
                "message_id": each.message_id,
                "code": code,
                "reason": hide(reason),
                "deliveries": each.deliveries,
                "content_type": each.content_type,
                "size": len(each.body),
                "cut": each.cut or len(body) > longest,
                "body": body[:longest],
                "resubmitted_at": at,
                "resubmitted_by": by,
            }
        )
    return shown


def _send(message: SetAside, body: bytes, author: Person | None) -> str:
    """Put it back. Who wrote another body is who submits it: what is in it is that person's word, and a whole message,
    of which what came beside the old one says nothing."""
    message_id, properties = f"{message.place.id}:again", dict(message.properties)
    if message.place.source == REPORTS:
        # Other subscriptions have had it: they know it by its id, and can leave what is meant for one of them alone.
        properties |= {"resubmitted": REPORTS_SUBSCRIPTION}
        ServiceBus().publish(EVENTS_TOPIC, body, message.message_id, properties, message.subject, message.content_type)
        return message.message_id
    if author:
        properties = {**without_attributes(properties), "submitted_by": author.oid}
        properties.pop(SENDER, None)
    ServiceBus().send(BUILDS_QUEUE, body, message_id, properties, message.subject or None, message.content_type)
    return message_id


def _taken_away(place: Place) -> bool:
    """Whether it is gone. Where it is not, the list says that it was put back, and a later one takes it along."""
    from slipway.adapters import resubmissions, set_aside

    try:
        lying = set_aside.look(place.source, 0, SWEEPS)
        also = {each.sequence for each in resubmissions.put_back(lying)}
        return set_aside.take_away(place, also)
    except AzureProblem as problem:
        _log.warning("%s was put back and still lies where it was: %s", place.id, problem.words)
        return False
