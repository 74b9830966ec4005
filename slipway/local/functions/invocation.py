"""Runs one function: arguments in and results out through the converters of azure-functions.

Sync functions run in a pool of threads (`PYTHON_THREADPOOL_THREAD_COUNT`), async ones on the host's one loop,
as in the Python worker.
"""

import asyncio
import contextvars
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

from azure.functions.meta import Datum

from slipway.local.functions.app import Function
from slipway.local.functions.bindings import RETURN, HttpOutput, ServiceBusOutput
from slipway.local.functions.context import InvocationContext, Out, TraceContext
from slipway.local.functions.converters import Metadata, decode, encode

log = logging.getLogger(__name__)


class InvocationFailed(Exception):
    """A function raised, or gave what its bindings don't take. The cause is chained and already logged."""

    def __init__(self, function: str, cause: BaseException) -> None:
        super().__init__(f"{type(cause).__name__}: {cause}")
        self.function = function
        self.cause = cause


class FunctionTimeout(Exception):
    """A function ran for longer than host.json allows. The words are the Functions host's."""

    def __init__(self, function: str, timeout: timedelta) -> None:
        super().__init__(f"Timeout value of {_time_span(timeout)} was exceeded by function: Functions.{function}")


class MessageSender(Protocol):
    """Sends what a function gave to a Service Bus output."""

    async def send(self, output: ServiceBusOutput, body: str | bytes) -> None: ...


class Invoker:
    """Invokes the functions of one app and knows which invocations are still running.

    `timeout` is in real time, for each invocation (None: none). What overruns it is answered as failed. An async
    function is cancelled at its next await. A sync one cannot be: its thread goes on, keeps its place in the pool, and
    what it does still takes effect, though nobody hears of it. (Azure ends the whole worker process instead.)
    """

    def __init__(
        self,
        directory: str,
        threads: int | None,
        client_binding: Callable[[], str],
        messages: MessageSender,
        timeout: timedelta | None = None,
    ) -> None:
        self._timeout = timeout
        self._directory = directory
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="function")
        self._client_binding = client_binding
        self._messages = messages
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def invoke(
        self,
        function: Function,
        trigger: Datum,
        metadata: Metadata | None = None,
        trace: TraceContext | None = None,
    ) -> Datum | None:
        """Runs the function, sends its messages, returns the datum for its trigger.

        That is an HTTP answer or an activity's result. Raises InvocationFailed.
        """
        context = InvocationContext(function.name, self._directory, trace or TraceContext())
        started = time.monotonic()
        self._running += 1
        self._idle.clear()
        try:
            return await self._invoke_in_time(function, trigger, metadata or {}, context)
        except (Exception, SystemExit) as error:
            took_ms = (time.monotonic() - started) * 1000
            log.error(
                "function %s failed (id %s, %.0f ms): %s: %s",
                function.name,
                context.invocation_id,
                took_ms,
                type(error).__name__,
                error,
                exc_info=error,
            )
            raise InvocationFailed(function.name, error) from error
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    def is_idle(self) -> bool:
        return self._running == 0

    async def until_idle(self) -> None:
        await self._idle.wait()

    def next_due(self) -> None:
        """No invocation waits for the clock."""

    async def drain(self, seconds: float) -> None:
        """Waits for running invocations, at most so long."""
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
        except TimeoutError:
            log.warning("%d invocations were still running after %.0f s", self._running, seconds)
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _invoke_in_time(
        self, function: Function, trigger: Datum, metadata: Metadata, context: InvocationContext
    ) -> Datum | None:
        if self._timeout is None:
            return await self._invoke(function, trigger, metadata, context)
        try:
            async with asyncio.timeout(self._timeout.total_seconds()) as scope:
                return await self._invoke(function, trigger, metadata, context)
        except TimeoutError as error:
            if not scope.expired():  # the function's own
                raise
            left = "" if function.is_async else "; its thread goes on, and what it does still takes effect"
            log.warning("function %s overran functionTimeout%s", function.name, left)
            raise FunctionTimeout(function.name, self._timeout) from error

    async def _invoke(
        self, function: Function, trigger: Datum, metadata: Metadata, context: InvocationContext
    ) -> Datum | None:
        bindings = function.bindings
        kind = function.trigger_type
        arguments: dict[str, Any] = {bindings.trigger.name: decode(kind, trigger, metadata)}
        for client in bindings.inputs:
            arguments[client.name] = decode("durableClient", Datum(self._client_binding(), "string"), {})
        outs = {output.name: Out() for output in bindings.outputs if output.name != RETURN}
        arguments.update(outs)
        if function.takes_context:
            arguments["context"] = context
        result = await self._call(function, arguments)
        return await self._results(function, result, outs)

    async def _call(self, function: Function, arguments: dict[str, Any]) -> Any:
        if function.is_async:
            return await function.code(**arguments)
        call = partial(contextvars.copy_context().run, partial(function.code, **arguments))
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    async def _results(self, function: Function, result: Any, outs: Mapping[str, Out]) -> Datum | None:
        answer: Datum | None = None
        returned = False
        for output in function.bindings.outputs:
            if output.name == RETURN:
                returned = True
                value = result
            else:
                value = outs[output.name].get()
            match output:
                case HttpOutput() if output.name == RETURN or value is not None:
                    answer = encode("http", value)
                case ServiceBusOutput() if value is not None:
                    await self._messages.send(output, encode("serviceBus", value).value)
        if function.trigger_type == "activityTrigger":
            return encode("activityTrigger", result)
        if result is not None and not returned:
            raise RuntimeError(f"function '{function.name}' without a $return binding returned a value")
        return answer


def _time_span(duration: timedelta) -> str:
    """As .NET writes it: `[d.]hh:mm:ss[.fffffff]`."""
    minutes, seconds = divmod(duration.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days = f"{duration.days}." if duration.days else ""
    fraction = f".{duration.microseconds:06}0" if duration.microseconds else ""
    return f"{days}{hours:02}:{minutes:02}:{seconds:02}{fraction}"
