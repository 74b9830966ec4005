"""The front end of an endpoint: a reverse proxy before the front ends of sites, as an edge of Front Door is one.

Session affinity is a cookie that names an origin; it holds while that one is enabled and healthy, whatever the weights.
"""

import asyncio
import hashlib
import random
import secrets
import time
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from aiohttp import web
from multidict import CIMultiDict

from slipway.local.azure.door import Door, Unanswered
from slipway.local.azure.front_door.edge import Asked, Edge, Looks, Origin, OriginGroup, chances
from slipway.local.azure.logs.edge_log import NOBODY, EdgeServed, Endpoint
from slipway.local.azure.passing import NOT_PASSED_ON, head_of

AFFINITY = ("ASLBSA", "ASLBSACORS")
RESPONSE_TIMEOUT_S = 60.0
PAGE = "<html><body><h1>{}</h1></body></html>"
NO_ROUTE = PAGE.format("Page not found")
UNAVAILABLE = PAGE.format("Our services aren't available right now")


class Passed(NamedTuple):
    """The answer, the status that is logged (0 for an origin that did not answer in time), and what went wrong."""

    response: web.Response
    status: int
    error: str = "NoError"


class EndpointFrontEnd:
    """`edge` is what the edge knows at a moment. `told` hears of every request."""

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        edge: Callable[[datetime], Edge],
        looks: Looks,
        told: Callable[[EdgeServed], None],
        now: Callable[[], datetime],
    ) -> None:
        self._name = name
        self._endpoint = endpoint
        self._edge = edge
        self._looks = looks
        self._told = told
        self._now = now
        self._doors: dict[str, Door] = {}

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        at, began = self._now(), time.perf_counter()
        reference = secrets.token_hex(12)
        edge = self._edge(at)
        route = edge.route(self._name, request.path)
        route_name, rules, group, origin = "", "", None, None
        if route is None:
            passed = _page(404, NO_ROUTE, "UnspecifiedClientError")
        else:
            path, rules = route.leads(_asked(request)) if route.rules else (route.group, "")
            route_name, group = route.name, edge.groups[path]
            origin = self._drawn(group, request)
            passed = await self._passed(request, origin) if origin else _page(503, UNAVAILABLE, "OriginError")
        passed.response.headers["x-azure-ref"] = reference
        if group and origin and group.sticky and request.cookies.get(AFFINITY[0]) != _named(origin):
            for name in AFFINITY:
                more = "; SameSite=None; Secure" if name == AFFINITY[1] else ""
                passed.response.headers.add("Set-Cookie", f"{name}={_named(origin)}; Path=/; HttpOnly{more}")
        self._told(
            EdgeServed(
                at=at,
                endpoint=self._endpoint,
                method=request.method,
                path=request.path_qs,
                host=request.headers.get("Host", self._endpoint.host),
                status=passed.status,
                took_s=time.perf_counter() - began,
                origin_name=origin.host if origin else NOBODY,
                route=route_name,
                rules=rules,
                error=passed.error,
                user_agent=request.headers.get("User-Agent", ""),
                request_bytes=request.content_length or 0,
                response_bytes=len(passed.response.body) if isinstance(passed.response.body, bytes) else 0,
                reference=reference,
            )
        )
        return passed.response

    def close(self) -> None:
        for door in self._doors.values():
            door.close()

    def _drawn(self, group: OriginGroup, request: web.BaseRequest) -> Origin | None:
        if group.sticky and (named := request.cookies.get(AFFINITY[0])):
            for origin in group.origins:
                if _named(origin) == named and origin.enabled and self._looks.well(group, origin):
                    return origin
        shares = chances(group, self._looks)
        return random.choices(list(shares), list(shares.values()))[0] if shares else None

    async def _passed(self, request: web.BaseRequest, origin: Origin) -> Passed:
        body = await request.read() if request.body_exists else b""
        door = self._doors.setdefault(origin.host, Door(int(origin.host.partition(":")[2])))
        try:
            async with asyncio.timeout(RESPONSE_TIMEOUT_S):
                reply = await door.ask(request.method, head_of(request, len(body)), body)
        except Unanswered:
            return _page(503, UNAVAILABLE, "OriginConnectionAborted")
        except TimeoutError:
            return Passed(_page(503, UNAVAILABLE, "").response, 0, "OriginTimeout")
        headers = CIMultiDict[str]()
        for name, value in reply.headers:
            if name.lower() not in NOT_PASSED_ON:
                headers.add(name.decode("latin-1"), value.decode("latin-1"))
        response = web.Response(status=reply.status, reason=reply.reason, headers=headers, body=reply.body)
        return Passed(response, reply.status)


def _asked(request: web.BaseRequest) -> Asked:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Asked(request.path, headers, request.cookies)


def _named(origin: Origin) -> str:
    """What the cookie says instead of the origin's name."""
    return hashlib.sha256(origin.host.encode()).hexdigest()


def _page(status: int, text: str, error: str) -> Passed:
    return Passed(web.Response(status=status, text=text, content_type="text/html"), status, error)
