"""The host's HTTP side: the app's routes, `/admin/…`, the durable client's `/durabletask/…`, the durable webhooks."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from aiohttp import web

from slipway.local.functions.admin import HostStatus, describe_functions, full_route
from slipway.local.functions.app import Function
from slipway.local.functions.authentication import Authentication, InvalidToken, without_reserved
from slipway.local.functions.bindings import HttpTrigger
from slipway.local.functions.clock_api import ClockApi
from slipway.local.functions.durable.engine import DurableEngine, RpcRequest
from slipway.local.functions.http_trigger import joined, request_datum, response, trace_of
from slipway.local.functions.invocation import InvocationFailed, Invoker
from slipway.local.functions.keys import MasterKey, SystemKey
from slipway.local.functions.openid import IssuerUnavailable
from slipway.local.functions.refusal import AppRefused
from slipway.local.functions.routes import Route, Routes, Template
from slipway.local.functions.timer_trigger import TimerListener

log = logging.getLogger(__name__)
BODY_LIMIT = 210 * 1024 * 1024  # bytes; Azure's
WEBHOOK_ROOT = "/runtime/webhooks/durabletask/"
RESERVED = ("admin", "runtime", "durabletask")  # first segments that are the host's own
LOOPBACK = ("127.0.0.1", "localhost")


class Server:
    """Answers requests; `application` is what aiohttp serves."""

    def __init__(
        self,
        functions: Sequence[Function],
        route_prefix: str,
        invoker: Invoker,
        engine: DurableEngine,
        status: HostStatus,
        authentication: Authentication | None,
        key: MasterKey | None,
        system_key: SystemKey,
        rpc_root: str,
        timers: Mapping[str, TimerListener],
        clock: ClockApi,
    ) -> None:
        """`key`: None where keys are not checked; the webhooks always ask theirs. `timers` by name of function.

        `rpc_root` is where the durable client finds the engine: an address that only the app is told, since what
        comes there is trusted. (In Azure it is on a port that only the worker reaches.)

        Raises AppRefused for a route that is not understood.
        """
        self._functions = {function.name: function for function in functions}
        self._route_prefix = route_prefix
        self._routes = routes_of(functions, route_prefix)
        self._invoker = invoker
        self._engine = engine
        self._status = status
        self._authentication = authentication
        self._key = key
        self._system_key = system_key
        self._rpc_root = rpc_root
        self._timers = timers
        self._clock = clock
        self._by_hand: set[asyncio.Task[None]] = set()

    def application(self) -> web.Application:
        application = web.Application(client_max_size=BODY_LIMIT)
        application.router.add_get("/admin/host/ping", self._ping)
        application.router.add_get("/admin/host/status", self._host_status)
        application.router.add_get("/admin/functions", self._list_functions)
        application.router.add_get("/admin/functions/{name}", self._describe_function)
        application.router.add_post("/admin/functions/{name}", self._run_function)
        application.router.add_get("/admin/clock", self._look_at_clock)
        application.router.add_post("/admin/clock", self._move_clock)
        application.router.add_route("*", self._rpc_root + "{path:.*}", self._durable_rpc)
        application.router.add_route("*", WEBHOOK_ROOT + "{path:.*}", self._durable_webhook)
        for reserved in RESERVED:
            application.router.add_route("*", f"/{reserved}{{path:(/.*)?}}", self._not_found)
        application.router.add_route("*", "/{path:.*}", self._function)
        return application

    async def _ping(self, request: web.Request) -> web.Response:
        return web.Response()

    async def _host_status(self, request: web.Request) -> web.Response:
        self._refuse_strangers(request)
        return web.json_response(self._status.describe())

    async def _list_functions(self, request: web.Request) -> web.Response:
        self._refuse_strangers(request)
        return web.json_response(self._described(request, list(self._functions.values())))

    async def _describe_function(self, request: web.Request) -> web.Response:
        self._refuse_strangers(request)
        function = self._functions.get(request.match_info["name"])
        if function is None:
            raise web.HTTPNotFound
        return web.json_response(self._described(request, [function])[0])

    async def _run_function(self, request: web.Request) -> web.Response:
        """Runs a timer's function by hand; the answer does not wait for it."""
        self._refuse_strangers(request)
        name = request.match_info["name"]
        if name not in self._functions:
            raise web.HTTPNotFound
        timer = self._timers.get(name)
        if timer is None:
            words = f"function '{name}' has no timer trigger, or is disabled: this host runs only timers by hand"
            return web.json_response({"Message": words}, status=400)
        run = asyncio.create_task(timer.run_by_hand())
        self._by_hand.add(run)
        run.add_done_callback(self._by_hand.discard)
        return web.Response(status=202)

    async def _look_at_clock(self, request: web.Request) -> web.Response:
        self._refuse_strangers(request)
        return self._clock.look()

    async def _move_clock(self, request: web.Request) -> web.Response:
        self._refuse_strangers(request)
        return await self._clock.move(request)

    async def _not_found(self, request: web.Request) -> web.Response:
        raise web.HTTPNotFound

    async def _durable_rpc(self, request: web.Request) -> web.Response:
        refuse_pages(request)
        return await self._durable(request, self._rpc_root)

    async def _durable_webhook(self, request: web.Request) -> web.Response:
        opened = self._system_key.opens(request) or (self._key is not None and self._key.opens(request))
        if not opened:
            raise web.HTTPUnauthorized(text="")
        return await self._durable(request, WEBHOOK_ROOT)

    async def _durable(self, request: web.Request, root: str) -> web.Response:
        answer = await self._engine.handle(
            RpcRequest(
                method=request.method,
                path=unquote(request.raw_path.partition("?")[0]).removeprefix(root),
                query=joined(request.query),
                headers=request.headers,
                body=await request.read(),
                root=f"http://{request.host}{root}".rstrip("/"),
            )
        )
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    async def _function(self, request: web.Request) -> web.Response:
        if self._status.state != "Running":
            raise web.HTTPServiceUnavailable
        headers = without_reserved(joined(request.headers))
        headers |= await self._principal(request)
        found = self._routes.find(request.method, request.raw_path.partition("?")[0])
        if found is None:
            raise web.HTTPNotFound
        name, route_values = found
        function = self._functions[name]
        self._check_level(request, function)
        datum = await request_datum(request, route_values, headers)
        try:
            answer = await self._invoker.invoke(function, datum, trace=trace_of(request))
        except InvocationFailed:
            return web.Response(status=500)
        return response(answer)

    async def _principal(self, request: web.Request) -> Mapping[str, str]:
        if self._authentication is None:
            return {}
        try:
            return await self._authentication.principal_headers(request.headers.get("Authorization", ""))
        except InvalidToken as error:
            log.warning("a bearer token was refused: %s", error)
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}) from error
        except IssuerUnavailable as error:
            log.error("no bearer token can be judged: %s", error)
            raise web.HTTPServiceUnavailable from error

    def _check_level(self, request: web.Request, function: Function) -> None:
        trigger = function.bindings.trigger
        anonymous = isinstance(trigger, HttpTrigger) and trigger.auth_level == "ANONYMOUS"
        if not anonymous and self._key is not None and not self._key.opens(request):
            raise web.HTTPUnauthorized(text="")

    def _refuse_strangers(self, request: web.Request) -> None:
        refuse_pages(request)
        if self._key is not None and not self._key.opens(request):
            raise web.HTTPUnauthorized(text="")

    def _described(self, request: web.Request, functions: Sequence[Function]) -> list[dict[str, object]]:
        return describe_functions(functions, f"http://{request.host}", self._route_prefix)


def routes_of(functions: Sequence[Function], prefix: str) -> Routes:
    """The routes of all enabled functions with an HTTP trigger."""
    return Routes(
        _route(function.name, function.bindings.trigger, prefix)
        for function in functions
        if isinstance(function.bindings.trigger, HttpTrigger) and not function.disabled
    )


def _route(function: str, trigger: HttpTrigger, prefix: str) -> Route:
    route = full_route(prefix, trigger)
    if route.lower().partition("/")[0] in RESERVED:
        raise AppRefused(f"function '{function}': route '{route}' is taken by the host")
    try:
        return Route(Template(route), trigger.methods, function)
    except AppRefused as refused:
        raise AppRefused(f"function '{function}': {refused}") from refused


def refuse_pages(request: web.Request) -> None:
    """What needs no key on a laptop must still not be open to any page in the laptop's browser.

    In Azure these addresses are on a port of their own, or behind a key.
    """
    other_site = request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
    if "Origin" in request.headers or other_site or request.url.host not in LOOPBACK:
        raise web.HTTPForbidden
