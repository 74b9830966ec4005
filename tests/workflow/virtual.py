"""The real orchestrators and entities on the real SDK and the laptop's durable engine, in virtual time."""

import json
import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future
from datetime import datetime, timedelta
from functools import cache
from types import ModuleType
from typing import Any, Protocol, Self

from blueprints import composed
from slipway.local.functions.app import Function, read_functions
from slipway.local.functions.clock import VirtualClock
from slipway.local.functions.durable.engine import ActivityFailed, DurableEngine, RpcRequest, RpcResponse, Versioning
from slipway.local.functions.durable.pace import Pace
from slipway.local.functions.durable_functions import DurableFunctions
from slipway.promotion.approval import Vote
from slipway.promotion.build import Build
from slipway.promotion.ids import environment_key
from slipway.promotion.outcomes import iso, passed
from slipway.promotion.plan import PromotionPlan, StagePlan
from slipway.promotion.promotion_run import PromotionRun
from tests.promotion.builders import NOON
from tests.workflow.traps import traps
from tests.workflow.world import World
from triggers.version import orchestrations_version

JSON = {"content-type": "application/json"}
stepped_into: list[tuple[str, str]] = []  # orchestration and trap; see `conftest.py`
watchers: list["Watcher"] = []  # are told of every episode, and of every batch of an entity, before it runs


class Watcher(Protocol):
    """Whoever wants to see what runs. `body` is the SDK's JSON."""

    def sees_episode(self, engine: DurableEngine, body: str) -> None: ...
    def sees_batch(self, entity: str, body: str) -> None: ...


@cache
def app_functions() -> tuple[Function, ...]:
    """The functions of our app; the SDK lets them be read once only."""
    whole = ModuleType("function_app")
    whole.app = composed()  # type: ignore[attr-defined]
    return read_functions(whole, {})


@cache
def app_code() -> DurableFunctions:
    """Our orchestrators and entities, to be called; its activities need an Invoker and are never asked."""
    unused: Any = None
    return DurableFunctions(app_functions(), unused)


def a_run(build: Build, *stages: StagePlan, token: str = "t1", received_at: datetime = NOON) -> PromotionRun:
    """What a promotion starts with."""
    plan = PromotionPlan("checkout", "team-checkout", "sha256:0", "https://artifacts/{version}.zip", stages)
    return PromotionRun(build.promotion, token, build, plan, iso(received_at))


class AtOnce(Executor):
    """Runs what it is given before it answers: no thread, and so no chance in the order of things."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as problem:  # noqa: BLE001 - it belongs to whoever waits for the future
            future.set_exception(problem)
        return future


class WorldFunctions:
    """Orchestrators and entities are the app's own; activities are answered by the world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.engine: DurableEngine
        self._real = app_code()

    def kind(self, name: str) -> str | None:
        return self._real.kind(name)

    def orchestrate(self, name: str, body: str) -> str:
        for watcher in watchers:
            watcher.sees_episode(self.engine, body)
        answer = self._real.orchestrate(name, body)
        stepped_into.extend((name, trap) for trap in traps(body, answer))
        return answer

    def run_entity(self, name: str, body: str) -> str:
        for watcher in watchers:
            watcher.sees_batch(name, body)
        return self._real.run_entity(name, body)

    async def run_activity(self, name: str, instance_id: str, input_json: str) -> str:
        order = json.loads(input_json)
        if self.world.meanwhile is not None:
            await self.world.meanwhile(name, order)
        if name == "nudge":
            for waiter in order["waiters"]:
                await raise_nudge(self.engine, waiter)
            return json.dumps(passed().dump())
        if name == "start_orchestration":
            return await start_orchestration(self.engine, order)
        try:
            answer = self.world.answer(name, order)
        except RuntimeError as error:
            raise ActivityFailed("RuntimeError", str(error)) from error
        if name == "mirror_environment" and not answer.running:
            await copy_ledger(self.engine, self.world, order)
        return json.dumps(answer.dump())


async def start_orchestration(engine: DurableEngine, order: dict[str, Any]) -> str:
    """What the activity of that name does. Returns its answer."""
    path = f"orchestrators/{order['orchestration']}/{order['instance']}"
    given = json.dumps(json.dumps(order["given"])).encode()
    await engine.handle(RpcRequest("POST", path, {}, JSON, given))
    return json.dumps(passed().dump())


async def copy_ledger(engine: DurableEngine, world: World, order: dict[str, Any]) -> None:
    """What `mirror_environment` does for the ledger."""
    key = environment_key(order["environment"], order["service"])
    answer = await engine.handle(RpcRequest("GET", f"entities/environment/{key}", {}, {}))
    if answer.status == 200 and (lock := json.loads(answer.body)):
        world.copy_ledger(key, lock)


async def raise_nudge(engine: DurableEngine, waiter: str) -> None:
    path = f"instances/{waiter}/raiseEvent/nudge"
    await engine.handle(RpcRequest("POST", path, {}, {"content-type": "application/json"}, b"{}"))


