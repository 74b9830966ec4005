"""What CI's messages are wrapped in: CloudEvents, structured and binary, and .NET's binary XML."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.promotion.build import Build
from slipway.promotion.build_messages import parse_build
from slipway.promotion.cloud_event_attributes import as_properties, attributes_in
from slipway.promotion.errors import BuildRejected
from tests.promotion.ci_events import BUILD_2, PACKAGED, PUSHED_AS_CLOUD_EVENT, event, reported, wrapped
from tests.promotion.test_build_messages import FULL, MESSAGE

BINARY = {"cloudEvents:specversion": "1.0", "cloudEvents:id": "1", "cloudEvents:source": "/ci"}


@pytest.mark.parametrize("prefix", ["cloudEvents:", "cloudEvents_", "ce-", "Ce-"])
@pytest.mark.parametrize("as_bytes", [False, True])
def test_a_binary_cloud_event_has_its_attributes_beside_the_body(prefix: str, as_bytes: bool) -> None:
    (pushed,) = event(PUSHED_AS_CLOUD_EVENT)
    beside: dict[Any, str] = {f"{prefix}{name}": pushed[name] for name in ("specversion", "type", "time", "id")}
    if as_bytes:
        beside = {name.encode(): value for name, value in beside.items()}
    assert parse_build(json.dumps(pushed["data"]).encode(), beside) == reported(PUSHED_AS_CLOUD_EVENT)


@pytest.mark.parametrize("inner", [MESSAGE, event(PACKAGED), event(BUILD_2)], ids=["slipway", "cdevents", "devops"])
def test_a_cloud_event_carries_any_message(inner: dict[str, Any]) -> None:
    plain = parse_build(json.dumps(inner).encode())
    outer = {"specversion": "1.0", "id": "1", "source": "/ci", "type": "shop.build"}
    assert parse_build(json.dumps({**outer, "data": inner}).encode()) == plain
    encoded = base64.b64encode(json.dumps(inner).encode()).decode()
    assert parse_build(json.dumps({**outer, "data_base64": encoded}).encode()) == plain
    assert parse_build(json.dumps(inner).encode(), {**BINARY, "cloudEvents:type": "shop.build"}) == plain
    assert parse_build(json.dumps(inner).encode(), {"cloudEvents:type": "no specversion"}) == plain


@pytest.mark.parametrize("data", [{}, {"data_base64": "ÿ"}, {"data_base64": "bm8="}, {"data": [1]}])
def test_a_cloud_event_that_carries_nothing_is_refused(data: dict[str, Any]) -> None:
    message = {"specversion": "1.0", "type": "x", **data}
    with pytest.raises(BuildRejected, match="INVALID_BUILD: data"):
        parse_build(json.dumps(message).encode())


def test_attributes_go_on_beside_the_body_and_nothing_else_does() -> None:
    beside = {"ce-type": "x", "ce-specversion": "1.0", "AuthToken": "secret", "authorization": "Bearer x"}
    assert as_properties(beside) == {"cloudEvents:type": "x", "cloudEvents:specversion": "1.0"}
    assert attributes_in({"ce-type": "x"}) == {} and attributes_in(None) == {}


def test_what_the_task_publish_to_azure_service_bus_wraps_is_unwrapped() -> None:
    text = json.dumps(MESSAGE).encode()
    plain = parse_build(text)
    assert (
        parse_build(wrapped(text))
        == parse_build(wrapped(text, 0x9B, 2))
        == parse_build(wrapped(text, 0x9D, 4))
        == plain
    )
    assert parse_build(wrapped(text, 0x98) + b"\x01") == plain, "the end of the element may stand alone"
    half = len(text) // 2
    assert parse_build(wrapped(text[:half], 0x98) + bytes([0x99, len(text) - half]) + text[half:]) == plain


@pytest.mark.parametrize("body", [wrapped(b"{}")[:-1], wrapped(b"{}")[:-3], wrapped(b"{}", 0x86), wrapped(b"{}")[:-4]])
def test_a_wrapping_that_is_cut_off_says_what_to_set(body: bytes) -> None:
    with pytest.raises(BuildRejected, match=r"NOT_JSON.*set useDataContractSerializer: false"):
        parse_build(body)


def in_base64(content: bytes) -> bytes:
    """A CloudEvent that carries these bytes."""
    outer = {"specversion": "1.0", "id": "1", "source": "/ci", "type": "shop.build"}
    return json.dumps({**outer, "data_base64": base64.b64encode(content).decode()}).encode()


@pytest.mark.parametrize("carry", [in_base64, lambda content: in_base64(wrapped(content, 0x9B, 2))])
@pytest.mark.parametrize(
    "evidence",
    [
        '{"x": NaN}',
        '{"x": 1e999}',
        '{"x": 1, "x": 2}',
        '{"x": "\\ud800"}',
        *(f'{{"x": {"[" * n}{"]" * n}}}' for n in (33, 600, 5000)),
    ],
)
def test_what_is_in_base64_is_read_as_strictly_as_what_is_not(carry: Callable[[bytes], bytes], evidence: str) -> None:
    text = json.dumps(MESSAGE)[:-1] + f', "evidence": {evidence}}}'
    with pytest.raises(BuildRejected, match="INVALID_BUILD: data_base64: "):
        parse_build(carry(text.encode()))
    with pytest.raises(BuildRejected, match="NOT_JSON: "):
        parse_build(text.encode())


def test_what_is_in_base64_is_utf_8_and_may_be_wrapped() -> None:
    text = json.dumps(MESSAGE)
    with pytest.raises(BuildRejected, match="INVALID_BUILD: data_base64: the message is not UTF-8"):
        parse_build(in_base64(text.encode("utf-16")))
    assert parse_build(in_base64(wrapped(text.encode(), 0x9B, 2))) == parse_build(text.encode())


SCALARS = st.sampled_from(["NaN", "-Infinity", "1e999", "1", '"\\udfff"', "null", "true"])
NESTED = st.tuples(st.integers(0, 700), st.sampled_from(["[]", "{}"]), SCALARS).map(
    lambda drawn: (
        "[" * drawn[0] + drawn[2] + "]" * drawn[0]
        if drawn[1] == "[]"
        else '{"x": ' * drawn[0] + drawn[2] + "}" * drawn[0]
    )
)


@given(st.lists(st.tuples(st.sampled_from([*FULL, "x"]), NESTED), max_size=4), st.booleans())
@settings(deadline=None)
def test_whatever_is_carried_in_base64_is_a_build_that_can_be_written_or_rejected(
    fields: list[tuple[str, str]], in_evidence: bool
) -> None:
    """Text that no JSON writer would write: doubled keys, nesting, numbers that are none."""
    more = ", ".join(f'"{name}": {value}' for name, value in fields)
    told = f'"evidence": {{{more}}}' if in_evidence else more
    text = json.dumps(MESSAGE)[:-1] + (f", {told}" if told else "") + "}"
    try:
        build = parse_build(in_base64(text.encode()))
    except BuildRejected as refused:
        refused.words.encode()
    else:
        assert isinstance(build, Build)
        assert Build.load(json.loads(json.dumps(build.dump(), allow_nan=False).encode())) == build
