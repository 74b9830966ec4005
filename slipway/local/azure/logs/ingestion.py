"""Application Insights' ingestion: `POST /v2.1/track`, and `/v2/track` of older SDKs.

The body is a JSON array of envelopes, or one envelope a line, packed with gzip or not. As with a resource whose local
authentication is off, an instrumentation key alone is refused: a token for Azure Monitor is asked for.
"""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from slipway.local.azure.logs.envelopes import EnvelopeRefused, Told, told_by
from slipway.local.azure.logs.store import LogStore
from slipway.local.azure.tokens import TokenRefused, Tokens

AUDIENCES = ("https://monitor.azure.com",)
# An ingestion endpoint ends with a slash, and the SDKs add another.
PATHS = ("/v2.1/track", "//v2.1/track", "/v2/track", "//v2/track")
MOST_ENVELOPES = 10_000


class IngestionApi:
    def __init__(self, store: LogStore, tokens: Tokens) -> None:
        self._store = store
        self._tokens = tokens

    def routes(self) -> list[web.RouteDef]:
        return [web.post(path, self.track) for path in PATHS]

    async def track(self, request: web.Request) -> web.Response:
        """200, or 206 when some envelopes were refused, or 400 when all were."""
        try:
            self._tokens.check(request.headers.get("Authorization"), AUDIENCES)
        except TokenRefused as refusal:
            return _answer(401, 0, [], [_error(0, 401, f"Authentication required: {refusal}")])
        try:
            envelopes = list(_envelopes(await request.text()))  # aiohttp unpacks what is packed
        except ValueError as error:
            return _answer(400, 1, [], [_error(0, 400, f"Invalid JSON: {error}")])
        if len(envelopes) > MOST_ENVELOPES:
            return _answer(413, len(envelopes), [], [_error(0, 413, "too many envelopes")])
        accepted: list[Told | None] = []
        errors = []
        for index, envelope in enumerate(envelopes):
            try:
                accepted.append(told_by(envelope))
            except EnvelopeRefused as refused:
                errors.append(_error(index, 400, str(refused)))
        rows = [told for told in accepted if told is not None]
        if rows:
            await asyncio.to_thread(self._store.tell, rows)
        status = 200 if not errors else 206 if accepted else 400
        return _answer(status, len(envelopes), accepted, errors)


def _envelopes(text: str) -> Iterator[Any]:
    """Raises ValueError for what is no JSON."""
    if text.lstrip().startswith("["):
        yield from json.loads(text)
    else:
        yield from (json.loads(line) for line in text.splitlines() if line.strip())


def _answer(status: int, received: int, accepted: list[Told | None], errors: list[dict[str, Any]]) -> web.Response:
    said = {"itemsReceived": received, "itemsAccepted": len(accepted), "appId": None, "errors": errors}
    return web.json_response(said, status=status)


def _error(index: int, status: int, message: str) -> dict[str, Any]:
    return {"index": index, "statusCode": status, "message": message}
