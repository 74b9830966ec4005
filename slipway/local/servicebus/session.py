"""A session: windows, delivery ids, links coming and going (AMQP 1.0 part 2, section 2.5)."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from slipway.local.servicebus import cbs, management
from slipway.local.servicebus.decoding import DecodeError
from slipway.local.servicebus.errors import DECODE_ERROR, NOT_ALLOWED, NOT_IMPLEMENTED, Refusal
from slipway.local.servicebus.links import MAX_MESSAGE_BYTES, Incoming, Outgoing, Receiver
from slipway.local.servicebus.message import BATCH_FORMAT, Content, unbatch
from slipway.local.servicebus.namespace import MANAGEMENT, entity_name
from slipway.local.servicebus.outlet import Consumer
from slipway.local.servicebus.performatives import (
    RECEIVER,
    SENDER,
    Attach,
    Begin,
    Detach,
    Disposition,
    End,
    Flow,
    Performative,
    Transfer,
)
from slipway.local.servicebus.queue import Queue
from slipway.local.servicebus.session_queue import Hold, SessionQueue
from slipway.local.servicebus.session_receivers import (
    SessionReceiver,
    SessionSeeker,
    granted,
    link_properties,
    patience_s,
    session_lost,
    wanted_session,
    wants_session,
)
from slipway.local.servicebus.settlement import Delivery, is_terminal, settle
from slipway.local.servicebus.types import Described, Value

if TYPE_CHECKING:
    from slipway.local.servicebus.connection import Connection

WINDOW = 2**31 - 1
HANDLE_MAX = 255
SETTLED = 1
"""A sender's settle mode: deliveries go out settled (receive and delete)."""
_FRAME_OVERHEAD = 64

Node = Callable[[bytes], bytes]
"""Answers an encoded request message with an encoded response message."""


@dataclass(frozen=True)
class Link:
    """An attached link and how to take it out of everything again."""

    end: Incoming | Outgoing
    leave: Callable[[], None]


