"""What a cluster keeps: Helm's records, Deployments, autoscalers, Services, and commands that were run."""

import json
import sqlite3
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from slipway.local.azure.clock import Now, stamp

SCHEMA = """
CREATE TABLE IF NOT EXISTS helm_records (
    cluster TEXT, namespace TEXT, release TEXT, revision INTEGER, status TEXT, description TEXT, updated TEXT,
    chart TEXT, config TEXT, PRIMARY KEY (cluster, namespace, release, revision));
CREATE TABLE IF NOT EXISTS cluster_objects (
    cluster TEXT, namespace TEXT, kind TEXT, name TEXT, body TEXT, PRIMARY KEY (cluster, namespace, kind, name));
CREATE TABLE IF NOT EXISTS cluster_commands (
    id TEXT PRIMARY KEY, cluster TEXT, body TEXT, started TEXT, finished TEXT, exit_code INTEGER, logs TEXT,
    reason TEXT, looks INTEGER NOT NULL DEFAULT 0);
"""
Document = dict[str, Any]


class Key(NamedTuple):
    cluster: str
    namespace: str
    name: str


@dataclass(frozen=True)
class Record:
    """A revision of a Helm release; `config` are the values that were given."""

    revision: int
    status: str
    description: str
    updated: str
    chart: str
    config: Document


@dataclass(frozen=True)
class Deployment:
    """`serving` is the image whose pods answer, which is the one before while `image` is rolled out. `state` is
    `rolling`, `available` or `failed` (`error` says why, `log` is what the pod said); `looks` are those that are left
    before it shows."""

    instance: str
    image: str
    replicas: int
    generation: int = 1
    serving: str = ""
    state: str = "rolling"
    error: str = ""
    log: str = ""
    looks: int = 0
    annotations: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Autoscaler:
    """`wanted` is what the load asks for; `scaling`: for how many looks more the replicas are fewer than desired."""

    least: int
    most: int
    wanted: int
    scaling: int = 0

    @property
    def desired(self) -> int:
        return min(max(self.wanted, self.least), self.most)


@dataclass(frozen=True)
class Service:
    """`selector` is what was written, `followed` what its endpoints are chosen by."""

    selector: dict[str, str]
    followed: dict[str, str]
    version: int = 1


@dataclass(frozen=True)
class ConfigMap:
    data: dict[str, str]


@dataclass(frozen=True)
class Command:
    id: str
    cluster: str
    body: Document
    started: str
    finished: str | None
    exit_code: int | None
    logs: str
    reason: str
    looks: int


KINDS: dict[type[Any], str] = {
    Deployment: "deployment",
    Autoscaler: "autoscaler",
    Service: "service",
    ConfigMap: "configmap",
}


class ClusterStore:
    """`now` is the clock."""

    def __init__(self, database: sqlite3.Connection, now: Now) -> None:
        self._db = database
        self._now = now
        database.executescript(SCHEMA)

    def records(self, release: Key) -> list[Record]:
        """Oldest first."""
        rows = self._db.execute(
            "SELECT * FROM helm_records WHERE cluster = ? AND namespace = ? AND release = ? ORDER BY revision", release
        )
        return [_record(row) for row in rows]

    def put_record(self, release: Key, record: Record) -> None:
        row = (*release, record.revision, record.status, record.description, record.updated, record.chart)
        self._db.execute(
            "INSERT OR REPLACE INTO helm_records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, json.dumps(record.config))
        )

    def forget_records(self, release: Key, before: int = 2**31) -> None:
        """All revisions of the release, or those that are older than `before`."""
        where = "cluster = ? AND namespace = ? AND release = ? AND revision < ?"
        self._db.execute(f"DELETE FROM helm_records WHERE {where}", (*release, before))

    def deployment(self, key: Key) -> Deployment | None:
        found: Deployment | None = self._get(Deployment, key)
        return found

    def autoscaler(self, key: Key) -> Autoscaler | None:
        found: Autoscaler | None = self._get(Autoscaler, key)
        return found

    def service(self, key: Key) -> Service | None:
        found: Service | None = self._get(Service, key)
        return found

    def config_map(self, key: Key) -> ConfigMap | None:
        found: ConfigMap | None = self._get(ConfigMap, key)
        return found

    def put(self, key: Key, each: Deployment | Autoscaler | Service | ConfigMap) -> None:
        row = (key.cluster, key.namespace, KINDS[type(each)], key.name, json.dumps(vars(each)))
        self._db.execute("INSERT OR REPLACE INTO cluster_objects VALUES (?, ?, ?, ?, ?)", row)

    def delete(self, kind: type[Any], key: Key) -> None:
        where = (key.cluster, key.namespace, KINDS[kind], key.name)
        self._db.execute(
            "DELETE FROM cluster_objects WHERE cluster = ? AND namespace = ? AND kind = ? AND name = ?", where
        )

    def all(self, kind: type[Any]) -> list[Key]:
        rows = self._db.execute("SELECT cluster, namespace, name FROM cluster_objects WHERE kind = ?", (KINDS[kind],))
        return [Key(*row) for row in rows]

    def _get(self, kind: type[Any], key: Key) -> Any:
        where = (key.cluster, key.namespace, KINDS[kind], key.name)
        row = self._db.execute(
            "SELECT body FROM cluster_objects WHERE cluster = ? AND namespace = ? AND kind = ? AND name = ?", where
        ).fetchone()
        return kind(**json.loads(row["body"])) if row else None

    def begin_command(self, id: str, cluster: str, body: Document) -> None:
        row = (id, cluster, json.dumps(body), stamp(self._now()))
        self._db.execute("INSERT INTO cluster_commands (id, cluster, body, started) VALUES (?, ?, ?, ?)", row)

    def command(self, id: str) -> Command | None:
        row = self._db.execute("SELECT * FROM cluster_commands WHERE id = ?", (id,)).fetchone()
        return _command(row) if row else None

    def unfinished(self) -> list[Command]:
        return [_command(row) for row in self._db.execute("SELECT * FROM cluster_commands WHERE finished IS NULL")]

    def look_at(self, command: Command) -> Command:
        """One look more."""
        self._db.execute("UPDATE cluster_commands SET looks = looks + 1 WHERE id = ?", (command.id,))
        return replace(command, looks=command.looks + 1)

    def finish_command(self, id: str, exit_code: int | None, logs: str, reason: str = "") -> None:
        row = (stamp(self._now()), exit_code, logs, reason, id)
        self._db.execute(
            "UPDATE cluster_commands SET finished = ?, exit_code = ?, logs = ?, reason = ? WHERE id = ?", row
        )

    @property
    def stamp(self) -> str:
        return stamp(self._now())


def _record(row: sqlite3.Row) -> Record:
    config = json.loads(row["config"])
    return Record(row["revision"], row["status"], row["description"], row["updated"], row["chart"], config)


def _command(row: sqlite3.Row) -> Command:
    told = row["finished"], row["exit_code"], row["logs"] or "", row["reason"] or "", row["looks"]
    return Command(row["id"], row["cluster"], json.loads(row["body"]), row["started"], *told)
