"""Key-values of an App Configuration store and their revisions; each write is a revision with an etag of its own."""

import json
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime

from slipway.local.azure.clock import stamp
from slipway.local.azure.state import transaction

SCHEMA = """
CREATE TABLE IF NOT EXISTS key_values (
    key TEXT NOT NULL, label TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (key, label)
);
CREATE TABLE IF NOT EXISTS key_value_revisions (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL, label TEXT NOT NULL, document TEXT NOT NULL
);
"""


@dataclass(frozen=True)
class KeyValue:
    """`label` is empty for none; moments are ISO 8601."""

    key: str
    label: str
    value: str | None
    etag: str
    last_modified: str
    content_type: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    locked: bool = False
    description: str | None = None


class KeyValueStore:
    """`database` is in autocommit mode, with rows by name; `now` is the clock."""

    def __init__(self, database: sqlite3.Connection, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        database.executescript(SCHEMA)

    def get(self, key: str, label: str) -> KeyValue | None:
        found = self._database.execute(
            "SELECT document FROM key_values WHERE key = ? AND label = ?", (key, label)
        ).fetchone()
        return _loaded(found["document"]) if found else None

    def put(
        self,
        key: str,
        label: str,
        value: str | None,
        content_type: str | None,
        tags: Mapping[str, str],
        description: str | None = None,
        locked: bool = False,
    ) -> KeyValue:
        """In place of the one before."""
        etag, at = secrets.token_urlsafe(20), stamp(self._now())
        written = KeyValue(key, label, value, etag, at, content_type, dict(tags), locked, description)
        document = json.dumps(asdict(written))
        with transaction(self._database) as database:
            database.execute("INSERT OR REPLACE INTO key_values VALUES (?, ?, ?)", (key, label, document))
            database.execute(
                "INSERT INTO key_value_revisions (key, label, document) VALUES (?, ?, ?)", (key, label, document)
            )
        return written

    def delete(self, key: str, label: str) -> None:
        """Nothing happens when it is not there."""
        self._database.execute("DELETE FROM key_values WHERE key = ? AND label = ?", (key, label))

    def all(self) -> list[KeyValue]:
        """In the order of keys and labels."""
        found = self._database.execute("SELECT document FROM key_values ORDER BY key, label")
        return [_loaded(row["document"]) for row in found]

    def revisions(self) -> list[KeyValue]:
        """Newest first."""
        found = self._database.execute("SELECT document FROM key_value_revisions ORDER BY number DESC")
        return [_loaded(row["document"]) for row in found]


def _loaded(document: str) -> KeyValue:
    return KeyValue(**json.loads(document))
