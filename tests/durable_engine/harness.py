"""Runs a Durable Functions app in this process: the SDK's own code, the real engine, a virtual clock.

    async with World(app) as world:
        await world.start("order", {"id": 1}, "order-1")
        await world.run()                       # until nothing can happen before somebody acts
        assert world.output("order-1") == ...

`app` is a `df.DFApp` or a function that makes one (an app may be indexed only once).
"""

import asyncio
import inspect
import json
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import azure.durable_functions as df
from aiohttp import web
from azure.durable_functions.models.utils import http_utils
from azure.functions import FunctionRegister, get_binding_registry
from azure.functions.meta import Datum

from slipway.local.functions.clock import VirtualClock
from slipway.local.functions.durable.engine import (
    BACKENDS,
    ActivityFailed,
    DurableEngine,
    Limits,
    RpcRequest,
    RpcResponse,
    Versioning,
)

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_KINDS = {"orchestrationTrigger": "orchestrator", "activityTrigger": "activity", "entityTrigger": "entity"}
_NAMED_BY = {"orchestrator": "orchestration", "activity": "activity", "entity": "entity_name"}


class AppFunctions:
    """The engine's `Functions` on an app's registered functions, through the SDK's own converters."""

    def __init__(self, app: FunctionRegister, client_binding: Callable[[], str] = lambda: "") -> None:
        self._client_binding = client_binding
        self._functions: dict[str, tuple[str, Any]] = {}
        for function in app.get_functions():
            trigger = function.get_trigger()
            if (kind := _KINDS.get(trigger.type)) is not None:
                name = getattr(trigger, _NAMED_BY[kind]) or function.get_function_name()
                self._functions[name.lower()] = (kind, function)

    def kind(self, name: str) -> str | None:
        kind, _ = self._functions.get(name.lower(), (None, None))
        return kind

    def orchestrate(self, name: str, body: str) -> str:
        return self._run_handler("orchestrationTrigger", name, body)

    def run_entity(self, name: str, body: str) -> str:
        return self._run_handler("entityTrigger", name, body)

    async def run_activity(self, name: str, instance_id: str, input_json: str) -> str:
        _, function = self._functions[name.lower()]
        arguments = {function.get_trigger().name: _decode("activityTrigger", input_json)}
        for binding in function.get_bindings():
            if binding.type == "durableClient":
                arguments[binding.name] = self._client_binding()
        code = function.get_user_function()
        try:
            if inspect.iscoroutinefunction(code):
                result = await code(**arguments)
            else:
                result = await asyncio.to_thread(code, **arguments)
        except Exception as problem:
            raise ActivityFailed(type(problem).__name__, str(problem), traceback.format_exc()) from problem
        return _converter("activityTrigger").encode(result, expected_type=None).value

    def _run_handler(self, binding: str, name: str, body: str) -> str:
        _, function = self._functions[name.lower()]
        return function.get_user_function()(_decode(binding, body))


def _converter(binding: str) -> Any:
    return get_binding_registry().get(binding)


def _decode(binding: str, text: str) -> Any:
    return _converter(binding).decode(Datum(text, "string"), trigger_metadata={})


