"""Before every request: whether who asks may. `/standin/rights` shows what was asked for, and withholds for a while.

`POST {"withhold": ["Microsoft.Web/sites/slots/slotsswap/action"], "times": 3}`: refused three times although it is
given, as an assignment that came a moment ago; or `"for_s": 60`; without either until `DELETE`. `GET` tells every
action that was asked for since the last `DELETE`.
"""

import re

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slipway.local.azure.logs.api import READABLE
from slipway.local.azure.rights import places
from slipway.local.azure.rights.given import Demand, Rights
from slipway.local.azure.rights.planes import plane_of
from slipway.local.azure.tokens import Tokens

_WORKSPACES = "Microsoft.OperationalInsights/workspaces/query"
_TABLES = re.compile(r"\b(App(?:Requests|Events|Exceptions|Traces|Dependencies|Metrics)|ContainerApp\w+Logs(?:_CL)?)\b")


class Withhold(BaseModel):
    model_config = ConfigDict(extra="forbid")
    withhold: list[str] = Field(min_length=1)
    times: int | None = Field(default=None, ge=1)
    for_s: float | None = Field(default=None, gt=0)


class RightsApi:
    """`group`: the id of the stand-in's own resource group."""

    PATH = "/standin/rights"

    def __init__(self, rights: Rights, tokens: Tokens, group: str) -> None:
        self._rights = rights
        self._tokens = tokens
        self._group = group

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(self.PATH, self.show),
            web.post(self.PATH, self.withhold),
            web.delete(self.PATH, self.forget),
        ]

    async def show(self, _: web.Request) -> web.Response:
        return web.json_response({"asked": sorted(self._rights.asked)})

    async def withhold(self, request: web.Request) -> web.Response:
        try:
            told = Withhold.model_validate_json(await request.read())
        except ValidationError as error:
            return web.Response(status=400, text=str(error))
        self._rights.withhold(told.withhold, told.times, told.for_s)
        return web.Response(status=201)

    async def forget(self, _: web.Request) -> web.Response:
        self._rights.give_back()
        self._rights.asked.clear()
        return web.Response(status=204)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        client = await self._client(request)
        if client is None:  # nobody, whom the service turns away itself, or somebody whose rights are not ours to ask
            return await handler(request)
        request[READABLE] = self._readable
        if (plane := plane_of(request.path)) is not None:
            for demand in await plane.demands(request, self._group):
                if lacking := self._rights.lacking(demand):
                    return plane.refused(request, demand, lacking, client)
        return await handler(request)

    async def _client(self, request: web.Request) -> str | None:
        """The object id of the app's identity, if it is it."""
        shown = request.headers.get("Authorization")
        if request.path.endswith("/oauth2/exchange"):
            shown = f"Bearer {(await request.post()).get('access_token', '')}"
        return self._tokens.slipway_in(shown)

    def _readable(self, workspace: str, kql: str) -> bool:
        """Whether a workspace may be asked that."""
        tables = sorted(set(_TABLES.findall(kql)))
        actions = (f"{_WORKSPACES}/read", *(f"{_WORKSPACES}/{table}/read" for table in tables))
        return not self._rights.lacking(Demand(places.workspace(self._group, workspace), actions))
