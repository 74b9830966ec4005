"""Requests and responses as messages, as `$cbs` and `$management` speak (AMQP management, working draft)."""

from collections.abc import Mapping
from dataclasses import dataclass

from slipway.local.servicebus.message import APPLICATION_PROPERTIES, PROPERTIES, section, sections
from slipway.local.servicebus.types import Value

_VALUE = 0x77


@dataclass(frozen=True)
class Request:
    """What a client asks: `message_id` names the answer, `operation` the question, `body` is its value."""

    message_id: Value
    operation: str
    body: Value

    @classmethod
    def parse(cls, data: bytes) -> "Request":
        """Raises DecodeError."""
        message_id: Value = None
        operation: Value = None
        body: Value = None
        for code, value, _ in sections(data):
            if code == PROPERTIES and isinstance(value, list) and value:
                message_id = value[0]
            elif code == APPLICATION_PROPERTIES and isinstance(value, dict):
                operation = value.get("operation")
            elif code == _VALUE:
                body = value
        return cls(message_id, operation if isinstance(operation, str) else "", body)

    def respond(self, application_properties: Mapping[str, Value], body: Value = None) -> bytes:
        """The encoded response, which names the request in its correlation id."""
        properties: list[Value] = [None, None, None, None, None, self.message_id]
        return (
            section(PROPERTIES, properties)
            + section(APPLICATION_PROPERTIES, dict(application_properties))
            + section(_VALUE, body)
        )
