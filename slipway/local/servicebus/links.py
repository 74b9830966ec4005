"""The two kinds of link (AMQP 1.0 part 2, section 2.6). They know credit and messages, not queues' rules."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from slipway.local.servicebus.entry import Entry
from slipway.local.servicebus.errors import MESSAGE_SIZE_EXCEEDED, Refusal
from slipway.local.servicebus.performatives import Disposition, Flow, Transfer
from slipway.local.servicebus.queue import Queue
from slipway.local.servicebus.settlement import Delivery, accepted, rejected

if TYPE_CHECKING:
    from slipway.local.servicebus.session import Session

CREDIT = 1_000
MAX_MESSAGE_BYTES = 256 * 1024
"""The size limit of Azure's standard tier."""

Sink = Callable[[int, bytes], None]
"""Takes a message format and a whole message. Raises Refusal."""


class Incoming:
    """A link on which the client sends."""

    def __init__(self, session: "Session", handle: int, sink: Sink) -> None:
        self._session = session
        self._handle = handle
        self._sink = sink
        self._delivery_count = 0
        self._credit = 0
        self._first: Transfer | None = None
        self._parts: list[bytes] = []
        self._size = 0

    def grant(self) -> None:
        """Let the client send up to the full credit again."""
        self._credit = CREDIT
        self._session.send_flow(
            Flow(handle=self._handle, delivery_count=self._delivery_count, link_credit=self._credit)
        )

    def flow(self, flow: Flow) -> None:
        if flow.echo:
            self.grant()

    def transfer(self, transfer: Transfer, payload: bytes) -> None:
        """One frame of a message; with the last one the message is handed on and answered."""
        first = self._first = self._first or transfer
        self._size += len(payload)
        if self._size <= MAX_MESSAGE_BYTES:
            self._parts.append(payload)
        if transfer.more and not transfer.aborted:
            return
        message, size = b"".join(self._parts), self._size
        self._first, self._parts, self._size = None, [], 0
        self._delivery_count += 1
        self._credit -= 1
        if not transfer.aborted:
            self._take(first, message, size, settled=bool(first.settled or transfer.settled))
        if self._credit <= CREDIT // 2:
            self.grant()

    def _take(self, first: Transfer, message: bytes, size: int, *, settled: bool) -> None:
        try:
            if size > MAX_MESSAGE_BYTES:
                raise Refusal(
                    MESSAGE_SIZE_EXCEEDED,
                    f"The message of {size} bytes is larger than the limit of {MAX_MESSAGE_BYTES} bytes.",
                )
            self._sink(first.message_format or 0, message)
            state = accepted()
        except Refusal as refusal:
            # A detach would lose the condition on its way to the caller; a rejected delivery keeps it.
            self._session.log(f"message refused: {refusal}")
            state = rejected(refusal)
        if not settled and first.delivery_id is not None:
            self._session.send(Disposition(True, first.delivery_id, first.delivery_id, True, state))


class Outgoing:
    """A link on which the client receives. `address` is the source as the client wrote it."""

    def __init__(self, session: "Session", handle: int, address: str) -> None:
        self.address = address
        self.credit = 0
        self.on_credit: Callable[[], None] = lambda: None
        self.on_drain: Callable[[], None] = lambda: None
        self._session = session
        self._handle = handle
        self._delivery_count = 0

    def flow(self, flow: Flow) -> None:
        """The client says how many more it takes, counted from the delivery count that it has seen."""
        self.credit = max((flow.delivery_count or 0) + (flow.link_credit or 0) - self._delivery_count, 0)
        if flow.drain:
            self.on_drain()
            self._delivery_count += self.credit
            self.credit = 0
        else:
            self.on_credit()
        if flow.drain or flow.echo:
            self._session.send_flow(
                Flow(
                    handle=self._handle,
                    delivery_count=self._delivery_count,
                    link_credit=self.credit,
                    drain=flow.drain,
                )
            )

    def deliver(self, message: bytes, tag: bytes, *, settled: bool) -> int:
        """Send a message in as many frames as it takes; gives its delivery id."""
        self._delivery_count += 1
        self.credit -= 1
        return self._session.send_message(self._handle, message, tag, settled=settled)


class Receiver:
    """Feeds a link from a queue: peek-lock, or receive-and-delete where the client wants it settled."""

    def __init__(self, session: "Session", link: Outgoing, *, deletes: bool) -> None:
        self._session = session
        self._link = link
        self._deletes = deletes

    @property
    def hungry(self) -> bool:
        return self._link.credit > 0

    def feed(self, queue: Queue) -> None:
        entry = queue.pop() if self._deletes else queue.take()
        if entry is not None:
            deliver(self._session, self._link, queue, entry)


def deliver(session: "Session", link: Outgoing, queue: Queue, entry: Entry) -> None:
    """Send a message on its way; one with a lock is to be settled."""
    if entry.lock is None:
        link.deliver(entry.render(), entry.seq.to_bytes(16, "big"), settled=True)
        return
    # .NET's byte order: clients read the tag as a GUID, and it must be the one in management requests.
    tag = entry.lock.token.bytes_le
    delivery_id = link.deliver(entry.render(), tag, settled=False)
    session.unsettled[delivery_id] = Delivery(queue, entry.lock.token)
