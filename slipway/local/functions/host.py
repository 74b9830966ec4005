"""The host: the app's functions, their triggers, the durable engine, the HTTP server, on one event loop."""

import asyncio
import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from aiohttp import web

from slipway.local.functions.admin import HostStatus
from slipway.local.functions.app import Function
from slipway.local.functions.authentication import Authentication
from slipway.local.functions.bindings import ServiceBusOutput, ServiceBusTrigger, TimerTrigger
from slipway.local.functions.clock import Clock, VirtualClock, WallClock
from slipway.local.functions.clock_api import ClockApi
from slipway.local.functions.durable.engine import BACKENDS, DurableEngine, Limits, Versioning
from slipway.local.functions.durable_functions import DurableFunctions
from slipway.local.functions.host_json import DurableTaskSettings, HostJson
from slipway.local.functions.invocation import Invoker
from slipway.local.functions.keys import MasterKey, SystemKey
from slipway.local.functions.refusal import AppRefused
from slipway.local.functions.server import WEBHOOK_ROOT, Server
from slipway.local.functions.servicebus_connection import Connections
from slipway.local.functions.servicebus_output import Senders
from slipway.local.functions.servicebus_session_trigger import SessionListener
from slipway.local.functions.servicebus_trigger import Listener
from slipway.local.functions.settings import expand, number
from slipway.local.functions.tells_time import TellsTime
from slipway.local.functions.timer_trigger import TimerListener
from slipway.local.functions.virtual_time import VirtualTime

log = logging.getLogger(__name__)
ADDRESS = "127.0.0.1"
STOP_SECONDS = 10.0  # for invocations that run when the host is told to stop


@dataclass(frozen=True)
class App:
    """What is hosted: the folder, its functions, its host.json, its settings."""

    folder: Path
    functions: Sequence[Function]
    host_json: HostJson
    settings: Mapping[str, str]


