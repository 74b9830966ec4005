"""Azure's weather: faults of the stand-in, and thieves who take messages off the queue and drop them.

To add a fault, add a line to WEATHER: a name for the table at the end, where it strikes, and what the stand-in's
`/standin/faults` is told.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from azure.core.exceptions import AzureError
from azure.servicebus import ServiceBusClient

from tests.chaos.ci import ONE_TRY
from tests.chaos.world import World

BUSY = {"error": {"code": "TooManyRequests", "message": "The request is being throttled."}}
ILL = {"error": {"code": "InternalServerError", "message": "An error has occurred."}}
THROTTLED = {"status": 429, "headers": {"Retry-After": "1"}, "body": BUSY}
WRITES = (("PUT", "/onedeploy"), ("POST", "/slotsswap"), ("PUT", "comp=appendblock"), ("PUT", "/tables/"))
READS = (("GET", "/sites/"), ("GET", "/deploymentStatus/"), ("GET", "/operationresults/"), ("GET", "/tables/"))
ANYWHERE = (*WRITES, *READS, ("POST", "/tables/"), ("GET", "/blob/"))


@dataclass(frozen=True)
class Weather:
    """A fault at one of `where` (method, part of the path), as the stand-in is told of it."""

    name: str
    where: Sequence[tuple[str, str]]
    fault: dict[str, Any]


WEATHER = (
    Weather("429 with Retry-After", ANYWHERE, {"answer": THROTTLED}),
    Weather("500 once", ANYWHERE, {"answer": {"status": 500, "body": ILL}}),
    Weather("500 for a while", ANYWHERE, {"answer": {"status": 500, "body": ILL}, "times": 6}),
    Weather("503 for a while", ANYWHERE, {"answer": {"status": 503, "body": ILL}, "times": 6}),
    Weather("dropped before the effect", ANYWHERE, {"drop": "before"}),
    Weather("dropped after the effect", WRITES, {"drop": "after"}),
    Weather("slow", ANYWHERE, {"hold": "before", "hold_s": 1.5}),
    Weather("slow to answer", WRITES, {"hold_s": 1.5}),
)
TIME_OUT = Weather("time-out", (("PUT", "/tables/"), ("GET", "/tables/")), {"hold_s": 35.0})
THEFTS = ("abandoned", "lock expired")


class Storm(threading.Thread):
    """Faults and thefts, one after the other, until it is told to calm down."""

    def __init__(self, world: World, random: Random, pause_s: float, time_outs: int = 0) -> None:
        super().__init__(name="storm", daemon=True)
        self._world, self._random, self._pause_s = world, random, pause_s
        self._time_outs = time_outs
        self.calm = threading.Event()

    def run(self) -> None:
        while not self.calm.wait(self._random.uniform(0.4, 1.6) * self._pause_s):
            self._world.gets_on(1, within_s=5.0)
            if self._time_outs:
                self._time_outs -= 1
                self._strike(TIME_OUT)
            elif self._random.random() < 0.2:
                self._steal(self._random.choice(THEFTS))
            else:
                self._strike(self._random.choice(WEATHER))

    def _strike(self, weather: Weather) -> None:
        method, path = self._random.choice(weather.where)
        body = {"match": {"method": method, "path_contains": path}, **weather.fault}
        answer = self._world.ask("POST", "/standin/faults", json=body)
        if answer is not None and answer.status_code == 201:
            self._world.chronicle.note("fault", f"{weather.name}: {method} {path}", weather.name)

    def _steal(self, how: str) -> None:
        """Take one message off the queue of builds, as a worker would that fails or dies over it."""
        try:
            with (
                ServiceBusClient.from_connection_string(self._world.run.servicebus, **ONE_TRY) as client,
                client.get_queue_receiver("builds") as receiver,
            ):
                for message in receiver.receive_messages(max_message_count=1, max_wait_time=0.5):
                    if how == "abandoned":
                        receiver.abandon_message(message)
                    self._world.chronicle.note("fault", f"{message.message_id}: {how}", f"message {how}")
        except (AzureError, OSError, ValueError) as error:
            self._world.chronicle.note("trouble", f"no theft: {type(error).__name__}")
