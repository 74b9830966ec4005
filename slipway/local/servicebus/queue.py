"""A queue as a state machine: no I/O, and time only through the clock it is given.

Every change is told to the journal, which makes it durable before anybody hears of it.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from heapq import heapify, heappop, heappush, nsmallest
from typing import Protocol
from uuid import UUID, uuid4

from slipway.local.servicebus.entry import Entry, Lock, SessionState, Settings, Sighting, State
from slipway.local.servicebus.errors import MESSAGE_LOCK_LOST, MESSAGE_NOT_FOUND, NOT_ALLOWED, Refusal
from slipway.local.servicebus.message import Content

log = logging.getLogger(__name__)

Clock = Callable[[], int]
"""Milliseconds since 1970."""


class Journal(Protocol):
    """Hears of every change to a queue."""

    def changed(self, queue: "Queue", entry: Entry) -> None: ...

    def removed(self, queue: "Queue", entry: Entry) -> None: ...

    def sighted(self, queue: "Queue", message_id: bytes, sighting: Sighting) -> None: ...

    def session_changed(self, queue: "Queue", session_id: str, state: SessionState | None) -> None: ...


class Queue:
    """Messages in order of sequence number. All lists of messages handed out are in that order too."""

    def __init__(
        self, name: str, settings: Settings, clock: Clock, journal: Journal, dead_letters: "Queue | None" = None
    ) -> None:
        self.name = name
        self.settings = settings
        self.dead_letters = dead_letters
        self.next_seq = 1
        self._clock = clock
        self._journal = journal
        self._entries: dict[int, Entry] = {}
        self._locked: dict[UUID, Entry] = {}
        self._ready: list[int] = []
        self._moments: list[tuple[int, int]] = []
        self._seen: dict[bytes, Sighting] = {}

    def restore(self, next_seq: int, entries: Iterable[Entry], seen: dict[bytes, Sighting]) -> None:
        """Take up where an earlier run stopped, locks included; `seen` is oldest first."""
        self.next_seq = next_seq
        self._seen = seen
        for entry in entries:
            self._entries[entry.seq] = entry
            if entry.lock is not None:
                self._locked[entry.lock.token] = entry
            self._plan(entry)

    # Senders

    def check(self, content: Content) -> None:
        """Raise Refusal if a sender may not put this message here."""

    def put(self, content: Content, at_ms: int | None = None) -> int:
        """Add a message, visible at `at_ms` or now; gives its sequence number, or that of its duplicate."""
        now = self._clock()
        sighting = self._sight(content, now)
        if sighting is not None:
            return sighting.seq
        ttl = _shorter(content.ttl_ms, self.settings.ttl_ms)
        if ttl != content.ttl_ms:
            content = replace(content, ttl_ms=ttl)
        entry = self._entry(content, now)
        self.next_seq += 1
        if at_ms is not None and at_ms > now:
            entry.state, entry.due_ms = State.SCHEDULED, at_ms
        else:
            entry.expires_ms = _after(now, ttl)
        self._entries[entry.seq] = entry
        self._changed(entry)
        return entry.seq

    def put_dead(self, content: Content, reason: str, description: str) -> int:
        """Take a message that cannot be one of this queue, straight to its dead letters."""
        entry = Entry(self.next_seq, content, self._clock())
        self.next_seq += 1
        self._entries[entry.seq] = entry
        assert self.dead_letters is not None
        self._bury(entry, self.dead_letters, reason, description)
        return entry.seq

    def cancel(self, seqs: Sequence[int]) -> None:
        """Take back scheduled messages; all or none. Raises Refusal (message-not-found)."""
        for entry in self._find(seqs, State.SCHEDULED):
            self._remove(entry)

    # Receivers

    @property
    def ready(self) -> bool:
        """Whether there is a message to give out."""
        return self._first_ready() is not None

    def take(self) -> Entry | None:
        """Lock the first message that is ready."""
        entry = self._first_ready()
        if entry is not None:
            heappop(self._ready)
            self._lock(entry)
        return entry

    def pop(self) -> Entry | None:
        """Give out and delete the first message that is ready."""
        entry = self._first_ready()
        if entry is not None:
            self._remove(entry)
        return entry

    def take_deferred(self, seqs: Sequence[int], session: str | None = None) -> list[Entry]:
        """Lock deferred messages; all or none. Raises Refusal (message-not-found)."""
        entries = self._find(seqs, State.DEFERRED)
        for entry in entries:
            self._lock(entry)
        return entries

    def pop_deferred(self, seqs: Sequence[int], session: str | None = None) -> list[Entry]:
        """Give out and delete deferred messages; all or none. Raises Refusal (message-not-found)."""
        entries = self._find(seqs, State.DEFERRED)
        for entry in entries:
            self._remove(entry)
        return entries

    def peek(self, from_seq: int, count: int, session: str | None = None) -> list[Entry]:
        """Look at up to `count` messages of any state without touching them, of all sessions or of one."""
        self.run_due()
        wanted = (seq for seq, entry in self._entries.items() if seq >= from_seq and session in (None, entry.session))
        return [self._entries[seq] for seq in nsmallest(count, wanted)]

    # Settlement by lock token. Each raises Refusal (message-lock-lost) if the token holds nothing any more.

    def complete(self, token: UUID) -> None:
        self._remove(self._held(token))

    def abandon(self, token: UUID) -> None:
        self._failed(self._unlock(self._held(token)))

    def release(self, token: UUID) -> None:
        """Give back unseen: the count stays."""
        self._changed(self._unlock(self._held(token)))

    def defer(self, token: UUID) -> None:
        entry = self._unlock(self._held(token))
        entry.state = State.DEFERRED
        self._failed(entry)

    def dead_letter(self, token: UUID, reason: str | None, description: str | None) -> None:
        """Move to the dead-letter queue. Raises Refusal (not-allowed) inside one."""
        entry = self._held(token)
        if self.dead_letters is None:
            raise Refusal(NOT_ALLOWED, f"{self.name} is a dead-letter queue: nothing can be dead-lettered from it")
        self._bury(self._unlock(entry), self.dead_letters, reason, description)

    def renew(self, token: UUID) -> int:
        """Start the lock's time anew; gives its end in milliseconds since 1970."""
        entry = self._held(token)
        until_ms = self._clock() + self.settings.lock_ms
        entry.lock = Lock(token, until_ms)
        self._changed(entry)
        return until_ms

    # Time

    @property
    def next_moment(self) -> int | None:
        """When `run_due` may next have something to do."""
        return self._moments[0][0] if self._moments else None

    def run_due(self) -> None:
        """End locks, activate scheduled and expire old messages whose time has come."""
        now = self._clock()
        while self._moments and self._moments[0][0] <= now:
            _, seq = heappop(self._moments)
            entry = self._entries.get(seq)
            if entry is None or entry.moment is None or entry.moment > now:
                continue
            if entry.lock is not None:
                log.info("%s: the lock on message %d ran out", self.name, seq)
                self._failed(self._unlock(entry))
            elif entry.due_ms is not None and entry.state is State.SCHEDULED:
                self._activate(entry, entry.due_ms)
            else:
                self._expire(entry)

    # Below: how a message gets from one state to the next

    def _entry(self, content: Content, now: int) -> Entry:
        return Entry(self.next_seq, content, now)

    def _first_ready(self) -> Entry | None:
        self.run_due()
        return self._first_of(self._ready)

    def _first_of(self, ready: list[int]) -> Entry | None:
        """The first message of a heap of sequence numbers; those that are not ready any more are dropped."""
        while ready:
            entry = self._entries.get(ready[0])
            if entry is not None and entry.lock is None and entry.state is State.ACTIVE:
                return entry
            heappop(ready)
        return None

    def _enqueue(self, entry: Entry) -> None:
        """It is ready."""
        heappush(self._ready, entry.seq)

    def _find(self, seqs: Sequence[int], state: State) -> list[Entry]:
        self.run_due()
        entries = [self._entries.get(seq) for seq in seqs]
        found = [entry for entry in entries if entry and entry.state is state and entry.lock is None]
        if len(found) != len(set(seqs)) or len(found) != len(seqs):
            wanted = ", ".join(map(str, seqs))
            raise Refusal(MESSAGE_NOT_FOUND, f"{self.name} has no free {state.name.lower()} message {wanted}")
        return found

    def _held(self, token: UUID) -> Entry:
        self.run_due()
        entry = self._locked.get(token)
        if entry is None:
            raise Refusal(MESSAGE_LOCK_LOST, f"{self.name}: the lock {token} has expired or was settled before")
        return entry

    def _lock(self, entry: Entry) -> None:
        entry.lock = Lock(uuid4(), self._lock_end())
        self._locked[entry.lock.token] = entry
        self._changed(entry)

    def _lock_end(self) -> int | None:
        return self._clock() + self.settings.lock_ms

    def _unlock(self, entry: Entry) -> Entry:
        if entry.lock is not None:
            del self._locked[entry.lock.token]
            entry.lock = None
        return entry

    def _failed(self, entry: Entry) -> None:
        entry.failures += 1
        limit = self.settings.max_deliveries
        if self.dead_letters is not None and limit is not None and entry.failures >= limit:
            why = f"Message could not be consumed after {entry.failures} delivery attempts."
            self._bury(entry, self.dead_letters, "MaxDeliveryCountExceeded", why)
        else:
            self._changed(entry)

    def _activate(self, entry: Entry, due_ms: int) -> None:
        entry.state, entry.due_ms = State.ACTIVE, None
        entry.enqueued_ms = due_ms
        entry.expires_ms = _after(due_ms, entry.content.ttl_ms)
        self._changed(entry)

    def _expire(self, entry: Entry) -> None:
        if self.dead_letters is not None and self.settings.dead_letter_expired:
            why = "The message expired and was dead lettered."
            self._bury(entry, self.dead_letters, "TTLExpiredException", why)
        else:
            log.info("%s: message %d expired", self.name, entry.seq)
            self._remove(entry)

    def _bury(self, entry: Entry, grave: "Queue", reason: str | None, description: str | None) -> None:
        log.info("%s: message %d is dead-lettered: %s", self.name, entry.seq, reason)
        self._remove(entry)
        content = entry.content.dead_lettered(self.name, reason, description)
        grave._admit(Entry(entry.seq, content, entry.enqueued_ms, failures=entry.failures))

    def _admit(self, entry: Entry) -> None:
        """A dead letter keeps its sequence number: only its one queue sends here, so none comes twice."""
        self._entries[entry.seq] = entry
        self._changed(entry)

    def _remove(self, entry: Entry) -> None:
        self._unlock(entry)
        del self._entries[entry.seq]
        self._journal.removed(self, entry)

    def _changed(self, entry: Entry) -> None:
        self._plan(entry)
        self._journal.changed(self, entry)

    def _plan(self, entry: Entry) -> None:
        if entry.lock is None and entry.state is State.ACTIVE:
            self._enqueue(entry)
        moment = entry.moment
        if moment is None:
            return
        if len(self._moments) > 1_000 + 4 * len(self._entries):
            # Settled messages leave their moments behind; without this an hour-long lock would pile them up.
            self._moments = [(e.moment, e.seq) for e in self._entries.values() if e.moment is not None]
            heapify(self._moments)
        else:
            heappush(self._moments, (moment, entry.seq))

    def _sight(self, content: Content, now: int) -> Sighting | None:
        """The earlier sighting of this message id within the window, else None, and note this one."""
        window = self.settings.duplicate_window_ms
        message_id = content.message_id() if window is not None else None
        if window is None or message_id is None:
            return None
        while self._seen:
            oldest = next(iter(self._seen))
            if self._seen[oldest].at_ms > now - window:
                break
            del self._seen[oldest]
        earlier = self._seen.get(message_id)
        if earlier is None:
            self._seen[message_id] = Sighting(self.next_seq, now)
            self._journal.sighted(self, message_id, self._seen[message_id])
        return earlier


def _shorter(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return one if other is None else other
    return min(one, other)


def _after(start_ms: int, span_ms: int | None) -> int | None:
    return None if span_ms is None else start_ms + span_ms
