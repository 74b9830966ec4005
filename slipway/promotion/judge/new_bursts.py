"""Bursts that begin with the ramp: what the history cannot know, seen in the baseline's own ten-second blocks.

A burst falls into one block, so within a tick the baseline's blocks differ by more than chance, and so do its halves.
Only the baseline is asked: a harm that begins in mid-tick would look like a burst of the canary. Few ticks estimate
little, so what counts is the estimate less one standard deviation of its own.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from slipway.promotion.judge.windows import Counts

PRIOR = 5.0  # bad requests' worth of no bursts
FEWEST_BLOCKS = 3


@dataclass(frozen=True)
class NewBursts:
    """Sums over the ramp's ticks, of squares, expected variances, and degrees of freedom."""

    squares: float = 0.0
    variance: float = 0.0
    freedom: int = 0

    @property
    def phi(self) -> float:
        """The dispersion that is certain so far; may be below 1."""
        if self.freedom < 2:
            return 0.0
        estimate = (PRIOR + self.squares) / (PRIOR + self.variance)
        return estimate * (1 - math.sqrt(2 / self.freedom))

    def after(self, blocks: Sequence[Counts], halves: Counts | None) -> "NewBursts":
        """With a tick of the ramp that was no shock."""
        squares, variance, freedom = self.squares, self.variance, self.freedom
        m, y = sum(block.m for block in blocks), sum(block.y for block in blocks)
        if len(blocks) >= FEWEST_BLOCKS and m and y:
            for block in blocks:
                squares += (block.y - y * block.m / m) ** 2
                variance += y * block.m / m * (1 - block.m / m)
            freedom += len(blocks) - 1
        if halves is not None and not halves.one_sided:
            share, bad = halves.n / (halves.n + halves.m), halves.x + halves.y
            squares += (halves.x - share * bad) ** 2
            variance += bad * share * (1 - share)
            freedom += 1
        return NewBursts(squares, variance, freedom)
