"""A message as sections (AMQP 1.0 part 3, section 3.2): split on arrival, rendered for delivery.

The bytes from the properties on are kept exactly as they came; only header and annotations are the broker's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from slipway.local.servicebus.decoding import DecodeError, decode
from slipway.local.servicebus.encoding import encode
from slipway.local.servicebus.types import Described, Int, Symbol, Timestamp, Ubyte, Uint, Ulong, Value

HEADER, DELIVERY_ANNOTATIONS, MESSAGE_ANNOTATIONS = 0x70, 0x71, 0x72
PROPERTIES, APPLICATION_PROPERTIES, DATA = 0x73, 0x74, 0x75
BATCH_FORMAT = 0x80013700
_MESSAGE_ID, _GROUP_ID = 0, 10

ENQUEUED_TIME = Symbol("x-opt-enqueued-time")
SEQUENCE_NUMBER = Symbol("x-opt-sequence-number")
LOCKED_UNTIL = Symbol("x-opt-locked-until")
MESSAGE_STATE = Symbol("x-opt-message-state")
DEADLETTER_SOURCE = Symbol("x-opt-deadletter-source")
SCHEDULED_TIME = Symbol("x-opt-scheduled-enqueue-time")
_SAID_AT_DELIVERY = {ENQUEUED_TIME, SEQUENCE_NUMBER, LOCKED_UNTIL, MESSAGE_STATE}


@dataclass(frozen=True, slots=True)
class Delivered:
    """What the broker says about a message each time it hands it out. Times are milliseconds since 1970."""

    sequence_number: int
    enqueued_ms: int
    state: int
    failures: int
    locked_until_ms: int | None


@dataclass(frozen=True, slots=True)
class Content:
    """What was sent: header fields, annotations, and the bare bytes behind them."""

    durable: bool
    priority: int | None
    ttl_ms: int | None
    annotations: Mapping[Value, Value]
    bare: bytes

    @classmethod
    def parse(cls, data: bytes) -> "Content":
        """Split one encoded message, having read all of it once. Raises DecodeError."""
        header: list[Value] = []
        annotations: dict[Value, Value] = {}
        bare = b""
        for code, value, raw in sections(data):
            if code == HEADER and isinstance(value, list):
                header = value
            elif code == MESSAGE_ANNOTATIONS and isinstance(value, dict):
                annotations = {key: item for key, item in value.items() if key not in _SAID_AT_DELIVERY}
            elif code >= PROPERTIES:
                bare += raw
        durable, priority, ttl = (*header, None, None, None)[:3]
        return cls(
            durable=durable is True,
            priority=priority if isinstance(priority, Ubyte) else None,
            ttl_ms=ttl if isinstance(ttl, Uint) else None,
            annotations=annotations,
            bare=bare,
        )

    def encode(self) -> bytes:
        """The message as it is kept: `parse` undoes it."""
        return self._header(None) + _annotations(self.annotations) + self.bare

    def render(self, delivered: Delivered) -> bytes:
        """The message as a receiver sees it."""
        annotations = {
            **self.annotations,
            ENQUEUED_TIME: Timestamp(delivered.enqueued_ms),
            SEQUENCE_NUMBER: delivered.sequence_number,
            MESSAGE_STATE: Int(delivered.state),
        }
        if delivered.locked_until_ms is not None:
            annotations[LOCKED_UNTIL] = Timestamp(delivered.locked_until_ms)
        return self._header(delivered.failures) + _annotations(annotations) + self.bare

    def scheduled_ms(self) -> int | None:
        """When the sender wants it to become visible."""
        when = self.annotations.get(SCHEDULED_TIME)
        return when if isinstance(when, Timestamp) else None

    def message_id(self) -> bytes | None:
        """The encoded message id, or None; a string and a uuid of the same letters stay different ids."""
        message_id = self._property(_MESSAGE_ID)
        return None if message_id is None else encode(message_id)

    def session_id(self) -> str | None:
        """The session that it belongs to."""
        group = self._property(_GROUP_ID)
        return group if isinstance(group, str) else None

    def with_bare(self, bare: bytes) -> "Content":
        """The same header and annotations around other bytes."""
        return replace(self, bare=bare)

    def dead_lettered(self, source: str, reason: str | None, description: str | None) -> "Content":
        """The message as the dead-letter queue keeps it: the why goes into the application properties."""
        why = {"DeadLetterReason": reason, "DeadLetterErrorDescription": description}
        added = {name: text for name, text in why.items() if text is not None}
        return replace(
            self,
            annotations={**self.annotations, DEADLETTER_SOURCE: source},
            bare=_with_application_properties(self.bare, added),
        )

    def _property(self, index: int) -> Value:
        """One of the properties, or None. They come first in the bytes from the properties on, if at all."""
        code, value, _ = next(sections(self.bare), (0, None, b""))
        if code == PROPERTIES and isinstance(value, list) and index < len(value):
            return value[index]
        return None

    def _header(self, failures: int | None) -> bytes:
        priority = None if self.priority is None else Ubyte(self.priority)
        ttl = None if self.ttl_ms is None else Uint(self.ttl_ms)
        count = None if failures is None else Uint(failures)
        return section(HEADER, [self.durable, priority, ttl, None, count])


def sections(data: bytes) -> Iterator[tuple[int, Value, bytes]]:
    """Each section of an encoded message: its code, its value, its bytes. Raises DecodeError."""
    at = 0
    while at < len(data):
        described, end = decode(data, at)
        if not isinstance(described, Described) or not isinstance(described.descriptor, int):
            raise DecodeError(f"no message section at byte {at}")
        yield described.descriptor, described.value, data[at:end]
        at = end


def unbatch(data: bytes) -> list[bytes]:
    """The encoded messages inside a batch: one data section each. Raises DecodeError."""
    return [value for code, value, _ in sections(data) if code == DATA and isinstance(value, bytes)]


def section(code: int, value: Value) -> bytes:
    """One section, encoded. Codes below 256 become small ulongs, which the SDK insists on."""
    return encode(Described(Ulong(code), value))


def _annotations(annotations: Mapping[Value, Value]) -> bytes:
    return section(MESSAGE_ANNOTATIONS, dict(annotations)) if annotations else b""


def _with_application_properties(bare: bytes, added: Mapping[str, str]) -> bytes:
    before, properties, behind = b"", {}, b""
    for code, value, raw in sections(bare):
        if code == APPLICATION_PROPERTIES and isinstance(value, dict):
            properties = value
        elif code < APPLICATION_PROPERTIES:
            before += raw
        else:
            behind += raw
    return before + section(APPLICATION_PROPERTIES, {**properties, **added}) + behind
