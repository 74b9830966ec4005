"""A message's place in a queue, and a queue's settings."""

from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID

from slipway.local.servicebus.message import Content, Delivered


class State(IntEnum):
    """As x-opt-message-state says it; being locked is not a state of its own."""

    ACTIVE = 0
    DEFERRED = 1
    SCHEDULED = 2


@dataclass(frozen=True, slots=True)
class Lock:
    """Without an end it lasts as long as its session is held, and is not there after a restart."""

    token: UUID
    until_ms: int | None


@dataclass(slots=True)
class Entry:
    """One message in a queue. `failures` counts the deliveries that ended without success."""

    seq: int
    content: Content
    enqueued_ms: int
    state: State = State.ACTIVE
    due_ms: int | None = None
    expires_ms: int | None = None
    failures: int = 0
    lock: Lock | None = None
    session: str | None = None

    @property
    def moment(self) -> int | None:
        """When something happens to it by itself: its lock ends, it becomes visible, or it expires."""
        if self.lock is not None:
            return self.lock.until_ms
        return self.due_ms if self.state is State.SCHEDULED else self.expires_ms

    def render(self) -> bytes:
        """The encoded message as a receiver sees it now."""
        locked_until = None if self.lock is None else self.lock.until_ms
        delivered = Delivered(self.seq, self.enqueued_ms, self.state, self.failures, locked_until)
        return self.content.render(delivered)


@dataclass(frozen=True, slots=True)
class Settings:
    """A queue's settings; None = without limit, or without duplicate detection.

    With `sessions` every message belongs to one. `forward_to` and `forward_dead_to` name the queue or topic that gets
    what comes in here, or what is dead-lettered here.
    """

    lock_ms: int = 60_000
    max_deliveries: int | None = 10
    ttl_ms: int | None = None
    dead_letter_expired: bool = False
    duplicate_window_ms: int | None = None
    sessions: bool = False
    forward_to: str | None = None
    forward_dead_to: str | None = None


@dataclass(frozen=True, slots=True)
class Sighting:
    """A message id that came in, for duplicate detection."""

    seq: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class SessionState:
    """What an application keeps with a session, and when it last did."""

    state: bytes
    updated_ms: int
