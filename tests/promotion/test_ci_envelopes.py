"""What CI's messages are wrapped in: CloudEvents, structured and binary, and .NET's binary XML."""

import base64
import json
from typing import Any

import pytest

from slipway.promotion.build_messages import parse_build
from slipway.promotion.cloud_event_attributes import as_properties, attributes_in
from slipway.promotion.errors import BuildRejected
from tests.promotion.ci_events import BUILD_2, PACKAGED, PUSHED_AS_CLOUD_EVENT, event, reported, wrapped
from tests.promotion.test_build_messages import MESSAGE

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
