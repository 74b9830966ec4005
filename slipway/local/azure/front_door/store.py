"""The resources of Front Door profiles and every change of them: what must survive a kill.

Nothing runs in the background. A change says when it ends and when the edge has it, and whoever asks compares that with
the clock, so that real and virtual time are the same.
"""

import json
import sqlite3
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from slipway.local.azure.clock import Now
from slipway.local.azure.state import transaction

SCHEMA = """
CREATE TABLE IF NOT EXISTS front_door_changes (
    seq INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, profile TEXT NOT NULL, path TEXT NOT NULL, name TEXT NOT NULL,
    properties TEXT, ends TEXT NOT NULL, at_edge TEXT, failed INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS front_door_changes_of ON front_door_changes (profile, path);
CREATE INDEX IF NOT EXISTS front_door_changes_at ON front_door_changes (profile, at_edge);
"""
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
HOSTS = {"hostName", "httpPort", "originHostHeader"}

Document = dict[str, Any]


@dataclass(frozen=True)
class Resource:
    """`path` is that below its profile, in small letters; `name` as it was written."""

    path: str
    name: str
    properties: Document


@dataclass(frozen=True)
class Change:
    """Of the resource at `path`: its `properties` afterwards, None when it is taken away. `at_edge` is None for one
    that the edge never hears of by itself; a `failed` one changes nothing."""

    seq: int
    id: str
    profile: str
    path: str
    name: str
    properties: Document | None
    ends: datetime
    at_edge: datetime | None
    failed: bool


