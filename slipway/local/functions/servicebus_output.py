"""Sends what functions give to their Service Bus outputs: one message each."""

import asyncio
from dataclasses import dataclass, field

from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusSender

from slipway.local.functions.bindings import ServiceBusOutput
from slipway.local.functions.servicebus_connection import Connections


@dataclass
class _Sender:
    sender: ServiceBusSender
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)  # the SDK's senders are not for concurrent use


class Senders:
    """One sender per queue or topic, opened at the first message and kept."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._senders: dict[tuple[str, str], _Sender] = {}

    async def send(self, output: ServiceBusOutput, body: str | bytes) -> None:
        """Returns when the broker has the message; raises the SDK's error otherwise."""
        one = self._sender(output)
        content_type = "text/plain" if isinstance(body, str) else "application/octet-stream"
        async with one.turn:
            await one.sender.send_messages(ServiceBusMessage(body, content_type=content_type))

    async def close(self) -> None:
        await asyncio.gather(*(one.sender.close() for one in self._senders.values()))

    def _sender(self, output: ServiceBusOutput) -> _Sender:
        name = output.queue or output.topic or ""
        key = (output.connection, name)
        if key not in self._senders:
            client = self._connections.client(output.connection)
            sender = client.get_queue_sender(name) if output.queue else client.get_topic_sender(name)
            self._senders[key] = _Sender(sender)
        return self._senders[key]
