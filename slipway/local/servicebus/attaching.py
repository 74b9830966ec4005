"""How links come and go (AMQP 1.0 part 2, section 2.6.3): what stands at our end of each."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from slipway.local.servicebus import cbs, management
from slipway.local.servicebus.broker import Broker
from slipway.local.servicebus.decoding import DecodeError
from slipway.local.servicebus.errors import DECODE_ERROR, NOT_ALLOWED, NOT_IMPLEMENTED, Refusal
from slipway.local.servicebus.links import MAX_MESSAGE_BYTES, Incoming, Outgoing, Receiver
from slipway.local.servicebus.message import BATCH_FORMAT, Content, unbatch
from slipway.local.servicebus.namespace import MANAGEMENT, entity_name
from slipway.local.servicebus.outlet import Consumer
from slipway.local.servicebus.performatives import RECEIVER, SENDER, Attach, Detach
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
from slipway.local.servicebus.types import Described, Value

if TYPE_CHECKING:
    from slipway.local.servicebus.session import Session

SETTLED = 1
"""A sender's settle mode: deliveries go out settled (receive and delete)."""

Node = Callable[[bytes], bytes]
"""Answers an encoded request message with an encoded response message."""


@dataclass(frozen=True)
class Link:
    """An attached link and how to take it out of everything again."""

    end: Incoming | Outgoing
    leave: Callable[[], None]


class Links:
    """The links of one session, by handle."""

    def __init__(self, session: "Session", broker: Broker) -> None:
        self._session = session
        self._broker = broker
        self._links: dict[int, Link] = {}

    def end(self, handle: int) -> Incoming | Outgoing | None:
        """Our end of a link, if it is attached."""
        link = self._links.get(handle)
        return None if link is None else link.end

    def detach(self, detach: Detach) -> None:
        """The client ends a link."""
        link = self._links.pop(detach.handle, None)
        if link is not None:
            link.leave()
            self._session.send(Detach(detach.handle, detach.closed))

    def leave(self) -> None:
        """The session is over."""
        links, self._links = self._links, {}
        for link in links.values():
            link.leave()

    def attach(self, attach: Attach) -> None:
        """Answer a client's attach, now or when there is a session for it."""
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
        link = Incoming(self._session, attach.handle, sink)
        self._links[attach.handle] = Link(link, lambda: None)
        self._answer(attach, attach.source, attach.target)
        link.grant()

    def _accept(self, entity: str, queue: Queue, message_format: int, message: bytes) -> None:
        self._broker.check(entity)
        _accept(queue, message_format, message)

    def _attach_receiver(self, attach: Attach) -> None:
        address = _address(attach.source)
        link = Outgoing(self._session, attach.handle, address)
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
        self._feed(link, attach, queue, Receiver(self._session, link, deletes=attach.snd_settle_mode == SETTLED))
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

        receiver = SessionReceiver(self._session, link, queue, hold, deletes=attach.snd_settle_mode == SETTLED)
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
        self._session.log(f"link closed: {refusal}")
        self._session.send(Detach(attach.handle, True, refusal.as_error()))

    def _refuse(self, attach: Attach, refusal: Refusal) -> None:
        """AMQP's way to refuse: attach without the terminus that would have been ours, then detach."""
        self._session.log(f"link refused: {refusal}")
        if attach.role == SENDER:
            self._answer(attach, attach.source, None)
        else:
            self._answer(attach, None, attach.target)
        self._session.send(Detach(attach.handle, True, refusal.as_error()))

    def _answer(
        self,
        attach: Attach,
        source: Described | None,
        target: Described | None,
        properties: dict[Value, Value] | None = None,
    ) -> None:
        ours = SENDER if attach.role == RECEIVER else RECEIVER
        self._session.send(
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
