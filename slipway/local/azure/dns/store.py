"""Records of Azure DNS: what must survive a kill, and what name servers still say of them."""

import json
import sqlite3
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from slipway.local.azure.clock import Now

SCHEMA = """
CREATE TABLE IF NOT EXISTS dns_records (
    zone TEXT, type TEXT, name TEXT, properties TEXT NOT NULL, etag TEXT NOT NULL, before TEXT, since TEXT NOT NULL,
    PRIMARY KEY (zone, type, name));
"""

Document = dict[str, Any]


class Stale(Exception):
    """Somebody wrote since; `etag` is the current one."""

    def __init__(self, etag: str) -> None:
        super().__init__(etag)
        self.etag = etag


@dataclass(frozen=True)
class Key:
    """Of a record set, in small letters but for its type."""

    zone: str
    type: str
    name: str

    @classmethod
    def of(cls, zone: str, type: str, name: str) -> "Key":
        return cls(zone.lower(), type.upper(), name.lower())


class RecordStore:
    """Name servers say what a record was before for `propagation_s` (by zone) after each change. `on_change` hears
    of changes."""

    def __init__(self, database: sqlite3.Connection, now: Now, propagation_s: dict[str, float]) -> None:
        self._db = database
        self._now = now
        self._propagation_s = propagation_s
        self.on_change: Callable[[Key], None] = lambda _: None
        database.executescript(SCHEMA)

    def install(self, key: Key, properties: Document) -> None:
        """As configured; what has been there before stays as it is."""
        row = (key.zone, key.type, key.name, json.dumps(properties), str(uuid.uuid4()), None, self._text())
        self._db.execute("INSERT OR IGNORE INTO dns_records VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def record(self, key: Key) -> tuple[Document, str]:
        """Its properties and etag. Raises KeyError."""
        row = self._row(key)
        return dict(json.loads(row["properties"])), row["etag"]

    def change(self, key: Key, properties: Document, if_match: str | None) -> None:
        """All of its properties anew. Raises KeyError, and Stale when `if_match` is not its etag."""
        row = self._row(key)
        if if_match not in (None, "*", row["etag"]):
            raise Stale(row["etag"])
        self._db.execute(
            "UPDATE dns_records SET properties = ?, etag = ?, before = ?, since = ?"
            " WHERE zone = ? AND type = ? AND name = ?",
            (
                json.dumps(properties),
                str(uuid.uuid4()),
                json.dumps(self._said(row)),
                self._text(),
                *(key.zone, key.type, key.name),
            ),
        )
        self.on_change(key)

    def said(self, key: Key) -> Document:
        """What name servers say now. Raises KeyError."""
        return self._said(self._row(key))

    def _said(self, row: sqlite3.Row) -> Document:
        known_at = datetime.fromisoformat(row["since"]) + timedelta(seconds=self._propagation_s[row["zone"]])
        return dict(json.loads(row["before"] if row["before"] and self._now() < known_at else row["properties"]))

    def _row(self, key: Key) -> sqlite3.Row:
        query = "SELECT * FROM dns_records WHERE zone = ? AND type = ? AND name = ?"
        row: sqlite3.Row | None = self._db.execute(query, (key.zone, key.type, key.name)).fetchone()
        if row is None:
            raise KeyError(key)
        return row

    def _text(self) -> str:
        return self._now().astimezone(UTC).isoformat(timespec="microseconds")