class Workflow:
    """Promotions in virtual time. `until` moves the clock from timer to timer. Only with `threads` are there any, as in
    the host: else the same actions always come to the same end. `version`: of the package that runs."""

    def __init__(self, world: World, state: str = ":memory:", threads: bool = False) -> None:
        self.world, self._threads = world, threads
        self.clock = VirtualClock(NOON)
        self._state = state
        self.version = orchestrations_version()
        self.engine = self._engine()

    def functions(self) -> WorldFunctions:
        """What the engine calls."""
        return WorldFunctions(self.world)

    def _engine(self) -> DurableEngine:
        functions = self.functions()
        versioning = Versioning(self.version)
        functions.engine = engine = DurableEngine(functions, self._state, self.clock, versioning=versioning)
        if not self._threads:
            engine._pool = engine._entities._pool = pool = AtOnce()
            engine._orchestrations._pace = Pace(pool, quick_runs=sys.maxsize)  # measured times must not decide anything
        return engine

    async def __aenter__(self) -> Self:
        await self.engine.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.engine.stop()

    async def restart(self, version: str = "") -> None:
        """The host goes away and comes back on the same state, with a package of that version if one is named."""
        self.version = version or self.version
        await self.engine.stop()
        self.engine = self._engine()
        await self.engine.start()

    async def promote(self, build: Build, *stages: StagePlan, token: str = "t1") -> str:
        """Start a promotion and let it run until only time can move it."""
        id = await self.begin(build, *stages, token=token)
        await self.engine.until_idle()
        return id

    async def begin(self, build: Build, *stages: StagePlan, token: str = "t1", received_at: datetime = NOON) -> str:
        """Start a promotion and wait for nothing."""
        run = a_run(build, *stages, token=token, received_at=received_at)
        self.world.of(run.id)
        await self.post(f"orchestrators/promotion/{run.id}", json.dumps(run.dump()))
        return run.id

    async def until(self, happened: Callable[[], bool], within: timedelta = timedelta(days=30)) -> None:
        """Move the clock from timer to timer until `happened`. Raises AssertionError when it never does."""
        limit = self.clock.now() + within
        while True:
            await self.engine.until_idle()
            if happened():
                return
            due = self.engine.next_due()
            assert due is not None, f"nothing is left to wait for; recorded: {self.world.actions()}"
            assert due <= limit, f"did not happen within {within}; recorded: {self.world.actions()}"
            self.clock.advance_to(due)

    async def until_ended(self, promotion: str) -> dict[str, Any]:
        """Let the promotion come to its end. Returns its output."""
        await self.until(lambda: self.world.of(promotion).ended)
        status = await self.status(promotion)
        assert status["runtimeStatus"] == "Completed", status
        output: dict[str, Any] = status["output"]
        return output

    async def vote(self, promotion: str, stage: str, vote: Vote, command: str = "c1") -> None:
        given = {"command": command, "stage": stage, "vote": vote.dump()}
        await self.signal("decisions", promotion, "vote", given)

    async def command(self, promotion: str, name: str, id: str = "k1", stage: str = "") -> None:
        given = {"command": id, "by": "Alice", "at": iso(self.clock.now()), "reason": "", "stage": stage}
        await self.signal("decisions", promotion, name, given)

    async def abort(self, promotion: str) -> None:
        """As the trigger does it: the mark, the decision, the nudges."""
        kept = self.world.of(promotion)
        kept.aborted = True
        given = {"command": "a1", "by": "Alice", "at": iso(self.clock.now()), "reason": "wrong build"}
        await self.signal("decisions", promotion, "abort", given)
        rows = [row["doc"] for key, row in kept.rows.items() if key.startswith("stage:")]
        for row in rows:
            for step in row["steps"]:
                await raise_nudge(self.engine, step["operation"])

    async def abort_at_this_moment(self, promotion: str) -> None:
        """From within an activity: nothing is waited for."""
        given = {"command": "a1", "by": "Alice", "at": iso(self.clock.now()), "reason": "", "stage": ""}
        await self.post(f"entities/decisions/{promotion}", json.dumps(given), {"op": "abort"})
        self.world.of(promotion).aborted = True

    async def signal(self, entity: str, key: str, operation: str, given: dict[str, Any]) -> None:
        """Signal an entity and wake whoever waits on it."""
        answer = await self.post(f"entities/{entity}/{key}", json.dumps(given), {"op": operation})
        assert answer.status == 202, answer
        await self.engine.until_idle()
        state = await self.entity(entity, key)
        waiters = state.get("waiters") or [each["holder"] for each in state.get("queue", ())]
        for waiter in waiters:
            await raise_nudge(self.engine, waiter)
        await self.engine.until_idle()

    async def entity(self, entity: str, key: str) -> dict[str, Any]:
        answer = await self.engine.handle(RpcRequest("GET", f"entities/{entity}/{key}", {}, {}))
        state: dict[str, Any] = (json.loads(answer.body) if answer.status == 200 else None) or {}
        return state

    def history(self, instance: str) -> list[Any]:
        """The stored history of the instance's present generation, episode by episode, nothing folded away."""
        return list(self.engine._store.history(instance))

    async def lock(self, environment: str) -> dict[str, Any]:
        return await self.entity("environment", f"{environment}--checkout")

    async def status(self, instance: str, **query: str) -> dict[str, Any]:
        answer = await self.engine.handle(RpcRequest("GET", f"instances/{instance}", query, {}))
        found: dict[str, Any] = json.loads(answer.body)
        return found

    async def post(self, path: str, text: str, query: dict[str, str] | None = None) -> RpcResponse:
        """The SDK's client encodes input twice."""
        body = json.dumps(text).encode()
        headers = {"content-type": "application/json"}
        return await self.engine.handle(RpcRequest("POST", path, query or {}, headers, body))


def stage_state(world: World, name: str) -> str:
    """The state of a stage as its row says; empty before it began."""
    row = world.rows.get(f"stage:{name}")
    return str(row["doc"]["state"]) if row else ""
