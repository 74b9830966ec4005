"""How much worse the canary is, at least and at most: two confidence sequences from the same running sums.

`sums[j]` is Σ log_ratio(block, θj, θ0)/φ over the ramp. A ratio c is disproved from above when the ratios below
it explain the counts better on average by the factor `odds`, from below when those above it do. Both hold at
all times at once with error 1/odds (Howard et al. 2021); as long as the ratio changes, the lower one speaks of
its worst and the upper one of its best time.
"""

import math
from collections.abc import Sequence
from itertools import accumulate

from slipway.promotion.judge.evidence import HARMS, TOLERATED, TWO_BLOCKS, log_add, log_ratios, log_sum
from slipway.promotion.judge.windows import Counts

GRID = (0.25, 0.5, 0.7, 0.85, 1.0, 1.1, *HARMS)
WORST = GRID[-1]
AT_MOST_ODDS = 10.0  # 90 %: a bound to plan with
BETWEEN = 24  # points tried between two of the grid


def no_sums() -> tuple[float, ...]:
    return (0.0,) * len(GRID)


def add(
    sums: Sequence[float], blocks: Sequence[Counts], phi: float, theta0: float, most: float = math.inf
) -> tuple[float, ...]:
    """The sums after these blocks, both arms of each with requests. A block that would say more than `most` nats for
    any ratio is a storm, and scaled down as a whole: two of them together disprove nothing."""
    scale = theta0 / TOLERATED
    thetas = [theta * scale for theta in GRID]
    after = list(sums)
    for block in blocks:
        gains = log_ratios(block, thetas, theta0)
        loudest = max(gains) / phi
        weight = TWO_BLOCKS / 2 * most / loudest if loudest > most else 1.0
        for i, gain in enumerate(gains):
            after[i] += weight * gain / phi
    return tuple(after)


def at_most(sums: Sequence[float], theta0: float, odds: float = AT_MOST_ODDS) -> float | None:
    """The plausible worst ratio; None when even the worst of the grid is not disproved."""
    worst, below = None, list(accumulate(sums, log_add))
    for c in range(len(GRID) - 1, 0, -1):
        if below[c - 1] - math.log(c) - sums[c] < math.log(odds):
            break
        worst = GRID[c] * theta0 / TOLERATED
    return worst


def at_least(sums: Sequence[float], theta0: float, odds: float) -> float | None:
    """The ratio that is exceeded with error 1/odds; None when nothing is disproved from below.

    Between two points of the grid the sum is concave in ln c, so it stays under both neighbouring segments
    drawn on: the bound is a little low there, never too high.
    """
    last = -1
    for c in range(len(GRID) - 1):
        if _better_above(sums, c) - sums[c] < math.log(odds):
            break
        last = c
    if last < 0:
        return None
    return math.exp(_between(sums, last, math.log(odds))) * theta0 / TOLERATED


def _better_above(sums: Sequence[float], c: int) -> float:
    above = sums[c + 1 :]
    return log_sum(above) - math.log(len(above))


def _between(sums: Sequence[float], c: int, needed: float) -> float:
    """ln of the largest disproved ratio from grid point `c` on, before the next point."""
    places = [math.log(theta) for theta in GRID]
    low, high = places[c], places[c + 1]
    reached = low
    above = _better_above(sums, c)
    for i in range(1, BETWEEN):
        place = low + (high - low) * i / BETWEEN
        ceilings = []
        if c > 0:
            ceilings.append(sums[c] + (sums[c] - sums[c - 1]) / (low - places[c - 1]) * (place - low))
        if c + 2 < len(GRID):
            slope = (sums[c + 2] - sums[c + 1]) / (places[c + 2] - high)
            ceilings.append(sums[c + 1] - slope * (high - place))
        if not ceilings or above - min(ceilings) < needed:
            break
        reached = place
    return reached
