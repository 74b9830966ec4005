"""A share as weights of two endpoints: thousandths that add up to 1000, and no weight at all only by one that is off.

An endpoint is written by itself, so most shares are two writes. On the way the side never has more than the larger of
what it has and what it shall have, and one of both is always on.
"""

from dataclasses import dataclass, replace

from slipway.adapters.weight import Weight as Weight
from slipway.adapters.weight import share_of

WHOLE = 1000
_EXACT = 0.5 / WHOLE


@dataclass(frozen=True)
class Write:
    """One change: of the endpoint of the `side`, or else of the other one."""

    side: bool
    weight: Weight


@dataclass(frozen=True)
class Pair:
    """The endpoint of the side that is spoken of, and the other one."""

    side: Weight
    other: Weight

    @property
    def share(self) -> float:
        """What the side has (0..1) of what both have; 0 when both are off."""
        return share_of(self.side, self.other)

    def says(self, share: float) -> bool:
        """Whether this is that share, of whole thousandths."""
        if not share:
            return self.other.enabled and not self.side.enabled
        if share == 1:
            return self.side.enabled and not self.other.enabled
        return self.side.enabled and self.other.enabled and abs(self.share - share) < _EXACT

    def next_write(self, share: float) -> Write | None:
        """The next change towards a share (0..1), None when there is nothing to change. Raises ValueError beyond."""
        if not 0 <= share <= 1:
            raise ValueError(f"{share} is no share of a whole")
        share = thousandths(share) / WHOLE
        if self.says(share):
            return None
        goal = self._goal(share)
        side, other = Write(True, goal.side), Write(False, goal.other)
        for write in (side, other) if share < self.share or share == 1 else (other, side):
            changed = self.after(write)
            somebody_is_on = changed.side.enabled or changed.other.enabled
            if changed != self and somebody_is_on and changed.share <= max(self.share, share) + _EXACT:
                return write
        raise AssertionError(f"{self} has no way to {share}")

    def after(self, write: Write) -> "Pair":
        return replace(self, side=write.weight) if write.side else replace(self, other=write.weight)

    def _goal(self, share: float) -> "Pair":
        if not share:
            return Pair(replace(self.side, enabled=False), Weight(WHOLE))
        if share == 1:
            return Pair(Weight(WHOLE), replace(self.other, enabled=False))
        parts = round(share * WHOLE)
        return Pair(Weight(parts), Weight(WHOLE - parts))


def thousandths(share: float) -> int:
    """Rounded down, though any share at all is at least one."""
    return max(1, int(share * WHOLE + 1e-6)) if share else 0
