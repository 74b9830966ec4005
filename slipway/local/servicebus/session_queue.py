"""A queue with sessions: whoever holds a session gets its messages, in their order, and nobody else does.

A session is held by one receiver for as long as that lives and renews its lock. Holds are not written down: after
a restart no receiver is there any more, so every session is free and what was handed out is handed out again.
States are kept.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import heappop, heappush
from itertools import count
from uuid import UUID

from slipway.local.servicebus.entry import Entry, SessionState, Settings, Sighting
from slipway.local.servicebus.errors import (
    NOT_ALLOWED,
    SESSION_CANNOT_BE_LOCKED,
    SESSION_LOCK_LOST,
    Refusal,
)
from slipway.local.servicebus.message import Content
from slipway.local.servicebus.queue import Clock, Journal, Queue

log = logging.getLogger(__name__)

# The reason in Azure's words, for what is in it.
_NO_SESSION = ("Session ID is null", "An entity with sessions takes no message without a session id.")


class Hold:
    """One receiver's right to one session. `on_lost` is called when its time runs out, not when it is given back."""

    def __init__(self, session_id: str, until_ms: int) -> None:
        self.session_id = session_id
        self.until_ms = until_ms
        self.on_lost: Callable[[], None] = lambda: None


class SessionQueue(Queue):
    """The lock of a message is that of its session, so a message's own has no end and cannot be renewed."""

    def __init__(
        self, name: str, settings: Settings, clock: Clock, journal: Journal, dead_letters: Queue | None = None
    ) -> None:
        super().__init__(name, settings, clock, journal, dead_letters)
        self._queues: dict[str, list[int]] = {}
        self._free: dict[str, None] = {}
        self._holds: dict[str, Hold] = {}
        self._ends: list[tuple[int, int, Hold]] = []
        self._holds_made = count()
        self._states: dict[str, SessionState] = {}

    def restore(self, next_seq: int, entries: Iterable[Entry], seen: dict[bytes, Sighting]) -> None:
        entries = list(entries)
        for entry in entries:
            entry.session = entry.content.session_id()
        super().restore(next_seq, entries, seen)
        for entry in entries:
            if entry.session is None and self.dead_letters is not None:  # the queue has sessions only now
                self._bury(self._unlock(entry), self.dead_letters, *_NO_SESSION)

    def restore_states(self, states: Mapping[str, SessionState]) -> None:
        self._states = dict(states)

    # Senders

    def check(self, content: Content) -> None:
        if content.session_id() is None:
            raise Refusal(NOT_ALLOWED, f"{self.name} has sessions: a message needs a session id.")

    def put(self, content: Content, at_ms: int | None = None) -> int:
        """What comes without a session id, over a topic or by forwarding, is dead-lettered, as in Azure."""
        if content.session_id() is None:
            return self.put_dead(content, *_NO_SESSION)
        return super().put(content, at_ms)

    # Receivers

    @property
    def ready(self) -> bool:
        """Whether there may be a message for a holder, or a free session for one who seeks any."""
        self.run_due()
        return bool(self._queues)

    def hold(self, session_id: str | None) -> Hold | None:
        """Hold a session, or with None the one that has waited longest; then None if there is none with messages.

        Raises Refusal (session-cannot-be-locked) if another receiver holds it.
        """
        self.run_due()
        if session_id is None:
            session_id = self._free_session()
            if session_id is None:
                return None
        if session_id in self._holds:
            raise Refusal(SESSION_CANNOT_BE_LOCKED, f"{self.name}: another receiver holds session '{session_id}'.")
        hold = self._holds[session_id] = Hold(session_id, self._clock() + self.settings.lock_ms)
        self._free.pop(session_id, None)
        self._watch(hold)
        return hold

    def has_free_session(self) -> bool:
        """Whether `hold(None)` would find one."""
        self.run_due()
        return self._free_session() is not None

    def has_for(self, hold: Hold) -> bool:
        return self._holds.get(hold.session_id) is hold and self._first_in(hold.session_id) is not None

    def take_for(self, hold: Hold) -> Entry | None:
        """Lock the session's first message that is ready."""
        entry = self._first_in(hold.session_id)
        if entry is not None:
            heappop(self._queues[hold.session_id])
            self._lock(entry)
        return entry

    def pop_for(self, hold: Hold) -> Entry | None:
        """Give out and delete the session's first message that is ready."""
        entry = self._first_in(hold.session_id)
        if entry is not None:
            self._remove(entry)
        return entry

    def let_go(self, hold: Hold) -> None:
        """The receiver closes: what it has in hand is free again, uncounted."""
        if self._holds.get(hold.session_id) is hold:
            self._end(hold, self._changed)

    # By the session's id, from whoever holds it

    def renew_session(self, session_id: str) -> int:
        """Start the lock's time anew; gives its end. Raises Refusal (session-lock-lost)."""
        hold = self._holder(session_id)
        hold.until_ms = self._clock() + self.settings.lock_ms
        return hold.until_ms

    def state(self, session_id: str) -> bytes | None:
        """Raises Refusal (session-lock-lost)."""
        self._holder(session_id)
        kept = self._states.get(session_id)
        return None if kept is None else kept.state

    def set_state(self, session_id: str, state: bytes | None) -> None:
        """None removes it. Raises Refusal (session-lock-lost)."""
        self._holder(session_id)
        kept = None if state is None else SessionState(state, self._clock())
        if kept is None:
            self._states.pop(session_id, None)
        else:
            self._states[session_id] = kept
        self._journal.session_changed(self, session_id, kept)

    def sessions(self, since_ms: int | None) -> list[str]:
        """The sessions with messages or a state, or those whose state was set since then; by name."""
        if since_ms is not None:
            return sorted(each for each, kept in self._states.items() if kept.updated_ms >= since_ms)
        self.run_due()
        with_messages = {entry.session for entry in self._entries.values() if entry.session is not None}
        return sorted(with_messages | self._states.keys())

    def take_deferred(self, seqs: Sequence[int], session: str | None = None) -> list[Entry]:
        self._of_session(seqs, session)
        return super().take_deferred(seqs)

    def pop_deferred(self, seqs: Sequence[int], session: str | None = None) -> list[Entry]:
        self._of_session(seqs, session)
        return super().pop_deferred(seqs)

    def renew(self, token: UUID) -> int:
        raise Refusal(NOT_ALLOWED, f"{self.name} has sessions: renew the lock of the session.")

    # Time

    @property
    def next_moment(self) -> int | None:
        moments = [self._ends[0][0]] if self._ends else []
        own = super().next_moment
        return min([*moments, own]) if own is not None else min(moments, default=None)

    def run_due(self) -> None:
        super().run_due()
        now = self._clock()
        while self._ends and self._ends[0][0] <= now:
            _, _, hold = heappop(self._ends)
            if self._holds.get(hold.session_id) is not hold:
                continue
            if hold.until_ms > now:  # renewed
                self._watch(hold)
                continue
            log.info("%s: the lock on session %s ran out", self.name, hold.session_id)
            self._end(hold, self._failed)
            hold.on_lost()

    # Below

    def _entry(self, content: Content, now: int) -> Entry:
        entry = super()._entry(content, now)
        entry.session = content.session_id()
        return entry

    def _enqueue(self, entry: Entry) -> None:
        if entry.session is None:
            return
        heappush(self._queues.setdefault(entry.session, []), entry.seq)
        if entry.session not in self._holds:
            self._free.setdefault(entry.session)

    def _lock_end(self) -> int | None:
        return None

    def _first_in(self, session_id: str) -> Entry | None:
        ready = self._queues.get(session_id)
        entry = self._first_of(ready) if ready else None
        if entry is None:
            self._queues.pop(session_id, None)
        return entry

    def _free_session(self) -> str | None:
        while self._free:
            session_id = next(iter(self._free))
            if self._first_in(session_id) is not None:
                return session_id
            del self._free[session_id]
        return None

    def _watch(self, hold: Hold) -> None:
        heappush(self._ends, (hold.until_ms, next(self._holds_made), hold))

    def _end(self, hold: Hold, give_back: Callable[[Entry], None]) -> None:
        del self._holds[hold.session_id]
        for entry in [each for each in self._locked.values() if each.session == hold.session_id]:
            give_back(self._unlock(entry))
        if hold.session_id in self._queues:
            self._free.setdefault(hold.session_id)

    def _holder(self, session_id: str) -> Hold:
        self.run_due()
        hold = self._holds.get(session_id)
        if hold is None:
            raise Refusal(SESSION_LOCK_LOST, f"{self.name}: nobody holds session '{session_id}'.")
        return hold

    def _held(self, token: UUID) -> Entry:
        self.run_due()
        entry = self._locked.get(token)
        if entry is None:
            raise Refusal(SESSION_LOCK_LOST, f"{self.name}: the session of the lock {token} is not held any more")
        return entry

    def _of_session(self, seqs: Sequence[int], session: str | None) -> None:
        """Deferred messages are for whoever holds their session. Raises Refusal."""
        if session is None:
            raise Refusal(NOT_ALLOWED, f"{self.name} has sessions: say the session of the messages {list(seqs)}.")
        self._holder(session)
        strangers = [seq for seq in seqs if (entry := self._entries.get(seq)) is not None and entry.session != session]
        if strangers:
            raise Refusal(NOT_ALLOWED, f"{self.name}: message {strangers[0]} is not of session '{session}'.")
