"""Table service REST (x-ms-version 2019-02-02, JSON with minimal metadata) below `/tables`."""

import base64
import json
import re
import uuid
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from slipway.local.azure.tables import entity as edm
from slipway.local.azure.tables.entity import Entity, EntityRefused
from slipway.local.azure.tables.filter import FilterError, parse
from slipway.local.azure.tables.store import LARGEST_PAGE, Change, Keys, TableStore
from slipway.local.azure.tokens import TABLES, TokenRefused, Tokens

PREFIX = "/tables/"
LARGEST_BODY = 4 * 1024 * 1024
TABLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{2,62}")
ONE_TABLE = re.compile(r"Tables\('(?P<table>[^']+)'\)")
ALL_ENTITIES = re.compile(r"(?P<table>[A-Za-z0-9]+)(?:\(\))?")
ONE_ENTITY = re.compile(
    r"(?P<table>[A-Za-z0-9]+)\(PartitionKey='(?P<partition>(?:[^']|'')*)',\s*RowKey='(?P<row>(?:[^']|'')*)'\)"
)


class TableApi:
    def __init__(self, store: TableStore, tokens: Tokens) -> None:
        self._store = store
        self._tokens = tokens
        self._endpoint = f"{tokens.issuer.base}/tables"

    def routes(self) -> list[web.RouteDef]:
        return [web.route("*", PREFIX + "{tail:.*}", self.handle)]

    async def handle(self, request: web.Request) -> web.Response:
        headers = {
            "x-ms-request-id": str(uuid.uuid4()),
            "x-ms-version": request.headers.get("x-ms-version", "2019-02-02"),
        }
        try:
            self._tokens.check(request.headers.get("Authorization"), TABLES)
            response = await self._route(request)
        except TokenRefused as refusal:
            headers["WWW-Authenticate"] = self._tokens.issuer.challenge(TABLES[1])
            response = _refusal(EntityRefused(401, "InvalidAuthenticationInfo", f"Not authenticated: {refusal}."))
        except EntityRefused as refusal:
            response = _refusal(refusal)
        except FilterError as error:
            response = _refusal(EntityRefused(400, "InvalidInput", f"The $filter cannot be used: {error}."))
        response.headers.update(headers)
        return response

    async def _route(self, request: web.Request) -> web.Response:
        path = unquote(request.raw_path.partition("?")[0].removeprefix(PREFIX))
        # azure-data-tables sends a merge to Cosmos DB, and so to localhost, as POST with this header.
        method = request.headers.get("X-HTTP-Method", request.method)
        if path == "$batch":
            raise EntityRefused(501, "NotImplemented", "Entity group transactions ($batch) are not in this stand-in.")
        if path == "Tables" and method in ("GET", "POST"):
            return await self._create_table(request) if method == "POST" else self._list_tables(request)
        if (table := ONE_TABLE.fullmatch(path)) and method == "DELETE":
            self._store.delete_table(table["table"])
            return web.Response(status=204)
        if one := ONE_ENTITY.fullmatch(path):
            keys = (one["partition"].replace("''", "'"), one["row"].replace("''", "'"))
            return await self._route_entity(request, method, one["table"], keys)
        if every := ALL_ENTITIES.fullmatch(path):
            if method == "GET" and not request.query.get("comp"):
                return self._query(request, every["table"])
            if method == "POST":
                return await self._insert(request, every["table"])
        raise EntityRefused(501, "NotImplemented", f"{method} {request.path_qs} is not in this stand-in.")

    async def _route_entity(self, request: web.Request, method: str, table: str, keys: Keys) -> web.Response:
        if_match = request.headers.get("If-Match")
        match method:
            case "GET":
                found = self._store.get(table, keys)
                return self._show(found, table, 200, _select(request))
            case "PUT" | "PATCH" | "MERGE":
                change: Change = "replace" if method == "PUT" else "merge"
                entity = edm.load(await _body(request), keys)
                if if_match is None:
                    written = self._store.upsert(table, entity, change)
                else:
                    written = self._store.update(table, entity, change, if_match)
                return web.Response(status=204, headers={"ETag": written.etag})
            case "DELETE":
                if if_match is None:
                    raise EntityRefused(400, "MissingRequiredHeader", "A delete needs an If-Match header.")
                self._store.delete(table, keys, if_match)
                return web.Response(status=204)
        raise EntityRefused(501, "NotImplemented", f"{method} of an entity is not in this stand-in.")

    async def _create_table(self, request: web.Request) -> web.Response:
        name = str((await _body(request)).get("TableName", ""))
        if not TABLE_NAME.fullmatch(name):
            raise EntityRefused(400, "InvalidResourceName", "The specified resource name contains invalid characters.")
        self._store.create_table(name)
        body = {"odata.metadata": f"{self._endpoint}/$metadata#Tables/@Element", "TableName": name}
        return _created(request, body, {})

    def _list_tables(self, request: web.Request) -> web.Response:
        wanted = parse(request.query["$filter"]) if "$filter" in request.query else None
        names = [name for name in self._store.tables() if wanted is None or wanted.holds({"TableName": name})]
        return web.json_response({"value": [{"TableName": name} for name in names]})

    async def _insert(self, request: web.Request, table: str) -> web.Response:
        written = self._store.insert(table, edm.load(await _body(request)))
        body = {"odata.metadata": self._metadata(table, one=True), **edm.dump(written)}
        return _created(request, body, {"ETag": written.etag})

    def _query(self, request: web.Request, table: str) -> web.Response:
        query = request.query
        wanted = parse(query["$filter"]) if query.get("$filter") else None
        start = None
        if "NextPartitionKey" in query:
            start = (_unmark(query["NextPartitionKey"]), _unmark(query.get("NextRowKey", _mark(""))))
        page = self._store.query(table, wanted, _top(query.get("$top", "")), start)
        select = _select(request)
        headers = {}
        if page.next is not None:
            headers = {
                "x-ms-continuation-NextPartitionKey": _mark(page.next[0]),
                "x-ms-continuation-NextRowKey": _mark(page.next[1]),
            }
        body = {
            "odata.metadata": self._metadata(table, one=False),
            "value": [edm.dump(entity, select) for entity in page.entities],
        }
        return web.json_response(body, headers=headers)

    def _show(self, entity: Entity, table: str, status: int, select: frozenset[str] | None) -> web.Response:
        body = {"odata.metadata": self._metadata(table, one=True), **edm.dump(entity, select)}
        return web.json_response(body, status=status, headers={"ETag": entity.etag})

    def _metadata(self, table: str, one: bool) -> str:
        return f"{self._endpoint}/$metadata#{table}" + ("/@Element" if one else "")


