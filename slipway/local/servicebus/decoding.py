"""AMQP 1.0 values from bytes (AMQP 1.0 part 1)."""

import struct
from collections.abc import Callable
from typing import Any
from uuid import UUID

from slipway.local.servicebus.types import (
    Array,
    Byte,
    Char,
    Decimal32,
    Decimal64,
    Decimal128,
    Described,
    Float,
    Int,
    Short,
    Symbol,
    Timestamp,
    Ubyte,
    Uint,
    Ulong,
    Ushort,
    Value,
)

Reader = Callable[[bytes, int], tuple[Any, int]]


class DecodeError(ValueError):
    """The bytes are not well-formed AMQP."""


def decode(data: bytes, at: int = 0) -> tuple[Value, int]:
    """Read one value at an offset; gives the value and the offset behind it.

    Raises DecodeError on anything malformed.
    """
    try:
        return _READERS[data[at]](data, at + 1)
    except (
        KeyError,
        IndexError,
        struct.error,
        TypeError,
        ValueError,
        OverflowError,
        RecursionError,
    ) as error:
        if isinstance(error, DecodeError):
            raise
        raise DecodeError(f"malformed AMQP value at byte {at}: {error!r}") from error


# One function per constructor byte, each given the offset behind that byte.


def _read_value(data: bytes, at: int) -> tuple[Any, int]:
    return _READERS[data[at]](data, at + 1)


def _constant(value: Value) -> Reader:
    return lambda data, at: (value, at)


def _fixed(layout: str, kind: Callable[[Any], Any]) -> Reader:
    packing = struct.Struct(layout)
    unpack, size = packing.unpack_from, packing.size

    def read(data: bytes, at: int) -> tuple[Any, int]:
        return kind(unpack(data, at)[0]), at + size

    return read


def _raw(size: int, kind: Callable[[bytes], Any]) -> Reader:
    def read(data: bytes, at: int) -> tuple[Any, int]:
        return kind(_slice(data, at, size)), at + size

    return read


def _variable(width: int, kind: Callable[[bytes], Any]) -> Reader:
    def read(data: bytes, at: int) -> tuple[Any, int]:
        size = int.from_bytes(_slice(data, at, width), "big")
        return kind(_slice(data, at + width, size)), at + width + size

    return read


def _slice(data: bytes, at: int, size: int) -> bytes:
    taken = data[at : at + size]
    if len(taken) != size:
        raise DecodeError(f"{size} bytes announced at byte {at}, {len(taken)} there")
    return taken


def _counted(width: int, data: bytes, at: int) -> tuple[int, int, int]:
    """A compound's element count, the offset of its elements, and the offset behind it."""
    size = int.from_bytes(_slice(data, at, width), "big")
    end = at + width + size
    count = int.from_bytes(_slice(data, at + width, width), "big")
    if end > len(data) or count > size:
        raise DecodeError(f"compound of {count} elements in {size} bytes at byte {at} does not fit")
    return count, at + 2 * width, end


def _list(width: int) -> Reader:
    def read(data: bytes, at: int) -> tuple[Any, int]:
        count, at, end = _counted(width, data, at)
        items = []
        for _ in range(count):
            item, at = _READERS[data[at]](data, at + 1)
            items.append(item)
        return items, _closed(at, end)

    return read