class World:
    """An app, its engine, its clock. `state` may be a file, which a second World can open after `crash`."""

    def __init__(
        self,
        app: FunctionRegister | Callable[[], FunctionRegister],
        state: Path | str = ":memory:",
        *,
        start: datetime = START,
        limits: Limits | None = None,
        backend: str = "dts",
        versioning: Versioning | None = None,
    ) -> None:
        self.clock = VirtualClock(start)
        made = app if isinstance(app, FunctionRegister) else app()
        self.functions = AppFunctions(made, self.client_binding)
        self.engine = DurableEngine(
            self.functions,
            state,
            self.clock,
            limits=limits or Limits(),
            backend=BACKENDS[backend],
            versioning=versioning or Versioning(match="None"),
        )
        self._site: web.AppRunner | None = None
        self._root = "http://127.0.0.1/durabletask"

    async def __aenter__(self) -> "World":
        await self.engine.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.crash()

    async def crash(self) -> None:
        """Ends without a word, as a killed process does: whatever was running is lost."""
        await self.engine.stop()
        if self._site is not None:
            await http_utils._close_session()  # the SDK keeps one session per process, bound to its first loop
            await self._site.cleanup()
            self._site = None

    # time

    async def settle(self, timeout: float = 30.0) -> None:
        """Until nothing more happens at this instant."""
        await self.engine.until_idle(timeout)

    async def advance(self, by: timedelta) -> None:
        """Time passes; whatever falls due meanwhile happens at its time."""
        until = self.clock.now() + by
        await self.settle()
        while (due := self.engine.next_due()) is not None and due <= until:
            self.clock.advance_to(due)
            await self.settle()
        self.clock.advance_to(until)

    async def run(self, at_most: timedelta = timedelta(days=30)) -> None:
        """Until nothing would happen any more, or so much time has passed."""
        await self.settle()
        until = self.clock.now() + at_most
        while (due := self.engine.next_due()) is not None and due <= until:
            self.clock.advance_to(due)
            await self.settle()

    # the client's calls, without a socket

    async def call(self, method: str, path: str, body: Any = None, **query: str) -> RpcResponse:
        sent = b"" if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if sent else {}
        return await self.engine.handle(RpcRequest(method, path, query, headers, sent, self._root))

    async def start(self, name: str, input_: Any = None, instance: str = "one") -> str:
        body = None if input_ is None else json.dumps(input_)
        answer = await self.call("POST", f"orchestrators/{name}/{instance}", body)
        assert answer.status == 202, answer.body
        return instance

    async def raise_event(self, instance: str, name: str, data: Any = None) -> int:
        return (await self.call("POST", f"instances/{instance}/raiseEvent/{name}", json.dumps(data))).status

    async def signal(self, entity: str, key: str, operation: str, input_: Any = None) -> None:
        body = json.dumps(input_) if input_ else None
        assert (await self.call("POST", f"entities/{entity}/{key}", body, op=operation)).status == 202

    async def entity(self, entity: str, key: str) -> Any:
        answer = await self.call("GET", f"entities/{entity}/{key}")
        return json.loads(answer.body) if answer.status == 200 else None

    async def status(self, instance: str = "one", **query: str) -> dict[str, Any]:
        answer = await self.call("GET", f"instances/{instance}", **query)
        return json.loads(answer.body) if answer.body else {}

    async def runtime_status(self, instance: str = "one") -> str:
        return str((await self.status(instance))["runtimeStatus"])

    async def output(self, instance: str = "one") -> Any:
        """The output of an instance that must have completed."""
        status = await self.status(instance)
        assert status["runtimeStatus"] == "Completed", status
        return status["output"]

    async def failure(self, instance: str = "one") -> str:
        status = await self.status(instance)
        assert status["runtimeStatus"] == "Failed", status
        return str(status["output"])

    # the real client, over a real socket

    def client_binding(self) -> str:
        return self.engine.client_binding(self._root, self._root, "TestHub")

    async def client(self) -> df.DurableOrchestrationClient:
        if self._site is None:
            server = web.Application()
            server.router.add_route("*", "/durabletask/{path:.*}", self._serve)
            self._site = web.AppRunner(server, shutdown_timeout=0.1)
            await self._site.setup()
            await web.TCPSite(self._site, "127.0.0.1", 0).start()
            self._root = f"http://127.0.0.1:{self._site.addresses[0][1]}/durabletask"
        return df.DurableOrchestrationClient(self.client_binding())

    async def _serve(self, request: web.Request) -> web.Response:
        answer = await self.engine.handle(
            RpcRequest(
                request.method,
                request.match_info["path"],
                request.query,
                request.headers,
                await request.read(),
                self._root,
            )
        )
        return web.Response(status=answer.status, headers=dict(answer.headers), body=answer.body)
