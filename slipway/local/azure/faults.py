"""Faults on purpose: how tests make the stand-in misbehave."""

from typing import Literal, Self

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator


class Match(BaseModel):
    """Which requests: both must hold; what is left out matches all."""

    model_config = ConfigDict(extra="forbid")
    method: str | None = None
    path_contains: str = ""

    def takes(self, request: web.Request) -> bool:
        return self.method in (None, request.method) and self.path_contains in request.path_qs


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    status: int = Field(ge=200, le=599)
    headers: dict[str, str] = {}
    body: JsonValue = None

    def response(self) -> web.Response:
        if self.body is None or isinstance(self.body, str):
            return web.Response(status=self.status, headers=self.headers, text=self.body or "")
        return web.json_response(self.body, status=self.status, headers=self.headers)


class Fault(BaseModel):
    """`answer`: instead of the real one. `drop`: the connection ends without an answer, `before` the request
    is carried out or `after`. It happens `times` times."""

    model_config = ConfigDict(extra="forbid")
    match: Match = Match()
    answer: Answer | None = None
    drop: Literal["before", "after"] | None = None
    times: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _one_way_to_fail(self) -> Self:
        if (self.answer is None) == (self.drop is None):
            raise ValueError("say either answer or drop")
        return self


class Faults:
    PATH = "/standin/faults"

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(self.PATH, self.add),
            web.get(self.PATH, self.show),
            web.delete(self.PATH, self.clear),
        ]

    async def add(self, request: web.Request) -> web.Response:
        try:
            fault = Fault.model_validate_json(await request.read())
        except ValidationError as error:
            return web.Response(status=400, text=str(error))
        self._faults.append(fault)
        return web.json_response({"waiting": len(self._faults)}, status=201)

    async def show(self, _: web.Request) -> web.Response:
        return web.json_response([fault.model_dump(exclude_none=True) for fault in self._faults])

    async def clear(self, _: web.Request) -> web.Response:
        self._faults.clear()
        return web.Response(status=204)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        fault = None if request.path == self.PATH else self._due(request)
        if fault is None:
            return await handler(request)
        if fault.answer is not None:
            return fault.answer.response()
        if fault.drop == "after":
            await handler(request)
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)  # never leaves: the connection is gone

    def _due(self, request: web.Request) -> Fault | None:
        fault = next((fault for fault in self._faults if fault.match.takes(request)), None)
        if fault is not None:
            fault.times -= 1
            if fault.times == 0:
                self._faults.remove(fault)
        return fault
