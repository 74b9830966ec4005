"""The durable engine: runs orchestrations, entities, activities and timers on one state file.

It plays the part of the Durable Task extension towards azure-functions-durable 1.x, whose own code replays the
orchestrators and runs the entities. Everything but the functions themselves happens on one event loop; each step
(an episode, a batch, an answer, a timer) is one transaction, and nothing it decides is begun before its commit.
So the process may be killed at any moment: after the next start every instance goes on, an activity whose answer
was not recorded runs again, one whose answer was recorded never does. When the state file cannot be written, as on
a full disk, `unwritable` says so: what was asked then is not done, and the process had better end.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from slipway.local.functions.clock import Clock
from slipway.local.functions.durable.activities import Activities
from slipway.local.functions.durable.backend import BACKENDS, DTS, Backend
from slipway.local.functions.durable.binding import client_binding
from slipway.local.functions.durable.contract import (
    ActivityFailed,
    Functions,
    Limits,
    RpcRequest,
    RpcResponse,
)
from slipway.local.functions.durable.entities import Entities
from slipway.local.functions.durable.hub import Hub
from slipway.local.functions.durable.model import Activity
from slipway.local.functions.durable.orchestrations import Orchestrations
from slipway.local.functions.durable.pace import Pace
from slipway.local.functions.durable.rpc import Rpc
from slipway.local.functions.durable.store import Store
from slipway.local.functions.durable.versions import Versioning

__all__ = [
    "BACKENDS",
    "ActivityFailed",
    "Backend",
    "DurableEngine",
    "Functions",
    "Limits",
    "RpcRequest",
    "RpcResponse",
    "Versioning",
]

log = logging.getLogger(__name__)
_DEFAULTS, _ANY_VERSION = Limits(), Versioning(match="None")


class DurableEngine:
    """One task hub. `state` is a path, or ":memory:"; only one engine may have it open."""

    def __init__(
        self,
        functions: Functions,
        state: Path | str,
        clock: Clock,
        *,
        limits: Limits = _DEFAULTS,
        backend: Backend = DTS,
        versioning: Versioning = _ANY_VERSION,
    ) -> None:
        self._store = Store(state)
        self._hub = Hub(self._store, clock, self._wake, self._begin)
        self._clock = clock
        self._pool = ThreadPoolExecutor(limits.threads, thread_name_prefix="durable")
        self._orchestrations = Orchestrations(functions, self._hub, Pace(self._pool), limits, backend, versioning)
        self._entities = Entities(functions, self._hub, self._pool, limits, backend)
        self._activities = Activities(functions, self._hub, limits, backend)
        self._rpc = Rpc(functions, self._hub, limits, backend, versioning)
        self._driven: set[str] = set()  # orchestrations and entities that are at work
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer_loop: asyncio.Task[None] | None = None
        self._moved = asyncio.Event()
        self._failure: BaseException | None = None
        self._stopping = False
        self.unwritable = asyncio.Event()

    async def start(self) -> None:
        """Takes up whatever the state file says is unfinished."""
        self._hub.resume_all()
        self._timer_loop = asyncio.create_task(self._hub.timers.run())
        self._timer_loop.add_done_callback(self._ended)

    async def stop(self, grace_s: float = 0.0) -> None:
        """Begins nothing new, waits so long for what is running, then breaks it off; the next start takes it up."""
        self._stopping = True
        if self._tasks and grace_s > 0:
            await asyncio.wait(self._tasks, timeout=grace_s)
        tasks = {*self._tasks, *([self._timer_loop] if self._timer_loop else [])}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._pool.shutdown()
        self._store.close()

    def client_binding(self, base_url: str, rpc_base_url: str, task_hub: str, key: str = "") -> str:
        """The JSON text of a durableClient binding: the roots of the webhooks, with a key, and of `handle`'s routes."""
        return client_binding(base_url, rpc_base_url, task_hub, key)

    async def handle(self, request: RpcRequest) -> RpcResponse:
        """Answers a request to the durable HTTP API; what it changes is committed before the answer."""
        try:
            return await self._rpc.handle(request)
        except sqlite3.Error as problem:
            self._failed(problem)
            raise

    def is_idle(self) -> bool:
        """Whether nothing can happen before the clock moves, or somebody calls."""
        due = self.next_due()
        return not self._tasks and (due is None or due > self._clock.now())

    async def until_idle(self, timeout: float | None = 30.0) -> None:
        """Raises TimeoutError, naming what is still at work, after so many seconds of real time (None: never)."""
        try:
            async with asyncio.timeout(timeout):
                while not self.is_idle():
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError as problem:
            busy = ", ".join(sorted(self._driven)) or f"{len(self._tasks)} activities"
            raise TimeoutError(f"still at work after {timeout:g} s: {busy}") from problem
        if self._failure is not None:
            raise RuntimeError("the durable engine failed") from self._failure

    def next_due(self) -> datetime | None:
        """When the earliest timer fires."""
        return self._hub.timers.next_due()

    def kept(self, name: str) -> str | None:
        """A text that the host keeps in the state file beside the hub; None when there is none of this name."""
        return self._store.kept(name)

    def keep(self, name: str, text: str) -> None:
        try:
            self._store.keep(name, text)
        except sqlite3.Error as problem:
            self._failed(problem)
            raise

    @property
    def failure(self) -> BaseException | None:
        """What broke the engine first."""
        return self._failure

    def _wake(self, target: str) -> None:
        if target not in self._driven and not self._stopping:
            self._driven.add(target)
            self._run(self._drive(target))

    async def _drive(self, target: str) -> None:
        worker = self._entities if target.startswith("@") else self._orchestrations
        try:
            while not self._stopping and await worker.step(target):
                pass
        finally:
            self._driven.discard(target)

    def _begin(self, activity: Activity) -> None:
        if not self._stopping:
            self._run(self._activities.run(activity))

    def _run(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not self._tasks:
            self._moved.set()
        if not task.cancelled() and (problem := task.exception()) is not None:
            self._failed(problem)

    def _failed(self, problem: BaseException) -> None:
        self._failure = self._failure or problem
        if isinstance(problem, sqlite3.Error):
            self.unwritable.set()
        else:
            log.error("the durable engine failed", exc_info=problem)
