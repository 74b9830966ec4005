"""What can go wrong between an app and its workspace, on demand: `POST /standin/telemetry`.

Nothing is changed in the table: rows are late, lost or twice in what a query sees, and are again as they were when the
mishap is over. Which rows, their numbers decide: the same ones in every query.
"""

from datetime import datetime, timedelta

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from slipway.local.azure.logs.store import naive

Share = float


class Mishaps(BaseModel):
    """`late`: this share of rows is seen `delay_s` after it was generated. `lost`: this share is never seen, and no
    row from `lost_from` until before `lost_until`. `twice`: this share comes a second time. `shuffled`: rows come in no
    order of time. The next `partial` answers to queries are partial ones, the next `throttled` requests are refused.
    """

    model_config = ConfigDict(extra="forbid")
    delay_s: float = Field(default=0.0, ge=0)
    late: Share = Field(default=1.0, ge=0, le=1)
    lost: Share = Field(default=0.0, ge=0, le=1)
    lost_from: AwareDatetime | None = None
    lost_until: AwareDatetime | None = None
    twice: Share = Field(default=0.0, ge=0, le=1)
    shuffled: bool = False
    partial: int = Field(default=0, ge=0)
    throttled: int = Field(default=0, ge=0)

    def seen(self, relation: str, now: datetime) -> str:
        """SQL for the rows of `relation` that a query sees at `now`."""
        where = ["true"]
        if self.delay_s:
            arrived = naive(now - timedelta(seconds=self.delay_s))
            where.append(f"(TimeGenerated <= TIMESTAMP '{arrived}' OR NOT {_share(1, self.late)})")
        if self.lost:
            where.append(f"NOT {_share(2, self.lost)}")
        if self.lost_from and self.lost_until:
            gap = f"TIMESTAMP '{naive(self.lost_from)}' AND TimeGenerated < TIMESTAMP '{naive(self.lost_until)}'"
            where.append(f"NOT (TimeGenerated >= {gap})")
        sql = f"SELECT * FROM {relation} WHERE {' AND '.join(where)}"
        if self.twice:
            sql += f" UNION ALL {sql} AND {_share(3, self.twice)}"
        return f"SELECT * FROM ({sql}) ORDER BY hash(Number)" if self.shuffled else sql


def _share(draw: int, share: Share) -> str:
    """SQL that holds for about that share of rows; another draw holds for others."""
    return f"(hash(xor(Number, {draw}::UBIGINT)) % 1000000 < {round(share * 1_000_000)})"


class MishapsApi:
    """`GET` shows them, `POST` puts others in their place, `DELETE` ends them."""

    PATH = "/standin/telemetry"

    def __init__(self) -> None:
        self.now = Mishaps()

    def routes(self) -> list[web.RouteDef]:
        return [web.get(self.PATH, self.show), web.post(self.PATH, self.set), web.delete(self.PATH, self.clear)]

    def due(self, what: str) -> bool:
        """Whether the next one goes wrong: `partial` or `throttled`."""
        left: int = getattr(self.now, what)
        if left:
            self.now = self.now.model_copy(update={what: left - 1})
        return left > 0

    async def show(self, _: web.Request) -> web.Response:
        return web.json_response(text=self.now.model_dump_json())

    async def set(self, request: web.Request) -> web.Response:
        try:
            self.now = Mishaps.model_validate_json(await request.read())
        except ValidationError as error:
            return web.Response(status=400, text=str(error))
        return await self.show(request)

    async def clear(self, _: web.Request) -> web.Response:
        self.now = Mishaps()
        return web.Response(status=204)
