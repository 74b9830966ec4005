"""A queue's way out: those who take from it, in turns."""

import asyncio
from collections import deque
from typing import Protocol

from slipway.local.servicebus.queue import Queue


class Consumer(Protocol):
    """Takes messages out of a queue, e.g. a client's receiver."""

    @property
    def hungry(self) -> bool:
        """Whether it wants one more."""
        ...

    def feed(self, queue: Queue) -> None:
        """Take one."""
        ...


class Outlet:
    """A queue with those who take from it in turns, and its alarm clock."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.consumers: deque[Consumer] = deque()
        self.alarm: asyncio.TimerHandle | None = None
        self.alarm_ms = 0

    def pump(self) -> None:
        """Hand out messages while there are any and somebody wants them."""
        refused = 0
        # In this order: to look whether a message is ready may end a session, and its receiver leaves.
        while self.queue.ready and refused < len(self.consumers):
            consumer = self.consumers[0]
            self.consumers.rotate(-1)
            if consumer.hungry:
                consumer.feed(self.queue)
                refused = 0
            else:
                refused += 1
