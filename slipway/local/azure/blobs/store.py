"""Containers and append blobs. A blob grows block by block and is never rewritten."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from slipway.local.azure.clock import Now
from slipway.local.azure.state import transaction

# Limits of the service (REST: Append Block).
MOST_BLOCKS = 50_000

SCHEMA = """
CREATE TABLE IF NOT EXISTS containers (name TEXT PRIMARY KEY, created REAL NOT NULL);
CREATE TABLE IF NOT EXISTS blobs (
    id INTEGER PRIMARY KEY, container TEXT NOT NULL REFERENCES containers (name), name TEXT NOT NULL,
    content_type TEXT NOT NULL, metadata TEXT NOT NULL, created REAL NOT NULL, modified REAL NOT NULL,
    version INTEGER NOT NULL, size INTEGER NOT NULL, blocks INTEGER NOT NULL, UNIQUE (container, name));
CREATE TABLE IF NOT EXISTS blocks (
    blob INTEGER NOT NULL REFERENCES blobs (id), position INTEGER NOT NULL, content BLOB NOT NULL,
    PRIMARY KEY (blob, position)) WITHOUT ROWID;
"""


class StoreRefusal(Exception):
    """A refusal with the service's own status and code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True)
class Container:
    name: str
    created: float  # epoch seconds

    @property
    def etag(self) -> str:
        return f'"0x{int(self.created * 1e7):X}"'


@dataclass(frozen=True)
class Blob:
    """`size` in bytes, times in epoch seconds, `blocks` how many were appended."""

    id: int
    container: str
    name: str
    content_type: str
    metadata: Mapping[str, str]
    created: float
    modified: float
    version: int
    size: int
    blocks: int

    @property
    def etag(self) -> str:
        return f'"0x{self.version:X}"'


@dataclass(frozen=True)
class Conditions:
    """What a writer asks of the blob before its write is done; None = does not matter."""

    if_match: str | None = None
    if_none_match: str | None = None
    append_position: int | None = None
    max_size: int | None = None


NO_CONDITIONS = Conditions()


class BlobStore:
    """`now` is the clock."""

    def __init__(self, database: sqlite3.Connection, now: Now) -> None:
        self._db = database
        self._now = now
        database.executescript(SCHEMA)

    def create_container(self, name: str) -> Container:
        row = self._db.execute("INSERT OR IGNORE INTO containers VALUES (?, ?)", (name, self._now().timestamp()))
        if not row.rowcount:
            raise StoreRefusal(409, "ContainerAlreadyExists", "The specified container already exists.")
        return self.container(name)

    def container(self, name: str) -> Container:
        row = self._db.execute("SELECT * FROM containers WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise StoreRefusal(404, "ContainerNotFound", "The specified container does not exist.")
        return Container(row["name"], row["created"])

    def blob(self, container: str, name: str) -> Blob:
        found = self._find(container, name)
        if found is None:
            raise StoreRefusal(404, "BlobNotFound", "The specified blob does not exist.")
        return found

    def create_append_blob(
        self,
        container: str,
        name: str,
        content_type: str,
        metadata: Mapping[str, str],
        conditions: Conditions,
    ) -> Blob:
        """An existing blob is refused: as the caller asked for it, or by the immutability policy."""
        self.container(container)
        if self._find(container, name) is not None:
            if conditions.if_none_match == "*":
                raise StoreRefusal(409, "BlobAlreadyExists", "The specified blob already exists.")
            raise immutable()
        if conditions.if_match is not None:
            raise StoreRefusal(412, "ConditionNotMet", CONDITION_NOT_MET)
        now = self._now().timestamp()
        self._db.execute(
            "INSERT INTO blobs (container, name, content_type, metadata, created, modified, version,"
            " size, blocks) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0)",
            (container, name, content_type, _pack(metadata), now, now, int(now * 1e7)),
        )
        return self.blob(container, name)

    def append(self, container: str, name: str, content: bytes, conditions: Conditions) -> tuple[Blob, int]:
        """The blob after the append, and the position at which the block begins."""
        blob = self.blob(container, name)
        position = blob.size
        if conditions.if_match not in (None, "*", blob.etag) or conditions.if_none_match in ("*", blob.etag):
            raise StoreRefusal(412, "ConditionNotMet", CONDITION_NOT_MET)
        if conditions.append_position not in (None, position):
            raise StoreRefusal(
                412, "AppendPositionConditionNotMet", "The append position condition specified was not met."
            )
        if conditions.max_size is not None and position + len(content) > conditions.max_size:
            raise StoreRefusal(412, "MaxBlobSizeConditionNotMet", "The max blob size condition specified was not met.")
        if blob.blocks >= MOST_BLOCKS:
            raise StoreRefusal(
                409,
                "BlockCountExceedsLimit",
                "The committed block count cannot exceed the maximum limit of 50,000.",
            )
        now = self._now().timestamp()
        with transaction(self._db):
            self._db.execute("INSERT INTO blocks VALUES (?, ?, ?)", (blob.id, position, content))
            self._db.execute(
                "UPDATE blobs SET size = ?, blocks = blocks + 1, modified = ?, version = ? WHERE id = ?",
                (position + len(content), now, max(int(now * 1e7), blob.version + 1), blob.id),
            )
        return self.blob(container, name), position

    def content(self, blob: Blob, start: int, end: int) -> bytes:
        """Bytes `start` up to, not including, `end`."""
        rows = self._db.execute(
            "SELECT position, content FROM blocks WHERE blob = ? AND position < ? AND position >="
            " (SELECT coalesce(max(position), 0) FROM blocks WHERE blob = ? AND position <= ?)"
            " ORDER BY position",
            (blob.id, end, blob.id, start),
        ).fetchall()
        if not rows:
            return b""
        first = rows[0]["position"]
        return b"".join(row["content"] for row in rows)[start - first : end - first]

    def list(self, container: str, prefix: str, after: str, most: int) -> tuple[list[Blob], str]:
        """Blobs by name from `after` on, and where the next page begins (empty: there is none)."""
        self.container(container)
        rows = self._db.execute(
            "SELECT * FROM blobs WHERE container = ? AND name >= ? AND substr(name, 1, ?) = ? ORDER BY name LIMIT ?",
            (container, max(after, prefix), len(prefix), prefix, most + 1),
        ).fetchall()
        blobs = [_blob(row) for row in rows]
        return blobs[:most], blobs[most].name if len(blobs) > most else ""

    def _find(self, container: str, name: str) -> Blob | None:
        self.container(container)
        row = self._db.execute("SELECT * FROM blobs WHERE container = ? AND name = ?", (container, name)).fetchone()
        return _blob(row) if row else None


CONDITION_NOT_MET = "The condition specified using HTTP conditional header(s) is not met."


def immutable() -> StoreRefusal:
    return StoreRefusal(
        409,
        "BlobImmutableDueToPolicy",
        "This operation is not permitted as the blob is immutable due to a policy.",
    )


def _pack(metadata: Mapping[str, str]) -> str:
    return "\n".join(f"{name}={value}" for name, value in metadata.items())


def _blob(row: sqlite3.Row) -> Blob:
    pairs = (line.partition("=") for line in row["metadata"].splitlines())
    fields = {key: row[key] for key in row.keys() if key != "metadata"}  # noqa: SIM118 - a Row is no mapping
    return Blob(**fields, metadata=MappingProxyType({name: value for name, _, value in pairs}))
