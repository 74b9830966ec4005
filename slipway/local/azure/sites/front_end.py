"""The front end of a slot: a reverse proxy on the slot's fixed port, whatever runs behind it.

That of a production site also carries out its routing rules: the query or the cookie `x-ms-routing-name` pins a
request, another one is drawn, and the answer sets the cookie, which a browser keeps for an hour.
"""

import time
from datetime import datetime

from aiohttp import web

from slipway.local.azure.passing import pass_on
from slipway.local.azure.sites.plant import Plant
from slipway.local.azure.sites.routers import Routers
from slipway.local.azure.sites.store import PRODUCTION, SiteStore, SlotName
from slipway.local.azure.watching import Watching

ROUTING_NAME = "x-ms-routing-name"
KEEP = "Max-Age=3600; Path=/; HttpOnly"

STOPPED = "<html><body><h1>Error 403 - This web app is stopped.</h1></body></html>"
UNAVAILABLE = "<html><body><h1>503 Service Unavailable</h1></body></html>"


class FrontEnd:
    def __init__(self, name: SlotName, store: SiteStore, plant: Plant, routers: Routers, watching: Watching) -> None:
        self._name = name
        self._store = store
        self._plant = plant
        self._routers = routers
        self._watching = watching

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Passes the request on and adds nothing but the cookie: the app itself says which version it is."""
        drawn = self._routers.draw(self._name.site, _pinned(request)) if self._name.slot == PRODUCTION else None
        answer = await self._answered(request, drawn.slot if drawn else self._name)
        if drawn and request.cookies.get(ROUTING_NAME) != drawn.name:
            answer.headers.add("Set-Cookie", f"{ROUTING_NAME}={drawn.name}; {KEEP}")
        return answer

    async def _answered(self, request: web.BaseRequest, slot: SlotName) -> web.Response:
        at, began = self._watching.now(), time.perf_counter()
        crew = self._plant.crew(slot)
        if crew is not None and crew.sleeps:
            await self._plant.wake(crew)
        worker = crew.next() if crew else None
        if crew is None or worker is None:
            return self._nobody(slot, at)
        passed = await pass_on(request, worker)
        self._watching.served(slot, crew.played, worker.instance, request.path, passed, at, time.perf_counter() - began)
        return passed.response

    def _nobody(self, slot: SlotName, at: datetime) -> web.Response:
        if self._store.slot(slot).state == "Stopped":
            answer = web.Response(status=403, text=STOPPED, content_type="text/html")
        else:
            answer = web.Response(status=503, text=UNAVAILABLE, content_type="text/html")
        self._watching.found_nobody(slot, answer.status, at)
        return answer


def _pinned(request: web.BaseRequest) -> str | None:
    """The query speaks before the cookie."""
    if ROUTING_NAME in request.raw_path and ROUTING_NAME in request.query:
        return request.query[ROUTING_NAME]
    return request.cookies.get(ROUTING_NAME)
