"""`<entity>/$management`: what Service Bus does by request and response. Names and shapes: Microsoft's
"AMQP 1.0 in Azure Service Bus: request-response-based operations"."""

from collections.abc import Callable
from uuid import UUID

from slipway.local.servicebus import rule_management, session_management
from slipway.local.servicebus.entry import Entry
from slipway.local.servicebus.errors import (
    ARGUMENT_ERROR,
    ENTITY_ALREADY_EXISTS,
    MESSAGE_LOCK_LOST,
    MESSAGE_NOT_FOUND,
    NOT_FOUND,
    NOT_IMPLEMENTED,
    SESSION_LOCK_LOST,
    Refusal,
)
from slipway.local.servicebus.namespace import Namespace
from slipway.local.servicebus.queue import Queue
from slipway.local.servicebus.request import Request
from slipway.local.servicebus.request_body import Body, contents, items, required, text
from slipway.local.servicebus.session_management import with_sessions
from slipway.local.servicebus.types import Array, Int, Timestamp

Operation = Callable[[Queue, Body], Body | None]
"""Gives the response's body, or None for "no content"."""

_STATUS = {
    NOT_FOUND: 404,
    MESSAGE_NOT_FOUND: 404,
    MESSAGE_LOCK_LOST: 410,
    SESSION_LOCK_LOST: 410,
    ENTITY_ALREADY_EXISTS: 409,
    NOT_IMPLEMENTED: 501,
}
_SETTLEMENTS: dict[str, Callable[[Queue, UUID], None]] = {
    "completed": Queue.complete,
    "abandoned": Queue.abandon,
    "defered": Queue.defer,
}


def answer(namespace: Namespace, address: str, data: bytes) -> bytes:
    """Answer one request to an entity's management node. Raises DecodeError."""
    request = Request.parse(data)
    try:
        body = _done(namespace, address, request)
    except Refusal as refusal:
        return request.respond(
            {
                "statusCode": Int(_STATUS.get(refusal.condition, 400)),
                "statusDescription": refusal.description,
                "errorCondition": refusal.condition,
            },
            {},
        )
    code, text = (204, "No Content") if body is None else (200, "OK")
    return request.respond({"statusCode": Int(code), "statusDescription": text}, body or {})


def _done(namespace: Namespace, address: str, request: Request) -> Body | None:
    queue = namespace.managed(address)
    name = request.operation.removeprefix("com.microsoft:")
    if not isinstance(request.body, dict):
        raise Refusal(ARGUMENT_ERROR, "the request's body must be a map")
    if name in _OPERATIONS:
        return _OPERATIONS[name](queue, request.body)
    if name in session_management.OPERATIONS:
        return session_management.OPERATIONS[name](with_sessions(queue), request.body)
    if name in rule_management.OPERATIONS:
        return rule_management.OPERATIONS[name](namespace.subscription(address), request.body)
    raise Refusal(NOT_IMPLEMENTED, f"no operation {request.operation!r}")


def _renew_lock(queue: Queue, body: Body) -> Body:
    ends = tuple(Timestamp(queue.renew(token)) for token in items(body, "lock-tokens", UUID))
    return {"expirations": Array(Timestamp, ends)}


def _update_disposition(queue: Queue, body: Body) -> Body:
    status = required(body, "disposition-status", str)
    tokens = items(body, "lock-tokens", UUID)
    settle = _SETTLEMENTS.get(status)
    if settle is None and status != "suspended":
        raise Refusal(ARGUMENT_ERROR, f"no disposition status {status!r}")
    for token in tokens:
        if settle is not None:
            settle(queue, token)
        else:
            queue.dead_letter(token, text(body, "deadletter-reason"), text(body, "deadletter-description"))
    return {}


def _peek_message(queue: Queue, body: Body) -> Body | None:
    first, count = required(body, "from-sequence-number", int), required(body, "message-count", int)
    entries = queue.peek(first, count, text(body, "session-id"))
    return {"messages": [{"message": entry.render()} for entry in entries]} if entries else None


def _schedule_message(queue: Queue, body: Body) -> Body:
    messages = contents(body)
    for each in messages:
        queue.check(each)
    seqs = tuple(queue.put(each, each.scheduled_ms()) for each in messages)
    return {"sequence-numbers": Array(int, seqs)}


def _cancel_scheduled_message(queue: Queue, body: Body) -> Body:
    queue.cancel(items(body, "sequence-numbers", int))
    return {}


def _receive_by_sequence_number(queue: Queue, body: Body) -> Body:
    seqs = items(body, "sequence-numbers", int)
    deletes = required(body, "receiver-settle-mode", int) == 0
    session = text(body, "session-id")
    entries = queue.pop_deferred(seqs, session) if deletes else queue.take_deferred(seqs, session)
    return {"messages": [_deferred(entry) for entry in entries]}


_OPERATIONS: dict[str, Operation] = {
    "renew-lock": _renew_lock,
    "update-disposition": _update_disposition,
    "peek-message": _peek_message,
    "schedule-message": _schedule_message,
    "cancel-scheduled-message": _cancel_scheduled_message,
    "receive-by-sequence-number": _receive_by_sequence_number,
}


def _deferred(entry: Entry) -> Body:
    message: Body = {"message": entry.render()}
    if entry.lock is not None:
        message["lock-token"] = entry.lock.token
    return message
