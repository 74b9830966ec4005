"""Many ramps of one rule in one scenario, as figures with their uncertainty."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from slipway.promotion.judge.simulation.ramp import MISSED, RampResult
from slipway.promotion.judge.simulation.rule import PROMOTED, ROLLED_BACK

Z95 = 1.959963984540054


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Figures:
    """Ramps under one rule. Shares are 0..1, ticks of the end, excess in failures; `times_bound` is the mean excess
    over Wald's, None for a healthy release. `last_rollback`: the latest tick of one."""

    ramps: int
    rolled_back: Estimate
    missed: Estimate
    promoted: Estimate
    other: int
    tick_median: float
    tick_90: float
    excess_mean: float
    excess_median: float
    excess_90: float
    times_bound: Estimate | None
    last_rollback: int


def figures(results: Sequence[RampResult], harmful: bool) -> Figures:
    """Of one ramp or more. Ticks are of all ends when the release is harmful, else of promotions."""
    ended = [result.ended for result in results]
    stops = [result.tick for result in results if result.ended == ROLLED_BACK]
    ticks = [result.tick for result in results if result.ended == PROMOTED or harmful]
    excess = [result.excess for result in results]
    back, missed, promoted = (ended.count(word) for word in (ROLLED_BACK, MISSED, PROMOTED))
    return Figures(
        ramps=len(results),
        rolled_back=wilson(back, len(results)),
        missed=wilson(missed, len(results)),
        promoted=wilson(promoted, len(results)),
        other=len(results) - back - missed - promoted,
        tick_median=quantile(ticks, 0.5),
        tick_90=quantile(ticks, 0.9),
        excess_mean=statistics.fmean(excess),
        excess_median=quantile(excess, 0.5),
        excess_90=quantile(excess, 0.9),
        times_bound=_ratio(excess, [result.bound or 0.0 for result in results])
        if results[0].bound is not None
        else None,
        last_rollback=max(stops, default=0),
    )


def wilson(hits: int, trials: int) -> Estimate:
    """A share with its 95 % score interval (Wilson 1927)."""
    share = hits / trials
    shrink = 1 + Z95**2 / trials
    middle = (share + Z95**2 / (2 * trials)) / shrink
    reach = Z95 / shrink * math.sqrt(share * (1 - share) / trials + Z95**2 / (4 * trials**2))
    return Estimate(share, 0.0 if hits == 0 else max(0.0, middle - reach), 1.0 if hits == trials else middle + reach)


def quantile(values: Sequence[float], q: float) -> float:
    """The nearest-rank quantile; NaN of nothing."""
    if not values:
        return math.nan
    return sorted(values)[max(1, math.ceil(q * len(values) - 1e-9)) - 1]


def _ratio(ours: Sequence[float], bound: Sequence[float]) -> Estimate:
    """Of two means over the same ramps; its standard error by the delta method."""
    below = statistics.fmean(bound)
    if below <= 0:
        return Estimate(math.nan, math.nan, math.nan)
    ratio = statistics.fmean(ours) / below
    residues = [mine - ratio * theirs for mine, theirs in zip(ours, bound, strict=True)]
    error = statistics.pstdev(residues) / below / math.sqrt(len(ours))
    return Estimate(ratio, ratio - Z95 * error, ratio + Z95 * error)
