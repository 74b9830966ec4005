"""Runs the executions of jobs: a real process each, by its image, and what it prints goes to the workspace."""

import asyncio
import contextlib
import logging
import os
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from slipway.local.azure.clock import Now
from slipway.local.azure.jobs.config import JobConfig
from slipway.local.azure.jobs.store import Execution, ExecutionStore
from slipway.local.azure.logs.console import CONSOLE
from slipway.local.azure.logs.envelopes import Told
from slipway.local.azure.unwritable import is_unwritable

IMAGES = "slipway.local.azure.jobs.images"
NEVER_ENDS = "-hangs"  # the end of such a tag
LOG_LIMIT = 64 * 1024
PASSED_ON = ("PATH", "PYTHONPATH", "VIRTUAL_ENV", "HOME", "LANG")

log = logging.getLogger(__name__)
Tell = Callable[[Sequence[Told]], Awaitable[None]]


class Runner:
    """`images` are the programs by the repositories of their images; `folder` is the volume of all jobs, `given` is
    what the platform tells each of them. What they print is told after their job's `log_delay_s`."""

    def __init__(
        self, store: ExecutionStore, images: dict[str, str], folder: Path, given: dict[str, str], tell: Tell, now: Now
    ) -> None:
        self._store = store
        self._images = images
        self._folder = folder
        self._given = given
        self._tell = tell
        self._now = now
        self._running: dict[str, asyncio.Task[None]] = {}
        self._telling: set[asyncio.Task[None]] = set()
        folder.mkdir(parents=True, exist_ok=True)

    def carry_out(self, job: JobConfig, execution: Execution) -> None:
        self._running[execution.name] = task = asyncio.create_task(self._run(job, execution))
        task.add_done_callback(lambda _: self._running.pop(execution.name, None))

    async def ended(self, execution: Execution) -> None:
        """Waits for its end; not for one that never ends."""
        if execution.name in self._running and not _never_ends(execution):
            await asyncio.wait([self._running[execution.name]])

    async def stop(self, execution: Execution) -> None:
        self._store.end(execution, "Stopped")
        if (task := self._running.get(execution.name)) is not None:
            task.cancel()
            await asyncio.wait([task])

    async def close(self) -> None:
        tasks = [*self._running.values(), *self._telling]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, job: JobConfig, execution: Execution) -> None:
        image = str(execution.container["image"])
        repository, _, tag = image.partition("@")[0].rpartition(":")
        program = self._images.get(repository)
        if program is None:
            words = f"Failed to pull image '{image}': MANIFEST_UNKNOWN: manifest unknown"
            self._store.end(execution, "Failed", reason="ImagePullBackOff", message=words)
            return
        if _never_ends(execution):
            await asyncio.Event().wait()
        try:
            async with asyncio.timeout(job.replica_timeout_s):
                code, said = await self._process(job, execution, program, tag)
        except TimeoutError:
            words = "Job was active longer than specified deadline"
            self._store.end(execution, "Failed", reason="DeadlineExceeded", message=words)
            return
        # What it printed first: whoever hears of the end may ask for it at once.
        if job.logs and not job.log_delay_s:
            await self._told(job, execution, said, 0.0)
        self._store.end(execution, "Failed" if code else "Succeeded", exit_code=code)
        if job.logs and job.log_delay_s:
            self._telling.add(later := asyncio.create_task(self._told(job, execution, said, job.log_delay_s)))
            later.add_done_callback(self._telling.discard)

    async def _process(self, job: JobConfig, execution: Execution, program: str, tag: str) -> tuple[int, str]:
        """Its exit code and what it printed."""
        container = execution.container
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"{IMAGES}.{program}", *(container.get("args") or ())),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            env=self._environment(job, container, tag),
        )
        try:
            said, _ = await process.communicate()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise
        assert process.returncode is not None
        return process.returncode, said[-LOG_LIMIT:].decode("utf-8", "replace")

    def _environment(self, job: JobConfig, container: dict[str, Any], tag: str) -> dict[str, str]:
        told = {
            str(each["name"]): job.secrets[each["secretRef"]] if "secretRef" in each else str(each.get("value") or "")
            for each in container.get("env") or ()
        }
        kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        return {**kept, **self._given, **told, "IMAGE_TAG": tag, "VOLUME": str(self._folder), "PYTHONUNBUFFERED": "1"}

    async def _told(self, job: JobConfig, execution: Execution, said: str, after_s: float) -> None:
        await asyncio.sleep(after_s)
        at = self._now()
        rows = [
            Told(
                CONSOLE,
                at + timedelta(microseconds=number),
                {
                    "ContainerGroupName_s": f"{execution.name}-{execution.name[-5:]}",
                    "ContainerJobName_s": job.name,
                    "ContainerName_s": str(execution.container.get("name") or ""),
                    "Log_s": line,
                },
            )
            for number, line in enumerate(said.splitlines())
        ]
        try:
            await self._tell(rows)
        except (sqlite3.OperationalError, OSError) as error:
            if not is_unwritable(error):
                raise
            log.error("the log of %s is lost: %s", execution.name, error)


def _never_ends(execution: Execution) -> bool:
    return str(execution.container["image"]).partition("@")[0].endswith(NEVER_ENDS)