def _map(width: int) -> Reader:
    def read(data: bytes, at: int) -> tuple[Any, int]:
        count, at, end = _counted(width, data, at)
        if count % 2:
            raise DecodeError("a map needs as many values as keys")
        pairs = {}
        for _ in range(count // 2):
            key, at = _READERS[data[at]](data, at + 1)
            pairs[key], at = _READERS[data[at]](data, at + 1)
        return pairs, _closed(at, end)

    return read


def _array(width: int) -> Reader:
    def read(data: bytes, at: int) -> tuple[Any, int]:
        count, at, end = _counted(width, data, at)
        code = data[at]
        if code == 0x00:
            raise DecodeError("arrays of described values are not supported")
        at += 1
        items = []
        for _ in range(count):
            item, at = _READERS[code](data, at)
            items.append(item)
        return Array(_KIND_OF[code], tuple(items)), _closed(at, end)

    return read


def _closed(at: int, end: int) -> int:
    if at != end:
        raise DecodeError(f"a compound ends at byte {at} but announced byte {end}")
    return end


def _read_described(data: bytes, at: int) -> tuple[Any, int]:
    descriptor, at = _read_value(data, at)
    value, at = _read_value(data, at)
    return Described(descriptor, value), at


def _text(raw: bytes) -> str:
    return raw.decode("utf-8")


def _symbol(raw: bytes) -> Symbol:
    return Symbol(raw.decode("ascii"))


def _bool(octet: int) -> bool:
    return octet == 1


def _uuid(raw: bytes) -> UUID:
    return UUID(bytes=raw)


def _char(code_point: int) -> Char:
    return Char(chr(code_point))


_READERS: dict[int, Reader] = {
    0x00: _read_described,
    0x40: _constant(None),
    0x41: _constant(True),
    0x42: _constant(False),
    0x43: _constant(Uint(0)),
    0x44: _constant(Ulong(0)),
    0x45: lambda data, at: ([], at),
    0x50: _fixed(">B", Ubyte),
    0x51: _fixed(">b", Byte),
    0x52: _fixed(">B", Uint),
    0x53: _fixed(">B", Ulong),
    0x54: _fixed(">b", Int),
    0x55: _fixed(">b", int),
    0x56: _fixed(">B", _bool),
    0x60: _fixed(">H", Ushort),
    0x61: _fixed(">h", Short),
    0x70: _fixed(">I", Uint),
    0x71: _fixed(">i", Int),
    0x72: _fixed(">f", Float),
    0x73: _fixed(">I", _char),
    0x74: _raw(4, Decimal32),
    0x80: _fixed(">Q", Ulong),
    0x81: _fixed(">q", int),
    0x82: _fixed(">d", float),
    0x83: _fixed(">q", Timestamp),
    0x84: _raw(8, Decimal64),
    0x94: _raw(16, Decimal128),
    0x98: _raw(16, _uuid),
    0xA0: _variable(1, bytes),
    0xA1: _variable(1, _text),
    0xA3: _variable(1, _symbol),
    0xB0: _variable(4, bytes),
    0xB1: _variable(4, _text),
    0xB3: _variable(4, _symbol),
    0xC0: _list(1),
    0xC1: _map(1),
    0xD0: _list(4),
    0xD1: _map(4),
    0xE0: _array(1),
    0xF0: _array(4),
}

_KIND_OF: dict[int, type] = {
    0x40: type(None),
    **dict.fromkeys((0x41, 0x42, 0x56), bool),
    0x50: Ubyte,
    0x51: Byte,
    **dict.fromkeys((0x43, 0x52, 0x70), Uint),
    **dict.fromkeys((0x44, 0x53, 0x80), Ulong),
    **dict.fromkeys((0x54, 0x71), Int),
    **dict.fromkeys((0x55, 0x81), int),
    0x60: Ushort,
    0x61: Short,
    0x72: Float,
    0x73: Char,
    0x74: Decimal32,
    0x82: float,
    0x83: Timestamp,
    0x84: Decimal64,
    0x94: Decimal128,
    0x98: UUID,
    **dict.fromkeys((0xA0, 0xB0), bytes),
    **dict.fromkeys((0xA1, 0xB1), str),
    **dict.fromkeys((0xA3, 0xB3), Symbol),
    **dict.fromkeys((0x45, 0xC0, 0xD0), list),
    **dict.fromkeys((0xC1, 0xD1), dict),
    **dict.fromkeys((0xE0, 0xF0), Array),
}
