"""What time it is for what the stand-in tells of traffic: the machine's, or in virtual time what it was set to.

Operations and tokens stay on the machine's clock, with which the clients compare them.
"""

from datetime import UTC, datetime

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, ValidationError

from slipway.local.azure.state import StateFolder


class SetTo(BaseModel):
    now: AwareDatetime


class Clock:
    """`GET` and `POST /standin/clock {"now": "2026-11-30T12:00:00Z"}`. Virtual time stands where it was put, over a
    restart too, and never goes back."""

    PATH = "/standin/clock"
    _KEPT = "now"

    def __init__(self, state: StateFolder, virtual: bool) -> None:
        self._state = state
        kept = state.kept(self._KEPT)
        stands_at = datetime.fromisoformat(str(kept)) if kept else datetime.now(UTC)
        self._stands_at = stands_at if virtual else None

    def now(self) -> datetime:
        return self._stands_at or datetime.now(UTC)

    def routes(self) -> list[web.RouteDef]:
        return [web.get(self.PATH, self.show), web.post(self.PATH, self.set)]

    async def show(self, _: web.Request) -> web.Response:
        return web.json_response({"now": self.now().isoformat(), "virtual": self._stands_at is not None})

    async def set(self, request: web.Request) -> web.Response:
        """400 for what is no moment with its zone; 409 where time passes by itself, and for an earlier moment."""
        try:
            moment = SetTo.model_validate_json(await request.read()).now.astimezone(UTC)
        except ValidationError as error:
            return web.Response(status=400, text=str(error))
        if self._stands_at is None:
            return web.Response(status=409, text="time passes by itself here: start it with --virtual-time")
        if moment < self._stands_at:
            return web.Response(status=409, text=f"it is {self._stands_at.isoformat()} already")
        self._state.keep(self._KEPT, moment.isoformat())
        self._stands_at = moment
        return await self.show(request)
