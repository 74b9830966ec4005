"""Timer triggers: one run at a time, at the times of an NCRONTAB schedule, on the host's clock.

With the monitor (the default, off for schedules with several runs a minute) the last run is kept in the state file, and
runs that were missed while the host was away are made up for by one, with `past_due`. Occurrences that pass while the
function runs become one run right after it. (Source: TimerListener, ScheduleMonitor and TimerSchedule of
azure-webjobs-sdk-extensions.)
"""

import asyncio
import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from azure.functions.meta import Datum

from slipway.local.functions.app import Function
from slipway.local.functions.bindings import TimerTrigger
from slipway.local.functions.clock import Clock
from slipway.local.functions.invocation import InvocationFailed, Invoker
from slipway.local.functions.keeper import Keeper

log = logging.getLogger(__name__)
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class ScheduleStatus:
    """When a timer ran (NEVER: not yet), when it will, and which time that was worked out from."""

    last: datetime
    next: datetime
    updated: datetime

    def dump(self) -> dict[str, str]:
        return {"Last": self.last.isoformat(), "Next": self.next.isoformat(), "LastUpdated": self.updated.isoformat()}

    @classmethod
    def load(cls, text: str) -> "ScheduleStatus":
        dumped = json.loads(text)
        return cls(*(datetime.fromisoformat(dumped[name]) for name in ("Last", "Next", "LastUpdated")))


class TimerListener:
    """The timer of one function."""

    def __init__(self, function: Function, trigger: TimerTrigger, clock: Clock, invoker: Invoker, keeper: Keeper):
        self._function, self._trigger, self._schedule = function, trigger, trigger.schedule
        self._clock, self._invoker, self._keeper = clock, invoker, keeper
        self._monitored = trigger.use_monitor
        self._loop: asyncio.Task[None] | None = None
        self._stopping = False
        self._due = NEVER
        self._status: ScheduleStatus
        self._settled = asyncio.Event()  # set whenever a run has ended

    def start(self) -> None:
        now = self._clock.now()
        first = self._schedule.after(now)
        if self._schedule.after(first) < now + timedelta(minutes=1):
            self._monitored = False
        past_due = self._recall(now)
        if past_due:
            log.warning("function %s: it is past due since %s and runs now", self._function.name, self._status.next)
        at_once = past_due or self._trigger.run_on_startup
        self._due = now if at_once else self._status.next
        self._loop = asyncio.create_task(self._run(at_once, past_due), name=f"timer {self._function.name}")
        self._loop.add_done_callback(self._ended)

    def stop_firing(self) -> None:
        self._stopping = True

    async def close(self) -> None:
        """Breaks off what still runs: with the monitor, it is past due at the next start."""
        self._stopping = True
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    def next_due(self) -> datetime | None:
        return None if self._stopping else self._due

    def is_idle(self) -> bool:
        """Whether nothing happens before the clock moves."""
        return self._stopping or self._due > self._clock.now()

    async def until_idle(self) -> None:
        while not self.is_idle():
            self._settled.clear()
            await self._settled.wait()

    async def run_by_hand(self) -> None:
        """Runs the function now, whether it is running already or not; the schedule goes on as it was."""
        await self._invoke(self._status, past_due=False)

    async def _run(self, at_once: bool, past_due: bool) -> None:
        while not self._stopping:
            if not at_once:
                await self._clock.sleep_until(self._status.next)
            if self._stopping:
                return
            began = self._clock.now()
            await self._invoke(self._status, past_due)
            self._status = ScheduleStatus(began, self._schedule.after(began), began)
            self._write()
            at_once = past_due = False
            self._due = self._status.next
            self._settled.set()

    async def _invoke(self, status: ScheduleStatus, past_due: bool) -> None:
        request = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": status.dump() if self._monitored else None,
            "IsPastDue": past_due,
        }
        try:
            await self._invoker.invoke(self._function, Datum(json.dumps(request), "json"))
        except InvocationFailed:
            return  # logged there; the schedule goes on

    def _recall(self, now: datetime) -> bool:
        """Takes up the status that was kept, or makes the first one; says whether a run was missed."""
        text = self._keeper.kept(self._name) if self._monitored else None
        if text is None:
            self._status = ScheduleStatus(NEVER, self._schedule.after(now), now)
            self._write()
            return False
        kept = ScheduleStatus.load(text)
        expected = self._schedule.after(kept.updated)
        if expected != kept.next:  # another schedule than before: nothing of it was missed
            expected = expected if expected >= now else self._schedule.after(now)
            kept = ScheduleStatus(NEVER, expected, now)
        self._status = kept
        self._write()
        return now > kept.next

    def _write(self) -> None:
        if self._monitored:
            self._keeper.keep(self._name, json.dumps(self._status.dump()))

    @property
    def _name(self) -> str:
        return f"timer {self._function.name}"

    def _ended(self, loop: asyncio.Task[None]) -> None:
        self._stopping = True
        self._settled.set()
        if not loop.cancelled() and (error := loop.exception()) is not None:
            log.error("the timer of function %s broke", self._function.name, exc_info=error)
