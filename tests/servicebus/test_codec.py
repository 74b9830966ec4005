"""The codec both ways: against itself, and against the one that the SDK uses."""

import struct
from uuid import UUID

import pytest
from azure.servicebus._pyamqp import _decode as sdk_decode
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.local.servicebus.decoding import DecodeError, decode
from slipway.local.servicebus.encoding import encode
from slipway.local.servicebus.performatives import (
    Attach,
    Begin,
    Detach,
    Disposition,
    Flow,
    Open,
    Transfer,
    decode_performative,
    encode_frame,
)
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

quick = settings(deadline=None)  # a busy machine is no reason to fail


def signed(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def unsigned(bits: int) -> st.SearchStrategy[int]:
    return st.integers(0, 2**bits - 1)


ASCII = st.text(st.characters(max_codepoint=127), max_size=300)
BY_TYPE: dict[type, st.SearchStrategy[Value]] = {
    bool: st.booleans(),
    int: signed(64),
    Ubyte: unsigned(8).map(Ubyte),
    Ushort: unsigned(16).map(Ushort),
    Uint: unsigned(32).map(Uint),
    Ulong: unsigned(64).map(Ulong),
    Byte: signed(8).map(Byte),
    Short: signed(16).map(Short),
    Int: signed(32).map(Int),
    Timestamp: signed(64).map(Timestamp),
    Float: st.floats(width=32, allow_nan=False).map(Float),
    float: st.floats(allow_nan=False),
    Char: st.characters().map(Char),
    Decimal32: st.binary(min_size=4, max_size=4).map(Decimal32),
    Decimal64: st.binary(min_size=8, max_size=8).map(Decimal64),
    Decimal128: st.binary(min_size=16, max_size=16).map(Decimal128),
    UUID: st.uuids(),
    bytes: st.binary(max_size=300),
    str: st.text(max_size=300),
    Symbol: ASCII.map(Symbol),
}
SCALARS = st.none() | st.one_of(list(BY_TYPE.values()))
ARRAYS = st.sampled_from(list(BY_TYPE)).flatmap(
    lambda kind: st.lists(BY_TYPE[kind], max_size=20).map(lambda items: Array(kind, tuple(items)))
)
VALUES: st.SearchStrategy[Value] = st.recursive(
    SCALARS | ARRAYS,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text(max_size=5), inner, max_size=5)
        | st.builds(Described, st.integers(0, 300).map(Ulong) | ASCII.map(Symbol), inner)
    ),
    max_leaves=25,
)


def shape(value: Value) -> Value:
    """A value with its types spelled out, as Ubyte(1) == Int(1) for Python."""
    match value:
        case list():
            return [shape(item) for item in value]
        case dict():
            return [(shape(key), shape(item)) for key, item in value.items()]
        case Described():
            return "described", shape(value.descriptor), shape(value.value)
        case Array():
            return value.of, [shape(item) for item in value.items]
    return type(value), value


@quick
@given(VALUES)
def test_every_value_comes_back_with_its_type(value: Value) -> None:
    data = encode(value)
    decoded, end = decode(data)
    assert end == len(data)
    assert shape(decoded) == shape(value)


@quick
@given(VALUES)
def test_decoding_and_encoding_again_gives_the_same_bytes(value: Value) -> None:
    data = encode(value)
    assert encode(decode(data)[0]) == data


@quick
@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_a_decode_error(data: bytes) -> None:
    try:
        value, end = decode(data)
    except DecodeError:
        return
    assert 0 < end <= len(data)
    assert shape(decode(encode(value))[0]) == shape(value)


@quick
@given(VALUES, st.data())
def test_a_value_cut_short_is_a_decode_error(value: Value, data: st.DataObject) -> None:
    encoded = encode(value)
    cut = data.draw(st.integers(0, len(encoded) - 1))
    with pytest.raises(DecodeError):
        decode(encoded[:cut])


def as_the_sdk_sees_it(value: Value) -> Value:
    """The SDK keeps text as bytes and forgets integer types."""
    match value:
        case str():
            return value.encode()
        case list():
            return [as_the_sdk_sees_it(item) for item in value]
        case dict():
            return {as_the_sdk_sees_it(key): as_the_sdk_sees_it(item) for key, item in value.items()}
        case Array():
            return [as_the_sdk_sees_it(item) for item in value.items]
    return value


SDK_KNOWS = st.none() | st.one_of(
    [values for kind, values in BY_TYPE.items() if kind not in (Char, Decimal32, Decimal64, Decimal128)]
)
SDK_VALUES: st.SearchStrategy[Value] = st.recursive(
    SDK_KNOWS,
    lambda inner: st.lists(inner, max_size=300) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=20,
)


@quick
@given(SDK_VALUES)
def test_the_sdk_reads_what_we_write(value: Value) -> None:
    data = memoryview(encode(value))
    rest, decoded = sdk_decode._DECODE_BY_CONSTRUCTOR[data[0]](data[1:])
    assert not len(rest)
    assert decoded == as_the_sdk_sees_it(value)


UINTS = unsigned(32).map(Uint)
FRAMES = st.one_of(
    st.builds(Open, st.text(max_size=20), max_frame_size=st.none() | UINTS),
    st.builds(Begin, st.none() | unsigned(16).map(Ushort), UINTS, UINTS, UINTS),
    st.builds(
        Attach, st.text(max_size=20), UINTS, st.booleans(), source=st.none() | st.just(Described(Ulong(40), ["q"]))
    ),
    st.builds(Flow, st.none() | UINTS, UINTS, UINTS, UINTS, st.none() | UINTS, drain=st.none() | st.booleans()),
    st.builds(Transfer, UINTS, UINTS, st.binary(max_size=16), more=st.none() | st.booleans()),
    st.builds(Disposition, st.booleans(), UINTS, settled=st.none() | st.booleans()),
    st.builds(Detach, UINTS, st.none() | st.booleans()),
)


@quick
@given(FRAMES, unsigned(16), st.binary(max_size=100))
def test_every_frame_comes_back_with_its_channel_and_payload(frame: object, channel: int, payload: bytes) -> None:
    data = encode_frame(channel, frame, payload)  # type: ignore[arg-type]
    size, offset, kind, sent_on = struct.unpack(">IBBH", data[:8])
    assert (size, offset, kind, sent_on) == (len(data), 2, 0, channel)
    assert decode_performative(data[8:]) == (frame, payload)


def test_a_frame_without_a_mandatory_field_is_a_decode_error() -> None:
    with pytest.raises(DecodeError):
        decode_performative(encode(Described(Ulong(0x12), [None, Uint(0), True])))
