"""`<entity>/$management`: what Service Bus does by request and response. Names and shapes: Microsoft's
"AMQP 1.0 in Azure Service Bus: request-response-based operations"."""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from slipway.local.servicebus.decoding import DecodeError
from slipway.local.servicebus.entry import Entry
from slipway.local.servicebus.errors import (
    ARGUMENT_ERROR,
    DECODE_ERROR,
    MESSAGE_LOCK_LOST,
    MESSAGE_NOT_FOUND,
    NOT_FOUND,
    NOT_IMPLEMENTED,
    Refusal,
)
from slipway.local.servicebus.message import Content
from slipway.local.servicebus.namespace import Namespace
from slipway.local.servicebus.queue import Queue
from slipway.local.servicebus.request import Request
from slipway.local.servicebus.types import Array, Int, Timestamp, Value

Body = dict[Value, Value]
Operation = Callable[[Queue, Body], Body | None]
"""Gives the response's body, or None for "no content"."""

_Kind = TypeVar("_Kind")

_STATUS = {
    NOT_FOUND: 404,
    MESSAGE_NOT_FOUND: 404,
    MESSAGE_LOCK_LOST: 410,
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
        queue = namespace.managed(address)
        operation = _OPERATIONS.get(request.operation.removeprefix("com.microsoft:"))
        if operation is None:
            raise Refusal(NOT_IMPLEMENTED, f"no operation {request.operation!r}")
        if not isinstance(request.body, dict):
            raise Refusal(ARGUMENT_ERROR, "the request's body must be a map")
        body = operation(queue, request.body)
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


def _renew_lock(queue: Queue, body: Body) -> Body:
    ends = tuple(Timestamp(queue.renew(token)) for token in _items(body, "lock-tokens", UUID))
    return {"expirations": Array(Timestamp, ends)}


def _update_disposition(queue: Queue, body: Body) -> Body:
    status = _field(body, "disposition-status", str)
    tokens = _items(body, "lock-tokens", UUID)
    settle = _SETTLEMENTS.get(status)
    if settle is None and status != "suspended":
        raise Refusal(ARGUMENT_ERROR, f"no disposition status {status!r}")
    for token in tokens:
        if settle is not None:
            settle(queue, token)
        else:
            queue.dead_letter(token, _text(body, "deadletter-reason"), _text(body, "deadletter-description"))
    return {}


def _peek_message(queue: Queue, body: Body) -> Body | None:
    entries = queue.peek(_field(body, "from-sequence-number", int), _field(body, "message-count", int))
    return {"messages": [{"message": entry.render()} for entry in entries]} if entries else None


def _schedule_message(queue: Queue, body: Body) -> Body:
    contents = [_content(item) for item in _field(body, "messages", list)]
    seqs = tuple(queue.put(content, content.scheduled_ms()) for content in contents)
    return {"sequence-numbers": Array(int, seqs)}


def _cancel_scheduled_message(queue: Queue, body: Body) -> Body:
    queue.cancel(_items(body, "sequence-numbers", int))
    return {}


def _receive_by_sequence_number(queue: Queue, body: Body) -> Body:
    seqs = _items(body, "sequence-numbers", int)
    deletes = _field(body, "receiver-settle-mode", int) == 0
    entries = queue.pop_deferred(seqs) if deletes else queue.take_deferred(seqs)
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


def _content(item: Value) -> Content:
    if not isinstance(item, dict):
        raise Refusal(ARGUMENT_ERROR, "each of 'messages' must be a map")
    try:
        return Content.parse(_field(item, "message", bytes))
    except DecodeError as error:
        raise Refusal(DECODE_ERROR, str(error)) from error


def _field(body: Body, name: str, kind: type[_Kind]) -> _Kind:
    value = body.get(name)
    if not isinstance(value, kind):
        raise Refusal(ARGUMENT_ERROR, f"'{name}' must be there and be a {kind.__name__}")
    return value


def _text(body: Body, name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) and value else None


def _items(body: Body, name: str, kind: type[_Kind]) -> list[_Kind]:
    value = body.get(name)
    items = value.items if isinstance(value, Array) else value if isinstance(value, list) else ()
    found = [item for item in items if isinstance(item, kind)]
    if not found or len(found) != len(items):
        raise Refusal(ARGUMENT_ERROR, f"'{name}' must be an array of {kind.__name__}")
    return found