class Host:
    """Runs one app. Make it inside the event loop. Raises AppRefused for what the app lacks.

    With a VirtualClock the host moves it by itself, unless it is to be moved `by_hand`, through `virtual_time`, and has
    another program follow it that it `tells`.
    """

    def __init__(
        self,
        app: App,
        state: Path | str,
        *,
        port: int = 0,
        check_keys: bool = False,
        clock: Clock | None = None,
        by_hand: bool = False,
        tells: TellsTime | None = None,
        backend: str = "dts",
    ) -> None:
        extensions = app.host_json.extensions
        self._port = port
        self._task_hub = expand(extensions.durable_task.hub_name, app.settings)
        self._connections = Connections(app.settings)
        self._senders = Senders(self._connections)
        threads = number(app.settings, "PYTHON_THREADPOOL_THREAD_COUNT")
        timeout = app.host_json.function_timeout
        self._invoker = Invoker(str(app.folder), threads, self.client_binding, self._senders, timeout)
        clock = clock or WallClock()
        self._durable = DurableFunctions(app.functions, self._invoker)
        self.engine = DurableEngine(
            self._durable,
            state,
            clock,
            limits=_limits(extensions.durable_task, threads),
            backend=BACKENDS[backend],
            versioning=_versioning(extensions.durable_task),
        )
        self._system_key = SystemKey(self.engine)
        self._timers = {
            function.name: TimerListener(function, function.bindings.trigger, clock, self._invoker, self.engine)
            for function in app.functions
            if isinstance(function.bindings.trigger, TimerTrigger) and not function.disabled
        }
        self.virtual_time: VirtualTime | None = None
        if isinstance(clock, VirtualClock):
            timers = tuple(self._timers.values())
            self.virtual_time = VirtualTime(clock, self.engine, self.engine, timers, self._invoker, tells)
        self._by_hand = by_hand
        self._moving: asyncio.Task[None] | None = None
        self._status = HostStatus()
        self.rpc_root = f"/durabletask/{secrets.token_urlsafe(24)}/"
        key = MasterKey(Path(state).with_suffix(".key")) if check_keys else None
        server = Server(
            app.functions,
            extensions.http.route_prefix,
            self._invoker,
            self.engine,
            self._status,
            Authentication.from_settings(app.settings),
            key,
            self._system_key,
            self.rpc_root,
            self._timers,
            ClockApi(clock, self.next_due, self.virtual_time),
        )
        application = server.application()
        if self.virtual_time is not None:
            application.on_response_prepare.append(self.virtual_time.stamp)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        self._listeners = self._make_listeners(app)

    @property
    def url(self) -> str:
        return f"http://{ADDRESS}:{self._port}"

    def client_binding(self) -> str:
        """The datum of a durableClient binding."""
        return self.engine.client_binding(
            f"{self.url}{WEBHOOK_ROOT}", f"{self.url}{self.rpc_root}", self._task_hub, self._system_key.value
        )

    def next_due(self) -> datetime | None:
        """When the clock next makes something happen."""
        parts: list[DurableEngine | TimerListener] = [self.engine, *self._timers.values()]
        return min((due for part in parts if (due := part.next_due()) is not None), default=None)

    async def start(self) -> None:
        """Serves, resumes what was unfinished, then takes messages. Raises OSError when the port is taken."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, ADDRESS, self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        if self.virtual_time is not None:
            await self.virtual_time.recall()
        await self.engine.start()
        for timer in self._timers.values():
            timer.start()
        for listener in self._listeners:
            listener.start()
        self._status.state = "Running"
        if self.virtual_time is not None and not self._by_hand:
            self._moving = asyncio.create_task(self.virtual_time.run(), name="virtual time")
            self._moving.add_done_callback(_report)

    async def stop(self) -> None:
        """Takes no more work, lets running invocations end for ten seconds at most, closes all."""
        self._status.state = "Stopping"
        deadline = time.monotonic() + STOP_SECONDS
        self._durable.pause()
        if self._moving is not None:
            self._moving.cancel()
        for timer in self._timers.values():
            timer.stop_firing()
        for listener in self._listeners:
            listener.stop_receiving()
        await self._invoker.drain(deadline - time.monotonic())
        left = deadline - time.monotonic()
        await asyncio.gather(
            self._senders.close(),
            *(listener.close(left) for listener in self._listeners),
            *(timer.close() for timer in self._timers.values()),
        )
        await self.engine.stop()
        if self.virtual_time is not None:
            await self.virtual_time.forget()
        await self._connections.close()
        await self._runner.cleanup()

    def _make_listeners(self, app: App) -> list[Listener]:
        listeners: list[Listener] = []
        for function in app.functions:
            trigger = function.bindings.trigger
            try:
                for output in function.bindings.outputs:
                    if isinstance(output, ServiceBusOutput):
                        self._connections.client(output.connection)
                if isinstance(trigger, ServiceBusTrigger) and not function.disabled:
                    settings = app.host_json.extensions.service_bus
                    kind = SessionListener if trigger.sessions else Listener
                    listeners.append(kind(function, trigger, self._connections, self._invoker, settings))
            except AppRefused as refused:
                raise AppRefused(f"function '{function.name}': {refused}") from refused
        return listeners


def _limits(settings: DurableTaskSettings, threads: int | None) -> Limits:
    return Limits(
        threads=threads or Limits().threads,
        activities=settings.max_concurrent_activity_functions,
        orchestrations=settings.max_concurrent_orchestrator_functions,
        entities=settings.max_concurrent_entity_functions,
        entity_batch=settings.max_entity_operation_batch_size,
        actions=settings.max_orchestration_actions,
        override_running=settings.overridable_existing_instance_states == "AnyState",
    )


def _versioning(settings: DurableTaskSettings) -> Versioning:
    return Versioning(settings.default_version, settings.version_match_strategy, settings.version_failure_strategy)


def _report(moving: asyncio.Task[None]) -> None:
    if not moving.cancelled() and (error := moving.exception()) is not None:
        log.error("virtual time stands still", exc_info=error)
