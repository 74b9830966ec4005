"""A share as weights of two origins: whole numbers from 1 to 1000, and no weight at all only by an origin that is off.

Every write is a change of the whole Front Door, and changes queue behind each other: so most shares are one write. The
live side keeps its weight while the idle side's grows, and where it cannot grow any further the live side's shrinks.
"""

import math
from dataclasses import dataclass, replace

from slipway.adapters.weight import Weight as Weight
from slipway.adapters.weight import share_of

MOST = 1000
_AT_LEAST = 0.97  # of the share that was asked for, or it is another one


@dataclass(frozen=True)
class Write:
    """One change: of the `idle` side's origin, or else of the live one's."""

    idle: bool
    weight: Weight


@dataclass(frozen=True)
class Pair:
    """Both sides."""

    live: Weight
    idle: Weight

    @property
    def share(self) -> float:
        """What the idle side has (0..1) of what both have; 0 when both are off."""
        return share_of(self.idle, self.live)

    def says(self, share: float) -> bool:
        """Whether this is that share, down to what weights can say; never more of it."""
        if not share or not self.live.enabled:
            return not self.idle.enabled
        return self.idle.enabled and _AT_LEAST * share <= self.share <= share + 1e-9

    def next_write(self, share: float) -> Write | None:
        """The next change towards a share (0..1), None when there is nothing to change. On its way the idle side never
        has more than the larger of what it has and what it shall have. Raises ValueError beyond 0..1."""
        if not 0 <= share <= 1:
            raise ValueError(f"{share} is no share of a whole")
        if self.says(share):
            return None
        if not share:
            return Write(True, Weight(self.idle.value, enabled=False))
        for write in self._by_one_write(share):
            if self.after(write).says(share):
                return write
        goal = _from_scratch(share)
        for write in (Write(False, goal.live), Write(True, goal.idle)):
            changed = self.after(write)
            if changed != self and changed.share <= max(self.share, share) + 1e-9:
                return write
        return Write(True, goal.idle)

    def after(self, write: Write) -> "Pair":
        return replace(self, idle=write.weight) if write.idle else replace(self, live=write.weight)

    def _by_one_write(self, share: float) -> list[Write]:
        writes = []
        if share < 1:
            weight = _down(self.live.counts * share / (1 - share))
            writes.append(Write(True, Weight(weight)))
        writes.append(Write(False, Weight(_up(self.idle.counts * (1 - share) / share))))
        return [write for write in writes if 1 <= write.weight.value <= MOST]


def _from_scratch(share: float) -> Pair:
    """The weights of a share by which it is told most finely; of the whole, what comes nearest to it."""
    if share <= 0.5:
        return Pair(Weight(MOST), Weight(max(1, _down(MOST * share / (1 - share)))))
    return Pair(Weight(max(1, _up(MOST * (1 - share) / share))), Weight(MOST))


def _down(weight: float) -> int:
    return math.floor(round(weight, 6))


def _up(weight: float) -> int:
    return math.ceil(round(weight, 6))
