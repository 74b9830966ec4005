"""Secrets and their versions, in a database of their own: nothing else of the stand-in ever holds a value."""

import json
import sqlite3
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from slipway.local.azure.state import transaction


@dataclass(frozen=True)
class Secret:
    """One version of a secret. Moments are epoch seconds; `deleted_at` is of the secret as a whole."""

    name: str
    version: str
    value: str = field(repr=False)
    created_at: int
    updated_at: int
    enabled: bool = True
    not_before: int | None = None
    expires_on: int | None = None
    content_type: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    deleted_at: int | None = None


class VaultStore:
    """`database` is in autocommit mode, with rows by name."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        database.executescript(
            """
            CREATE TABLE IF NOT EXISTS secrets (
                number INTEGER PRIMARY KEY,
                name TEXT NOT NULL COLLATE NOCASE,
                version TEXT NOT NULL,
                document TEXT NOT NULL,
                UNIQUE (name, version)
            );
            CREATE TABLE IF NOT EXISTS deleted (name TEXT PRIMARY KEY COLLATE NOCASE, at INTEGER NOT NULL);
            """
        )

    def add(self, name: str, value: str, at: int, **attributes: Any) -> Secret:
        """A new version, which is the current one from now on."""
        secret = Secret(name, uuid.uuid4().hex, value, created_at=at, updated_at=at, **attributes)
        with transaction(self._database) as database:
            database.execute(
                "INSERT INTO secrets (name, version, document) VALUES (?, ?, ?)",
                (name, secret.version, _document(secret)),
            )
        return secret

    def change(self, secret: Secret, at: int, **attributes: Any) -> Secret:
        """The same version with other attributes."""
        changed = replace(secret, updated_at=at, **attributes)
        with transaction(self._database) as database:
            database.execute(
                "UPDATE secrets SET document = ? WHERE name = ? AND version = ?",
                (_document(changed), changed.name, changed.version),
            )
        return changed

    def get(self, name: str, version: str = "") -> Secret | None:
        """That version, or the newest; also of a deleted secret, which has `deleted_at` then."""
        row = self._database.execute(
            "SELECT s.document, d.at FROM secrets s LEFT JOIN deleted d ON d.name = s.name"
            " WHERE s.name = ? AND (? = '' OR s.version = ?) ORDER BY s.number DESC LIMIT 1",
            (name, version, version),
        ).fetchone()
        return Secret(**{**json.loads(row["document"]), "deleted_at": row["at"]}) if row else None

    def delete(self, name: str, at: int) -> None:
        """Soft: its name stays taken until it is purged."""
        with transaction(self._database) as database:
            database.execute("INSERT OR IGNORE INTO deleted (name, at) VALUES (?, ?)", (name, at))


def _document(secret: Secret) -> str:
    document = {key: value for key, value in vars(secret).items() if key != "deleted_at"}
    return json.dumps(document)
