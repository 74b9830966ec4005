"""Snapshots of key-values, as App Configuration keeps them: immutable, by name; archived ones end after a while.

`PUT`, `GET` and `PATCH /snapshots/{name}`, `GET /operations?snapshot=`, and what `GET /kv?snapshot=` lists.
"""

import fnmatch
import json
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slipway.local.azure.clock import stamp
from slipway.local.azure.configuration.problems import problem
from slipway.local.azure.configuration.store import KeyValue, KeyValueStore

TYPE = "application/vnd.microsoft.appconfig.snapshot+json"
LARGEST = 1024 * 1024
PROVISIONING, READY, ARCHIVED, FAILED = "provisioning", "ready", "archived", "failed"
SCHEMA = """
CREATE TABLE IF NOT EXISTS key_value_snapshots (name TEXT PRIMARY KEY, document TEXT NOT NULL, items TEXT NOT NULL);
"""


class Filter(BaseModel):
    key: str
    label: str | None = None


class Asked(BaseModel):
    model_config = ConfigDict(extra="ignore")
    filters: list[Filter] = Field(min_length=1, max_length=3)
    composition_type: str = "key"
    retention_period: int = Field(30 * 86_400, ge=3600, le=90 * 86_400)
    tags: dict[str, str] | None = None


class Status(BaseModel):
    status: str


@dataclass(frozen=True)
class Kept:
    """`looks` is how often its operation is asked for before it is ready."""

    name: str
    status: str
    filters: list[dict[str, Any]]
    composition_type: str
    retention_period: int
    created: str
    etag: str
    size: int
    items_count: int
    tags: Mapping[str, str] = field(default_factory=dict)
    expires: str | None = None
    looks: int = 1


class Snapshots:
    """`database` is in autocommit mode, with rows by name; `now` is the clock."""

    def __init__(self, database: sqlite3.Connection, values: KeyValueStore, now: Callable[[], datetime]) -> None:
        self._database, self._values, self._now = database, values, now
        database.executescript(SCHEMA)

    async def one(self, request: web.Request) -> web.Response:
        """`/snapshots/{name}`, for whoever was let in."""
        name = request.match_info["name"]
        there = self._looked_at(name)
        match request.method:
            case "PUT":
                return await self._made(request, name, there)
            case "GET" if there:
                return answer(there)
            case "PATCH" if there:
                return await self._changed(request, there)
        return web.Response(status=404 if request.method in ("GET", "PATCH") else 405)

    def operation(self, request: web.Request) -> web.Response:
        there = self._looked_at(request.query.get("snapshot", ""))
        if there is None:
            return web.Response(status=404)
        status = {PROVISIONING: "Running", FAILED: "Failed"}.get(there.status, "Succeeded")
        return web.json_response({"id": there.name, "status": status, "error": None})

    def items(self, name: str) -> list[KeyValue] | None:
        """Those of a snapshot that is ready or archived."""
        there = self._get(name)
        if there is None or there.status not in (READY, ARCHIVED):
            return None
        row = self._database.execute("SELECT items FROM key_value_snapshots WHERE name = ?", (name,)).fetchone()
        return [KeyValue(**each) for each in json.loads(row["items"])]

    async def _made(self, request: web.Request, name: str, there: Kept | None) -> web.Response:
        if there:
            return problem(409, "already-exists", "The resource already exists.", "")
        try:
            asked = Asked.model_validate_json(await request.read())
        except ValidationError as error:
            return problem(400, "invalid-argument", "Invalid request body", str(error))
        found: dict[str, KeyValue] = {}
        for each in asked.filters:  # of composition `key`: the last filter that has a key counts
            wanted = [it for it in self._values.all() if it.label == (each.label or "").replace("\0", "")]
            found |= {it.key: it for it in wanted if fnmatch.fnmatchcase(it.key, each.key)}
        items = json.dumps([asdict(it) for it in found.values()])
        kept = Kept(
            name,
            PROVISIONING if len(items) <= LARGEST else FAILED,
            [each.model_dump() for each in asked.filters],
            asked.composition_type,
            asked.retention_period,
            stamp(self._now()),
            secrets.token_urlsafe(20),
            len(items),
            len(found),
            asked.tags or {},
        )
        self._put(kept, items)
        where = f"{request.url.origin()}/operations?snapshot={name}&api-version={request.query.get('api-version', '')}"
        return answer(kept, 201, {"Operation-Location": where})

    async def _changed(self, request: web.Request, there: Kept) -> web.Response:
        try:
            asked = Status.model_validate_json(await request.read()).status
        except ValidationError as error:
            return problem(400, "invalid-argument", "Invalid request body", str(error))
        if (there.status, asked) not in ((READY, ARCHIVED), (ARCHIVED, READY), (READY, READY), (ARCHIVED, ARCHIVED)):
            return problem(409, "invalid-state", "Target resource state invalid.", f"it is {there.status}")
        ends = stamp(self._now() + timedelta(seconds=there.retention_period)) if asked == ARCHIVED else None
        changed = replace(there, status=asked, expires=ends, etag=secrets.token_urlsafe(20))
        self._put(changed)
        return answer(changed)

    def _looked_at(self, name: str) -> Kept | None:
        """The snapshot as this look finds it: one that is being made is ready a look later, an expired one is gone."""
        there = self._get(name)
        if there is None or (there.expires and there.expires <= stamp(self._now())):
            self._database.execute("DELETE FROM key_value_snapshots WHERE name = ?", (name,))
            return None
        if there.status == PROVISIONING:
            self._put(replace(there, looks=there.looks - 1, status=PROVISIONING if there.looks > 0 else READY))
        return there

    def _get(self, name: str) -> Kept | None:
        row = self._database.execute("SELECT document FROM key_value_snapshots WHERE name = ?", (name,)).fetchone()
        return Kept(**json.loads(row["document"])) if row else None

    def _put(self, kept: Kept, items: str | None = None) -> None:
        document = json.dumps(asdict(kept))
        if items is None:
            changed = "UPDATE key_value_snapshots SET document = ? WHERE name = ?"
            self._database.execute(changed, (document, kept.name))
        else:
            self._database.execute("INSERT INTO key_value_snapshots VALUES (?, ?, ?)", (kept.name, document, items))


def answer(kept: Kept, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    body = {name: value for name, value in asdict(kept).items() if name != "looks"}
    more = {"ETag": f'"{kept.etag}"', "Link": f'</kv?snapshot={kept.name}>; rel="items"', **(headers or {})}
    return web.json_response(body, status=status, content_type=TYPE, headers=more)
