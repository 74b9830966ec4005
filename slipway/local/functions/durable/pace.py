"""Where an orchestrator runs: on a thread until it has shown to be quick, then right on the event loop.

A replay of a short history takes less than a millisecond, and the way to a thread and back as long again. One that
blocks or computes stays on threads: a slow run sends it back to them for a while. Only orchestrators, which may not
wait for anything outside: an entity may, and would hold up the whole host.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

T = TypeVar("T")

QUICK_CPU_S = 0.005
QUICK_S = 0.05  # of real time, which on a busy machine is mostly other processes'
QUICK_RUNS = 10  # in a row, before a function is trusted


class Pace:
    """Remembers of each orchestrator, by name, how many quick runs it has had in a row."""

    def __init__(self, pool: Executor, quick_runs: int = QUICK_RUNS) -> None:
        self._pool, self._quick_runs = pool, quick_runs
        self._quick: Counter[str] = Counter()

    async def run(self, name: str, work: Callable[[], T]) -> T:
        """What `work` returns or raises. Others have their turn before it begins, wherever it runs."""

        def timed() -> tuple[T, bool]:
            began, cpu = time.perf_counter(), time.thread_time()
            result = work()
            return result, time.thread_time() - cpu < QUICK_CPU_S and time.perf_counter() - began < QUICK_S

        if self._quick[name] >= self._quick_runs:
            await asyncio.sleep(0)
            result, quick = timed()
        else:
            result, quick = await asyncio.get_running_loop().run_in_executor(self._pool, timed)
        self._quick[name] = self._quick[name] + 1 if quick else 0
        return result
