"""What time it is for all that the stand-in stamps or tells: the machine's, or in virtual time what it was set to.

Tokens stay on the machine's clock, with which the clients compare them.
"""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, ValidationError

SCHEMA = "CREATE TABLE IF NOT EXISTS clock (only INTEGER PRIMARY KEY CHECK (only = 1), now TEXT NOT NULL);"
Now: TypeAlias = Callable[[], datetime]


class SetTo(BaseModel):
    now: AwareDatetime


def stamp(moment: datetime) -> str:
    """As Resource Manager writes it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Clock:
    """`GET` and `POST /standin/clock {"now": "2026-11-30T12:00:00Z"}`. Virtual time stands where it was put, over a
    restart too, and never goes back. A new one starts at `starts_at`, as does one that stood before that."""

    PATH = "/standin/clock"

    def __init__(self, database: sqlite3.Connection, virtual: bool, starts_at: datetime | None = None) -> None:
        self._db = database
        database.executescript(SCHEMA)
        kept = [datetime.fromisoformat(row["now"]) for row in database.execute("SELECT now FROM clock")]
        moments = [*kept, *([starts_at] if starts_at else [])]
        self._stands_at = max(moments, default=datetime.now(UTC)) if virtual else None

    def now(self) -> datetime:
        return self._stands_at or datetime.now(UTC)

    def routes(self) -> list[web.RouteDef]:
        return [web.get(self.PATH, self.show), web.post(self.PATH, self.set)]

    async def show(self, _: web.Request) -> web.Response:
        return self._shown()

    async def set(self, request: web.Request) -> web.Response:
        """400 for what is no moment with its zone; 409, with the time that it is, where time passes by itself and for
        an earlier moment."""
        try:
            moment = SetTo.model_validate_json(await request.read()).now.astimezone(UTC)
        except ValidationError as error:
            return web.Response(status=400, text=str(error))
        if self._stands_at is None:
            return self._shown(409, error="time passes by itself here: start it with --virtual-time")
        if moment < self._stands_at:
            return self._shown(409, error="it is later already")
        self._db.execute("INSERT OR REPLACE INTO clock VALUES (1, ?)", (moment.isoformat(),))
        self._stands_at = moment
        return await self.show(request)

    def _shown(self, status: int = 200, **more: str) -> web.Response:
        told = {"now": self.now().isoformat(), "virtual": self._stands_at is not None}
        return web.json_response(told | more, status=status)
