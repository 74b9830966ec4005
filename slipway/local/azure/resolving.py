"""The users of a name: a front end that asks resolvers where the name leads, and passes each request on to there.

A real name has an address and no server; here it has a port, so that users can come by it. Each request comes from
behind one of a few resolvers, and a resolver keeps what it was answered for as long as it was told. They are nobody's
at Azure: what they keep is forgotten when the stand-in ends.
"""

import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias

from aiohttp import web
from multidict import CIMultiDict

from slipway.local.azure.clock import Now
from slipway.local.azure.door import Door, Unanswered
from slipway.local.azure.passing import NOT_PASSED_ON, head_of


class Resolved(NamedTuple):
    """The port that a name leads to, None for none, and for how long whoever hears of it keeps that."""

    port: int | None
    ttl_s: float


Ask: TypeAlias = Callable[[], Awaitable[Resolved]]


class NameFrontEnd:
    """`ask` is what the name servers answer. Use `close` at the end."""

    def __init__(self, name: str, ask: Ask, resolvers: int, now: Now) -> None:
        self._name = name
        self._ask = ask
        self._now = now
        self._kept: list[tuple[datetime, int | None] | None] = [None] * resolvers
        self._doors: dict[int, Door] = {}

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """502 for a name that leads nowhere and for a place where nobody answers: a user's client would say so."""
        port = await self._resolve(random.randrange(len(self._kept)))
        if port is None:
            return web.Response(status=502, text=f"502: {self._name} does not resolve")
        body = await request.read() if request.body_exists else b""
        door = self._doors.setdefault(port, Door(port))
        try:
            reply = await door.ask(request.method, head_of(request, len(body)), body)
        except Unanswered:
            return web.Response(status=502, text=f"502: nobody answers where {self._name} leads")
        headers = CIMultiDict[str]()
        for name, value in reply.headers:
            if name.lower() not in NOT_PASSED_ON:
                headers.add(name.decode("latin-1"), value.decode("latin-1"))
        return web.Response(status=reply.status, reason=reply.reason, headers=headers, body=reply.body)

    def close(self) -> None:
        for door in self._doors.values():
            door.close()

    async def _resolve(self, resolver: int) -> int | None:
        kept = self._kept[resolver]
        if kept is not None and self._now() < kept[0]:
            return kept[1]
        found = await self._ask()
        self._kept[resolver] = self._now() + timedelta(seconds=found.ttl_s), found.port
        return found.port