class Session:
    """Lives on one channel, whose number both sides use."""

    def __init__(self, connection: "Connection", channel: int, begin: Begin) -> None:
        self.unsettled: dict[int, Delivery] = {}
        self._connection = connection
        self._broker = connection.broker
        self._channel = channel
        self._links: dict[int, Link] = {}
        self._next_incoming_id = begin.next_outgoing_id
        self._next_outgoing_id = 0
        self._next_delivery_id = 0
        self._remote_window = begin.incoming_window
        self._waiting: deque[tuple[Transfer, bytes]] = deque()
        self.send(Begin(channel, 0, WINDOW, WINDOW, HANDLE_MAX))

    def take(self, performative: Performative, payload: bytes) -> None:
        """Act on one frame. Frames for handles and deliveries that are gone are ignored."""
        match performative:
            case Transfer():
                self._next_incoming_id += 1
                link = self._links.get(performative.handle)
                if link is not None and isinstance(link.end, Incoming):
                    link.end.transfer(performative, payload)
            case Disposition(role=True):
                self._settle(performative)
            case Flow():
                self._flow(performative)
            case Attach():
                self._attach(performative)
            case Detach():
                link = self._links.pop(performative.handle, None)
                if link is not None:
                    link.leave()
                    self.send(Detach(performative.handle, performative.closed))
            case End():
                self.leave()
                self.send(End())

    def leave(self) -> None:
        """The session is over. Messages in the client's hands stay locked until their time is up."""
        links, self._links = self._links, {}
        for link in links.values():
            link.leave()

    def log(self, line: str) -> None:
        self._connection.log(line)

    # Sending

    def send(self, performative: Performative, payload: bytes = b"") -> None:
        self._connection.send(self._channel, performative, payload)

    def send_flow(self, flow: Flow) -> None:
        """Send a link's flow, completed by the session's own numbers."""
        flow.next_incoming_id = self._next_incoming_id
        flow.incoming_window = WINDOW
        flow.next_outgoing_id = self._next_outgoing_id
        flow.outgoing_window = WINDOW
        self.send(flow)

    def send_message(self, handle: int, message: bytes, tag: bytes, *, settled: bool) -> int:
        """Send a message in frames that the client takes; gives the delivery id."""
        delivery_id = self._next_delivery_id
        self._next_delivery_id += 1
        size = self._connection.max_frame_size - _FRAME_OVERHEAD
        first = Transfer(handle, delivery_id, tag, 0, settled, len(message) > size)
        self._waiting.append((first, message[:size]))
        for start in range(size, len(message), size):
            more = start + size < len(message)
            self._waiting.append((Transfer(handle, settled=settled, more=more), message[start : start + size]))
        self._send_waiting()
        return delivery_id

    def _send_waiting(self) -> None:
        while self._waiting and self._remote_window > 0:
            transfer, part = self._waiting.popleft()
            self._remote_window -= 1
            self._next_outgoing_id += 1
            self.send(transfer, part)

    # Flow and settlement

    def _flow(self, flow: Flow) -> None:
        self._remote_window = (flow.next_incoming_id or 0) + flow.incoming_window - self._next_outgoing_id
        self._send_waiting()
        if flow.handle is None:
            if flow.echo:
                self.send_flow(Flow())
            return
        link = self._links.get(flow.handle)
        if link is not None:
            link.end.flow(flow)

    def _settle(self, disposition: Disposition) -> None:
        if disposition.state is None or not is_terminal(disposition.state):
            return
        for delivery_id in self._between(disposition.first, disposition.last):
            answer = settle(self.unsettled.pop(delivery_id), disposition.state)
            if not disposition.settled:
                self.send(Disposition(SENDER, delivery_id, delivery_id, True, answer))

    def _between(self, first: int, last: int | None) -> Iterable[int]:
        if last is None or last == first:
            return [first] if first in self.unsettled else []
        return [delivery_id for delivery_id in self.unsettled if first <= delivery_id <= last]

    # Attaching

    def _attach(self, attach: Attach) -> None:
        try:
            if attach.role == SENDER:
                self._attach_sender(attach)
            else:
                self._attach_receiver(attach)
        except Refusal as refusal:
            self._refuse(attach, refusal)

    def _attach_sender(self, attach: Attach) -> None:
        address = _address(attach.target)
        node = self._node(address)
        if node is not None:
            sink = partial(self._ask, address, node)
        else:
            sink = partial(self._accept, entity_name(address), self._broker.namespace.sent_to(address))
        link = Incoming(self, attach.handle, sink)
        self._links[attach.handle] = Link(link, lambda: None)
        self._answer(attach, attach.source, attach.target)
        link.grant()

    def _accept(self, entity: str, queue: Queue, message_format: int, message: bytes) -> None:
        self._broker.check(entity)
        _accept(queue, message_format, message)

    def _attach_receiver(self, attach: Attach) -> None:
        address = _address(attach.source)
        link = Outgoing(self, attach.handle, address)
        if self._node(address) is not None:
            self._links[attach.handle] = Link(link, lambda: None)
            self._answer(attach, attach.source, attach.target)
            return
        queue = self._broker.namespace.received_from(address)
        if isinstance(queue, SessionQueue):
            self._attach_to_session(attach, link, queue)
            return
        if wants_session(attach):
            raise Refusal(NOT_ALLOWED, f"{queue.name} does not have sessions.")
        self._feed(link, attach, queue, Receiver(self, link, deletes=attach.snd_settle_mode == SETTLED))
        self._answer(attach, attach.source, attach.target)

    def _feed(
        self, link: Outgoing, attach: Attach, queue: Queue, consumer: Consumer, leave: Callable[[], None] | None = None
    ) -> None:
        """From now on the queue feeds this link, until it leaves."""

        def leave_all() -> None:
            self._broker.leave(queue, consumer)
            if leave is not None:
                leave()

        link.on_credit = partial(self._broker.touch, queue)
        link.on_drain = partial(self._broker.serve, queue)
        self._broker.join(queue, consumer)
        self._links[attach.handle] = Link(link, leave_all)

    # Sessions of Service Bus

    def _attach_to_session(self, attach: Attach, link: Outgoing, queue: SessionQueue) -> None:
        """Answer with the session, now or when one is free."""
        if not wants_session(attach):
            raise Refusal(NOT_ALLOWED, f"{queue.name} has sessions: it takes only receivers of a session.")
        hold = queue.hold(wanted_session(attach))
        if hold is not None:
            self._give_session(attach, link, queue, hold)
            return
        seeker = SessionSeeker(
            queue,
            patience_s(attach),
            found=partial(self._found_session, attach, link, queue),
            given_up=partial(self._drop, attach, self._refuse),
        )
        self._feed(link, attach, queue, seeker, seeker.stop)

    def _found_session(self, attach: Attach, link: Outgoing, queue: SessionQueue, hold: Hold) -> None:
        self._links.pop(attach.handle).leave()
        self._give_session(attach, link, queue, hold)

    def _give_session(self, attach: Attach, link: Outgoing, queue: SessionQueue, hold: Hold) -> None:
        def leave() -> None:
            queue.let_go(hold)
            self._broker.touch(queue)

        receiver = SessionReceiver(self, link, queue, hold, deletes=attach.snd_settle_mode == SETTLED)
        hold.on_lost = partial(self._drop, attach, self._detach, session_lost(queue, hold))
        self._feed(link, attach, queue, receiver, leave)
        self._answer(attach, granted(attach.source, hold.session_id), attach.target, link_properties(hold))

    def _drop(self, attach: Attach, how: Callable[[Attach, Refusal], None], refusal: Refusal) -> None:
        """End a link from our side."""
        link = self._links.pop(attach.handle, None)
        if link is not None:
            link.leave()
            how(attach, refusal)

    def _detach(self, attach: Attach, refusal: Refusal) -> None:
        self.log(f"link closed: {refusal}")
        self.send(Detach(attach.handle, True, refusal.as_error()))

    def _refuse(self, attach: Attach, refusal: Refusal) -> None:
        """AMQP's way to refuse: attach without the terminus that would have been ours, then detach."""
        self.log(f"link refused: {refusal}")
        if attach.role == SENDER:
            self._answer(attach, attach.source, None)
        else:
            self._answer(attach, None, attach.target)
        self.send(Detach(attach.handle, True, refusal.as_error()))

    def _answer(
        self,
        attach: Attach,
        source: Described | None,
        target: Described | None,
        properties: dict[Value, Value] | None = None,
    ) -> None:
        ours = SENDER if attach.role == RECEIVER else RECEIVER
        self.send(
            Attach(
                name=attach.name,
                handle=attach.handle,
                role=ours,
                snd_settle_mode=attach.snd_settle_mode,
                rcv_settle_mode=attach.rcv_settle_mode,
                source=source,
                target=target,
                initial_delivery_count=0 if ours == SENDER else None,
                max_message_size=MAX_MESSAGE_BYTES,
                properties=properties,
            )
        )

    # Request and response

    def _node(self, address: str) -> Node | None:
        name = entity_name(address)
        if name == cbs.ADDRESS:
            return cbs.answer
        if name.endswith(MANAGEMENT):
            return partial(management.answer, self._broker.namespace, name)
        return None

    def _ask(self, address: str, node: Node, message_format: int, request: bytes) -> None:
        """Answer a request on the receiving link that belongs to it.

        Credit is not looked at: the SDK grants 10,000 once and never again.
        """
        response = _checked(node, request)
        for link in self._links.values():
            if isinstance(link.end, Outgoing) and link.end.address == address:
                link.end.deliver(response, b"\x00", settled=True)
                return
        raise Refusal(NOT_ALLOWED, f"attach a receiver to {address} before asking it something")


def _address(terminus: Described | None) -> str:
    fields = terminus.value if terminus is not None else None
    address = fields[0] if isinstance(fields, list) and fields else None
    if not isinstance(address, str):
        raise Refusal(NOT_IMPLEMENTED, "a link needs an address at its far end")
    return address


def _accept(queue: Queue, message_format: int, message: bytes) -> None:
    """Put a message, or all of a batch, into a queue."""
    try:
        parts = unbatch(message) if message_format == BATCH_FORMAT else [message]
        contents = [Content.parse(part) for part in parts]
    except DecodeError as error:
        raise Refusal(DECODE_ERROR, str(error)) from error
    for content in contents:
        queue.check(content)
    for content in contents:
        queue.put(content, content.scheduled_ms())


def _checked(node: Node, request: bytes) -> bytes:
    try:
        return node(request)
    except DecodeError as error:
        raise Refusal(DECODE_ERROR, str(error)) from error
