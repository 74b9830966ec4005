"""A system of a team's own, which webhook gates ask: it takes every question, keeps it, and says nothing by itself.

`GET` shows what came; whoever plays the system calls back.
"""

import json
import sqlite3

from aiohttp import web

SCHEMA = "CREATE TABLE IF NOT EXISTS webhooks (n INTEGER PRIMARY KEY AUTOINCREMENT, sent TEXT NOT NULL);"


class Webhooks:
    PATH = "/standin/webhooks"

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database
        database.executescript(SCHEMA)

    def routes(self) -> list[web.RouteDef]:
        return [web.post(self.PATH, self.take), web.get(self.PATH, self.show)]

    async def take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        sent = {"headers": headers, "body": (await request.read()).decode(errors="replace")}
        self._db.execute("INSERT INTO webhooks (sent) VALUES (?)", (json.dumps(sent),))
        return web.Response(status=202)

    async def show(self, request: web.Request) -> web.Response:
        found = self._db.execute("SELECT sent FROM webhooks ORDER BY n").fetchall()
        return web.json_response([json.loads(each["sent"]) for each in found])
