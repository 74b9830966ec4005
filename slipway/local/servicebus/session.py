"""A session: windows, delivery ids, settlement (AMQP 1.0 part 2, section 2.5)."""

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from slipway.local.servicebus.attaching import Links
from slipway.local.servicebus.links import Incoming
from slipway.local.servicebus.performatives import (
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
from slipway.local.servicebus.settlement import Delivery, is_terminal, settle

if TYPE_CHECKING:
    from slipway.local.servicebus.connection import Connection

WINDOW = 2**31 - 1
HANDLE_MAX = 255
_FRAME_OVERHEAD = 64


class Session:
    """Lives on one channel, whose number both sides use."""

    def __init__(self, connection: "Connection", channel: int, begin: Begin) -> None:
        self.unsettled: dict[int, Delivery] = {}
        self._connection = connection
        self._channel = channel
        self._links = Links(self, connection.broker)
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
                end = self._links.end(performative.handle)
                if isinstance(end, Incoming):
                    end.transfer(performative, payload)
            case Disposition(role=True):
                self._settle(performative)
            case Flow():
                self._flow(performative)
            case Attach():
                self._links.attach(performative)
            case Detach():
                self._links.detach(performative)
            case End():
                self.leave()
                self.send(End())

    def leave(self) -> None:
        """The session is over. Messages in the client's hands stay locked until their time is up."""
        self._links.leave()

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
        end = self._links.end(flow.handle)
        if end is not None:
            end.flow(flow)

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
