"""The runs of load tests, and what was measured in each."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

SCHEMA = """CREATE TABLE IF NOT EXISTS load_runs (
    resource TEXT NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (resource, id)
);"""
ACCEPTED, PROVISIONING, EXECUTING = "ACCEPTED", "PROVISIONING", "EXECUTING"
DONE, FAILED, CANCELLING, CANCELLED = "DONE", "FAILED", "CANCELLING", "CANCELLED"
ENDED = (DONE, FAILED, CANCELLED)


@dataclass(frozen=True)
class Sample:
    """One request: when in the run it was sent, how long it took, and whether it failed."""

    at_s: float
    ms: float
    failed: bool


@dataclass(frozen=True)
class LoadRun:
    """`looks` counts how often it was asked for, `looked_after` since it ended. Moments are as Azure writes them."""

    resource: str
    id: str
    test: str
    created: str
    name: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    status: str = ACCEPTED
    looks: int = 0
    looked_after: int = 0
    began: str = ""
    ended: str = ""
    samples: tuple[Sample, ...] = ()


class LoadRuns:
    """`database` is in autocommit mode, with rows by name."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database
        database.executescript(SCHEMA)

    def get(self, resource: str, id: str) -> LoadRun | None:
        query = "SELECT document FROM load_runs WHERE resource = ? AND id = ?"
        row = self._db.execute(query, (resource, id)).fetchone()
        return _read(row["document"]) if row else None

    def put(self, run: LoadRun) -> LoadRun:
        told = vars(run) | {"env": dict(run.env), "samples": [list(vars(each).values()) for each in run.samples]}
        values = run.resource, run.id, json.dumps(told)
        self._db.execute("INSERT OR REPLACE INTO load_runs (resource, id, document) VALUES (?, ?, ?)", values)
        return run

    def change(self, run: LoadRun, **changes: Any) -> LoadRun:
        """With what the store knows of it by now, and these changes."""
        return self.put(replace(self.get(run.resource, run.id) or run, **changes))

    def under_way(self) -> list[LoadRun]:
        rows = self._db.execute("SELECT document FROM load_runs ORDER BY rowid")
        return [run for row in rows if (run := _read(row["document"])).status not in ENDED]


def _read(document: str) -> LoadRun:
    told = json.loads(document)
    return LoadRun(**told | {"samples": tuple(Sample(*each) for each in told["samples"])})