class FrontDoorStore:
    """`now` is the clock."""

    def __init__(self, database: sqlite3.Connection, now: Now) -> None:
        self._db = database
        self._now = now
        database.executescript(SCHEMA)

    def install(self, profile: str, resources: list[Resource]) -> None:
        """As configured; what has been there before stays as it is."""
        with transaction(self._db):
            for each in resources:
                if self._latest(profile, each.path) is None:
                    id = f"installed:{profile}/{each.path}"
                    self._insert(
                        Change(0, id, profile, each.path, each.name, each.properties, LONG_AGO, LONG_AGO, False)
                    )
                # Front ends may have come back on other ports.
                for key in HOSTS & each.properties.keys():
                    self._db.execute(
                        "UPDATE front_door_changes SET properties = json_set(properties, ?, ?)"
                        " WHERE profile = ? AND path = ? AND properties IS NOT NULL",
                        (f"$.{key}", each.properties[key], profile, each.path),
                    )

    def add(self, change: Change, propagation: timedelta | None) -> None:
        """The edge has it `propagation` after its operation has ended, or after it has the change before, whichever is
        later: never, without one."""
        with transaction(self._db):
            row = self._db.execute(
                "SELECT max(at_edge) AS at_edge FROM front_door_changes WHERE profile = ?", (change.profile,)
            ).fetchone()
            before = datetime.fromisoformat(row["at_edge"]) if row["at_edge"] else LONG_AGO
            at_edge = None if propagation is None or change.failed else max(change.ends, before) + propagation
            self._insert(replace(change, at_edge=at_edge))

    def change(self, id: str) -> Change | None:
        row = self._db.execute("SELECT * FROM front_door_changes WHERE id = ?", (id,)).fetchone()
        return _change(row) if row else None

    def under_way(self, profile: str, path: str) -> Change | None:
        latest = self._latest(profile, path)
        return latest if latest and latest.ends > self._now() else None

    def accepted(self, profile: str) -> dict[str, Resource]:
        """The resources of a profile by their paths, with every change that has ended well."""
        rows = self._db.execute(
            "SELECT * FROM front_door_changes WHERE profile = ? AND failed = 0 AND ends <= ? ORDER BY seq",
            (profile, _text(self._now())),
        )
        return _resources(rows)

    def shown(self, profile: str) -> dict[str, Resource]:
        """As Resource Manager shows them: with what is under way, whatever becomes of it."""
        rows = self._db.execute(
            "SELECT * FROM front_door_changes WHERE profile = ?1 AND (failed = 0 OR ends > ?2)"
            " AND (properties IS NOT NULL OR ends <= ?2) ORDER BY seq",
            (profile, _text(self._now())),
        )
        return _resources(rows)

    def at_edge(self, profile: str, at: datetime) -> dict[str, Resource]:
        """As the edge had them then: it is told the whole profile at a time, with what it had missed so far."""
        rows = self._db.execute(
            "SELECT * FROM front_door_changes WHERE profile = ? AND failed = 0 AND seq <= ("
            " SELECT max(seq) FROM front_door_changes WHERE profile = ? AND at_edge <= ?) ORDER BY seq",
            (profile, profile, _text(at)),
        )
        return _resources(rows)

    def edge_version(self, profile: str, at: datetime) -> int:
        """A number for what `at_edge` answers: the same for the same."""
        row = self._db.execute(
            "SELECT max(seq) AS seq FROM front_door_changes WHERE profile = ? AND at_edge <= ?", (profile, _text(at))
        ).fetchone()
        return int(row["seq"] or 0)

    def edge_moments(self, profile: str, begins: datetime, ends: datetime) -> list[datetime]:
        """When the edge heard of something, after `begins` and before `ends`."""
        rows = self._db.execute(
            "SELECT DISTINCT at_edge FROM front_door_changes WHERE profile = ? AND at_edge > ? AND at_edge < ?"
            " ORDER BY at_edge",
            (profile, _text(begins), _text(ends)),
        )
        return [datetime.fromisoformat(row["at_edge"]) for row in rows]

    def settled_at(self, profile: str) -> datetime | None:
        """When the edge has all that was accepted so far; None when it never hears of the latest change."""
        row = self._db.execute(
            "SELECT at_edge FROM front_door_changes WHERE profile = ? AND failed = 0 ORDER BY seq DESC LIMIT 1",
            (profile,),
        ).fetchone()
        return datetime.fromisoformat(row["at_edge"]) if row and row["at_edge"] else None

    def settle(self, profile: str) -> None:
        """The edge has all that was accepted, from now on."""
        self._db.execute(
            "UPDATE front_door_changes SET at_edge = ?1 WHERE profile = ?2 AND failed = 0 AND ends <= ?1"
            " AND (at_edge IS NULL OR at_edge > ?1)",
            (_text(self._now()), profile),
        )

    def _insert(self, change: Change) -> None:
        text = json.dumps(change.properties) if change.properties is not None else None
        at_edge = _text(change.at_edge) if change.at_edge else None
        whose = change.id, change.profile, change.path, change.name
        self._db.execute(
            "INSERT INTO front_door_changes (id, profile, path, name, properties, ends, at_edge, failed)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*whose, text, _text(change.ends), at_edge, change.failed),
        )

    def _latest(self, profile: str, path: str) -> Change | None:
        row = self._db.execute(
            "SELECT * FROM front_door_changes WHERE profile = ? AND path = ? ORDER BY seq DESC LIMIT 1", (profile, path)
        ).fetchone()
        return _change(row) if row else None


def _resources(rows: sqlite3.Cursor) -> dict[str, Resource]:
    found: dict[str, Resource] = {}
    for row in rows:
        if row["properties"] is None:
            found.pop(row["path"], None)
        else:
            found[row["path"]] = Resource(row["path"], row["name"], json.loads(row["properties"]))
    return found


def _change(row: sqlite3.Row) -> Change:
    return Change(
        seq=row["seq"],
        id=row["id"],
        profile=row["profile"],
        path=row["path"],
        name=row["name"],
        properties=json.loads(row["properties"]) if row["properties"] is not None else None,
        ends=datetime.fromisoformat(row["ends"]),
        at_edge=datetime.fromisoformat(row["at_edge"]) if row["at_edge"] else None,
        failed=bool(row["failed"]),
    )


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
