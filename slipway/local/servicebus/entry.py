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
    token: UUID
    until_ms: int


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
class Rules:
    """A queue's settings; None = without limit, or without duplicate detection."""

    lock_ms: int = 60_000
    max_deliveries: int | None = 10
    ttl_ms: int | None = None
    dead_letter_expired: bool = False
    duplicate_window_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Sighting:
    """A message id that came in, for duplicate detection."""

    seq: int
    at_ms: int
