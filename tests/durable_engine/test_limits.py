"""How much runs at once, how large a batch is, and what a start may replace."""

import asyncio
import json
import threading

import azure.durable_functions as df

from slipway.local.functions.durable.engine import Limits
from tests.durable_engine.harness import World


class Meter:
    """Counts how many are within at once. Blocks them, for a moment, until `wanted` are."""

    def __init__(self, wanted: int) -> None:
        self._lock = threading.Lock()
        self._full = threading.Event()
        self._wanted, self._now = wanted, 0
        self.most = 0

    def visit(self) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            if self._now >= self._wanted:
                self._full.set()
        self._full.wait(0.05)
        with self._lock:
            self._now -= 1


def metered(meter: Meter) -> df.DFApp:
    app = df.DFApp()
    app.batches = []

    @app.orchestration_trigger("context")
    def replays(context):
        meter.visit()
        return "done"

    @app.orchestration_trigger("context")
    def asks(context):
        return (yield context.call_activity("works"))

    @app.activity_trigger("x")
    def works(x):
        meter.visit()

    @app.orchestration_trigger("context")
    def waits(context):
        yield context.wait_for_external_event("go")

    @app.orchestration_trigger("context")
    def wasteful(context):
        yield context.task_all([context.call_activity("works") for _ in range(context.get_input())])

    @app.entity_trigger("context")
    def tally(context):
        if context.operation_name == "visit":
            meter.visit()
        context.set_state(context.get_state(lambda: 0) + 1)

    return app


async def most_at_once(limits: Limits, wanted: int, kind: str) -> int:
    meter = Meter(wanted)
    async with World(lambda: metered(meter), limits=limits) as world:
        for n in range(8):
            if kind == "entity":
                await world.signal("tally", f"t{n}", "visit")
            else:
                await world.start({"orchestrator": "replays", "activity": "asks"}[kind], None, f"i{n}")
        await world.run()
    return meter.most


async def test_no_more_run_at_once_than_host_json_allows():
    for kind, limits in {
        "orchestrator": Limits(orchestrations=2, threads=8),
        "activity": Limits(activities=2, threads=8),
        "entity": Limits(entities=2, threads=8),
    }.items():
        assert await most_at_once(limits, 2, kind) == 2, kind


async def test_as_many_run_at_once_as_host_json_allows():
    assert await most_at_once(Limits(orchestrations=6, threads=8), 6, "orchestrator") == 6
    assert await most_at_once(Limits(entities=6, threads=8), 6, "entity") == 6


async def test_an_entitys_batch_is_no_larger_than_allowed():
    sizes = []

    class Watched(World):
        async def __aenter__(self):
            run = self.functions.run_entity

            def watched(name, body):
                sizes.append(len(json.loads(body)["batch"]))
                return run(name, body)

            self.functions.run_entity = watched
            return await super().__aenter__()

    async with Watched(lambda: metered(Meter(1)), limits=Limits(entity_batch=3)) as world:
        await asyncio.gather(*(world.signal("tally", "t", "count") for _ in range(8)))
        await world.settle()
        assert await world.entity("tally", "t") == 8
    assert max(sizes) == 3
    assert sum(sizes) == 8


async def test_a_generation_that_does_too_much_fails():
    async with World(lambda: metered(Meter(1)), limits=Limits(actions=5)) as world:
        await world.start("wasteful", 5, "fits")
        await world.start("wasteful", 6, "too-many")
        await world.run()
        assert await world.runtime_status("fits") == "Completed"
        words = await world.failure("too-many")
        assert "Maximum amount of orchestration actions (5) has been reached" in words


async def test_any_state_lets_a_start_replace_what_is_running():
    async with World(lambda: metered(Meter(1)), limits=Limits(override_running=True)) as world:
        await world.start("waits", 1)
        await world.settle()
        await world.start("replays", 2)
        await world.settle()
        assert await world.output() == "done"
        assert (await world.status())["input"] == "2"
