"""Many ramps of one rule in one scenario, as figures with their uncertainty."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from slipway.promotion.judge.simulation.ramp import MISSED, RampResult
from slipway.promotion.judge.simulation.rule import PROMOTED, ROLLED_BACK, WITHDRAWN

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
    over Wald's, None for a healthy release. `other` are undecided. `last_rollback`: the latest tick of one."""

    ramps: int
    rolled_back: Estimate
    missed: Estimate
    promoted: Estimate
    withdrawn: int
    other: int
    tick_median: float
    tick_90: float
    excess_mean: float
    excess_median: float
    excess_90: float
    times_bound: Estimate | None
    last_rollback: int


def figures(results: Sequence[RampResult], harmful: bool, together: int = 1) -> Figures:
    """Of one ramp or more. Ticks are of all ends when the release is harmful, else of promotions.

    So many ramps in a row are `together`: they began from one history, hence from one measured dispersion, and end
    alike. Intervals count such a group as one observation (Liang & Zeger 1986); as if all ramps were independent
    they would be too narrow by up to half.
    """
    groups = [range(first, min(first + together, len(results))) for first in range(0, len(results), together)]
    ended = [result.ended for result in results]
    stops = [result.tick for result in results if result.ended == ROLLED_BACK]
    ticks = [result.tick for result in results if result.ended == PROMOTED or harmful]
    excess = [result.excess for result in results]
    back, missed, promoted, withdrawn = map(ended.count, (ROLLED_BACK, MISSED, PROMOTED, WITHDRAWN))
    return Figures(
        ramps=len(results),
        rolled_back=_share(ended, ROLLED_BACK, groups),
        missed=_share(ended, MISSED, groups),
        promoted=_share(ended, PROMOTED, groups),
        withdrawn=withdrawn,
        other=len(results) - back - missed - promoted - withdrawn,
        tick_median=quantile(ticks, 0.5),
        tick_90=quantile(ticks, 0.9),
        excess_mean=statistics.fmean(excess),
        excess_median=quantile(excess, 0.5),
        excess_90=quantile(excess, 0.9),
        times_bound=_ratio(excess, [result.bound or 0.0 for result in results], groups)
        if results[0].bound is not None
        else None,
        last_rollback=max(stops, default=0),
    )


def wilson(hits: float, trials: float) -> Estimate:
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


def _share(ended: Sequence[str], word: str, groups: Sequence[range]) -> Estimate:
    """Wilson's interval of as many independent ramps as the groups are worth (Kish's design effect). Where all
    ramps end alike nothing shows what they are worth; then it is the interval of independent ones."""
    hits = [float(end == word) for end in ended]
    share = statistics.fmean(hits)
    if not 0 < share < 1 or len(groups) < 2:
        return wilson(sum(hits), len(hits))
    independent = share * (1 - share) / len(hits)
    effect = max(1.0, _variance([hit - share for hit in hits], groups) / independent)
    return wilson(sum(hits) / effect, len(hits) / effect)


def _ratio(ours: Sequence[float], bound: Sequence[float], groups: Sequence[range]) -> Estimate:
    """Of two means over the same ramps; its standard error by the delta method."""
    below = statistics.fmean(bound)
    if below <= 0:
        return Estimate(math.nan, math.nan, math.nan)
    ratio = statistics.fmean(ours) / below
    if len(groups) < 2:
        return Estimate(ratio, math.nan, math.nan)
    residues = [mine - ratio * theirs for mine, theirs in zip(ours, bound, strict=True)]
    reach = _student(len(groups) - 1) * math.sqrt(_variance(residues, groups)) / below
    return Estimate(ratio, ratio - reach, ratio + reach)


def _variance(residues: Sequence[float], groups: Sequence[range]) -> float:
    """Of the mean of residues that are independent from group to group only."""
    sums = [sum(residues[place] for place in group) for group in groups]
    return sum(each * each for each in sums) * len(groups) / (len(groups) - 1) / len(residues) ** 2


def _student(degrees: int) -> float:
    """The 97.5 % quantile of Student's t, by the first terms of its expansion around the normal one."""
    z = Z95
    return z + (z**3 + z) / (4 * degrees) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)
