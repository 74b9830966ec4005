"""The attributes of a CloudEvent 1.0 in binary mode: they come beside the body, which is the event's data.

As headers `ce-type` in HTTP (HTTP Protocol Binding §3.1.3), as application properties `cloudEvents:type` or
`cloudEvents_type` in AMQP (AMQP Protocol Binding §3.1.3).
"""

from collections.abc import Mapping
from typing import Any

_PREFIXES = ("cloudevents:", "cloudevents_", "ce-")
_ON_THE_QUEUE = "cloudEvents:"


def attributes_in(beside: Mapping[Any, Any] | None) -> dict[str, str]:
    """The attributes by name among headers or properties; none when no event in binary mode is there."""
    found = {}
    for key, value in (beside or {}).items():
        name = (key.decode("ascii", "replace") if isinstance(key, bytes) else str(key)).lower()
        for prefix in _PREFIXES:
            if name.startswith(prefix):
                found[name.removeprefix(prefix)] = (
                    value.decode(errors="replace") if isinstance(value, bytes) else str(value)
                )
    return found if {"specversion", "type"} <= found.keys() else {}


def without_attributes(beside: Mapping[str, Any]) -> dict[str, Any]:
    """What else came beside the body."""
    return {name: value for name, value in beside.items() if not name.lower().startswith(_PREFIXES)}


def as_properties(beside: Mapping[Any, Any] | None) -> dict[str, str]:
    """The same as they go on beside the body on a queue."""
    return {_ON_THE_QUEUE + name: value for name, value in attributes_in(beside).items()}
