"""The broker's memory between runs: one SQLite file, one transaction per loop turn."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from slipway.local.servicebus.decoding import decode
from slipway.local.servicebus.encoding import encode
from slipway.local.servicebus.entry import Entry, Lock, SessionState, Sighting, State
from slipway.local.servicebus.message import Content
from slipway.local.servicebus.queue import Queue
from slipway.local.servicebus.rules.description import read_rule, write_rule
from slipway.local.servicebus.rules.rule import Rule
from slipway.local.servicebus.session_queue import SessionQueue

SCHEMA_VERSION = 2

_SCHEMA = """
CREATE TABLE IF NOT EXISTS queues (name TEXT PRIMARY KEY, next_seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS messages (
    queue TEXT NOT NULL, seq INTEGER NOT NULL, state INTEGER NOT NULL, failures INTEGER NOT NULL,
    enqueued_ms INTEGER NOT NULL, due_ms INTEGER, expires_ms INTEGER,
    lock_token BLOB, locked_until_ms INTEGER, content BLOB NOT NULL,
    PRIMARY KEY (queue, seq)
);
CREATE TABLE IF NOT EXISTS seen (
    queue TEXT NOT NULL, message_id BLOB NOT NULL, seq INTEGER NOT NULL, at_ms INTEGER NOT NULL,
    PRIMARY KEY (queue, message_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS session_states (
    queue TEXT NOT NULL, session TEXT NOT NULL, state BLOB NOT NULL, updated_ms INTEGER NOT NULL,
    PRIMARY KEY (queue, session)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rules (
    queue TEXT NOT NULL, place INTEGER NOT NULL, name TEXT NOT NULL, description BLOB NOT NULL,
    created_ms INTEGER NOT NULL, PRIMARY KEY (queue, place)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS configured_rules (queue TEXT PRIMARY KEY, digest BLOB NOT NULL) WITHOUT ROWID;
"""

_KEEP = """
INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (queue, seq) DO UPDATE SET
    state = excluded.state, failures = excluded.failures, enqueued_ms = excluded.enqueued_ms,
    due_ms = excluded.due_ms, expires_ms = excluded.expires_ms,
    lock_token = excluded.lock_token, locked_until_ms = excluded.locked_until_ms
"""


_REMOVE = "DELETE FROM messages WHERE queue = ? AND seq = ?"
_COUNT = "INSERT OR REPLACE INTO queues VALUES (?, ?)"
_SEE = "INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?)"


class StoreError(Exception):
    """The file cannot serve as a store."""


@dataclass
class Changes:
    """What one turn changed; None stands for what is gone."""

    messages: dict[tuple[Queue, int], Entry | None] = field(default_factory=dict)
    sightings: list[tuple[Queue, bytes, Sighting]] = field(default_factory=list)
    states: dict[tuple[Queue, str], SessionState | None] = field(default_factory=dict)
    rules: dict[Queue, list[Rule]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.messages or self.sightings or self.states or self.rules)


class Store:
    """Raises StoreError if the file is in use by another broker or was written by a newer one."""

    def __init__(self, path: Path) -> None:
        try:
            self._db = sqlite3.connect(path, isolation_level=None, timeout=0.5)
        except sqlite3.Error as error:
            raise StoreError(f"cannot use {path}: {error}") from error
        try:
            # The lock keeps a second broker out. NORMAL survives a killed process; only a power cut
            # can take the last moments with it, which a laptop's broker may lose.
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute("BEGIN IMMEDIATE")
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self._db.close()
            raise StoreError(f"cannot use {path}: {error}") from error
        if version > SCHEMA_VERSION:
            self._db.close()
            raise StoreError(f"{path} was written by a newer version of this broker")
        self._counters: dict[str, int] = {}
        self._db.executescript(_SCHEMA)
        self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def load(self, queue: Queue, now_ms: int) -> None:
        """Fill a queue with what an earlier run left in it."""
        if isinstance(queue, SessionQueue):
            queue.restore_states(self._states(queue))
        row = self._db.execute("SELECT next_seq FROM queues WHERE name = ?", [queue.name]).fetchone()
        if row is None:
            return
        entries = self._db.execute(
            "SELECT seq, state, failures, enqueued_ms, due_ms, expires_ms,"
            " lock_token, locked_until_ms, content FROM messages WHERE queue = ? ORDER BY seq",
            [queue.name],
        )
        oldest_ms = now_ms - (queue.settings.duplicate_window_ms or 0)
        self._db.execute("DELETE FROM seen WHERE queue = ? AND at_ms <= ?", [queue.name, oldest_ms])
        seen = self._db.execute(
            "SELECT message_id, seq, at_ms FROM seen WHERE queue = ? ORDER BY at_ms, seq", [queue.name]
        )
        sightings = {message_id: Sighting(seq, at_ms) for message_id, seq, at_ms in seen}
        queue.restore(row[0], map(_entry, entries), sightings)

    def rules(self, queue: str, configured: Sequence[Rule]) -> list[Rule]:
        """The rules of a subscription as clients have left them, or as configured if that has changed since."""
        told = digest(configured)
        row = self._db.execute("SELECT digest FROM configured_rules WHERE queue = ?", [queue]).fetchone()
        if row is None or row[0] != told:
            with self._transaction() as execute:
                self._keep_rules(queue, configured)
                execute("INSERT OR REPLACE INTO configured_rules VALUES (?, ?)", [(queue, told)])
            return list(configured)
        rows = self._db.execute(
            "SELECT name, description, created_ms FROM rules WHERE queue = ? ORDER BY place", [queue]
        )
        return [read_rule(name, decode(description)[0], created_ms) for name, description, created_ms in rows]

    def commit(self, changes: Changes) -> None:
        """Write what changed in one turn, in one transaction."""
        kept = [_row(queue, entry) for (queue, _), entry in changes.messages.items() if entry is not None]
        gone = [(queue.name, seq) for (queue, seq), entry in changes.messages.items() if entry is None]
        seen = [(queue.name, message_id, s.seq, s.at_ms) for queue, message_id, s in changes.sightings]
        counters = {queue.name: queue.next_seq for queue, _ in changes.messages}
        moved = [each for each in counters.items() if self._counters.get(each[0]) != each[1]]
        with self._transaction() as execute:
            for statement, rows in ((_KEEP, kept), (_REMOVE, gone), (_COUNT, moved), (_SEE, seen)):
                if rows:
                    execute(statement, rows)
            for (queue, session), state in changes.states.items():
                self._keep_state(queue.name, session, state)
            for queue, rules in changes.rules.items():
                self._keep_rules(queue.name, rules)
        self._counters.update(moved)

    @contextmanager
    def _transaction(self) -> Iterator[Callable[[str, Iterable[Sequence[object]]], object]]:
        """All or nothing; gives what executes a statement for each of many rows."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db.executemany
            self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    def _states(self, queue: Queue) -> dict[str, SessionState]:
        rows = self._db.execute("SELECT session, state, updated_ms FROM session_states WHERE queue = ?", [queue.name])
        return {session: SessionState(state, updated_ms) for session, state, updated_ms in rows}

    def _keep_state(self, queue: str, session: str, kept: SessionState | None) -> None:
        if kept is None:
            self._db.execute("DELETE FROM session_states WHERE queue = ? AND session = ?", [queue, session])
        else:
            row = [queue, session, kept.state, kept.updated_ms]
            self._db.execute("INSERT OR REPLACE INTO session_states VALUES (?, ?, ?, ?)", row)

    def _keep_rules(self, queue: str, rules: Iterable[Rule]) -> None:
        self._db.execute("DELETE FROM rules WHERE queue = ?", [queue])
        self._db.executemany(
            "INSERT INTO rules VALUES (?, ?, ?, ?, ?)",
            [(queue, place, r.name, encode(write_rule(r)), r.created_ms) for place, r in enumerate(rules)],
        )

    def close(self) -> None:
        self._db.close()


def digest(rules: Iterable[Rule]) -> bytes:
    """The same for the same rules, whenever they were made."""
    return hashlib.sha256(b"".join(encode(rule.name) + encode(write_rule(rule)) for rule in rules)).digest()


_Row = tuple[str, int, int, int, int, int | None, int | None, bytes | None, int | None, bytes]


def _row(queue: Queue, entry: Entry) -> _Row:
    lock = entry.lock
    return (
        queue.name,
        entry.seq,
        int(entry.state),
        entry.failures,
        entry.enqueued_ms,
        entry.due_ms,
        entry.expires_ms,
        None if lock is None else lock.token.bytes,
        None if lock is None else lock.until_ms,
        entry.content.encode(),
    )


def _entry(row: tuple[int, int, int, int, int | None, int | None, bytes | None, int | None, bytes]) -> Entry:
    seq, state, failures, enqueued_ms, due_ms, expires_ms, token, until_ms, content = row
    lock = None if token is None or until_ms is None else Lock(UUID(bytes=token), until_ms)
    return Entry(seq, Content.parse(content), enqueued_ms, State(state), due_ms, expires_ms, failures, lock)
