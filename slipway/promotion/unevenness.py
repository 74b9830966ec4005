"""How unevenly slow or failed requests came in the course of a load: the requests of one run are no coin tosses.

A stalled garbage collector or a dying connection makes several requests in a row slow, so that fewer of them speak
than were sent. The measure is the dispersion of counts in blocks of time: how much further from their share they lie
than those of independent requests would (McCullagh and Nelder, Generalized Linear Models, section 4.5).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

BLOCKS = 8  # of a driver's round: half a second of four, and longer than what usually stalls
# Before anything is seen: twice as uneven as independent requests, with the weight of a variance of 5.
PRIOR_SEEN, PRIOR_EXPECTED = 10.0, 5.0


@dataclass(frozen=True)
class Unevenness:
    """Sums over blocks: the squared distances of the counts from their share, and what independent requests would
    show on average. Those of several runs add up."""

    seen: float = 0.0
    expected: float = 0.0

    def merge(self, other: "Unevenness") -> "Unevenness":
        return Unevenness(self.seen + other.seen, self.expected + other.expected)

    def dispersion(self, side_by_side: int = 1) -> float:
        """So many requests are worth as one independent one; at least 1.

        `side_by_side` drivers each counted by themselves, and one stall may have met them all: then the squares of
        their sums are up to so many times the sum of their squares (Cauchy and Schwarz).
        """
        return max(1.0, (PRIOR_SEEN + self.seen * side_by_side) / (PRIOR_EXPECTED + self.expected))


NONE_SEEN = Unevenness()


def unevenness(marked: Sequence[bool]) -> Unevenness:
    """Of requests in the order in which they were due, each marked or not."""
    if len(marked) < 2 * BLOCKS:
        return NONE_SEEN
    share = sum(marked) / len(marked)
    edges = [len(marked) * n // BLOCKS for n in range(BLOCKS + 1)]
    blocks = [marked[start:end] for start, end in pairwise(edges)]
    seen = sum((sum(block) - share * len(block)) ** 2 for block in blocks)
    # The share comes from the same blocks, which takes one degree of freedom.
    expected = len(marked) * share * (1 - share) * (BLOCKS - 1) / BLOCKS
    return Unevenness(round(seen, 3), round(expected, 3))
