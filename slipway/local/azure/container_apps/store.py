"""Container apps, their revisions and the updates under way: what must survive a kill."""

import json
import sqlite3
from dataclasses import dataclass
from typing import Any, Literal

from slipway.local.azure.clock import Now, stamp
from slipway.local.azure.state import transaction

SCHEMA = """
CREATE TABLE IF NOT EXISTS container_apps (name TEXT PRIMARY KEY, properties TEXT NOT NULL, latest TEXT);
CREATE TABLE IF NOT EXISTS revisions (
    app TEXT, name TEXT, template TEXT NOT NULL, created TEXT NOT NULL, active INTEGER NOT NULL DEFAULT 1,
    state TEXT NOT NULL DEFAULT 'Provisioning', error TEXT,
    PRIMARY KEY (app, name));
CREATE TABLE IF NOT EXISTS app_updates (
    id TEXT PRIMARY KEY, app TEXT NOT NULL, properties TEXT NOT NULL, revision TEXT, started TEXT NOT NULL, ended TEXT);
"""

Document = dict[str, Any]
State = Literal["Provisioning", "Provisioned", "Failed"]


@dataclass(frozen=True)
class App:
    """`properties` are `configuration` and `template` as Resource Manager has them; `latest` is a revision's name."""

    name: str
    properties: Document
    latest: str | None

    @property
    def traffic(self) -> list[Document]:
        return list(self.properties["configuration"]["ingress"]["traffic"])

    @property
    def single(self) -> bool:
        return str(self.properties["configuration"]["activeRevisionsMode"]).lower() == "single"


@dataclass(frozen=True)
class Revision:
    """`error` says why it is `Failed`."""

    app: str
    name: str
    template: Document
    created: str
    active: bool
    state: State
    error: str | None

    @property
    def image(self) -> str:
        return str(self.template["containers"][0]["image"])


@dataclass(frozen=True)
class Update:
    """A PATCH that is carried out: the app's `properties` afterwards, and the revision that it brings, if any."""

    id: str
    app: str
    properties: Document
    revision: str | None
    ended: bool


class AppStore:
    """`now` is the clock."""

    def __init__(self, database: sqlite3.Connection, now: Now) -> None:
        self._db = database
        self._now = now
        database.executescript(SCHEMA)

    def add_app(self, name: str, properties: Document) -> None:
        """Nothing happens when it is there already."""
        row = (name, json.dumps(properties))
        self._db.execute("INSERT OR IGNORE INTO container_apps (name, properties) VALUES (?, ?)", row)

    def app(self, name: str) -> App:
        row = self._db.execute("SELECT * FROM container_apps WHERE name = ?", (name,)).fetchone()
        return App(row["name"], json.loads(row["properties"]), row["latest"])

    def add_revision(self, app: str, name: str, template: Document) -> None:
        """The app's latest from now on; what is there already stays."""
        with transaction(self._db):
            row = (app, name, json.dumps(template), stamp(self._now()))
            self._db.execute("INSERT OR IGNORE INTO revisions (app, name, template, created) VALUES (?, ?, ?, ?)", row)
            self._db.execute("UPDATE container_apps SET latest = ? WHERE name = ?", (name, app))

    def revisions(self, app: str) -> list[Revision]:
        """Oldest first."""
        rows = self._db.execute("SELECT * FROM revisions WHERE app = ? ORDER BY created, rowid", (app,))
        return [_revision(row) for row in rows]

    def revision(self, app: str, name: str | None) -> Revision | None:
        row = self._db.execute("SELECT * FROM revisions WHERE app = ? AND name = ?", (app, name)).fetchone()
        return _revision(row) if row else None

    def set_state(self, revision: Revision, state: State, error: str | None = None) -> None:
        where = (state, error, revision.app, revision.name)
        self._db.execute("UPDATE revisions SET state = ?, error = ? WHERE app = ? AND name = ?", where)

    def set_active(self, revision: Revision, active: bool) -> None:
        where = (active, revision.app, revision.name)
        self._db.execute("UPDATE revisions SET active = ? WHERE app = ? AND name = ?", where)

    def begin_update(self, id: str, app: str, properties: Document, revision: str | None) -> None:
        self._db.execute(
            "INSERT INTO app_updates (id, app, properties, revision, started) VALUES (?, ?, ?, ?, ?)",
            (id, app, json.dumps(properties), revision, stamp(self._now())),
        )

    def update(self, id: str) -> Update | None:
        row = self._db.execute("SELECT * FROM app_updates WHERE id = ?", (id,)).fetchone()
        return _update(row) if row else None

    def under_way(self) -> list[Update]:
        return [_update(row) for row in self._db.execute("SELECT * FROM app_updates WHERE ended IS NULL")]

    def finish_update(self, update: Update) -> None:
        with transaction(self._db):
            row = (json.dumps(update.properties), update.app)
            self._db.execute("UPDATE container_apps SET properties = ? WHERE name = ?", row)
            self._db.execute("UPDATE app_updates SET ended = ? WHERE id = ?", (stamp(self._now()), update.id))


def _revision(row: sqlite3.Row) -> Revision:
    template = json.loads(row["template"])
    active = bool(row["active"])
    return Revision(row["app"], row["name"], template, row["created"], active, row["state"], row["error"])


def _update(row: sqlite3.Row) -> Update:
    return Update(row["id"], row["app"], json.loads(row["properties"]), row["revision"], row["ended"] is not None)
