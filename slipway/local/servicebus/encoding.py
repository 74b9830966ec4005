"""AMQP 1.0 values as bytes (AMQP 1.0 part 1)."""

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

Writer = Callable[[Any], bytes]


def encode(value: Value) -> bytes:
    """The shortest encoding of a value. Raises TypeError for a type that AMQP has no encoding for."""
    writer = _WRITERS.get(type(value))
    if writer is None:
        raise TypeError(f"AMQP has no encoding for {type(value).__name__}")
    return writer(value)


# The widest form of each type serves arrays, whose elements share one constructor; the shorter forms
# serve everything else.


def _packed(layout: str) -> Writer:
    return struct.Struct(layout).pack


def _sized(raw: bytes) -> bytes:
    return len(raw).to_bytes(4, "big") + raw


def _list_body(items: list[Value]) -> tuple[int, bytes]:
    return len(items), b"".join(map(encode, items))


def _map_body(pairs: dict[Value, Value]) -> tuple[int, bytes]:
    return 2 * len(pairs), b"".join(encode(key) + encode(value) for key, value in pairs.items())


def _array_body(array: Array) -> tuple[int, bytes]:
    code, body = _WIDE[array.of]
    return len(array.items), bytes([code]) + b"".join(map(body, array.items))


def _wide_compound(body: Callable[[Any], tuple[int, bytes]]) -> Writer:
    def write(value: Value) -> bytes:
        count, content = body(value)
        return struct.pack(">II", len(content) + 4, count) + content

    return write


_WIDE: dict[type, tuple[int, Writer]] = {
    type(None): (0x40, lambda value: b""),
    bool: (0x56, lambda value: b"\x01" if value else b"\x00"),
    Ubyte: (0x50, _packed(">B")),
    Byte: (0x51, _packed(">b")),
    Ushort: (0x60, _packed(">H")),
    Short: (0x61, _packed(">h")),
    Uint: (0x70, _packed(">I")),
    Int: (0x71, _packed(">i")),
    Ulong: (0x80, _packed(">Q")),
    int: (0x81, _packed(">q")),
    Float: (0x72, _packed(">f")),
    float: (0x82, _packed(">d")),
    Char: (0x73, lambda value: ord(value).to_bytes(4, "big")),
    Decimal32: (0x74, bytes),
    Decimal64: (0x84, bytes),
    Decimal128: (0x94, bytes),
    Timestamp: (0x83, _packed(">q")),
    UUID: (0x98, lambda value: value.bytes),
    bytes: (0xB0, _sized),
    str: (0xB1, lambda value: _sized(value.encode("utf-8"))),
    Symbol: (0xB3, lambda value: _sized(value.encode("ascii"))),
    list: (0xD0, _wide_compound(_list_body)),
    dict: (0xD1, _wide_compound(_map_body)),
    Array: (0xF0, _wide_compound(_array_body)),
}


def _wide(kind: type) -> Writer:
    code, body = _WIDE[kind]
    prefix = bytes([code])
    return lambda value: prefix + body(value)


def _unsigned(zero: bytes, small: bytes, kind: type) -> Writer:
    wide = _wide(kind)

    def write(value: int) -> bytes:
        if value == 0:
            return zero
        return small + value.to_bytes(1, "big") if 0 < value < 256 else wide(value)

    return write


def _signed(small: bytes, kind: type) -> Writer:
    wide = _wide(kind)

    def write(value: int) -> bytes:
        return small + value.to_bytes(1, "big", signed=True) if -128 <= value < 128 else wide(value)

    return write


def _short_or_wide(small: bytes, kind: type, raw: Callable[[Any], bytes]) -> Writer:
    wide = _wide(kind)

    def write(value: Any) -> bytes:
        content = raw(value)
        return small + bytes([len(content)]) + content if len(content) < 256 else wide(value)

    return write


def _compound(small: int, large: int, body: Callable[[Any], tuple[int, bytes]]) -> Writer:
    def write(value: Value) -> bytes:
        count, content = body(value)
        if len(content) < 255 and count < 256:
            return bytes((small, len(content) + 1, count)) + content
        return struct.pack(">BII", large, len(content) + 4, count) + content

    return write


def _write_described(value: Described) -> bytes:
    return b"\x00" + encode(value.descriptor) + encode(value.value)


_WRITERS: dict[type, Writer] = {
    **{kind: _wide(kind) for kind in _WIDE},
    bool: lambda value: b"\x41" if value else b"\x42",
    Uint: _unsigned(b"\x43", b"\x52", Uint),
    Ulong: _unsigned(b"\x44", b"\x53", Ulong),
    Int: _signed(b"\x54", Int),
    int: _signed(b"\x55", int),
    bytes: _short_or_wide(b"\xa0", bytes, bytes),
    str: _short_or_wide(b"\xa1", str, lambda value: value.encode("utf-8")),
    Symbol: _short_or_wide(b"\xa3", Symbol, lambda value: value.encode("ascii")),
    list: _compound(0xC0, 0xD0, _list_body),
    dict: _compound(0xC1, 0xD1, _map_body),
    Array: _compound(0xE0, 0xF0, _array_body),
    Described: _write_described,
}
