"""Our app's functions, called as the Functions host calls them: through the SDK, around a real durable engine.

    with AppHost() as app:
        answer = app.activity("deploy", order)
        reply = app.http("GET", "/api/promotions", a_principal(roles=["reader"]))

All of it runs on one event loop in a thread of its own, so a test may block.
"""

import asyncio
import base64
import contextlib
import json
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from aiohttp import web
from azure.durable_functions.models.utils import http_utils
from azure.functions.meta import Datum

from slipway.local.functions.authentication import principal_headers
from slipway.local.functions.clock import WallClock
from slipway.local.functions.durable.engine import DurableEngine, RpcRequest
from slipway.local.functions.durable_functions import DurableFunctions
from slipway.local.functions.invocation import Invoker
from slipway.local.functions.server import routes_of
from slipway.promotion.ids import environment_key, stage_id
from slipway.promotion.outcomes import Answer, iso
from slipway.promotion.plan import ApprovalPolicy
from tests.patience import wait_a_little
from tests.workflow.virtual import app_functions

T = TypeVar("T")
Json = dict[str, Any]
TENANT, AUDIENCE = "8d3c1f0e-5b1a-4a55-9c1e-0a4be1f0c0de", "slipway"
ALICE_OID, BOB_OID = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"


@dataclass(frozen=True)
class Reply:
    """What an HTTP trigger answered."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def problem(self) -> tuple[int, str]:
        """Status and code of an answer that must be problem+json as RFC 9457 has it."""
        assert self.headers["content-type"].startswith("application/problem+json"), self
        body = self.json
        assert body["status"] == self.status and body["title"] and body["detail"] and body["instance"], body
        return self.status, body["code"]


class HeldBack:
    """The engine's `Functions`: orchestrations and entities are the app's own, and so are the activities named in
    `carried_out`. All others are taken down and never come to an end, as if the worker were busy."""

    def __init__(self, durable: DurableFunctions) -> None:
        self.carried_out = {"nudge"}
        self.ordered: list[tuple[str, Json]] = []
        self.kind, self.orchestrate = durable.kind, durable.orchestrate
        self._durable = durable
        self._may_run = threading.Event()
        self._may_run.set()

    @contextlib.contextmanager
    def entities_stopped(self) -> Iterator[None]:
        """Entities take signals meanwhile and do not get to them."""
        self._may_run.clear()
        try:
            yield
        finally:
            self._may_run.set()

    def run_entity(self, name: str, body: str) -> str:
        self._may_run.wait(60)
        return self._durable.run_entity(name, body)

    async def run_activity(self, name: str, instance_id: str, input_json: str) -> str:
        self.ordered.append((name, json.loads(input_json)))
        if name not in self.carried_out:
            await asyncio.get_running_loop().create_future()
        return await self._durable.run_activity(name, instance_id, input_json)


class AppHost:
    """`held` is what the engine's orchestrations may do; `away` so many requests of the durable client are refused."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="app", daemon=True)
        unused: Any = None  # no function of ours has a message output
        self._invoker = Invoker(".", None, self._client_binding, unused)
        self._durable = DurableFunctions(app_functions(), self._invoker)
        self._functions = {function.name: function for function in app_functions()}
        self._routes = routes_of(app_functions(), "")
        self._root = ""
        self.held = HeldBack(self._durable)
        self.away = 0

    def __enter__(self) -> "AppHost":
        self._thread.start()
        self._run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # activities

    def activity(self, name: str, order: Json) -> Answer:
        """The activity's answer to one call. What it raises comes out as ActivityFailed."""
        return self.begin(name, order).result(60)

    def begin(self, name: str, order: Json) -> "Future[Answer]":
        """The same, without waiting for it."""

        async def run() -> Answer:
            return Answer.load(json.loads(await self._durable.run_activity(name, "an-instance", json.dumps(order))))

        return asyncio.run_coroutine_threadsafe(run(), self._loop)

    def followed(self, name: str, order: Json, answer: Answer | None = None, within_s: float = 60.0) -> Answer:
        """The activity called with the handle of its last answer until it has an outcome, as `operation` does."""
        deadline = time.monotonic() + within_s
        answer = answer or self.activity(name, order)
        while answer.running:
            assert time.monotonic() < deadline, answer
            wait_a_little(answer, 0.03)
            answer = self.activity(name, {**order, "handle": answer.handle})
        return answer

    # triggers

    def deliver(
        self,
        body: bytes,
        message_id: str = "m-1",
        delivery_count: int = 1,
        properties: Mapping[str, str] | None = None,
        function: str = "builds",
    ) -> None:
        """A message of the queue `builds`, or for another function that takes messages. Raises InvocationFailed where
        the host would abandon it."""
        application_properties = Datum(json.dumps(properties or {}), "json")
        metadata = {
            "MessageId": Datum(message_id, "string"),
            "DeliveryCount": Datum(delivery_count, "int"),
            "ApplicationProperties": application_properties,
            "UserProperties": application_properties,
        }
        self._run(self._invoker.invoke(self._functions[function], Datum(body, "bytes"), metadata))

    def tick(self, name: str) -> None:
        """A timer trigger's time has come. Raises InvocationFailed."""
        request = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": False}
        self._run(self._invoker.invoke(self._functions[name], Datum(json.dumps(request), "json")))

    def http(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: Json | bytes | None = None
    ) -> Reply:
        """A request with the headers that the platform would hand on."""
        plain, _, query = path.partition("?")
        found = self._routes.find(method, plain)
        assert found is not None, f"no route for {method} {path}"
        name, values = found
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        request = {
            "method": Datum(method, "string"),
            "url": Datum(f"http://127.0.0.1:7071{path}", "string"),
            "headers": {each: Datum(value, "string") for each, value in (headers or {}).items()},
            "query": {
                each.partition("=")[0]: Datum(each.partition("=")[2], "string") for each in query.split("&") if each
            },
            "params": {each: Datum(value, "string") for each, value in values.items()},
            "body": Datum(content, "bytes"),
        }
        answer = self._run(self._invoker.invoke(self._functions[name], Datum(request, "http")))
        assert answer is not None
        said = {each.lower(): value.value for each, value in answer.value["headers"].items()}
        return Reply(int(answer.value["status_code"].value), said, answer.value["body"].value.decode())

    # the engine

    def start(self, name: str, instance: str, given: Json) -> None:
        self._rpc("POST", f"orchestrators/{name}/{instance}", json.dumps(given))

    def end(self, instance: str, how: str) -> None:
        """An operator has the instance terminated or purged, at the runtime's own address."""
        if how == "terminate":
            self._rpc("POST", f"instances/{instance}/terminate", query={"reason": "by hand"})
        else:
            self._rpc("DELETE", f"instances/{instance}")

    def signal(self, entity: str, key: str, operation: str, given: Json) -> None:
        """Signal an entity and wait until its state shows a change."""
        before = self.entity(entity, key)
        self._rpc("POST", f"entities/{entity}/{key}", json.dumps(given), {"op": operation})
        eventually(lambda: self.entity(entity, key) != before)

    def entity(self, entity: str, key: str) -> Json:
        found: Json = self._rpc("GET", f"entities/{entity}/{key}") or {}
        return found

    def status(self, instance: str) -> Json | None:
        """The instance's status, or None when there is no such instance."""
        found: Json | None = self._rpc("GET", f"instances/{instance}", query={"showInput": "true"})
        return found if found and "runtimeStatus" in found else None

    def _rpc(self, method: str, path: str, text: str | None = None, query: dict[str, str] | None = None) -> Any:
        """The SDK's client encodes input twice."""
        body = b"" if text is None else json.dumps(text).encode()
        request = RpcRequest(method, path, query or {}, {"content-type": "application/json"}, body, self._root)
        answer = self._run(self.engine.handle(request))
        return json.loads(answer.body) if answer.body and answer.status < 300 else None

    # the loop

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _start(self) -> None:
        http_utils._client_session = None  # the SDK's one session: another test's loop may have left it behind
        self.engine = DurableEngine(self.held, ":memory:", WallClock())
        server = web.Application()
        server.router.add_route("*", "/durabletask/{path:.*}", self._serve)
        self._site = web.AppRunner(server, shutdown_timeout=0.1)
        await self._site.setup()
        await web.TCPSite(self._site, "127.0.0.1", 0).start()
        self._root = f"http://127.0.0.1:{self._site.addresses[0][1]}/durabletask"
        await self.engine.start()

    async def _stop(self) -> None:
        await self._invoker.drain(5)
        await self.engine.stop()
        await http_utils._close_session()
        await self._site.cleanup()
        await self._loop.shutdown_default_executor()

    async def _serve(self, request: web.Request) -> web.Response:
        if self.away:
            self.away -= 1
            return web.json_response({"message": "the host is starting"}, status=500)
        path, body = request.match_info["path"], await request.read()
        asked = RpcRequest(request.method, path, request.query, request.headers, body, self._root)
        answer = await self.engine.handle(asked)
        return web.Response(status=answer.status, headers=dict(answer.headers), body=answer.body)

    def _client_binding(self) -> str:
        return self.engine.client_binding(self._root, self._root, "TestHub")


