"""Slots, deployments and operations: what must survive a kill."""

import sqlite3
from dataclasses import dataclass
from typing import Literal

from slipway.local.azure.clock import Now, stamp
from slipway.local.azure.state import transaction

PRODUCTION = "production"

OperationStatus = Literal["InProgress", "Succeeded", "Failed"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS slots (
    site TEXT, slot TEXT, state TEXT NOT NULL DEFAULT 'Running', release TEXT,
    swapped_at TEXT, swapped_from TEXT, swapped_to TEXT,
    PRIMARY KEY (site, slot));
CREATE TABLE IF NOT EXISTS operations (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, site TEXT NOT NULL, slot TEXT NOT NULL, target TEXT,
    status TEXT NOT NULL, code TEXT, message TEXT, started TEXT NOT NULL, ended TEXT);
CREATE TABLE IF NOT EXISTS deployments (
    id TEXT PRIMARY KEY REFERENCES operations (id), site TEXT NOT NULL, slot TEXT NOT NULL, tag TEXT,
    package_uri TEXT NOT NULL, status TEXT NOT NULL, started TEXT NOT NULL, ended TEXT,
    error TEXT, log_tail TEXT);
"""


@dataclass(frozen=True)
class SlotName:
    """A site's place for a release; the site itself is its slot `production`."""

    site: str
    slot: str = PRODUCTION

    def __str__(self) -> str:
        return self.site if self.slot == PRODUCTION else f"{self.site}({self.slot})"


@dataclass(frozen=True)
class Slot:
    name: SlotName
    state: str
    release: str | None
    swapped_at: str | None
    swapped_from: str | None
    swapped_to: str | None


@dataclass(frozen=True)
class Operation:
    """`target` is the other slot of a swap. `code` and `message` say why it failed."""

    id: str
    kind: Literal["deploy", "swap"]
    slot: SlotName
    target: SlotName | None
    status: OperationStatus
    code: str | None
    message: str | None
    started: str
    ended: str | None


@dataclass(frozen=True)
class Deployment:
    """`status` is one of App Service's DeploymentBuildStatus; `id` is its operation's and release's."""

    id: str
    slot: SlotName
    tag: str | None
    package_uri: str
    status: str
    started: str
    ended: str | None
    error: str | None
    log_tail: str | None


class SiteStore:
    """`now` is the clock."""

    def __init__(self, database: sqlite3.Connection, now: Now) -> None:
        self._db = database
        self._now = now
        database.executescript(SCHEMA)

    # slots

    def add_slot(self, name: SlotName, release: str | None) -> bool:
        """False when it is there already; what it holds then stays."""
        row = "INSERT OR IGNORE INTO slots (site, slot, release) VALUES (?, ?, ?)"
        return self._db.execute(row, (name.site, name.slot, release)).rowcount == 1

    def slot(self, name: SlotName) -> Slot:
        row = self._db.execute("SELECT * FROM slots WHERE site = ? AND slot = ?", (name.site, name.slot)).fetchone()
        return Slot(name, *(row[key] for key in ("state", "release", "swapped_at", "swapped_from", "swapped_to")))

    def releases(self) -> set[str]:
        """The releases that some slot holds."""
        return {row[0] for row in self._db.execute("SELECT release FROM slots WHERE release IS NOT NULL")}

    def set_state(self, name: SlotName, state: str) -> None:
        self._db.execute("UPDATE slots SET state = ? WHERE site = ? AND slot = ?", (state, name.site, name.slot))

    # operations

    def operation(self, id: str) -> Operation | None:
        row = self._db.execute("SELECT * FROM operations WHERE id = ?", (id,)).fetchone()
        return _operation(row) if row else None

    def in_progress(self) -> list[Operation]:
        rows = self._db.execute("SELECT * FROM operations WHERE status = 'InProgress' ORDER BY started, rowid")
        return [_operation(row) for row in rows]

    def in_progress_on(self, name: SlotName) -> Operation | None:
        return next((busy for busy in self.in_progress() if name in (busy.slot, busy.target)), None)

    def fail(self, id: str, code: str, message: str) -> None:
        self._end(id, "Failed", code, message)

    # deployments

    def begin_deployment(self, id: str, name: SlotName, package_uri: str, tag: str | None) -> None:
        with transaction(self._db):
            started = self._begin(id, "deploy", name, None)
            self._db.execute(
                "INSERT INTO deployments (id, site, slot, tag, package_uri, status, started)"
                " VALUES (?, ?, ?, ?, ?, 'BuildRequestReceived', ?)",
                (id, name.site, name.slot, tag, package_uri, started),
            )

    def deployment(self, id: str) -> Deployment | None:
        row = self._db.execute("SELECT * FROM deployments WHERE id = ?", (id,)).fetchone()
        return _deployment(row) if row else None

    def deployments(self, name: SlotName) -> list[Deployment]:
        """Newest first."""
        query = "SELECT * FROM deployments WHERE site = ? AND slot = ? ORDER BY started DESC, rowid DESC"
        return [_deployment(row) for row in self._db.execute(query, (name.site, name.slot))]

    def advance_deployment(self, id: str, status: str) -> None:
        self._db.execute("UPDATE deployments SET status = ? WHERE id = ?", (status, id))

    def refuse_deployment(self, id: str, status: str, error: str) -> None:
        """It never reached the slot, which keeps what it has."""
        with transaction(self._db):
            self._end_deployment(id, status, error, None)
            self._end(id, "Failed", status, error)

    def finish_deployment(self, deployment: Deployment, error: str | None = None, log_tail: str | None = None) -> None:
        """The release is the slot's now, also when it does not start (`error`)."""
        status = "RuntimeFailed" if error else "RuntimeSuccessful"
        with transaction(self._db):
            self._hold(deployment.slot, deployment.id)
            self._end_deployment(deployment.id, status, error, log_tail)
            self._end(deployment.id, "Failed" if error else "Succeeded", status if error else None, error)

    # swaps

    def begin_swap(self, id: str, source: SlotName, target: SlotName) -> None:
        self._begin(id, "swap", source, target)

    def finish_swap(self, id: str, source: SlotName, target: SlotName) -> None:
        """The two slots exchange their releases."""
        moving, replaced = self.slot(source).release, self.slot(target).release
        at = stamp(self._now())
        with transaction(self._db):
            self._hold(source, replaced)
            self._hold(target, moving)
            for name in (source, target):
                self._db.execute(
                    "UPDATE slots SET swapped_at = ?, swapped_from = ?, swapped_to = ? WHERE site = ? AND slot = ?",
                    (at, source.slot, target.slot, name.site, name.slot),
                )
            self._end(id, "Succeeded", None, None)

    def _begin(self, id: str, kind: str, name: SlotName, target: SlotName | None) -> str:
        started = stamp(self._now())
        self._db.execute(
            "INSERT INTO operations (id, kind, site, slot, target, status, started)"
            " VALUES (?, ?, ?, ?, ?, 'InProgress', ?)",
            (id, kind, name.site, name.slot, target.slot if target else None, started),
        )
        return started

    def _end(self, id: str, status: OperationStatus, code: str | None, message: str | None) -> None:
        self._db.execute(
            "UPDATE operations SET status = ?, code = ?, message = ?, ended = ? WHERE id = ?",
            (status, code, message, stamp(self._now()), id),
        )

    def _end_deployment(self, id: str, status: str, error: str | None, log_tail: str | None) -> None:
        self._db.execute(
            "UPDATE deployments SET status = ?, error = ?, log_tail = ?, ended = ? WHERE id = ?",
            (status, error, log_tail, stamp(self._now()), id),
        )

    def _hold(self, name: SlotName, release: str | None) -> None:
        self._db.execute("UPDATE slots SET release = ? WHERE site = ? AND slot = ?", (release, name.site, name.slot))


def _operation(row: sqlite3.Row) -> Operation:
    return Operation(
        id=row["id"],
        kind=row["kind"],
        slot=SlotName(row["site"], row["slot"]),
        target=SlotName(row["site"], row["target"]) if row["target"] else None,
        status=row["status"],
        code=row["code"],
        message=row["message"],
        started=row["started"],
        ended=row["ended"],
    )


def _deployment(row: sqlite3.Row) -> Deployment:
    return Deployment(
        id=row["id"],
        slot=SlotName(row["site"], row["slot"]),
        tag=row["tag"],
        package_uri=row["package_uri"],
        status=row["status"],
        started=row["started"],
        ended=row["ended"],
        error=row["error"],
        log_tail=row["log_tail"],
    )
