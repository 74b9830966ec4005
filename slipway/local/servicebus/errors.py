"""What the broker refuses, in AMQP's and Service Bus's own condition names."""

from slipway.local.servicebus.types import Described, Symbol, Ulong

NOT_FOUND = "amqp:not-found"
NOT_ALLOWED = "amqp:not-allowed"
NOT_IMPLEMENTED = "amqp:not-implemented"
DECODE_ERROR = "amqp:decode-error"
MESSAGE_SIZE_EXCEEDED = "amqp:link:message-size-exceeded"
FRAMING_ERROR = "amqp:connection:framing-error"
CONNECTION_FORCED = "amqp:connection:forced"
ARGUMENT_ERROR = "com.microsoft:argument-error"
MESSAGE_LOCK_LOST = "com.microsoft:message-lock-lost"
MESSAGE_NOT_FOUND = "com.microsoft:message-not-found"
SESSION_LOCK_LOST = "com.microsoft:session-lock-lost"
SESSION_CANNOT_BE_LOCKED = "com.microsoft:session-cannot-be-locked"
TIMEOUT = "com.microsoft:timeout"
ENTITY_ALREADY_EXISTS = "com.microsoft:entity-already-exists"


class Refusal(Exception):
    """The broker will not do it; `condition` is what the client maps to its own exception."""

    def __init__(self, condition: str, description: str) -> None:
        super().__init__(f"{condition}: {description}")
        self.condition = condition
        self.description = description

    def as_error(self) -> Described:
        """The AMQP error. The SDK waits for ever on one with fewer than all three fields."""
        return Described(Ulong(0x1D), [Symbol(self.condition), self.description, {}])
