"""AMQP 1.0 primitive types that Python has no exact equal for (AMQP 1.0 part 1, section 1.6).

Plain Python values stand for the rest: None, bool, int = long, float = double, str = string, bytes = binary,
UUID = uuid, list, dict = map.
"""

from dataclasses import dataclass
from typing import TypeAlias

Value: TypeAlias = object
"""Anything the codec can write: the classes below and the plain values named above."""


class Ubyte(int):
    __slots__ = ()


class Ushort(int):
    __slots__ = ()


class Uint(int):
    __slots__ = ()


class Ulong(int):
    __slots__ = ()


class Byte(int):
    __slots__ = ()


class Short(int):
    __slots__ = ()


class Int(int):
    """A 32-bit integer; a plain int travels as a 64-bit long."""

    __slots__ = ()


class Timestamp(int):
    """Milliseconds since 1970, UTC."""

    __slots__ = ()


class Float(float):
    """A 32-bit float; a plain float travels as a double."""

    __slots__ = ()


class Char(str):
    __slots__ = ()


class Symbol(str):
    __slots__ = ()


class Decimal32(bytes):
    """The four bytes of an IEEE 754 decimal, passed on untouched."""


class Decimal64(bytes):
    """The eight bytes of an IEEE 754 decimal, passed on untouched."""


class Decimal128(bytes):
    """The sixteen bytes of an IEEE 754 decimal, passed on untouched."""


@dataclass(frozen=True, slots=True)
class Described:
    """A value with a descriptor that says what it means, e.g. a message section or an outcome."""

    descriptor: Value
    value: Value


@dataclass(frozen=True, slots=True)
class Array:
    """Values of one type, which is not Described."""

    of: type
    items: tuple[Value, ...]
