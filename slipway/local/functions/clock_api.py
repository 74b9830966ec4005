"""`/admin/clock`: what time it is for the functions, and, in virtual time, moving on.

GET answers `{now, nextDue, virtual}`. POST moves the clock and answers the same with `idle`: `{"advance": seconds}`,
`{"until": time}`, or `{"run": "until idle"}`, which jumps until no orchestration waits for the clock any more.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from slipway.local.functions.clock import Clock
from slipway.local.functions.tells_time import NotTold
from slipway.local.functions.virtual_time import VirtualTime


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


class Move(BaseModel):
    """How the clock is to move: exactly one of the three."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    advance: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    until: Annotated[datetime, AfterValidator(_aware)] | None = None
    run: Literal["until idle"] | None = None

    @model_validator(mode="after")
    def _one(self) -> "Move":
        if len(self.model_fields_set) != 1 or getattr(self, *self.model_fields_set) is None:
            raise ValueError('give one of "advance": seconds, "until": time, "run": "until idle"')
        return self


class ClockApi:
    """`virtual` None: the host runs on the machine's time, which nobody moves."""

    def __init__(self, clock: Clock, next_due: Callable[[], datetime | None], virtual: VirtualTime | None) -> None:
        self._clock, self._next_due, self._virtual = clock, next_due, virtual

    def look(self) -> web.Response:
        return web.json_response(self._described())

    async def move(self, request: web.Request) -> web.Response:
        """400 for another body, 409 without virtual time or for a time out of reach, 503 when whoever is told of time
        does not answer."""
        if self._virtual is None:
            return _refused(409, "the clock is the machine's own; start the host with --virtual-time")
        try:
            move = Move.model_validate_json(await request.read())
        except ValidationError as error:
            return _refused(400, error.errors()[0]["msg"])
        try:
            idle = await self._move(self._virtual, move)
        except OverflowError:
            return _refused(409, "the calendar does not reach so far")
        except NotTold as error:
            return _refused(503, str(error))
        return web.json_response(self._described() | {"idle": idle})

    async def _move(self, virtual: VirtualTime, move: Move) -> bool:
        if move.run is not None:
            return await virtual.run_until_idle()
        until = move.until or self._clock.now() + timedelta(seconds=move.advance or 0)
        await virtual.advance_to(until)
        return True

    def _described(self) -> dict[str, object]:
        due = self._next_due()
        return {
            "now": self._clock.now().isoformat(),
            "nextDue": due.isoformat() if due else None,
            "virtual": self._virtual is not None,
        }


def _refused(status: int, words: str) -> web.Response:
    return web.json_response({"Message": words}, status=status)
