"""The weight of one of two sides at a router that knows whole numbers, and on or off: an origin's, or an endpoint's."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Weight:
    """As Resource Manager shows it."""

    value: int
    enabled: bool = True

    @property
    def counts(self) -> int:
        return self.value if self.enabled else 0


def share_of(side: Weight, other: Weight) -> float:
    """What the side has (0..1) of what both have; 0 when both are off."""
    both = side.counts + other.counts
    return side.counts / both if both else 0.0
