"""Deployment stacks, their what-ifs, and the resources that they made: what must survive a kill."""

import json
import sqlite3
from typing import Any

from slipway.local.azure.state import transaction

SCHEMA = """
CREATE TABLE IF NOT EXISTS stacks (id TEXT PRIMARY KEY, document TEXT NOT NULL, looks INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS stack_what_ifs (id TEXT PRIMARY KEY, document TEXT NOT NULL, looks INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS stack_answers (id TEXT PRIMARY KEY, document TEXT NOT NULL, looks INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS stack_resources (id TEXT PRIMARY KEY, name TEXT NOT NULL, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS stack_documents (path TEXT PRIMARY KEY, content BLOB NOT NULL);
"""
STACKS, WHAT_IFS, ANSWERS = "stacks", "stack_what_ifs", "stack_answers"
Document = dict[str, Any]


class StackStore:
    """Ids are found whatever their case. What takes a while is over when it has been looked at `looks` times."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database
        database.executescript(SCHEMA)

    def put(self, table: str, id: str, document: Document, looks: int) -> None:
        row = (id.lower(), json.dumps(document), looks)
        self._db.execute(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)", row)

    def look(self, table: str, id: str) -> tuple[Document, bool] | None:
        """What is kept there, and whether this look sees its end."""
        row = self._db.execute(f"SELECT * FROM {table} WHERE id = ?", (id.lower(),)).fetchone()
        if row is None:
            return None
        if row["looks"]:
            self._db.execute(f"UPDATE {table} SET looks = looks - 1 WHERE id = ?", (id.lower(),))
        return json.loads(row["document"]), row["looks"] == 0

    def resources(self) -> dict[str, Document]:
        """By their ids as they were written."""
        return {row["name"]: json.loads(row["document"]) for row in self._db.execute("SELECT * FROM stack_resources")}

    def resource(self, id: str) -> Document | None:
        row = self._db.execute("SELECT document FROM stack_resources WHERE id = ?", (id.lower(),)).fetchone()
        return json.loads(row["document"]) if row else None

    def change(self, put: dict[str, Document], deleted: list[str]) -> None:
        with transaction(self._db) as database:
            rows = [(id.lower(), id, json.dumps(document)) for id, document in put.items()]
            database.executemany("INSERT OR REPLACE INTO stack_resources VALUES (?, ?, ?)", rows)
            database.executemany("DELETE FROM stack_resources WHERE id = ?", [(id.lower(),) for id in deleted])

    def document(self, path: str) -> bytes | None:
        row = self._db.execute("SELECT content FROM stack_documents WHERE path = ?", (path,)).fetchone()
        return bytes(row["content"]) if row else None

    def keep_document(self, path: str, content: bytes) -> None:
        self._db.execute("INSERT OR REPLACE INTO stack_documents VALUES (?, ?)", (path, content))
