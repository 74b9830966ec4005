"""Frames and what they carry (AMQP 1.0 part 2, sections 2.3 and 2.7; SASL: part 5, section 5.3)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from slipway.local.servicebus.decoding import DecodeError, decode
from slipway.local.servicebus.encoding import encode
from slipway.local.servicebus.types import Array, Described, Symbol, Ubyte, Uint, Ulong, Ushort, Value

AMQP_HEADER = b"AMQP\x00\x01\x00\x00"
SASL_HEADER = b"AMQP\x03\x01\x00\x00"
AMQP_FRAME = 0
SASL_FRAME = 1
EMPTY_FRAME = b"\x00\x00\x00\x08\x02\x00\x00\x00"

SENDER = False
RECEIVER = True


class Performative:
    """One frame's body: fields in wire order, `WIRE` their types. A field without a default is mandatory."""

    __slots__: tuple[str, ...] = ()
    CODE: ClassVar[int]
    WIRE: ClassVar[tuple[type, ...]]


@dataclass(slots=True)
class Open(Performative):
    CODE = 0x10
    WIRE = (str, str, Uint, Ushort, Uint)
    container_id: str
    hostname: str | None = None
    max_frame_size: int | None = None
    channel_max: int | None = None
    idle_timeout: int | None = None


@dataclass(slots=True)
class Begin(Performative):
    CODE = 0x11
    WIRE = (Ushort, Uint, Uint, Uint, Uint)
    remote_channel: int | None = None
    next_outgoing_id: int = 0
    incoming_window: int = 0
    outgoing_window: int = 0
    handle_max: int | None = None


@dataclass(slots=True)
class Attach(Performative):
    CODE = 0x12
    WIRE = (str, Uint, bool, Ubyte, Ubyte, Described, Described, dict, bool, Uint, Ulong, object, object, dict)
    name: str
    handle: int
    role: bool
    snd_settle_mode: int | None = None
    rcv_settle_mode: int | None = None
    source: Described | None = None
    target: Described | None = None
    unsettled: dict[Value, Value] | None = None
    incomplete_unsettled: bool | None = None
    initial_delivery_count: int | None = None
    max_message_size: int | None = None
    offered_capabilities: Value = None
    desired_capabilities: Value = None
    properties: dict[Value, Value] | None = None


@dataclass(slots=True)
class Flow(Performative):
    CODE = 0x13
    WIRE = (Uint, Uint, Uint, Uint, Uint, Uint, Uint, Uint, bool, bool)
    next_incoming_id: int | None = None
    incoming_window: int = 0
    next_outgoing_id: int = 0
    outgoing_window: int = 0
    handle: int | None = None
    delivery_count: int | None = None
    link_credit: int | None = None
    available: int | None = None
    drain: bool | None = None
    echo: bool | None = None


@dataclass(slots=True)
class Transfer(Performative):
    CODE = 0x14
    WIRE = (Uint, Uint, bytes, Uint, bool, bool, Ubyte, Described, bool, bool)
    handle: int
    delivery_id: int | None = None
    delivery_tag: bytes | None = None
    message_format: int | None = None
    settled: bool | None = None
    more: bool | None = None
    rcv_settle_mode: int | None = None
    state: Described | None = None
    resume: bool | None = None
    aborted: bool | None = None


@dataclass(slots=True)
class Disposition(Performative):
    CODE = 0x15
    WIRE = (bool, Uint, Uint, bool, Described)
    role: bool
    first: int
    last: int | None = None
    settled: bool | None = None
    state: Described | None = None


@dataclass(slots=True)
class Detach(Performative):
    CODE = 0x16
    WIRE = (Uint, bool, Described)
    handle: int
    closed: bool | None = None
    error: Described | None = None


@dataclass(slots=True)
class End(Performative):
    CODE = 0x17
    WIRE = (Described,)
    error: Described | None = None


@dataclass(slots=True)
class Close(Performative):
    CODE = 0x18
    WIRE = (Described,)
    error: Described | None = None


@dataclass(slots=True)
class SaslMechanisms(Performative):
    CODE = 0x40
    WIRE = (Array,)
    mechanisms: Array


@dataclass(slots=True)
class SaslInit(Performative):
    CODE = 0x41
    WIRE = (Symbol, bytes, str)
    mechanism: str
    initial_response: bytes | None = None
    hostname: str | None = None


@dataclass(slots=True)
class SaslOutcome(Performative):
    CODE = 0x44
    WIRE = (Ubyte,)
    code: int


def encode_frame(channel: int, performative: Performative, payload: bytes = b"") -> bytes:
    """A whole frame, size first; `payload` is a transfer's piece of a message."""
    fields: list[Value] = []
    for name, wire in zip(performative.__slots__, performative.WIRE, strict=True):
        value = getattr(performative, name)
        fields.append(value if value is None or type(value) is wire else wire(value))
    while fields and fields[-1] is None:
        fields.pop()
    body = b"\x00\x53" + bytes([performative.CODE]) + encode(fields) + payload
    kind = SASL_FRAME if performative.CODE >= 0x40 else AMQP_FRAME
    return (len(body) + 8).to_bytes(4, "big") + bytes((2, kind)) + channel.to_bytes(2, "big") + body


def decode_performative(body: bytes) -> tuple[Performative | None, bytes]:
    """A frame's body as its performative and the payload behind it; None for one that we have no use for.

    Trailing fields that we do not read are dropped. Raises DecodeError.
    """
    described, end = decode(body)
    if not isinstance(described, Described) or not isinstance(described.value, list):
        raise DecodeError("a frame must carry a performative")
    code = described.descriptor
    known = _KINDS.get(code) if isinstance(code, int) else None
    if known is None:
        return None, b""
    build, wire, mandatory, defaults = known
    fields = described.value[: len(wire)]
    for index, value in enumerate(fields):
        if value is None:
            if index < mandatory:
                raise DecodeError(f"performative {code} lacks its field {index}")
            fields[index] = defaults[index - mandatory]
        elif not isinstance(value, wire[index]):
            raise DecodeError(f"performative {code} has a wrong field {index}: {value!r}")
    if len(fields) < mandatory:
        raise DecodeError(f"performative {code} is too short")
    return build(*fields), body[end:]


_Kind = tuple[Callable[..., Performative], tuple[type, ...], int, tuple[Value, ...]]


def _kind(cls: type[Performative]) -> _Kind:
    """How to read a performative: integers are taken in any width, as SDKs differ there."""
    accepted = tuple(int if issubclass(wire, int) and wire is not bool else wire for wire in cls.WIRE)
    defaults: tuple[Value, ...] = cls.__init__.__defaults__ or ()
    return cls, accepted, len(cls.WIRE) - len(defaults), defaults


_KINDS: dict[int, _Kind] = {
    cls.CODE: _kind(cls) for cls in (Open, Begin, Attach, Flow, Transfer, Disposition, Detach, End, Close, SaslInit)
}
