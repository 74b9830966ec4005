"""Puts the jobs of the stand-in together: from their configuration, and what is kept of their executions."""

import sqlite3
from contextlib import AsyncExitStack
from pathlib import Path

from slipway.local.azure.clock import Now
from slipway.local.azure.config import StandinConfig
from slipway.local.azure.jobs.api import JobsApi
from slipway.local.azure.jobs.runner import Runner, Tell
from slipway.local.azure.jobs.store import ExecutionStore


class Jobs:
    """`volume` is the folder in which all jobs keep what outlives them; `given` is what each is told by the platform;
    `tell` takes what they print."""

    def __init__(
        self,
        config: StandinConfig,
        database: sqlite3.Connection,
        volume: Path,
        given: dict[str, str],
        tell: Tell,
        now: Now,
        virtual_time: bool,
    ) -> None:
        self._jobs = {job.name: job for job in config.jobs}
        self._store = ExecutionStore(database, now)
        self._runner = Runner(self._store, config.job_images, volume, given, tell, now)
        self.provider = JobsApi(config, self._store, self._runner, virtual_time)

    def start(self, exit: AsyncExitStack) -> None:
        """Goes on with what was under way when the stand-in ended: a container that was lost runs anew."""
        exit.push_async_callback(self._runner.close)
        for execution in self._store.under_way():
            if job := self._jobs.get(execution.job):
                self._runner.carry_out(job, execution)
