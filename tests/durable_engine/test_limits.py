"""How much runs at once, how large a batch is, and what a start may replace."""

import asyncio
import json
import threading
from concurrent.futures import Future
from dataclasses import replace

import azure.durable_functions as df
import pytest

from slipway.local.functions.durable.engine import Limits
from tests.durable_engine.harness import World


class Meter:
    """Counts how many are within at once. The first `wanted` stay until `open`; one more is counted, and may go."""

    def __init__(self, wanted: int) -> None:
        self._lock = threading.Lock()
        self._way_out = threading.Event()
        self._wanted, self._now = wanted, 0
        self._full: Future[None] = Future()
        self.most = 0

    def visit(self) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            stays = self._now <= self._wanted
            if self._now == self._wanted and not self._full.done():
                self._full.set_result(None)
        if stays:
            self._way_out.wait(30)
        with self._lock:
            self._now -= 1

    async def full(self) -> None:
        """Waits until `wanted` are within. Raises TimeoutError when they never are."""
        await asyncio.wait_for(asyncio.wrap_future(self._full), 30)

    def open(self) -> None:
        """Lets everybody go, now and later."""
        self._way_out.set()


def metered(meter: Meter) -> df.DFApp:
    app = df.DFApp()
    app.batches = []

    @app.orchestration_trigger("context")
    def replays(context):
        meter.visit()
        return "done"

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


async def most_at_once(kind: str, limits: Limits, wanted: int) -> int:
    """How many of eight of a kind are within at once, seen while `wanted` of them are kept there.

    All run on one pool, which has a thread more than that. It takes work in its turn: once it has done something of
    ours, whoever was let in before has been counted.
    """
    meter = Meter(wanted)
    async with World(lambda: metered(meter), limits=replace(limits, threads=wanted + 1)) as world:
        asyncio.get_running_loop().set_default_executor(world.engine._pool)  # where activities run
        try:
            if kind == "activities":
                await world.start("wasteful", 8)
            for n in range(8):
                if kind == "entities":
                    await world.signal("tally", f"t{n}", "visit")
                elif kind == "orchestrations":
                    await world.start("replays", None, f"i{n}")
            await meter.full()
            await asyncio.to_thread(lambda: None)
            return meter.most
        finally:
            meter.open()
            await world.run()


@pytest.mark.parametrize("kind", ["activities", "orchestrations", "entities"])
@pytest.mark.parametrize("allowed", [1, 2, 6])
async def test_as_many_run_at_once_as_host_json_allows_and_no_more(kind: str, allowed: int):
    assert await most_at_once(kind, Limits(**{kind: allowed}), wanted=allowed) == allowed


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

    async with Watched(lambda: metered(Meter(0)), limits=Limits(entity_batch=3)) as world:
        await asyncio.gather(*(world.signal("tally", "t", "count") for _ in range(8)))
        await world.settle()
        assert await world.entity("tally", "t") == 8
    assert max(sizes) == 3
    assert sum(sizes) == 8


async def test_a_generation_that_does_too_much_fails():
    async with World(lambda: metered(Meter(0)), limits=Limits(actions=5)) as world:
        await world.start("wasteful", 5, "fits")
        await world.start("wasteful", 6, "too-many")
        await world.run()
        assert await world.runtime_status("fits") == "Completed"
        words = await world.failure("too-many")
        assert "Maximum amount of orchestration actions (5) has been reached" in words


async def test_any_state_lets_a_start_replace_what_is_running():
    async with World(lambda: metered(Meter(0)), limits=Limits(override_running=True)) as world:
        await world.start("waits", 1)
        await world.settle()
        await world.start("replays", 2)
        await world.settle()
        assert await world.output() == "done"
        assert (await world.status())["input"] == "2"
