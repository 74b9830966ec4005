"""The state file: one SQLite database, written by one engine.

Every step of the engine is one transaction. WAL with synchronous=NORMAL: once COMMIT has returned, the pages are with
the operating system, so killing the process at any moment loses nothing; only a crash of the machine itself may lose
the last transactions, and leaves the file consistent even then. (Waiting for the disk would cost 1 to 10 ms a step.)
"""

import json
import sqlite3
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from slipway.local.functions.durable.decisions import EntityRequest
from slipway.local.functions.durable.history import HistoryEvent, dump_events, load_events
from slipway.local.functions.durable.model import Activity, Instance, Message, Parent, Selection, Status, Timer

_VERSION = 1
_INSTANCES_AT_HAND = 5000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS instances (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, execution TEXT NOT NULL, created TEXT NOT NULL, updated TEXT NOT NULL,
    decided TEXT NOT NULL, input TEXT, version TEXT, parent TEXT, parent_execution TEXT, parent_task INTEGER,
    status TEXT NOT NULL, suspended INTEGER NOT NULL, custom_status TEXT, output TEXT, carried TEXT);
CREATE TABLE IF NOT EXISTS history (
    instance TEXT NOT NULL, episode INTEGER NOT NULL, events TEXT NOT NULL,
    PRIMARY KEY (instance, episode)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS inbox (
    seq INTEGER PRIMARY KEY, target TEXT NOT NULL, execution TEXT, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS inbox_target ON inbox (target);
CREATE TABLE IF NOT EXISTS activities (
    instance TEXT NOT NULL, execution TEXT NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL, input TEXT NOT NULL,
    PRIMARY KEY (instance, execution, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS timers (
    instance TEXT NOT NULL, execution TEXT NOT NULL, id INTEGER NOT NULL, due TEXT NOT NULL,
    PRIMARY KEY (instance, execution, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entities (id TEXT PRIMARY KEY, state TEXT NOT NULL, updated TEXT NOT NULL);
"""
_LIVE = "status IN ('Pending', 'Running')"
_COLUMNS = (
    "id, name, execution, created, updated, decided, input, version, parent, parent_execution, parent_task, status, "
    "suspended, custom_status, output, carried"
)


class Store:
    """Opens or makes the file. `":memory:"` keeps nothing. Raises ValueError for a file of another version."""

    def __init__(self, path: Path | str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("PRAGMA wal_autocheckpoint = 4000")  # 16 MB: hot pages reach the file once, not every second
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, _VERSION):
            raise ValueError(f"{path} was written by another version of the host; start with a new state file")
        self._db.executescript(_SCHEMA)
        self._db.execute(f"PRAGMA user_version = {_VERSION}")
        self._at_hand: OrderedDict[str, Instance] = OrderedDict()  # live ones, as the file has them

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # a commit that the disk did not take may have ended it
                self._db.execute("ROLLBACK")
            self._at_hand.clear()
            raise

    # instances

    def instance(self, instance_id: str) -> Instance | None:
        if (live := self._at_hand.get(instance_id)) is not None:
            return live
        row = self._db.execute(f"SELECT {_COLUMNS} FROM instances WHERE id = ?", (instance_id,)).fetchone()
        return self._remember(_instance(row)) if row else None

    def _remember(self, instance: Instance) -> Instance:
        self._at_hand.pop(instance.id, None)
        if not instance.status.ended:
            self._at_hand[instance.id] = instance
            if len(self._at_hand) > _INSTANCES_AT_HAND:
                self._at_hand.popitem(last=False)
        return instance

    def live_instances(self) -> list[str]:
        return [row[0] for row in self._db.execute(f"SELECT id FROM instances WHERE {_LIVE}")]

    def select(self, which: Selection, after: str = "", limit: int = -1) -> list[Instance]:
        """In order of their ids, those behind `after` first."""
        clauses, values = ["id > ?"], [after]
        if which.prefix:
            clauses.append("substr(id, 1, length(?)) = ?")
            values += [which.prefix, which.prefix]
        if which.created_from:
            clauses.append("created >= ?")
            values.append(_text(which.created_from))
        if which.created_to:
            clauses.append("created <= ?")
            values.append(_text(which.created_to))
        if which.statuses is not None:
            shown = f"CASE WHEN suspended AND {_LIVE} THEN 'Suspended' ELSE status END"
            clauses.append(f"{shown} IN ({', '.join('?' * len(which.statuses))})")
            values += sorted(which.statuses)
        query = f"SELECT {_COLUMNS} FROM instances WHERE {' AND '.join(clauses)} ORDER BY id LIMIT {limit}"
        return [_instance(row) for row in self._db.execute(query, values)]

    def put_instance(self, new: Instance) -> None:
        parent = self._remember(new).parent
        self._db.execute(
            f"INSERT OR REPLACE INTO instances ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                new.id,
                new.name,
                new.execution,
                _text(new.created),
                _text(new.updated),
                _text(new.decided),
                new.input,
                new.version,
                parent and parent.instance,
                parent and parent.execution,
                parent and parent.task,
                new.status.value,
                new.suspended,
                new.custom_status,
                new.output,
                dump_events(new.carried) if new.carried else None,
            ),
        )

    def progress(self, changed: Instance) -> None:
        """Writes what an episode or a client may change; name, input, parent and generation stay as they are."""
        self._remember(replace(changed, carried=()) if changed.carried else changed)
        self._db.execute(
            "UPDATE instances SET updated = ?, decided = ?, status = ?, suspended = ?, custom_status = ?, output = ?, "
            "carried = NULL WHERE id = ?",
            (
                _text(changed.updated),
                _text(changed.decided),
                changed.status.value,
                changed.suspended,
                changed.custom_status,
                changed.output,
                changed.id,
            ),
        )

    def set_suspended(self, instance_id: str, suspended: bool) -> None:
        self._at_hand.pop(instance_id, None)
        self._db.execute("UPDATE instances SET suspended = ? WHERE id = ?", (suspended, instance_id))

    def delete_instance(self, instance_id: str) -> None:
        self._at_hand.pop(instance_id, None)
        self._db.execute("DELETE FROM instances WHERE id = ?", (instance_id,))

    # history

    def history(self, instance_id: str) -> list[list[HistoryEvent]]:
        """One list per episode."""
        query = "SELECT events FROM history WHERE instance = ? ORDER BY episode"
        return [load_events(row[0]) for row in self._db.execute(query, (instance_id,))]

    def append_history(self, instance_id: str, episode: int, events: Sequence[HistoryEvent]) -> None:
        self._db.execute("INSERT INTO history VALUES (?, ?, ?)", (instance_id, episode, dump_events(events)))

    def delete_history(self, instance_id: str) -> None:
        self._db.execute("DELETE FROM history WHERE instance = ?", (instance_id,))

    # inboxes

    def messages(self) -> list[Message]:
        rows = self._db.execute("SELECT seq, target, execution, body FROM inbox ORDER BY seq")
        return [Message(seq, target, execution, _load_body(target, body)) for seq, target, execution, body in rows]

    def put_message(self, message: Message) -> None:
        body = message.body
        if isinstance(body, EntityRequest):
            text = json.dumps(asdict(body), ensure_ascii=False)
        else:
            text = dump_events([body])
        self._db.execute(
            "INSERT INTO inbox VALUES (?, ?, ?, ?)", (message.seq, message.target, message.execution, text)
        )

    def delete_messages(self, messages: Sequence[Message]) -> None:
        self._db.executemany("DELETE FROM inbox WHERE seq = ?", [(message.seq,) for message in messages])

    # activities and timers

    def activities(self) -> list[Activity]:
        rows = self._db.execute("SELECT instance, execution, id, name, input FROM activities")
        return [Activity(*row) for row in rows]

    def put_activity(self, new: Activity) -> None:
        values = (new.instance, new.execution, new.id, new.name, new.input)
        self._db.execute("INSERT INTO activities VALUES (?, ?, ?, ?, ?)", values)

    def delete_activity(self, done: Activity) -> bool:
        """Says whether its answer is still wanted."""
        query = "DELETE FROM activities WHERE instance = ? AND execution = ? AND id = ?"
        return self._db.execute(query, (done.instance, done.execution, done.id)).rowcount == 1

    def timers(self) -> list[Timer]:
        rows = self._db.execute("SELECT instance, execution, id, due FROM timers ORDER BY due")
        return [Timer(instance, execution, number, _time(due)) for instance, execution, number, due in rows]

    def put_timer(self, new: Timer) -> None:
        values = (new.instance, new.execution, new.id, _text(new.due))
        self._db.execute("INSERT INTO timers VALUES (?, ?, ?, ?)", values)

    def delete_timer(self, timer: Timer) -> None:
        query = "DELETE FROM timers WHERE instance = ? AND execution = ? AND id = ?"
        self._db.execute(query, (timer.instance, timer.execution, timer.id))

    def delete_work(self, instance_id: str) -> None:
        self._db.execute("DELETE FROM activities WHERE instance = ?", (instance_id,))
        self._db.execute("DELETE FROM timers WHERE instance = ?", (instance_id,))

    # what the host keeps for itself

    def kept(self, name: str) -> str | None:
        row = self._db.execute("SELECT text FROM kept WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None

    def keep(self, name: str, text: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (name, text))

    # entities

    def entity_state(self, entity_id: str) -> str | None:
        """JSON text, or None when it does not exist."""
        row = self._db.execute("SELECT state FROM entities WHERE id = ?", (entity_id,)).fetchone()
        return str(row[0]) if row else None

    def put_entity_state(self, entity_id: str, state: str | None, at: datetime) -> None:
        if state is None:
            self._db.execute("DELETE FROM entities WHERE id = ?", (entity_id,))
        else:
            values = (entity_id, state, _text(at))
            self._db.execute("INSERT OR REPLACE INTO entities VALUES (?, ?, ?)", values)

    def entities(self, name: str | None) -> list[tuple[str, str, datetime]]:
        """(id, state, time of the last operation), in order of their ids."""
        rows = self._db.execute("SELECT id, state, updated FROM entities ORDER BY id")
        found = ((entity, state, _time(updated)) for entity, state, updated in rows)
        return [row for row in found if name is None or row[0].startswith(f"@{name.lower()}@")]


def _text(at: datetime) -> str:
    """A form that sorts as text."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _load_body(target: str, text: str) -> HistoryEvent | EntityRequest:
    return EntityRequest(**json.loads(text)) if target.startswith("@") else load_events(text)[0]


def _instance(row: tuple[str, ...]) -> Instance:
    parent = Parent(row[8], row[9], int(row[10])) if row[8] is not None else None
    return Instance(
        id=row[0],
        name=row[1],
        execution=row[2],
        created=_time(row[3]),
        updated=_time(row[4]),
        decided=_time(row[5]),
        input=row[6],
        version=row[7],
        parent=parent,
        status=Status(row[11]),
        suspended=bool(row[12]),
        custom_status=row[13],
        output=row[14],
        carried=tuple(load_events(row[15])) if row[15] else (),
    )
