"""What carries the runs out: real requests to the host that a run names, few of them, each when it is due."""

import asyncio
from datetime import timedelta

import aiohttp

from slipway.local.azure.clock import Now, stamp
from slipway.local.azure.load_testing.config import LoadTestConfig
from slipway.local.azure.load_testing.store import (
    CANCELLED,
    CANCELLING,
    DONE,
    ENDED,
    EXECUTING,
    FAILED,
    PROVISIONING,
    LoadRun,
    LoadRuns,
    Sample,
)

TIMEOUT = aiohttp.ClientTimeout(total=10)


class Engine:
    """Provisioning takes `provisions_s`."""

    def __init__(self, runs: LoadRuns, http: aiohttp.ClientSession, now: Now, provisions_s: float) -> None:
        self._runs, self._http, self._now, self._provisions_s = runs, http, now, provisions_s
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}

    def begin(self, run: LoadRun, test: LoadTestConfig) -> None:
        self._tasks[run.resource, run.id] = asyncio.create_task(self._carry_out(run, test))

    async def ended(self, run: LoadRun, within_s: float) -> None:
        """Wait until it is over, or for so long."""
        if task := self._tasks.get((run.resource, run.id)):
            await asyncio.wait([task], timeout=within_s)

    def stop(self, run: LoadRun) -> None:
        if task := self._tasks.pop((run.resource, run.id), None):
            task.cancel()

    async def close(self) -> None:
        """What is under way goes on after a restart."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _carry_out(self, run: LoadRun, test: LoadTestConfig) -> None:
        self._runs.change(run, status=PROVISIONING)
        if test.mishap == "never-provisioned":
            return
        await asyncio.sleep(self._provisions_s)
        samples: list[Sample] = []
        status = FAILED
        if test.mishap != "engine-fails":
            self._runs.change(run, status=EXECUTING)
            samples = await self._drive(run.env.get(test.variable, ""), test)
            status = CANCELLED if test.mishap == "cancelled" else DONE
        now = self._now()
        span = {"began": stamp(now - timedelta(seconds=test.lasts_s)), "ended": stamp(now)}
        known = self._runs.get(run.resource, run.id)
        if known is not None and known.status not in (*ENDED, CANCELLING):
            self._runs.change(run, status=status, samples=tuple(samples), **span)

    async def _drive(self, host: str, test: LoadTestConfig) -> list[Sample]:
        """Its requests, spread over the time that the run is shown to have lasted."""
        url = (host if "://" in host else f"http://{host}").rstrip("/") + test.path
        loop, stretched = asyncio.get_running_loop(), test.lasts_s / test.takes_s
        began, samples = loop.time(), []

        async def send(due_s: float) -> None:
            sent = loop.time()
            failed = not await self._answered_well(url)
            samples.append(Sample(round(due_s * stretched, 3), round((loop.time() - sent) * 1000, 3), failed))

        async with asyncio.TaskGroup() as under_way:
            for n in range(max(1, round(test.rate_per_s * test.takes_s))):
                due_s = n / test.rate_per_s
                await asyncio.sleep(max(0.0, began + due_s - loop.time()))
                under_way.create_task(send(due_s))
        return sorted(samples, key=lambda sample: sample.at_s)

    async def _answered_well(self, url: str) -> bool:
        try:
            async with self._http.get(url, allow_redirects=False, timeout=TIMEOUT) as response:
                await response.read()
                return response.status < 400  # as JMeter counts
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return False
