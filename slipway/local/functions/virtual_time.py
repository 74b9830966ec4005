"""Virtual time for a whole host: the clock stands while anything can run, and then jumps to what is due next."""

import asyncio
import logging
import os
import time
from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Protocol

from aiohttp import web

from slipway.local.functions.clock import VirtualClock
from slipway.local.functions.keeper import Keeper
from slipway.local.functions.tells_time import NotTold, TellsTime

log = logging.getLogger(__name__)
KEPT = "clock"
NAMED = "FUNCTIONS_NOW"  # the environment variable in which functions find the time
NAP_SECONDS = 0.02  # between looks, while nothing is waiting for the clock
TICK_SECONDS = 1.0  # of real time a jump, while only schedules are left, which come for ever


class Working(Protocol):
    """A part of the host that may be at work; all three speak of this instant of the clock."""

    def is_idle(self) -> bool: ...
    async def until_idle(self) -> None: ...
    def next_due(self) -> datetime | None: ...


class Durable(Protocol):
    """The durable engine: Working, but it may give up waiting, which here it must not."""

    def is_idle(self) -> bool: ...
    async def until_idle(self, timeout: float | None = ...) -> None: ...
    def next_due(self) -> datetime | None: ...


class VirtualTime:
    """Moves the clock. `durable` has timers that end, `schedules` go on for ever, `calls` wait for no clock. Another
    program that is to have the same time `tells` is for: it hears of each move before it is made."""

    def __init__(
        self,
        clock: VirtualClock,
        keeper: Keeper,
        durable: Durable,
        schedules: Sequence[Working],
        calls: Working,
        tells: TellsTime | None = None,
    ) -> None:
        self._clock, self._keeper, self._tells = clock, keeper, tells
        self._durable, self._schedules = durable, schedules
        self._others = (*schedules, calls)
        self._moving = asyncio.Lock()

    async def recall(self) -> None:
        """After a restart the clock goes on from where it was, or from where the program is that it tells, unless it
        starts later. Raises NotTold."""
        if (kept := self._keeper.kept(KEPT)) is not None:
            self._clock.advance_to(datetime.fromisoformat(kept))
        await self._reach(self._clock.now())

    async def forget(self) -> None:
        """The functions are on the machine's time again."""
        os.environ.pop(NAMED, None)
        if self._tells is not None:
            await self._tells.close()

    async def stamp(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        """Answers bear the time that holds for the functions, so that clients can reckon with it."""
        response.headers["Date"] = format_datetime(self._clock.now(), usegmt=True)

    def next_due(self) -> datetime | None:
        parts = (self._durable, *self._others)
        return min((due for part in parts if (due := part.next_due()) is not None), default=None)

    async def settle(self) -> None:
        """Until nothing more happens at this instant."""
        while not all(part.is_idle() for part in (self._durable, *self._others)):
            await self._durable.until_idle(timeout=None)
            for part in self._others:
                await part.until_idle()
            await asyncio.sleep(0)

    async def advance_to(self, until: datetime) -> None:
        """Time passes; whatever falls due meanwhile happens at its time. Raises NotTold, with the clock at the last
        time that both had."""
        async with self._moving:
            await self.settle()
            while (due := self.next_due()) is not None and due <= until:
                await self._jump(due)
            await self._jump(until)

    async def run_until_idle(self, at_most_s: float = 60.0) -> bool:
        """Jumps from due to due until no orchestration waits for the clock; schedules fire on the way.

        False: it took more than so many seconds of real time, as with an orchestration that never ends. Raises NotTold.
        """
        deadline = time.monotonic() + at_most_s
        async with self._moving:
            await self.settle()
            while self._durable.next_due() is not None:
                if time.monotonic() > deadline:
                    return False
                due = self.next_due()
                assert due is not None
                await self._jump(due)
        return True

    async def run(self) -> None:
        """Moves the clock by itself, until it is cancelled."""
        next_tick = time.monotonic() + TICK_SECONDS
        while True:
            async with self._moving:
                await self.settle()
                due = self.next_due()
                if due is not None and (self._durable.next_due() is not None or time.monotonic() >= next_tick):
                    try:
                        await self._jump(due)
                    except NotTold as error:
                        log.warning("%s", error)
                    next_tick = time.monotonic() + TICK_SECONDS
                    continue
            await asyncio.sleep(NAP_SECONDS)

    async def _jump(self, to: datetime) -> None:
        await self._reach(to)
        await asyncio.sleep(0)  # also where nothing happens at that time, others have their turn
        await self.settle()

    async def _reach(self, to: datetime) -> None:
        """The other program first: what the functions ask it must not be older than what they know."""
        self._clock.advance_to(await self._tells.tell(to) if self._tells is not None else to)
        now = self._clock.now().isoformat()
        os.environ[NAMED] = now
        self._keeper.keep(KEPT, now)
