"""What is usual for a service: its failures before a ramp, for the time when there is nothing else to compare with."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from statistics import median

from slipway.promotion.judge.dispersion import PRIOR_SQUARES, PRIOR_VARIANCE, SHOCK, SHOCK_AT_LEAST
from slipway.promotion.judge.recent import THIN_IN_ALL
from slipway.promotion.judge.windows import Window

HOUR_TICKS, HOURS_TICKS = 60, 240
SCALES_TICKS = (1, 15, HOUR_TICKS, HOURS_TICKS)
SURE = math.log(100)  # 99 %, of the usual rate


@dataclass(frozen=True)
class Care:
    """How slow to believe one arm. `worse_at_most` times the usual is tolerated, because days differ. Harm is proven
    after `fewest_ticks` of it at the earliest, and after `shocks` times the longest shock of the history."""

    worse_at_most: float = 1.5
    fewest_ticks: int = 10
    shocks: float = 2.0


CARE = Care()


@dataclass(frozen=True)
class Usual:
    """`rate` is the upper bound (99 %) of the failure rate, or that of the worst four hours if it is higher: many
    services fail more at some time of the day. `mean_rate` is its mean with shocks cut off, `typical_rate`
    that of the median tick. `phi` is the dispersion, `longest_shock` in ticks; `quietest` requests had a tick of the
    quietest hour, and for `longest_pause` ticks running hardly any came, as between two batches; `worse_at_most` as in
    `Care`."""

    rate: float = 1.0
    mean_rate: float = 0.0
    typical_rate: float = 0.0
    phi: float = 1.0
    longest_shock: int = 0
    worse_at_most: float = CARE.worse_at_most
    ticks: int = 0
    requests: int = 0
    failures: int = 0
    quietest: float = 0.0
    longest_pause: int = 0

    @property
    def per_tick(self) -> float:
        return self.requests / self.ticks if self.ticks else 0.0

    def is_served(self, requests: int) -> bool:
        """Whether a tick of so many requests is one like those of the day before; none or hardly any are a pause."""
        return requests > 0 and requests >= THIN_IN_ALL * self.quietest

    def counted(self, requests: int, failures: int) -> float:
        """The failures of a tick that count: not more than four times the typical, before the ramp and after."""
        return min(float(failures), max(SHOCK * self.typical_rate * requests, SHOCK_AT_LEAST))


def learn_usual(history: Sequence[Window], care: Care = CARE) -> Usual:
    """From windows of one tick each, oldest first, the release of that time as baseline; 24 hours are best."""
    known = [window.baseline for window in history if window.baseline is not None and not window.trouble]
    ticks = [(arm.total, arm.failed) for arm in known]
    requests = sum(n for n, _ in ticks)
    if not requests:
        return Usual(worse_at_most=care.worse_at_most, ticks=len(ticks))
    typical = Usual(typical_rate=median(x / n for n, x in ticks if n))
    counted = [(n, typical.counted(n, x)) for n, x in ticks]
    failures = sum(x for _, x in counted)
    phi = _dispersion(counted, failures / requests, care.worse_at_most)
    quietest = _quietest_hour(ticks)
    bound = (failures + phi * SURE + math.sqrt(2 * failures * phi * SURE)) / requests
    return Usual(
        rate=min(1.0, max(bound, _worst_hours(counted))),
        mean_rate=failures / requests,
        typical_rate=typical.typical_rate,
        phi=phi,
        longest_shock=_longest([x > typical.counted(n, x) for n, x in ticks]),
        worse_at_most=care.worse_at_most,
        ticks=len(ticks),
        requests=requests,
        failures=sum(x for _, x in ticks),
        quietest=quietest,
        longest_pause=_longest([not Usual(quietest=quietest).is_served(n) for n, _ in ticks]),
    )


def _dispersion(ticks: Sequence[tuple[int, float]], rate: float, worse_at_most: float) -> float:
    """The worst of all scales: parts about the mean of their neighbourhood, hours beyond what is tolerated anyway.

    So a service that is busier by day does not look bursty, unless its days differ by more than the margin.
    """
    worst = 1.0
    for scale, wider in pairwise(SCALES_TICKS):
        squares, variance = PRIOR_SQUARES, PRIOR_VARIANCE
        for around in _parts(ticks, wider):
            mean = sum(x for _, x in around) / max(1, sum(n for n, _ in around))
            for part in _parts(around, scale):
                expected = mean * sum(n for n, _ in part)
                squares += (sum(x for _, x in part) - expected) ** 2
                variance += expected * (1 - scale / wider)
        worst = max(worst, squares / variance)
    for scale in SCALES_TICKS[2:]:
        squares, variance = PRIOR_SQUARES, PRIOR_VARIANCE
        for part in _parts(ticks, scale):
            tolerated = worse_at_most * rate * sum(n for n, _ in part)
            squares += max(0.0, sum(x for _, x in part) - tolerated) ** 2
            variance += tolerated
        worst = max(worst, squares / variance)
    return worst


def _worst_hours(ticks: Sequence[tuple[int, float]]) -> float:
    """The failure rate of the worst four hours; 0 of a shorter history."""
    parts = [(sum(n for n, _ in part), sum(x for _, x in part)) for part in _parts(ticks, HOURS_TICKS)]
    return max((x / n for n, x in parts if n), default=0.0)


def _quietest_hour(ticks: Sequence[tuple[int, float]]) -> float:
    """Requests a tick in it; in the mean of a history shorter than that."""
    hours = _parts(ticks, HOUR_TICKS) or [ticks]
    return min(sum(n for n, _ in hour) / len(hour) for hour in hours)


def _parts(ticks: Sequence[tuple[int, float]], size: int) -> list[Sequence[tuple[int, float]]]:
    return [ticks[begin : begin + size] for begin in range(0, len(ticks) - size + 1, size)]


def _longest(ticks: Sequence[bool]) -> int:
    """How many of them are true one after the other."""
    return max((sum(run) for _, run in groupby(ticks)), default=0)