async def _body(request: web.Request) -> dict[str, Any]:
    if request.content_length is not None and request.content_length > LARGEST_BODY:
        raise EntityRefused(413, "RequestBodyTooLarge", "The request body is larger than 4 MiB.")
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError as error:
        raise EntityRefused(400, "InvalidInput", f"The body is not JSON: {error}.") from error
    if not isinstance(body, dict):
        raise EntityRefused(400, "InvalidInput", "The body must be one JSON object.")
    return body


def _created(request: web.Request, body: dict[str, Any], headers: dict[str, str]) -> web.Response:
    if request.headers.get("Prefer") == "return-no-content":
        return web.Response(status=204, headers=headers | {"Preference-Applied": "return-no-content"})
    return web.json_response(body, status=201, headers=headers)


def _select(request: web.Request) -> frozenset[str] | None:
    names = [name.strip() for name in request.query.get("$select", "").split(",")]
    return None if names in ([""], ["*"]) else frozenset(names)


def _top(text: str) -> int:
    if text and (not text.isdecimal() or int(text) == 0):
        raise EntityRefused(400, "InvalidQueryParameterValue", f"$top must be a positive number, not {text!r}.")
    return int(text) if text else LARGEST_PAGE


def _mark(key: str) -> str:
    """A key as a continuation header may carry it: opaque, never empty, ASCII."""
    return "1!" + base64.urlsafe_b64encode(key.encode()).decode()


def _unmark(mark: str) -> str:
    try:
        return base64.urlsafe_b64decode(mark.removeprefix("1!")).decode()
    except ValueError as error:
        raise EntityRefused(400, "InvalidInput", "The continuation token is not one of ours.") from error


def _refusal(refusal: EntityRefused) -> web.Response:
    message = {"lang": "en-US", "value": str(refusal)}
    return web.json_response(
        {"odata.error": {"code": refusal.code, "message": message}},
        status=refusal.status,
        headers={"x-ms-error-code": refusal.code},
    )
