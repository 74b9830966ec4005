"""Tables and their entities, ordered by partition and row key."""

import json
import sqlite3
from dataclasses import dataclass, replace
from typing import Literal

from slipway.local.azure.clock import Now
from slipway.local.azure.state import transaction
from slipway.local.azure.tables.entity import TICKS, Entity, EntityRefused, Property, check_limits
from slipway.local.azure.tables.filter import Filter, key_bounds

LARGEST_PAGE = 1000

SCHEMA = """
CREATE TABLE IF NOT EXISTS tables (name TEXT PRIMARY KEY COLLATE NOCASE);
CREATE TABLE IF NOT EXISTS entities (
    table_name TEXT NOT NULL COLLATE NOCASE REFERENCES tables (name) ON DELETE CASCADE,
    partition_key TEXT NOT NULL, row_key TEXT NOT NULL, ticks INTEGER NOT NULL, properties TEXT NOT NULL,
    PRIMARY KEY (table_name, partition_key, row_key)) WITHOUT ROWID;
"""
SQL = {"eq": "=", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
COLUMN = {"PartitionKey": "partition_key", "RowKey": "row_key"}
BY_KEY = "WHERE table_name = ? AND partition_key = ? AND row_key = ?"

Change = Literal["replace", "merge"]
Keys = tuple[str, str]


@dataclass(frozen=True)
class Page:
    """`next` are the keys at which the following page begins."""

    entities: list[Entity]
    next: Keys | None


class TableStore:
    """`now` is the clock."""

    def __init__(self, database: sqlite3.Connection, now: Now) -> None:
        self._db = database
        self._now = now
        database.executescript(SCHEMA)
        self._last_ticks: int = database.execute("SELECT coalesce(max(ticks), 0) FROM entities").fetchone()[0]

    def create_table(self, name: str) -> None:
        if not self._db.execute("INSERT OR IGNORE INTO tables VALUES (?)", (name,)).rowcount:
            raise EntityRefused(409, "TableAlreadyExists", "The table specified already exists.")

    def delete_table(self, name: str) -> None:
        self._require(name)
        self._db.execute("DELETE FROM tables WHERE name = ?", (name,))

    def tables(self) -> list[str]:
        return [row["name"] for row in self._db.execute("SELECT name FROM tables ORDER BY name")]

    def insert(self, table: str, entity: Entity) -> Entity:
        self._require(table)
        if self._find(table, entity.partition_key, entity.row_key) is not None:
            raise EntityRefused(409, "EntityAlreadyExists", "The specified entity already exists.")
        return self._write(table, entity)

    def get(self, table: str, keys: Keys) -> Entity:
        self._require(table)
        found = self._find(table, *keys)
        if found is None:
            raise EntityRefused(404, "ResourceNotFound", "The specified resource does not exist.")
        return found

    def update(self, table: str, entity: Entity, change: Change, if_match: str) -> Entity:
        """Changes an entity that is there, and has that etag (or any, for `*`)."""
        with transaction(self._db):
            former = self.get(table, (entity.partition_key, entity.row_key))
            _require_etag(former, if_match)
            return self._write(table, entity.merged_into(former) if change == "merge" else entity)

    def upsert(self, table: str, entity: Entity, change: Change) -> Entity:
        self._require(table)
        with transaction(self._db):
            former = self._find(table, entity.partition_key, entity.row_key)
            merge = change == "merge" and former is not None
            return self._write(table, entity.merged_into(former) if merge and former else entity)

    def delete(self, table: str, keys: Keys, if_match: str) -> None:
        with transaction(self._db):
            _require_etag(self.get(table, keys), if_match)
            self._db.execute(f"DELETE FROM entities {BY_KEY}", (table, *keys))

    def query(self, table: str, filter: Filter | None, top: int, start: Keys | None) -> Page:
        """Entities that match, in the order of their keys, from `start` on; at most `top` (and 1000)."""
        self._require(table)
        sql, values = "SELECT * FROM entities WHERE table_name = ?", [table]
        for bound in key_bounds(filter):
            sql += f" AND {COLUMN[bound.property]} {SQL[bound.operator]} ?"
            values.append(str(bound.literal))
        if start is not None:
            sql += " AND (partition_key, row_key) >= (?, ?)"
            values.extend(start)
        found: list[Entity] = []
        for row in self._db.execute(sql + " ORDER BY partition_key, row_key", values):
            entity = _entity(row)
            if filter is None or filter.holds(entity.values()):
                if len(found) == min(top, LARGEST_PAGE):
                    return Page(found, (entity.partition_key, entity.row_key))
                found.append(entity)
        return Page(found, None)

    def _require(self, table: str) -> None:
        if not self._db.execute("SELECT 1 FROM tables WHERE name = ?", (table,)).fetchone():
            raise EntityRefused(404, "TableNotFound", "The table specified does not exist.")

    def _find(self, table: str, partition_key: str, row_key: str) -> Entity | None:
        query = f"SELECT * FROM entities {BY_KEY}"
        row = self._db.execute(query, (table, partition_key, row_key)).fetchone()
        return _entity(row) if row else None

    def _write(self, table: str, entity: Entity) -> Entity:
        check_limits(entity)
        # Etags are made of them: no two writes have the same, also where the clock stands.
        self._last_ticks = max(round(self._now().timestamp() * TICKS), self._last_ticks + 1)
        written = replace(entity, ticks=self._last_ticks)
        properties = {name: [each.type, each.json] for name, each in written.properties.items()}
        self._db.execute(
            "INSERT OR REPLACE INTO entities VALUES (?, ?, ?, ?, ?)",
            (table, written.partition_key, written.row_key, written.ticks, json.dumps(properties)),
        )
        return written


def _require_etag(entity: Entity, if_match: str) -> None:
    if if_match not in ("*", entity.etag):
        raise EntityRefused(412, "UpdateConditionNotSatisfied", "The update condition specified was not satisfied.")


def _entity(row: sqlite3.Row) -> Entity:
    properties = {name: Property(*pair) for name, pair in json.loads(row["properties"]).items()}
    return Entity(row["partition_key"], row["row_key"], properties, row["ticks"])
