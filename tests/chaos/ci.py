"""CI: puts letters on the queue `builds`, again and again until the broker says that it has them."""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.core.exceptions import AzureError
from azure.servicebus import (
    ServiceBusClient,
    ServiceBusMessage,
    ServiceBusReceivedMessage,
    ServiceBusReceiveMode,
    ServiceBusSender,
)

from tests.chaos.letters import BUILD, COPY, Letter
from tests.chaos.world import World

ONE_TRY: Any = {"retry_total": 0, "socket_timeout": 3}


class Ci(threading.Thread):
    """Sends a letter after each pause until the post ends or it is told that it is `enough`. While so many builds
    are on their way that there is no `room`, it waits, as a team would: a slow machine must not drown.

    `tried` and `taken`: how often each letter was sent, and how often the broker said that it has it.
    """

    def __init__(
        self, world: World, post: Iterable[Letter], pauses_s: Iterator[float], room: Callable[[], bool] = lambda: True
    ) -> None:
        super().__init__(name="ci", daemon=True)
        self._world, self._post, self._pauses_s, self._room = world, post, pauses_s, room
        self.enough = threading.Event()
        self.sent: dict[str, Letter] = {}
        self.taken: Counter[str] = Counter()
        self.tried: Counter[str] = Counter()
        self._builds: dict[str, Letter] = {}

    @property
    def builds(self) -> int:
        """How many builds it has sent, or is about to."""
        return sum(letter.kind == BUILD for letter in list(self.sent.values()))

    def run(self) -> None:
        mailbox = Mailbox(self._world)
        for letter in self._post:
            pause_s = next(self._pauses_s)
            while not self.enough.wait(pause_s) and not self._room():
                pass
            if self.enough.is_set():
                break
            self._send(mailbox, self._ready(letter))
        mailbox.close()

    def _ready(self, letter: Letter) -> Letter:
        """A copy repeats the build as it was said the first time."""
        if letter.kind == COPY:
            return replace(letter, document=self._builds[letter.promotion].document)
        letter = letter.finished()
        self._builds[letter.promotion] = letter
        return letter

    def _send(self, mailbox: "Mailbox", letter: Letter) -> None:
        self.sent[letter.id] = letter
        note = self._world.chronicle.note
        while True:
            self.tried[letter.id] += 1
            try:
                mailbox.put(letter)
            except (AzureError, OSError, ValueError) as error:
                note("letter", f"{letter.id} perhaps not taken: {type(error).__name__}")
                mailbox.close()
                time.sleep(0.3)
            else:
                self.taken[letter.id] += 1
                note("letter", f"{letter.id} {letter.promotion or letter.code}", letter.kind)
                return


class Mailbox:
    """One sender, opened when it is needed."""

    def __init__(self, world: World) -> None:
        self._connection = world.run.servicebus
        self._open: tuple[ServiceBusClient, ServiceBusSender] | None = None

    def put(self, letter: Letter) -> None:
        """Raises AzureError, OSError, ValueError when the broker did not, or perhaps did not, take it."""
        if self._open is None:
            client = ServiceBusClient.from_connection_string(self._connection, **ONE_TRY)
            self._open = client, client.get_queue_sender("builds")
        message = ServiceBusMessage(letter.body(), message_id=letter.id)
        if letter.delay_s:
            at = datetime.now(UTC) + timedelta(seconds=letter.delay_s)
            self._open[1].schedule_messages(message, at, timeout=5)
        else:
            self._open[1].send_messages(message, timeout=5)

    def close(self) -> None:
        if self._open is not None:
            for each in reversed(self._open):
                with contextlib.suppress(AzureError, OSError, ValueError):
                    each.close()
        self._open = None


def taken_off(world: World, address: str) -> list[ServiceBusReceivedMessage]:
    """Everything that lies on a queue, or on a subscription `topic/name`, taken off it."""
    taken: list[ServiceBusReceivedMessage] = []
    topic, _, name = address.partition("/")
    for_good: Any = {"receive_mode": ServiceBusReceiveMode.RECEIVE_AND_DELETE}
    with (
        ServiceBusClient.from_connection_string(world.run.servicebus) as client,
        (
            client.get_subscription_receiver(topic, name, **for_good)
            if name
            else client.get_queue_receiver(topic, **for_good)
        ) as receiver,
    ):
        while found := receiver.receive_messages(max_message_count=500, max_wait_time=1):
            taken += found
    return taken
