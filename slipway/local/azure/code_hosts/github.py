"""GitHub's deployments and their statuses (REST 2022-11-28), in every repository that is asked for. Any bearer token
will do. What GitHub does by itself is done too: a success makes other deployments of its environment inactive, unless
`auto_inactive` is false."""

import json
import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import Any

from aiohttp import web

from slipway.local.azure.code_hosts.reading import Refused, body_of, refused_as, required

PATH = "/github"
STATES = {"error", "failure", "inactive", "in_progress", "queued", "pending", "success"}
SCHEMA = """
CREATE TABLE IF NOT EXISTS github_deployments (
    id INTEGER PRIMARY KEY AUTOINCREMENT, repository TEXT NOT NULL, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS github_statuses (
    id INTEGER PRIMARY KEY AUTOINCREMENT, deployment INTEGER NOT NULL, document TEXT NOT NULL);
"""


class GitHubApi:
    """`now` is the clock."""

    def __init__(self, database: sqlite3.Connection, now: Callable[[], datetime]) -> None:
        self._db, self._now = database, now
        database.executescript(SCHEMA)

    def routes(self) -> list[web.RouteDef]:
        root = PATH + "/repos/{owner}/{repo}/deployments"
        return [
            web.get(root, refused_as("message", self.deployments)),
            web.post(root, refused_as("message", self.create)),
            web.get(root + "/{id:[0-9]+}/statuses", refused_as("message", self.statuses)),
            web.post(root + "/{id:[0-9]+}/statuses", refused_as("message", self.say)),
        ]

    async def deployments(self, request: web.Request) -> web.Response:
        wanted = {key: request.query[key] for key in ("environment", "task", "sha", "ref") if key in request.query}
        found = [each for each in self._of(_repository(request)) if {**wanted} == {key: each[key] for key in wanted}]
        return web.json_response(found[: int(request.query.get("per_page", "30"))])

    async def create(self, request: web.Request) -> web.Response:
        asked = await body_of(request)
        ref = required(asked, "ref")
        at = self._now().isoformat()
        known = {key: asked.get(key) for key in ("description", "payload")}
        made = {"ref": ref, "sha": ref, "task": asked.get("task", "deploy"), "created_at": at, **known}
        made["environment"] = asked.get("environment", "production")
        values = _repository(request), json.dumps(made)
        row = self._db.execute("INSERT INTO github_deployments (repository, document) VALUES (?, ?)", values)
        return web.json_response({"id": row.lastrowid, **made}, status=201)

    async def statuses(self, request: web.Request) -> web.Response:
        found = self._said(self._deployment(request)["id"])
        return web.json_response(found[: int(request.query.get("per_page", "30"))])

    async def say(self, request: web.Request) -> web.Response:
        deployment, asked = self._deployment(request), await body_of(request)
        state = required(asked, "state")
        if state not in STATES:
            raise Refused(422, f"{state!r} is no state of a deployment")
        if len(asked.get("description", "")) > 140:
            raise Refused(422, "description is too long (maximum is 140 characters)")
        said = self._add(deployment["id"], {**asked, "environment": deployment["environment"]})
        if state == "success" and asked.get("auto_inactive", True):
            for other in self._of(_repository(request)):
                active = [each["state"] for each in self._said(other["id"])[:1]] == ["success"]
                if active and other["id"] != deployment["id"] and other["environment"] == deployment["environment"]:
                    self._add(other["id"], {"state": "inactive"})
        return web.json_response(said, status=201)

    def _add(self, deployment: int, said: dict[str, Any]) -> dict[str, Any]:
        said = {**said, "created_at": self._now().isoformat()}
        values = deployment, json.dumps(said)
        row = self._db.execute("INSERT INTO github_statuses (deployment, document) VALUES (?, ?)", values)
        return {"id": row.lastrowid, **said}

    def _deployment(self, request: web.Request) -> dict[str, Any]:
        wanted = int(request.match_info["id"])
        found = next((each for each in self._of(_repository(request)) if each["id"] == wanted), None)
        if found is None:
            raise Refused(404, "Not Found")
        return found

    def _of(self, repository: str) -> list[dict[str, Any]]:
        """The newest first."""
        query = "SELECT id, document FROM github_deployments WHERE repository = ? ORDER BY id DESC"
        return [{"id": id, **json.loads(document)} for id, document in self._db.execute(query, (repository,))]

    def _said(self, deployment: int) -> list[dict[str, Any]]:
        """The newest first."""
        query = "SELECT id, document FROM github_statuses WHERE deployment = ? ORDER BY id DESC"
        return [{"id": id, **json.loads(document)} for id, document in self._db.execute(query, (deployment,))]


def _repository(request: web.Request) -> str:
    return f"{request.match_info['owner']}/{request.match_info['repo']}".lower()