def ask_people(
    app: AppHost,
    waiter: str,
    promotion: str,
    stage: str,
    policy: ApprovalPolicy,
    ends: timedelta = timedelta(hours=8),
    **more: Any,
) -> None:
    """Start the orchestration that waits for an approval, as `waiter`, and come back when it waits: its next look
    without a nudge is at `ends`, or in 15 minutes. The promotion's name is its environment's, which nobody shares."""
    now = datetime.now(UTC)
    announced: Json = {"holder": stage_id(promotion, stage), "waiter": waiter, "promotion": promotion, "stage": stage}
    announced |= {"version": "1.0.0", "finished_at": iso(now), "received_at": iso(now), "at": iso(now)}
    announced |= {"on_newer_build": "queue", "goes_back": False}
    asked: Json = {"promotion": promotion, "stage": stage, "policy": asdict(policy), "deadline": iso(now + ends)}
    asked |= {"environment": promotion, "service": "checkout", "announcement": announced, **more}
    app.start("approval", waiter, asked)
    eventually(lambda: waiter in app.entity("decisions", promotion).get("waiters", []))
    if ends > timedelta():
        eventually(lambda: app.entity("environment", environment_key(promotion, "checkout")).get("announced"))


def has_ended(app: AppHost, instance: str) -> bool:
    status = app.status(instance)
    return bool(status and status["runtimeStatus"] == "Completed")


# The platform leaves the token that it has judged where it was; what changes something wants to see it.
BEARER = {"Authorization": "Bearer judged.by.the-platform"}


def a_principal(
    name: str = "Alice Adams", oid: str = ALICE_OID, roles: tuple[str, ...] = ("reader",), **claims: Any
) -> dict[str, str]:
    """The headers that App Service authentication sets for a person; a claim that is None is left out."""
    told = {"oid": oid, "tid": TENANT, "aud": AUDIENCE, "name": name, "roles": list(roles), **claims}
    return BEARER | principal_headers({claim: value for claim, value in told.items() if value is not None})


def raw_principal(principal: object) -> dict[str, str]:
    """A principal header that says just this."""
    text = principal if isinstance(principal, bytes) else json.dumps(principal).encode()
    return BEARER | {"X-MS-CLIENT-PRINCIPAL": base64.b64encode(text).decode()}


def eventually(condition: Callable[[], T], within_s: float = 30.0) -> T:
    """What the condition answers once that is true; fails after so many seconds."""
    deadline = time.monotonic() + within_s
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {within_s} s"
        time.sleep(0.02)
    return answer
