"""Durable timers in the order in which they are due."""

import asyncio
import heapq
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from slipway.local.functions.clock import Clock
from slipway.local.functions.durable.model import Timer


class Timers:
    """Calls `fire` with all that are due together, in order."""

    def __init__(self, clock: Clock, fire: Callable[[Sequence[Timer]], None]) -> None:
        self._clock, self._fire = clock, fire
        self._heap: list[tuple[datetime, int, Timer]] = []
        self._set: defaultdict[str, set[Timer]] = defaultdict(set)  # by instance; the heap also has removed ones
        self._order = itertools.count()
        self._sooner = asyncio.Event()

    def add(self, timer: Timer) -> None:
        first = self.next_due()
        self._set[timer.instance].add(timer)
        heapq.heappush(self._heap, (timer.due, next(self._order), timer))
        if first is None or timer.due < first:
            self._sooner.set()

    def of(self, instance_id: str) -> frozenset[Timer]:
        return frozenset(self._set.get(instance_id, ()))

    def remove(self, timers: Iterable[Timer]) -> None:
        for timer in timers:
            left = self._set[timer.instance]
            left.discard(timer)
            if not left:
                del self._set[timer.instance]

    def remove_all(self, instance_id: str) -> None:
        self._set.pop(instance_id, None)

    def next_due(self) -> datetime | None:
        while self._heap and self._heap[0][2] not in self._set.get(self._heap[0][2].instance, ()):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    async def run(self) -> None:
        """Fires timers until it is cancelled."""
        while True:
            self._sooner.clear()
            due = self.next_due()
            if due is None:
                await self._sooner.wait()
            elif due <= self._clock.now():
                self._fire(self._take_due())
            else:
                await self._sleep(due)

    async def _sleep(self, due: datetime) -> None:
        """Until then, or until a timer that is due sooner is added."""
        sleeping = asyncio.create_task(self._clock.sleep_until(due))
        sooner = asyncio.create_task(self._sooner.wait())
        try:
            await asyncio.wait((sleeping, sooner), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            sooner.cancel()

    def _take_due(self) -> list[Timer]:
        now = self._clock.now()
        taken = []
        while (due := self.next_due()) is not None and due <= now:
            timer = heapq.heappop(self._heap)[2]
            self.remove([timer])
            taken.append(timer)
        return taken
