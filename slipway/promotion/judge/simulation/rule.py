"""A rule that leads a ramp: ours or a peer's."""

from dataclasses import dataclass
from typing import Protocol

from slipway.promotion.judge.windows import Window


@dataclass(frozen=True)
class Move:
    """What a rule answers at a tick: the weight (0..1) for the next one, or how the ramp ended."""

    weight: float
    ended: str = ""
    words: str = ""


PROMOTED, ROLLED_BACK, WITHDRAWN = "promoted", "rolled back", "withdrawn"


class Rule(Protocol):
    """One ramp's judge."""

    @property
    def weight(self) -> float:
        """The weight of the first tick."""

    def after(self, window: Window) -> Move:
        """Once a tick, with what telemetry has of it."""
