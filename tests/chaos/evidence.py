"""What the three processes left behind: read from their own files, once they have stopped."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.chaos.shop import FIRST

Row = dict[str, Any]
PRODUCTION = "production"


@dataclass(frozen=True)
class Operation:
    """A line of the stand-in's journal. `version` is what a deployment brought, `tag` the operation it was for."""

    id: str
    kind: str
    site: str
    status: str
    code: str
    started: str
    ended: str
    version: str = ""
    tag: str = ""

    @property
    def took_effect(self) -> bool:
        """A release that does not start is in its slot all the same."""
        return self.status == "Succeeded" or self.code == "RuntimeFailed"


@dataclass(frozen=True)
class Served:
    """From `since` on (ISO 8601, UTC), `beside` what is live these releases had a share (0..1) of a site."""

    since: str
    beside: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Evidence:
    """`state` is the run's folder; `rejected` and `events` are what lay on the queue and the subscription."""

    state: Path
    rejected: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)

    @cached_property
    def tables(self) -> dict[str, dict[tuple[str, str], Row]]:
        """Azure Tables: by table, partition and key; a `doc` is read."""
        found: dict[str, dict[tuple[str, str], Row]] = {}
        for row in self._azure("SELECT * FROM entities"):
            values = {name: value for name, (_, value) in json.loads(row["properties"]).items()}
            found.setdefault(row["table_name"], {})[row["partition_key"], row["row_key"]] = _with_doc(values)
        return found

    def rows(self, table: str) -> dict[tuple[str, str], Row]:
        return self.tables.get(table, {})

    @cached_property
    def audit(self) -> dict[str, list[str]]:
        """The lines of each audit chain."""
        found: dict[str, str] = {}
        query = "SELECT name, content FROM blocks JOIN blobs ON blobs.id = blocks.blob ORDER BY blob, position"
        for row in self._azure(query):
            found[row["name"]] = found.get(row["name"], "") + row["content"].decode()
        return {name.removesuffix(".jsonl"): text.splitlines() for name, text in found.items()}

    def records(self, chain: str) -> list[Row]:
        """A chain's records, in order."""
        return [json.loads(line) for line in self.audit.get(chain, [])]

    @cached_property
    def journal(self) -> list[Operation]:
        """What Azure carried out, in the order of its ends; what is not over comes last."""
        query = (
            "SELECT operations.*, tag, package_uri FROM operations LEFT JOIN deployments USING (id)"
            " ORDER BY operations.ended IS NULL, operations.ended"
        )
        return [
            Operation(
                row["id"],
                row["kind"],
                row["site"],
                row["status"],
                row["code"] or "",
                row["started"],
                row["ended"] or "",
                (row["package_uri"] or "").rpartition("/")[2].removesuffix(".zip"),
                (row["tag"] or "").removeprefix("slipway:"),
            )
            for row in self._azure(query)
        ]

    @cached_property
    def slots(self) -> dict[tuple[str, str], str]:
        """Which version each slot holds, by site and slot."""
        versions = {each.id: each.version for each in self.journal}
        rows = self._azure("SELECT site, slot, release FROM slots")
        return {(row["site"], row["slot"]): _version(row["release"], versions) for row in rows}

    @cached_property
    def servings(self) -> dict[str, list[Served]]:
        """By site, who was served beside what is live there, in order. Production comes first in each line, unless
        nothing runs there."""
        found: dict[str, list[Served]] = {}
        for row in self._azure("SELECT * FROM servings ORDER BY site, since"):
            shares = [(each["version"], each["share"]) for each in json.loads(row["shares"])]
            alone = len(shares) == 1
            found.setdefault(row["site"], []).append(Served(row["since"], () if alone else tuple(shares[1:])))
        return found

    @cached_property
    def instances(self) -> dict[str, Row]:
        """Orchestrations of the host by id: name, status, output, input."""
        rows = _rows(self.state / "functions.sqlite", "SELECT id, name, status, output, input FROM instances")
        return {row["id"]: dict(row) for row in rows}

    @cached_property
    def entities(self) -> dict[str, Row]:
        """States of the host's entities by id, such as `@environment@test--checkout`."""
        rows = _rows(self.state / "functions.sqlite", "SELECT id, state FROM entities")
        return {row["id"]: json.loads(row["state"]) for row in rows}

    @cached_property
    def waiting(self) -> dict[str, int]:
        """How many messages lie on each of the broker's queues."""
        rows = _rows(self.state / "servicebus.sqlite", "SELECT queue, count(*) AS n FROM messages GROUP BY queue")
        return {row["queue"]: row["n"] for row in rows}

    def received(self, queue: str) -> int:
        """How many messages the broker ever put on a queue."""
        rows = _rows(self.state / "servicebus.sqlite", "SELECT name, next_seq FROM queues")
        return next((int(row["next_seq"]) - 1 for row in rows if row["name"] == queue), 0)

    def _azure(self, query: str) -> list[sqlite3.Row]:
        return _rows(self.state / "azure" / "state.sqlite", query)


def live_instances(state: Path) -> list[str]:
    """Orchestrations that have not ended, with what they last said; also while the host runs."""
    query = "SELECT id, custom_status FROM instances WHERE status IN ('Pending', 'Running') ORDER BY id"
    return [f"{row['id']}: {row['custom_status']}" for row in _rows(state / "functions.sqlite", query)]


def promotions(state: Path) -> tuple[int, int]:
    """How many promotions have ended, and how many are on their way; also while the host runs."""
    query = "SELECT count(*) AS n, sum(status = 'Completed') AS ended FROM instances WHERE name = 'promotion'"
    (row,) = _rows(state / "functions.sqlite", query)
    ended = int(row["ended"] or 0)
    return ended, int(row["n"]) - ended


def records(state: Path) -> int:
    """How many audit records there are; also while Azure runs."""
    return int(_rows(state / "azure" / "state.sqlite", "SELECT count(*) AS n FROM blocks")[0]["n"])


def operations_under_way(state: Path) -> int:
    """Deployments and swaps that Azure has not ended; also while it runs."""
    query = "SELECT count(*) AS n FROM operations WHERE status = 'InProgress'"
    return int(_rows(state / "azure" / "state.sqlite", query)[0]["n"])


def _rows(file: Path, query: str) -> list[sqlite3.Row]:
    with _reading(file) as database:
        return database.execute(query).fetchall()


@contextmanager
def _reading(file: Path) -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=5)
    database.row_factory = sqlite3.Row
    try:
        yield database
    finally:
        database.close()


def _with_doc(values: Row) -> Row:
    if "doc" not in values:
        return values
    parts = [values["doc"], *(values[f"doc_{n}"] for n in range(2, int(values.get("doc_parts", 1)) + 1))]
    return {**values, "doc": json.loads("".join(parts))}


def _version(release: str | None, versions: dict[str, str]) -> str:
    if not release:
        return ""
    return FIRST if release.startswith("live-") else versions[release]
