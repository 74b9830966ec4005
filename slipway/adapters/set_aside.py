"""What lies aside in Service Bus, looked at without taking it (peek), and taken away once it was put back.

Service Bus lets nobody receive one message by its number. Whoever wants one taken away receives what lies before it
too and gives that back, which counts as a delivery: so the queue `builds-rejected` allows for 2,000 of them, and a
dead-letter queue has no limit.
"""

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Lock
from typing import TYPE_CHECKING, Any

from slipway.adapters.azure_errors import AzureProblem, explain
from slipway.adapters.once import once_per_process
from slipway.adapters.service_bus import client
from slipway.promotion import set_aside
from slipway.promotion.set_aside import Place, SetAside, dead_letter, rejected
from slipway.settings import BUILDS_QUEUE, EVENTS_TOPIC, REJECTED_QUEUE, REPORTS_SUBSCRIPTION, Settings, settings

if TYPE_CHECKING:
    from azure.servicebus import ServiceBusReceivedMessage, ServiceBusReceiver

_ROLE = "Azure Service Bus Data Receiver"
TAKES_AT_MOST_S = 10.0  # to find a message among those that lie before it
_AT_ONCE = 100
_FIRST_ANSWER_S = 2.0


def look(source: str, from_sequence: int, most: int, settings_: Settings | None = None) -> list[SetAside]:
    """At most so many messages of a source with that sequence number or a higher one. Raises AzureProblem."""
    found: list[ServiceBusReceivedMessage] = []
    window = _window(settings_ or settings(), source)
    while len(found) < most:  # one answer may hold fewer than there are; and with 0 the SDK goes on from its last one
        at = int(found[-1].sequence_number or 0) + 1 if found else max(1, from_sequence)
        more = window.peek(at, most - len(found))
        if not more:
            break
        found += more
    return [_set_aside(source, each) for each in found]


def find(place: Place, settings_: Settings | None = None) -> SetAside | None:
    """The message at that place; None when none lies there (any more). Raises AzureProblem."""
    found = look(place.source, place.sequence, 1, settings_)
    return found[0] if found and found[0].place == place else None


def take_away(place: Place, also: Collection[int] = (), settings_: Settings | None = None) -> bool:
    """Complete the message at that place, and on the way those of `also`. Whether it is gone: others may hold it for
    longer than we try, or too many lie before it. Raises AzureProblem."""
    chosen, deadline = settings_ or settings(), time.monotonic() + TAKES_AT_MOST_S
    with _explained(), _receiver(chosen, place.source) as receiver:
        while time.monotonic() < deadline:
            if _taken(receiver, place, also, deadline) or find(place, chosen) is None:
                return True
    return False


def _taken(receiver: "ServiceBusReceiver", place: Place, also: Collection[int], deadline: float) -> bool:
    """Whether it was among those that nobody else holds; what was received beside it is given back."""
    held, found = [], False
    while not found and time.monotonic() < deadline:
        messages = receiver.receive_messages(_AT_ONCE, max_wait_time=_FIRST_ANSWER_S)
        if not messages:
            break
        for each in messages:
            if each.sequence_number == place.sequence or each.sequence_number in also:
                receiver.complete_message(each)
                found = found or each.sequence_number == place.sequence
            else:
                held.append(each)
    for each in held:
        with suppress(Exception):  # its lock ends by itself
            receiver.abandon_message(each)
    return found


def _set_aside(source: str, message: "ServiceBusReceivedMessage") -> SetAside:
    place = Place(source, int(message.sequence_number or 0))
    told = {_text(name): _plain(value) for name, value in (message.application_properties or {}).items()}
    at = message.enqueued_time_utc
    assert at is not None, "a message that was peeked was enqueued"
    content: dict[str, Any] = {
        "body": _body(message),
        "content_type": message.content_type or "",
        "subject": message.subject or "",
        "deliveries": message.delivery_count or 0,
    }
    if source == set_aside.REJECTED:
        return rejected(place, at, told, **content)
    why, more = message.dead_letter_reason or "", message.dead_letter_error_description or ""
    return dead_letter(place, at, told, why, more, message_id=str(message.message_id or ""), **content)


def _body(message: "ServiceBusReceivedMessage") -> bytes:
    """Its bytes; of an AMQP value or sequence, which no sender of ours uses, what Python writes for it."""
    body: Any = message.body
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    parts = list(body) if not isinstance(body, Mapping) else [body]
    return b"".join(each if isinstance(each, bytes) else str(each).encode() for each in parts)


def _plain(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _text(value: Any) -> str:
    return str(_plain(value))


class _Window:
    """A receiver that stays open and only peeks, for one thread at a time: opening and closing one takes a second. One
    whose link died is opened again, once."""

    def __init__(self, settings_: Settings, source: str) -> None:
        self._settings, self._source = settings_, source
        self._lock = Lock()
        self._receiver: ServiceBusReceiver | None = None

    def peek(self, from_sequence: int, most: int) -> "list[ServiceBusReceivedMessage]":
        from azure.core.exceptions import AzureError

        with self._lock, _explained():
            tries = 1 if self._receiver is None else 2
            while True:
                tries -= 1
                try:
                    self._receiver = self._receiver or _receiver(self._settings, self._source)
                    return self._receiver.peek_messages(most, sequence_number=from_sequence)
                except AzureError:
                    dead, self._receiver = self._receiver, None
                    if dead is not None:
                        dead.close()
                    if not tries:
                        raise


@once_per_process
def _window(settings_: Settings, source: str) -> _Window:
    return _Window(settings_, source)


def _receiver(settings_: Settings, source: str) -> "ServiceBusReceiver":
    from azure.servicebus import ServiceBusSubQueue

    bus, dead = client(settings_), ServiceBusSubQueue.DEAD_LETTER
    match source:
        case set_aside.REJECTED:
            return bus.get_queue_receiver(REJECTED_QUEUE)
        case set_aside.BUILDS:
            return bus.get_queue_receiver(BUILDS_QUEUE, sub_queue=dead)
    return bus.get_subscription_receiver(EVENTS_TOPIC, REPORTS_SUBSCRIPTION, sub_queue=dead)


@contextmanager
def _explained() -> Iterator[None]:
    from azure.core.exceptions import AzureError

    try:
        yield
    except AzureError as error:
        raise AzureProblem(explain(error, _ROLE)) from error
