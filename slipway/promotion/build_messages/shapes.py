"""The shapes of message that are understood, and how a message is matched to one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slipway.promotion.build import Build
from slipway.promotion.build_messages.slipway import parse_slipway_build

Message = dict[str, Any]


@dataclass(frozen=True)
class Shape:
    """One vendor's message: `recognises` looks only at what tells it from the others, `parse` judges the rest
    and raises BuildRejected."""

    name: str
    recognises: Callable[[Message], bool]
    parse: Callable[[Message], Build]


SHAPES: tuple[Shape, ...] = (
    Shape("slipway", lambda message: "service" in message, parse_slipway_build),
)  # the first that recognises a message parses it
