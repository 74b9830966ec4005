"""Faults on purpose: how tests make the stand-in misbehave."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Self, TypeAlias

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

Serve: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Carry: TypeAlias = Callable[[Any], Awaitable[web.StreamResponse]]


class Match(BaseModel):
    """Which requests: all must hold. `site` is a front end by its name in the ready line, such as `web(staging)`;
    without it the requests to Azure's own services are meant. Another part that is left out matches all."""

    model_config = ConfigDict(extra="forbid")
    method: str | None = None
    path_contains: str = ""
    site: str | None = None

    def takes(self, request: web.BaseRequest, site: str | None) -> bool:
        of_this = self.method in (None, request.method) and self.path_contains in request.path_qs
        return of_this and self.site == site


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
    is carried out or `after`. `hold_s`: whatever comes, it comes so much later, or when it is released; alone it
    is the real answer. `hold` says whether the request waits `before` it is carried out or its answer `after`.
    It happens `times` times."""

    model_config = ConfigDict(extra="forbid")
    match: Match = Match()
    answer: Answer | None = None
    drop: Literal["before", "after"] | None = None
    hold_s: float = Field(default=0.0, ge=0, le=600)
    hold: Literal["before", "after"] = "after"
    times: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _one_way_to_fail(self) -> Self:
        if self.answer is not None and self.drop is not None:
            raise ValueError("say either answer or drop")
        if self.answer is None and self.drop is None and not self.hold_s:
            raise ValueError("say answer, drop or hold_s")
        return self


@dataclass(eq=False)
class Held:
    """A request that waits, and what lets it go."""

    method: str
    path: str
    carried_out: bool
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def shown(self) -> dict[str, JsonValue]:
        return {"method": self.method, "path": self.path, "carried_out": self.carried_out}


class Faults:
    PATH = "/standin/faults"
    HELD_PATH = "/standin/held"

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._held: list[Held] = []

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(self.PATH, self.add),
            web.get(self.PATH, self.show),
            web.delete(self.PATH, self.clear),
            web.get(self.HELD_PATH, self.show_held),
            web.delete(self.HELD_PATH, self.release),
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

    async def show_held(self, _: web.Request) -> web.Response:
        return web.json_response([held.shown() for held in self._held])

    async def release(self, _: web.Request) -> web.Response:
        for held in self._held:
            held.released.set()
        return web.Response(status=204)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in (self.PATH, self.HELD_PATH):
            return await handler(request)
        return await self._met(request, handler, None)

    def before(self, handler: Serve, site: str) -> Serve:
        """The front end's handler, with the faults of that site in its way."""

        async def met(request: web.BaseRequest) -> web.StreamResponse:
            return await self._met(request, handler, site) if self._faults else await handler(request)

        return met

    async def _met(self, request: Any, handler: Carry, site: str | None) -> web.StreamResponse:
        fault = self._due(request, site)
        if fault is None:
            return await handler(request)
        if fault.hold == "before" and not await self._hold(request, fault, carried_out=False):
            return _cut_off(request)  # nobody carries out what nobody waits for
        real = None
        if fault.answer is None and fault.drop != "before":
            real = await handler(request)
        if fault.hold == "after":
            await self._hold(request, fault, carried_out=real is not None)
        if fault.answer is not None:
            return fault.answer.response()
        if real is not None and fault.drop is None:
            return real
        return _cut_off(request)

    async def _hold(self, request: web.BaseRequest, fault: Fault, carried_out: bool) -> bool:
        """Wait until it is released, or long enough. Whether its sender is still there then."""
        if fault.hold_s:
            held = Held(request.method, request.path_qs, carried_out)
            self._held.append(held)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(held.released.wait(), fault.hold_s)
            self._held.remove(held)
        return request.transport is not None and not request.transport.is_closing()

    def _due(self, request: web.BaseRequest, site: str | None) -> Fault | None:
        fault = next((fault for fault in self._faults if fault.match.takes(request, site)), None)
        if fault is not None:
            fault.times -= 1
            if fault.times == 0:
                self._faults.remove(fault)
        return fault


def _cut_off(request: web.BaseRequest) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)  # never leaves: the connection is gone
