"""The app's orchestrators, entities and activities, as the durable engine calls them."""

import asyncio
import logging
import traceback
from collections.abc import Iterable, Mapping

from azure.functions.meta import Datum

from slipway.local.functions.app import Function
from slipway.local.functions.converters import decode
from slipway.local.functions.durable.engine import ActivityFailed
from slipway.local.functions.invocation import InvocationFailed, Invoker
from slipway.local.functions.sdk_timestamps import remember
from slipway.local.functions.sdk_warnings import replayed

log = logging.getLogger(__name__)
KINDS: Mapping[str, str] = {
    "orchestrationTrigger": "orchestrator",
    "activityTrigger": "activity",
    "entityTrigger": "entity",
}
STATE_MARK = "$OutOfProcData$:"  # what follows it is the orchestrator's state, not for a log


class DurableFunctions:
    """Implements the engine's `Functions`."""

    def __init__(self, functions: Iterable[Function], invoker: Invoker) -> None:
        remember()
        self._invoker = invoker
        self._paused = False
        self._functions = {
            function.registered_name.lower(): function
            for function in functions
            if function.trigger_type in KINDS and not function.disabled
        }

    def pause(self) -> None:
        """From now on no activity begins: the engine, when it stops, takes it for unfinished."""
        self._paused = True

    def kind(self, name: str) -> str | None:
        function = self._functions.get(name.lower())
        return KINDS[function.trigger_type] if function else None

    def orchestrate(self, name: str, body: str) -> str:
        token = replayed.set(body)
        try:
            return self._run(name, body)
        finally:
            replayed.reset(token)

    def run_entity(self, name: str, body: str) -> str:
        return self._run(name, body)

    async def run_activity(self, name: str, instance_id: str, input_json: str) -> str:
        if self._paused:
            await asyncio.get_running_loop().create_future()  # until the engine breaks it off
        metadata = {"instanceId": Datum(instance_id, "string")}
        try:
            result = await self._invoker.invoke(self._function(name), Datum(input_json, "string"), metadata)
        except InvocationFailed as failed:
            stack = "".join(traceback.format_exception(failed.cause))
            raise ActivityFailed(type(failed.cause).__name__, str(failed.cause), stack) from failed
        assert result is not None, "an activity always has a result, if only null"
        text: str = result.value
        return text

    def _run(self, name: str, body: str) -> str:
        """Calls the SDK's handler: it parses the JSON text of the trigger and returns that of the answer."""
        function = self._function(name)
        argument = decode(function.trigger_type, Datum(body, "string"))
        try:
            answer: str = function.code(argument)
        except Exception as error:
            words = str(error).split(STATE_MARK)[0].strip().partition("\n")[0]
            kind = KINDS[function.trigger_type]
            log.error("%s %s failed: %s", kind, function.registered_name, words, exc_info=error.__cause__)
            raise
        return answer

    def _function(self, name: str) -> Function:
        return self._functions[name.lower()]
