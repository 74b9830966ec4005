"""Where sync code runs: quick code on the loop, code that blocks or computes on threads."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import current_thread, main_thread

import pytest

from slipway.local.functions.durable.pace import QUICK_CPU_S, QUICK_RUNS, QUICK_S, Pace


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


async def is_on_the_loop(pace: Pace, then: Callable[[], object] = lambda: None) -> bool:
    def work() -> bool:
        then()
        return current_thread() is main_thread()

    return await pace.run("stage", work)


async def settle(pace: Pace) -> None:
    """Run until it is trusted, which takes longer where the machine lets a run wait."""
    runs = 0
    while not await is_on_the_loop(pace):
        runs += 1
    assert runs >= QUICK_RUNS, "nobody is trusted at first"


async def test_code_that_has_always_been_quick_runs_on_the_loop(pool: ThreadPoolExecutor) -> None:
    pace = Pace(pool)
    await settle(pace)
    assert not await pace.run("another", lambda: current_thread() is main_thread())


@pytest.mark.parametrize("slow", [lambda: time.sleep(QUICK_S), lambda: compute(2 * QUICK_CPU_S)])
async def test_one_slow_run_sends_it_back_to_threads(pool: ThreadPoolExecutor, slow: Callable[[], object]) -> None:
    pace = Pace(pool)
    await settle(pace)
    assert await is_on_the_loop(pace, slow)
    await settle(pace)


async def test_others_have_their_turn_between_quick_runs(pool: ThreadPoolExecutor) -> None:
    pace, turns = Pace(pool), 0
    await settle(pace)

    async def other() -> None:
        nonlocal turns
        for _ in range(20):
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    for _ in range(20):
        await is_on_the_loop(pace)
    await beside
    assert turns == 20


def compute(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass
