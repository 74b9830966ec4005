"""App Configuration's data plane: `/kv`, `/kv/{key}`, `/revisions`, `/snapshots/{name}` (api-version 2023-11-01 on).

The store is at the server's root, as a store's endpoint is. `POST` and `DELETE /standin/flags` write and remove a flag
without asking for anything: as somebody else does, behind the back of whoever has just read it. So do those of
`/standin/settings` with a setting.
"""

import fnmatch
import json
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from slipway.local.azure.configuration.problems import problem
from slipway.local.azure.configuration.snapshots import Snapshots
from slipway.local.azure.configuration.store import KeyValue, KeyValueStore
from slipway.local.azure.tokens import TokenRefused, Tokens

AUDIENCES = ("https://appconfig.azure.com", "https://azconfig.io")
ONE, MANY = "application/vnd.microsoft.appconfig.kv+json", "application/vnd.microsoft.appconfig.kvset+json"
FLAG_PREFIX = ".appconfig.featureflag/"
FLAG_TYPE = "application/vnd.microsoft.appconfig.ff+json;charset=utf-8"
PAGE = 100
LARGEST_VALUE = 10_000
NO_LABEL = "\0"


class PutBody(BaseModel):
    model_config = ConfigDict(extra="ignore")
    value: str | None = None
    content_type: str | None = None
    tags: dict[str, str] = {}
    description: str | None = None


class SomebodyElses(BaseModel):
    """A flag's `value` as its document. `tags` None: those that are there stay."""

    model_config = ConfigDict(extra="forbid")
    name: str
    label: str = ""
    value: dict[str, Any]
    tags: dict[str, str] | None = None
    locked: bool = False
    description: str | None = None


class SomebodysSetting(BaseModel):
    model_config = ConfigDict(extra="forbid")
    key: str
    label: str = ""
    value: str
    content_type: str | None = None


