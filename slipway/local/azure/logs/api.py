"""Log Analytics' query API: `POST /v1/workspaces/{id}/query` and `/v1/$batch`.

A batch answers 200 and has a status for each of its queries. Queries run one after the other, in a thread: the cores
belong to the load. Every workspace has the same tables.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web
from pydantic import BaseModel, TypeAdapter, ValidationError

from slipway.local.azure.logs.mishaps import MishapsApi
from slipway.local.azure.logs.queries import Queries, QueryRefused, Timespan
from slipway.local.azure.tokens import TokenRefused, Tokens

AUDIENCES = ("https://api.loganalytics.io", "https://api.loganalytics.azure.com")
PARTIAL = {
    "code": "PartialError",
    "message": "There were some errors when processing your query.",
    "details": [{"code": "EngineError", "message": "Something went wrong processing your query on the server."}],
}
READABLE = "readable"  # of a request: whether who asks may ask that workspace that
INSUFFICIENT = "The provided credentials have insufficient access to perform the requested operation"
_duration = TypeAdapter(timedelta)


class QueryBody(BaseModel):
    query: str
    timespan: str | None = None


class BatchItem(BaseModel):
    id: str
    workspace: str
    body: QueryBody


class Batch(BaseModel):
    requests: list[BatchItem]


class LogsApi:
    """`known` are the ids of workspaces that there are; without any, every id is one. A query waits until `ready`."""

    def __init__(
        self,
        queries: Queries,
        ready: Callable[[], Awaitable[None]],
        mishaps: MishapsApi,
        tokens: Tokens,
        known: tuple[str, ...],
        now: Callable[[], datetime],
    ) -> None:
        self._queries = queries
        self._ready = ready
        self._mishaps = mishaps
        self._tokens = tokens
        self._known = known
        self._now = now

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v1/workspaces/{workspace}/query", self.query),
            web.post("/v1/$batch", self.batch),
        ]

    async def query(self, request: web.Request) -> web.Response:
        if (refused := self._refused(request)) is not None:
            return refused
        try:
            body = QueryBody.model_validate_json(await request.read())
        except ValidationError as error:
            return _bad_request(error)
        status, answer = await self._answer(request, request.match_info["workspace"], body)
        return web.json_response(answer, status=status)

    async def batch(self, request: web.Request) -> web.Response:
        if (refused := self._refused(request)) is not None:
            return refused
        try:
            asked = Batch.model_validate_json(await request.read())
        except ValidationError as error:
            return _bad_request(error)
        responses = []
        for item in asked.requests:
            status, answer = await self._answer(request, item.workspace, item.body)
            headers = {"Content-Type": "application/json; charset=utf-8"}
            responses.append({"id": item.id, "status": status, "headers": headers, "body": answer})
        return web.json_response({"responses": responses})

    async def _answer(self, request: web.Request, workspace: str, body: QueryBody) -> tuple[int, dict[str, Any]]:
        await self._ready()
        readable: Callable[[str, str], bool] = request.get(READABLE, lambda *_: True)
        try:
            if not readable(workspace, body.query):
                raise QueryRefused(403, "InsufficientAccessError", "InsufficientAccessError", INSUFFICIENT)
            if self._known and workspace not in self._known:
                message = f"The workspace {workspace} could not be found"
                raise QueryRefused(404, "WorkspaceNotFoundError", "WorkspaceNotFoundError", message)
            seen = self._queries.seen(body.query, _timespan(body, self._now()), workspace.lower())
            table = await asyncio.to_thread(self._queries.table, body.query, seen)
        except QueryRefused as refused:
            return refused.status, {"error": refused.error}
        if self._mishaps.due("partial"):
            half = {**table, "rows": table["rows"][: len(table["rows"]) // 2]}
            return 200, {"tables": [half], "error": PARTIAL}
        return 200, {"tables": [table]}

    def _refused(self, request: web.Request) -> web.Response | None:
        try:
            self._tokens.check(request.headers.get("Authorization"), AUDIENCES)
        except TokenRefused as refusal:
            return _error(401, "InvalidTokenError", f"The provided authentication is not valid: {refusal}")
        if self._mishaps.due("throttled"):
            return _error(
                429, "ThrottledError", "Too many queries: the limit is 200 in 30 seconds.", {"Retry-After": "5"}
            )
        return None


def _timespan(body: QueryBody, now: datetime) -> Timespan:
    """Raises QueryRefused for a timespan that is none: ISO 8601, start/end, start/duration or a duration until now."""
    if not body.timespan:
        return Timespan()
    try:
        first, _, second = body.timespan.partition("/")
        if not second:
            return Timespan(now - _duration.validate_python(first), now)
        begins = datetime.fromisoformat(first)
        ends = begins + _duration.validate_python(second) if second.startswith("P") else datetime.fromisoformat(second)
        return Timespan(begins, ends)
    except ValueError as error:
        message = f"Invalid timespan {json.dumps(body.timespan)}: {error}"
        raise QueryRefused(400, "BadArgumentError", "InvalidTimespan", message) from error


def _bad_request(error: ValidationError) -> web.Response:
    return _error(400, "BadArgumentError", f"The request had some invalid properties: {error.errors()[0]['msg']}")


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status, headers=headers)
