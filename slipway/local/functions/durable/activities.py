"""Runs activities: each until its answer is recorded, which may take more than one run (at least once)."""

import asyncio
import json
import logging

from slipway.local.functions.durable.backend import Backend, OverLimit
from slipway.local.functions.durable.contract import ActivityFailed, Functions, Limits
from slipway.local.functions.durable.history import HistoryEvent, Kind
from slipway.local.functions.durable.hub import Hub
from slipway.local.functions.durable.model import Activity
from slipway.local.functions.durable.replay import Refused, require

log = logging.getLogger(__name__)


class Activities:
    def __init__(self, functions: Functions, hub: Hub, limits: Limits, backend: Backend) -> None:
        self._functions, self._hub, self._backend = functions, hub, backend
        self._slots = asyncio.Semaphore(limits.activities)

    async def run(self, activity: Activity) -> None:
        async with self._slots:
            answer = await self._answer(activity)
        hub = self._hub
        with hub.transaction():
            if hub.store.delete_activity(activity):  # else the orchestration was ended or purged
                hub.post(activity.instance, answer, activity.execution)

    async def _answer(self, activity: Activity) -> HistoryEvent:
        try:
            require(self._functions, activity.name, "activity")
            result = await self._functions.run_activity(activity.name, activity.instance, activity.input)
            self._backend.check_payload(f"result of the activity '{activity.name}'", result)
        except ActivityFailed as failure:
            return self._failed(activity, f" {failure}", failure.stack)
        except (Refused, OverLimit) as refusal:
            log.error("activity %s of %s is refused: %s", activity.name, activity.instance, refusal)
            return self._failed(activity, str(refusal), "")
        except Exception as problem:  # whatever broke around the function: the orchestration must hear of it
            log.exception("activity %s of %s could not be run", activity.name, activity.instance)
            return self._failed(activity, f" {type(problem).__name__}: {problem}", "")
        return HistoryEvent(Kind.TASK_COMPLETED, self._hub.clock.now(), task=activity.id, result=result)

    def _failed(self, activity: Activity, message: str, stack: str) -> HistoryEvent:
        """The texts as the extension makes them from the Python worker's failure (hence the two spaces).

        On a backend that loses them they are not even kept: only the host's log has them.
        """
        if not self._backend.failure_words:
            return HistoryEvent(Kind.TASK_FAILED, self._hub.clock.now(), task=activity.id)
        details = {"$type": "System.Exception, System.Private.CoreLib", "ClassName": "System.Exception"}
        return HistoryEvent(
            Kind.TASK_FAILED,
            self._hub.clock.now(),
            task=activity.id,
            reason=f"Activity function '{activity.name}' failed: {message}",
            details=json.dumps({**details, "Message": message, "StackTraceString": stack}),
        )
