"""A build from the bytes of a message, or the reason why it is none."""

from collections.abc import Mapping
from typing import Any

from slipway.promotion.build import Build
from slipway.promotion.build_messages.envelopes import opened
from slipway.promotion.build_messages.json_text import json_value
from slipway.promotion.build_messages.shapes import SHAPES, Shape
from slipway.promotion.build_messages.vendor import Message
from slipway.promotion.cloud_event_attributes import attributes_in
from slipway.promotion.errors import BuildRejected
from slipway.promotion.reported import ReportedBuild

LARGEST_MESSAGE = 256 * 1024


def parse_build(body: bytes, beside: Mapping[Any, Any] | None = None, sender: str = "") -> Build | ReportedBuild:
    """The build that a message tells of, whatever its vendor's shape; of a CI system's own event all but the service.

    `beside` are the headers or application properties that came with it: a CloudEvent may have its attributes there.
    `sender` is the CI system that sent it, where it proved to be that one: it speaks in its own shapes alone.
    Raises BuildRejected: TOO_LARGE, NOT_JSON, UNKNOWN_SHAPE, UNKNOWN_EVENT_VERSION, or INVALID_BUILD with the field;
    NotABuild for an event that is of no build.
    """
    if len(body) > LARGEST_MESSAGE:
        raise BuildRejected("TOO_LARGE", f"the message has {len(body)} bytes; at most {LARGEST_MESSAGE} are read")
    shapes = tuple(shape for shape in SHAPES if sender in ("", shape.system))
    message = opened(_object(json_value(body), shapes), attributes_in(beside))
    for shape in shapes:
        if shape.recognises(message):
            return shape.parse(message)
    raise _unknown_shape(f"an object with the keys {_listed(message)}", shapes)


def _object(value: Any, shapes: tuple[Shape, ...]) -> Message:
    """The message; Event Grid writes a list of events, with one in it unless it was told to send several."""
    if isinstance(value, list) and len(value) > 1:
        raise _unknown_shape(f"a list of {len(value)}; one message has one build", shapes)
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, dict):
        raise _unknown_shape("not an object", shapes)
    return value


def _unknown_shape(seen: str, shapes: tuple[Shape, ...]) -> BuildRejected:
    known = ", ".join(shape.name for shape in shapes)
    return BuildRejected("UNKNOWN_SHAPE", f"the message is {seen}; the shapes known are: {known}")


def _listed(message: Message) -> str:
    keys = ", ".join(key[:40] for key in sorted(message)[:8])
    return keys or "(none)"
