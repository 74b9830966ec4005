"""The host's one clock: wall time, or a virtual time that moves only when it is told to."""

import asyncio
from datetime import UTC, datetime
from typing import Protocol

MAX_NAP_SECONDS = 60.0  # the wall clock may be set, or the laptop may sleep: look again at least this often


class Clock(Protocol):
    """What timers are measured with. All times are aware, in UTC."""

    def now(self) -> datetime: ...

    async def sleep_until(self, when: datetime) -> None:
        """Returns once `now() >= when`, at once if that is so already. May be cancelled."""
        ...


class WallClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep_until(self, when: datetime) -> None:
        while (left := (when - self.now()).total_seconds()) > 0:
            await asyncio.sleep(min(left, MAX_NAP_SECONDS))


class VirtualClock:
    """A time that stands still until `advance_to` moves it. One event loop only."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("a virtual clock starts at an aware time")
        self._now = start.astimezone(UTC)
        self._sleepers: dict[asyncio.Future[None], datetime] = {}

    def now(self) -> datetime:
        return self._now

    def advance_to(self, when: datetime) -> None:
        """Moves on to `when` and wakes every sleeper that is due by then; never moves backwards."""
        self._now = max(self._now, when.astimezone(UTC))
        for sleeper, due in list(self._sleepers.items()):
            if due <= self._now and not sleeper.done():
                sleeper.set_result(None)

    async def sleep_until(self, when: datetime) -> None:
        if when <= self._now:
            return
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers[sleeper] = when
        try:
            await sleeper
        finally:
            del self._sleepers[sleeper]
