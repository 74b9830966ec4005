"""Receivers of a queue with sessions: one that has its session, and one that waits for any that is free.

Which session a client wants stands as a filter in the source that it attaches to: its id, or null for the next one.
The answer names the session in the same place. Until then the attach is not answered.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from slipway.local.servicebus.entry import Entry
from slipway.local.servicebus.errors import NOT_ALLOWED, SESSION_LOCK_LOST, TIMEOUT, Refusal
from slipway.local.servicebus.links import Outgoing, deliver
from slipway.local.servicebus.performatives import Attach
from slipway.local.servicebus.queue import Queue
from slipway.local.servicebus.session_queue import Hold, SessionQueue
from slipway.local.servicebus.types import Described, Symbol, Value

if TYPE_CHECKING:
    from slipway.local.servicebus.session import Session

SESSION_FILTER = Symbol("com.microsoft:session-filter")
LOCKED_UNTIL = Symbol("com.microsoft:locked-until-utc")
_PATIENCE = Symbol("com.microsoft:timeout")
_PATIENCE_MS = 60_000
_FILTERS = 7
"""The field of a source that has its filters."""
_TICKS_AT_1970 = 621_355_968_000_000_000
_TICKS_PER_MS = 10_000


def wants_session(attach: Attach) -> bool:
    return SESSION_FILTER in _filters(attach.source)


def wanted_session(attach: Attach) -> str | None:
    """The session's id, or None for any. Raises Refusal."""
    wanted = _filters(attach.source)[SESSION_FILTER]
    wanted = wanted.value if isinstance(wanted, Described) else wanted  # some clients describe it
    if wanted is not None and not isinstance(wanted, str):
        raise Refusal(NOT_ALLOWED, "the session filter must be a string or null")
    return wanted


def patience_s(attach: Attach) -> float:
    """For how long the client waits for any session."""
    wanted = (attach.properties or {}).get(_PATIENCE)
    return (wanted if isinstance(wanted, int) else _PATIENCE_MS) / 1000


def granted(source: Described | None, session_id: str) -> Described | None:
    """The client's source with the session that it has got."""
    if source is None or not isinstance(source.value, list):
        return source
    fields = list(source.value)
    fields[_FILTERS] = {**_filters(source), SESSION_FILTER: session_id}
    return Described(source.descriptor, fields)


def link_properties(hold: Hold) -> dict[Value, Value]:
    """What an attach says of the session besides: the end of its lock, as .NET counts time."""
    return {LOCKED_UNTIL: hold.until_ms * _TICKS_PER_MS + _TICKS_AT_1970}


def session_lost(queue: SessionQueue, hold: Hold) -> Refusal:
    """Why a link ends when the time of its session has run out."""
    return Refusal(SESSION_LOCK_LOST, f"{queue.name}: the lock on session '{hold.session_id}' has expired.")


class SessionReceiver:
    """Feeds a link from one session."""

    def __init__(self, session: "Session", link: Outgoing, queue: SessionQueue, hold: Hold, *, deletes: bool) -> None:
        self._session = session
        self._link = link
        self._queue = queue
        self._hold = hold
        self._deletes = deletes

    @property
    def hungry(self) -> bool:
        return self._link.credit > 0 and self._queue.has_for(self._hold)

    def feed(self, queue: Queue) -> None:
        taken: Entry | None = self._queue.pop_for(self._hold) if self._deletes else self._queue.take_for(self._hold)
        if taken is not None:
            deliver(self._session, self._link, queue, taken)


class SessionSeeker:
    """Waits for a free session with messages; `found` takes it over, `given_up` hears that there was none in time."""

    def __init__(
        self, queue: SessionQueue, patience_s: float, found: Callable[[Hold], None], given_up: Callable[[Refusal], None]
    ) -> None:
        self._queue = queue
        self._found = found
        self._given_up = given_up
        self._timer = asyncio.get_running_loop().call_later(patience_s, self._give_up)

    @property
    def hungry(self) -> bool:
        return self._queue.has_free_session()

    def feed(self, queue: Queue) -> None:
        hold = self._queue.hold(None)
        if hold is not None:
            self.stop()
            self._found(hold)

    def stop(self) -> None:
        self._timer.cancel()

    def _give_up(self) -> None:
        self._given_up(Refusal(TIMEOUT, f"{self._queue.name}: no session was free in time."))


def _filters(source: Described | None) -> dict[Value, Value]:
    fields = source.value if source is not None else None
    filters = fields[_FILTERS] if isinstance(fields, list) and len(fields) > _FILTERS else None
    return filters if isinstance(filters, dict) else {}
