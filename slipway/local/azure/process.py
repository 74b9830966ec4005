"""A release that runs: its worker process, started again when it dies."""

import asyncio
import contextlib
import json
import logging
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from slipway.local.azure.door import Door
from slipway.local.azure.released import REGION

WORKER = "slipway.local.azure.worker"
APP_SETTINGS = "app-settings.json"
START_TIMEOUT_S = 20.0
DRAIN_TIMEOUT_S = 10.0
LOG_TAIL_BYTES = 4000
BACKOFF_S = (0.2, 30.0)  # shortest, longest
STEADY_S = 60.0  # a worker that ran this long starts again with the shortest back-off

log = logging.getLogger(__name__)


class StartFailed(Exception):
    """The process ended, or never listened; `log_tail` is what it said last."""

    def __init__(self, reason: str, log_tail: str) -> None:
        super().__init__(reason)
        self.log_tail = log_tail


class Worker:
    """One supervised process; `door` leads to it, and is None while it is down."""

    def __init__(self, package: Path, instance: str, region: str = "") -> None:
        """Nothing runs before `wake`."""
        self.instance = instance
        self.door: Door | None = None
        self._package = package
        self._region = region
        self._log = package.with_name(f"{package.name}.{instance}.log")
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._in_flight = 0
        self._idle = asyncio.Event()

    async def wake(self) -> None:
        """Runs the package folder; back when the process listens. Raises StartFailed."""
        process = await self._launch()
        self._watch = asyncio.create_task(self._keep_alive(process))

    async def stop(self) -> None:
        """Lets the running requests end (up to 10 s), then ends the process."""
        if self._in_flight:
            self._idle.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), DRAIN_TIMEOUT_S)
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        self._shut()
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """Around a request that this worker answers, so that `stop` waits for it."""
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()

    async def _launch(self) -> asyncio.subprocess.Process:
        with self._log.open("wb") as output:
            # Standard input stays open as long as we live: its end tells the worker that we are gone, however
            # we went. An own session keeps a Ctrl-C in the terminal from it: we end it ourselves.
            self._process = process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", WORKER, "--package", str(self._package), "--instance", self.instance),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=output,
                start_new_session=True,
                env={**os.environ, **self._settings()},
            )
        assert process.stdout is not None
        try:
            line = await asyncio.wait_for(process.stdout.readline(), START_TIMEOUT_S)
        except TimeoutError as error:
            process.kill()
            await process.wait()
            raise StartFailed(f"it did not listen within {START_TIMEOUT_S:.0f} s", self.log_tail()) from error
        if not line:
            code = await process.wait()
            raise StartFailed(f"the process exited with code {code} on start", self.log_tail())
        self.door = Door(int(json.loads(line)["port"]))
        return process

    async def _keep_alive(self, process: asyncio.subprocess.Process) -> None:
        shortest, longest = BACKOFF_S
        backoff, started = shortest, time.monotonic()
        while True:
            code = await process.wait()
            self._shut()
            if time.monotonic() - started > STEADY_S:
                backoff = shortest
            log.warning("worker of %s ended with code %s, starting it again", self._package.name, code)
            await asyncio.sleep(backoff)
            backoff, started = min(backoff * 2, longest), time.monotonic()
            # A failed start leaves the dead process behind, and the loop comes here again.
            with contextlib.suppress(StartFailed):
                process = await self._launch()

    def _settings(self) -> dict[str, str]:
        """What the platform tells every application that it runs, beside their packages."""
        file = self._package.with_name(APP_SETTINGS)
        told = dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}
        return {**told, REGION: self._region}

    def _shut(self) -> None:
        if self.door is not None:
            self.door.close()
        self.door = None

    def log_tail(self) -> str:
        return self._log.read_bytes()[-LOG_TAIL_BYTES:].decode("utf-8", "replace")
