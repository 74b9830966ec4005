"""What is asked about sessions on `<entity>/$management`."""

from collections.abc import Callable

from slipway.local.servicebus.errors import NOT_ALLOWED, Refusal
from slipway.local.servicebus.queue import Queue
from slipway.local.servicebus.request_body import Body, required
from slipway.local.servicebus.session_queue import SessionQueue
from slipway.local.servicebus.types import Int, Timestamp

_ALL_SINCE_MS = 253_402_300_800_000
"""The end of .NET's time, which means: all sessions, whenever their state was set."""


def with_sessions(queue: Queue) -> SessionQueue:
    """Raises Refusal."""
    if not isinstance(queue, SessionQueue):
        raise Refusal(NOT_ALLOWED, f"{queue.name} does not have sessions.")
    return queue


def _renew_lock(queue: SessionQueue, body: Body) -> Body:
    return {"expiration": Timestamp(queue.renew_session(required(body, "session-id", str)))}


def _get_state(queue: SessionQueue, body: Body) -> Body:
    return {"session-state": queue.state(required(body, "session-id", str))}


def _set_state(queue: SessionQueue, body: Body) -> Body:
    state = body.get("session-state")
    queue.set_state(
        required(body, "session-id", str), None if state is None else required(body, "session-state", bytes)
    )
    return {}


def _list(queue: SessionQueue, body: Body) -> Body | None:
    since = required(body, "last-updated-time", Timestamp)
    skip, top = required(body, "skip", int), required(body, "top", int)
    page = queue.sessions(None if since >= _ALL_SINCE_MS else since)[skip : skip + top]
    return {"skip": Int(skip + len(page)), "sessions-ids": list(page)} if page else None


OPERATIONS: dict[str, Callable[[SessionQueue, Body], Body | None]] = {
    "renew-session-lock": _renew_lock,
    "get-session-state": _get_state,
    "set-session-state": _set_state,
    "get-message-sessions": _list,
}
