"""A build from the bytes of a message, or the reason why it is none."""

import json
from collections.abc import Mapping
from typing import Any

from slipway.promotion.build import Build
from slipway.promotion.build_messages.data_contract import is_wrapped, unwrapped
from slipway.promotion.build_messages.envelopes import opened
from slipway.promotion.build_messages.shapes import SHAPES
from slipway.promotion.build_messages.vendor import Message
from slipway.promotion.cloud_event_attributes import attributes_in
from slipway.promotion.errors import BuildRejected
from slipway.promotion.reported import ReportedBuild

LARGEST_MESSAGE = 256 * 1024
DEEPEST = 32


def parse_build(body: bytes, beside: Mapping[Any, Any] | None = None) -> Build | ReportedBuild:
    """The build that a message tells of, whatever its vendor's shape; of a CI system's own event all but the service.

    `beside` are the headers or application properties that came with it: a CloudEvent may have its attributes there.
    Raises BuildRejected: TOO_LARGE, NOT_JSON, UNKNOWN_SHAPE, UNKNOWN_EVENT_VERSION, or INVALID_BUILD with the field;
    NotABuild for an event that is of no build.
    """
    if len(body) > LARGEST_MESSAGE:
        raise BuildRejected("TOO_LARGE", f"the message has {len(body)} bytes; at most {LARGEST_MESSAGE} are read")
    message = opened(_object(_json(unwrapped(body) if is_wrapped(body) else body)), attributes_in(beside))
    for shape in SHAPES:
        if shape.recognises(message):
            return shape.parse(message)
    raise _unknown_shape(f"an object with the keys {_listed(message)}")


def _json(body: bytes) -> Any:
    """The JSON value (RFC 8259) in `body`, able to be written again. Raises BuildRejected NOT_JSON."""
    try:
        value = json.loads(
            body.decode("utf-8-sig"), parse_constant=_no_constant, object_pairs_hook=_without_doubled_keys
        )
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()  # 1e999 and half surrogate pairs end here
    except RecursionError as error:
        raise _too_deep() from error
    except UnicodeDecodeError as error:
        raise BuildRejected("NOT_JSON", f"the message is not UTF-8 (byte {error.start})") from error
    except UnicodeEncodeError as error:
        raise BuildRejected("NOT_JSON", "a text in the message holds half of a surrogate pair") from error
    except ValueError as error:
        raise BuildRejected("NOT_JSON", f"the message is not JSON: {str(error)[:200]}") from error
    if _depth(value) > DEEPEST:
        raise _too_deep()
    return value


def _object(value: Any) -> Message:
    """The message; Event Grid writes a list of events, with one in it unless it was told to send several."""
    if isinstance(value, list) and len(value) > 1:
        raise _unknown_shape(f"a list of {len(value)}; one message has one build")
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, dict):
        raise _unknown_shape("not an object")
    return value


def _no_constant(constant: str) -> Any:
    raise ValueError(f"{constant} is not a JSON number")


def _without_doubled_keys(pairs: list[tuple[str, Any]]) -> Message:
    message = dict(pairs)
    if len(message) < len(pairs):
        keys = [key for key, _ in pairs]
        doubled = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {doubled[:60]!a} is given twice in one object")
    return message


def _depth(value: Any) -> int:
    """How many objects and arrays enclose the innermost value."""
    depth, level = 0, [value]
    while level := [each for each in level if isinstance(each, dict | list)]:
        depth += 1
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]
    return depth


def _too_deep() -> BuildRejected:
    return BuildRejected("NOT_JSON", f"the message is nested deeper than {DEEPEST} levels")


def _unknown_shape(seen: str) -> BuildRejected:
    known = ", ".join(shape.name for shape in SHAPES)
    return BuildRejected("UNKNOWN_SHAPE", f"the message is {seen}; the shapes known are: {known}")


def _listed(message: Message) -> str:
    keys = ", ".join(key[:40] for key in sorted(message)[:8])
    return keys or "(none)"
