"""The executions of jobs: what must survive a kill."""

import json
import sqlite3
from dataclasses import dataclass
from typing import Any, Literal

from slipway.local.azure.clock import Now, stamp

SCHEMA = """
CREATE TABLE IF NOT EXISTS job_executions (
    job TEXT, name TEXT, template TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'Running', began TEXT NOT NULL,
    ended TEXT, exit_code INTEGER, reason TEXT, message TEXT,
    PRIMARY KEY (job, name));
"""

Document = dict[str, Any]
Status = Literal["Running", "Succeeded", "Failed", "Stopped"]


@dataclass(frozen=True)
class Execution:
    """`exit_code` is None when no container of it has ended; `reason` and `message` say why it failed without one."""

    job: str
    name: str
    template: Document
    status: Status
    began: str
    ended: str | None
    exit_code: int | None
    reason: str | None
    message: str | None

    @property
    def container(self) -> Document:
        first: Document = self.template["containers"][0]
        return first


class ExecutionStore:
    """`now` is the clock."""

    def __init__(self, database: sqlite3.Connection, now: Now) -> None:
        self._db = database
        self._now = now
        database.executescript(SCHEMA)

    def add(self, job: str, name: str, template: Document) -> Execution:
        row = (job, name, json.dumps(template), stamp(self._now()))
        self._db.execute("INSERT INTO job_executions (job, name, template, began) VALUES (?, ?, ?, ?)", row)
        found = self.one(job, name)
        assert found is not None
        return found

    def one(self, job: str, name: str) -> Execution | None:
        where = (job, name)
        row = self._db.execute("SELECT * FROM job_executions WHERE job = ? AND name = ?", where).fetchone()
        return _execution(row) if row else None

    def all(self, job: str) -> list[Execution]:
        """Newest first."""
        rows = self._db.execute("SELECT * FROM job_executions WHERE job = ? ORDER BY rowid DESC", (job,))
        return [_execution(row) for row in rows]

    def under_way(self) -> list[Execution]:
        return [_execution(row) for row in self._db.execute("SELECT * FROM job_executions WHERE ended IS NULL")]

    def end(
        self, execution: Execution, status: Status, exit_code: int | None = None, reason: str = "", message: str = ""
    ) -> None:
        """The first end is the one that counts."""
        values = (status, stamp(self._now()), exit_code, reason or None, message or None)
        self._db.execute(
            "UPDATE job_executions SET status = ?, ended = ?, exit_code = ?, reason = ?, message = ?"
            " WHERE job = ? AND name = ? AND ended IS NULL",
            (*values, execution.job, execution.name),
        )


def _execution(row: sqlite3.Row) -> Execution:
    told = {key: row[key] for key in ("job", "name", "status", "began", "ended", "exit_code", "reason", "message")}
    return Execution(template=json.loads(row["template"]), **told)
