"""The fields of a management request's body, each as the kind that it must be."""

from typing import TypeVar

from slipway.local.servicebus.decoding import DecodeError
from slipway.local.servicebus.errors import ARGUMENT_ERROR, DECODE_ERROR, Refusal
from slipway.local.servicebus.message import Content
from slipway.local.servicebus.types import Array, Value

Body = dict[Value, Value]
Kind = TypeVar("Kind")


def required(body: Body, name: str, kind: type[Kind]) -> Kind:
    """Raises Refusal."""
    value = body.get(name)
    if not isinstance(value, kind):
        raise Refusal(ARGUMENT_ERROR, f"'{name}' must be there and be a {kind.__name__}")
    return value


def text(body: Body, name: str) -> str | None:
    """A string that may be missing."""
    value = body.get(name)
    return value if isinstance(value, str) and value else None


def items(body: Body, name: str, kind: type[Kind]) -> list[Kind]:
    """An array of at least one. Raises Refusal."""
    value = body.get(name)
    each = value.items if isinstance(value, Array) else value if isinstance(value, list) else ()
    found = [item for item in each if isinstance(item, kind)]
    if not found or len(found) != len(each):
        raise Refusal(ARGUMENT_ERROR, f"'{name}' must be an array of {kind.__name__}")
    return found


def contents(body: Body) -> list[Content]:
    """The encoded messages among the `messages`. Raises Refusal."""
    return [_content(item) for item in required(body, "messages", list)]


def _content(item: Value) -> Content:
    if not isinstance(item, dict):
        raise Refusal(ARGUMENT_ERROR, "each of 'messages' must be a map")
    try:
        return Content.parse(required(item, "message", bytes))
    except DecodeError as error:
        raise Refusal(DECODE_ERROR, str(error)) from error