class ConfigurationApi:
    PATH, SETTINGS = "/standin/flags", "/standin/settings"

    def __init__(self, store: KeyValueStore, snapshots: Snapshots, tokens: Tokens) -> None:
        self._store = store
        self._snapshots = snapshots
        self._tokens = tokens

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/kv", self.show),
            web.get("/revisions", self.show_revisions),
            web.route("*", "/kv/{key:.+}", self.one),
            web.route("*", "/snapshots/{name}", self.one_snapshot),
            web.get("/operations", self.show_operation),
            web.post(self.PATH, self.changed_by_somebody),
            web.post(self.SETTINGS, self.setting_by_somebody),
            web.delete(self.SETTINGS, self.setting_deleted),
            web.delete(self.PATH, self.deleted_by_somebody),
        ]

    async def one(self, request: web.Request) -> web.Response:
        if (refused := self._refused(request)) is not None:
            return refused
        key, label = request.match_info["key"], _label(request)
        there = self._store.get(key, label)
        match request.method:
            case "GET" | "HEAD":
                if there is None:
                    return web.Response(status=404)
                if _etag_of(request, "If-None-Match") == there.etag:
                    return web.Response(status=304, headers={"ETag": f'"{there.etag}"'})
                return _answer(there)
            case "PUT":
                return await self._put(request, key, label, there)
            case "DELETE":
                if not _holds(request, there):
                    return web.Response(status=412)
                if there is None:
                    return web.Response(status=204)
                if there.locked:
                    return _locked(key)
                self._store.delete(key, label)
                return _answer(there)
        return web.Response(status=405)

    async def _put(self, request: web.Request, key: str, label: str, there: KeyValue | None) -> web.Response:
        try:
            body = PutBody.model_validate_json(await request.read())
        except ValidationError as error:
            return problem(400, "invalid-argument", "Invalid request body", str(error))
        if len(body.value or "") > LARGEST_VALUE:
            return problem(413, "value-too-large", "The value is too large", f"at most {LARGEST_VALUE} characters")
        if not _holds(request, there):
            return web.Response(status=412)
        if there is not None and there.locked:
            return _locked(key)
        return _answer(self._store.put(key, label, body.value, body.content_type, body.tags, body.description))

    async def one_snapshot(self, request: web.Request) -> web.Response:
        if (refused := self._refused(request)) is not None:
            return refused
        return await self._snapshots.one(request)

    async def show_operation(self, request: web.Request) -> web.Response:
        return refused if (refused := self._refused(request)) is not None else self._snapshots.operation(request)

    async def show(self, request: web.Request) -> web.Response:
        if (name := request.query.get("snapshot")) is None:
            return self._listed(request, self._store.all())
        found = self._snapshots.items(name)
        return web.Response(status=404) if found is None else self._listed(request, found)

    async def show_revisions(self, request: web.Request) -> web.Response:
        return self._listed(request, self._store.revisions())

    def _listed(self, request: web.Request, found: list[KeyValue]) -> web.Response:
        if (refused := self._refused(request)) is not None:
            return refused
        keys, label = request.query.get("key", "*"), request.query.get("label", "*")
        wanted = [each for each in found if _matches(each.key, keys) and _matches(each.label or NO_LABEL, label)]
        after = int(request.query.get("after", "0"))
        page = wanted[after : after + PAGE]
        select = [each for each in request.query.get("$select", "").split(",") if each]
        items = [_body(each) for each in page]
        if select:
            items = [{name: value for name, value in each.items() if name in select} for each in items]
        body: dict[str, Any] = {"items": items}
        if after + PAGE < len(wanted):
            body["@nextLink"] = str(request.rel_url.update_query(after=str(after + PAGE)))
        return web.json_response(body, content_type=MANY)

    async def changed_by_somebody(self, request: web.Request) -> web.Response:
        try:
            asked = SomebodyElses.model_validate_json(await request.read())
        except ValidationError as error:
            return web.Response(status=400, text=str(error))
        key = FLAG_PREFIX + asked.name
        there = self._store.get(key, asked.label)
        tags = asked.tags if asked.tags is not None else dict(there.tags) if there else {}
        more: dict[str, Any] = {"locked": asked.locked, "description": asked.description}
        written = self._store.put(key, asked.label, json.dumps(asked.value), FLAG_TYPE, tags, **more)
        return web.json_response(_body(written))

    async def deleted_by_somebody(self, request: web.Request) -> web.Response:
        self._store.delete(FLAG_PREFIX + request.query["name"], request.query.get("label", ""))
        return web.Response(status=204)

    async def setting_by_somebody(self, request: web.Request) -> web.Response:
        try:
            asked = SomebodysSetting.model_validate_json(await request.read())
        except ValidationError as error:
            return web.Response(status=400, text=str(error))
        return web.json_response(_body(self._store.put(asked.key, asked.label, asked.value, asked.content_type, {})))

    async def setting_deleted(self, request: web.Request) -> web.Response:
        self._store.delete(request.query["key"], request.query.get("label", ""))
        return web.Response(status=204)

    def _refused(self, request: web.Request) -> web.Response | None:
        try:
            self._tokens.check(request.headers.get("Authorization"), AUDIENCES)
        except TokenRefused as refusal:
            challenge = 'HMAC-SHA256, Bearer error="invalid_token"'
            return web.Response(status=401, headers={"WWW-Authenticate": challenge}, text=str(refusal))
        return None


def _label(request: web.Request) -> str:
    return request.query.get("label", "").replace(NO_LABEL, "")


def _holds(request: web.Request, there: KeyValue | None) -> bool:
    """Whether the request's condition is true."""
    wanted, unwanted = _etag_of(request, "If-Match"), _etag_of(request, "If-None-Match")
    if wanted and (there is None or (wanted != "*" and wanted != there.etag)):
        return False
    return not (unwanted and there is not None and unwanted in ("*", there.etag))


def _etag_of(request: web.Request, header: str) -> str:
    return request.headers.get(header, "").strip().removeprefix("W/").strip('"')


def _matches(text: str, filters: str) -> bool:
    return any(fnmatch.fnmatchcase(text, each.replace("\\,", ",")) for each in filters.split(","))


def _answer(found: KeyValue) -> web.Response:
    return web.json_response(
        _body(found), content_type=ONE, headers={"ETag": f'"{found.etag}"', "Sync-Token": "st=1;sn=1"}
    )


def _body(found: KeyValue) -> dict[str, Any]:
    body: dict[str, Any] = {
        "etag": found.etag,
        "key": found.key,
        "label": found.label or None,
        "content_type": found.content_type,
        "value": found.value,
        "last_modified": found.last_modified,
        "locked": found.locked,
        "tags": dict(found.tags),
    }
    return body | ({"description": found.description} if found.description is not None else {})


def _locked(key: str) -> web.Response:
    name = f"The key '{key}' is read-only"
    return problem(409, "key-locked", "Modifying key is not allowed", f"{name}. To allow modification unlock it.")
