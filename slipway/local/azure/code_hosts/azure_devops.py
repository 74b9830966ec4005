"""Statuses of commits in Azure DevOps (REST 7.1), in every repository that is asked for, for tokens of the managed
identity. Whoever has none is sent to the page where people sign in, as there."""

import json
import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import Any

from aiohttp import web

from slipway.local.azure.code_hosts.reading import Refused, body_of, refused_as, required
from slipway.local.azure.tokens import TokenRefused, Tokens

PATH = "/azure-devops"
AUDIENCE = "499b84ac-1321-427f-aa17-267ca6975798"
STATES = {"notSet", "pending", "succeeded", "failed", "error", "notApplicable"}
SCHEMA = """
CREATE TABLE IF NOT EXISTS azure_devops_statuses (
    id INTEGER PRIMARY KEY AUTOINCREMENT, place TEXT NOT NULL, context TEXT NOT NULL, document TEXT NOT NULL);
"""


class AzureDevOpsApi:
    """`now` is the clock."""

    def __init__(self, database: sqlite3.Connection, tokens: Tokens, now: Callable[[], datetime]) -> None:
        self._db, self._tokens, self._now = database, tokens, now
        database.executescript(SCHEMA)

    def routes(self) -> list[web.RouteDef]:
        root = PATH + "/{organization}/{project}/_apis/git/repositories/{repository}/commits/{commit}/statuses"
        return [
            web.get(root, refused_as("message", self.statuses)),
            web.post(root, refused_as("message", self.say)),
        ]

    async def statuses(self, request: web.Request) -> web.Response:
        if not self._is_known(request):
            return _sign_in()
        query = "SELECT id, context, document FROM azure_devops_statuses WHERE place = ? ORDER BY id DESC"
        rows = self._db.execute(query, (_place(request),)).fetchall()
        if request.query.get("latestOnly", "").lower() == "true":
            rows = list({context: (id, context, document) for id, context, document in reversed(rows)}.values())
        found = [{"id": id, **json.loads(document)} for id, _, document in rows]
        return web.json_response({"count": len(found), "value": found})

    async def say(self, request: web.Request) -> web.Response:
        if not self._is_known(request):
            return _sign_in()
        asked = await body_of(request)
        state, context = required(asked, "state"), asked.get("context") or {}
        if state not in STATES:
            raise Refused(400, f"{state!r} is no state of a commit")
        said: dict[str, Any] = {**asked, "creationDate": self._now().isoformat()}
        named = f"{context.get('genre', '')}/{required(context, 'name')}"
        values = _place(request), named, json.dumps(said)
        row = self._db.execute("INSERT INTO azure_devops_statuses (place, context, document) VALUES (?, ?, ?)", values)
        return web.json_response({"id": row.lastrowid, **said}, status=201)

    def _is_known(self, request: web.Request) -> bool:
        try:
            self._tokens.check(request.headers.get("Authorization"), (AUDIENCE,))
        except TokenRefused:
            return False
        return True


def _sign_in() -> web.Response:
    return web.Response(status=203, text="<html><title>Azure DevOps Services | Sign In</title></html>")


def _place(request: web.Request) -> str:
    return "/".join(request.match_info[name] for name in ("organization", "project", "repository", "commit")).lower()
