"""Latencies of simulated requests: log-normal, as counts by bucket."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from slipway.promotion.histogram import BUCKETS_PER_DOUBLING, LatencyHistogram
from slipway.promotion.judge.simulation.draws import Draws

WIDEST = 4.5  # standard deviations on either side
PHASES = 4  # steps within a bucket by which an instance may be slower


@dataclass(frozen=True)
class Latency:
    """`sigma`: standard deviation of the logarithm. `wobble`: that of an instance's own speed, new each tick."""

    median_ms: float = 80.0
    sigma: float = 0.5
    wobble: float = 0.10

    def buckets(self, slownesses: Sequence[float]) -> dict[int, float]:
        """The share of requests in each bucket when instances this many times slower answer equally many."""
        places = [divmod(round(BUCKETS_PER_DOUBLING * math.log2(each) * PHASES), PHASES) for each in slownesses]
        first = min(place for place, _ in places)
        width = max(place for place, _ in places) - first + len(self._phases[0])
        sums = [0.0] * width
        for place, phase in places:
            for bucket, share in enumerate(self._phases[phase], place - first):
                sums[bucket] += share
        lowest = first + self._lowest
        return {lowest + i: total / len(slownesses) for i, total in enumerate(sums)}

    @cached_property
    def _scale(self) -> float:
        return BUCKETS_PER_DOUBLING / math.log(2)

    @cached_property
    def _lowest(self) -> int:
        return math.floor(self._scale * (math.log(self.median_ms) - WIDEST * self.sigma))

    @cached_property
    def _phases(self) -> list[list[float]]:
        """For each phase the shares of the buckets from `_lowest` on; bucket i ends at e^(i / scale) ms."""
        count = math.ceil(2 * WIDEST * self.sigma * self._scale) + 2
        return [[self._share(self._lowest + i, phase / PHASES) for i in range(count)] for phase in range(PHASES)]

    def _share(self, bucket: int, shift: float) -> float:
        return self._within(bucket - shift) - self._within(bucket - 1 - shift)

    def _within(self, edge: float) -> float:
        z = (edge / self._scale - math.log(self.median_ms)) / self.sigma
        return 0.5 * math.erfc(-z / math.sqrt(2))


def with_tail(shares: dict[int, float], share: float, ms: float) -> dict[int, float]:
    """A share of the requests taken out of all buckets alike, and put at `ms`."""
    if share == 0:
        return shares
    moved = {bucket: old * (1 - share) for bucket, old in shares.items()}
    place = math.ceil(BUCKETS_PER_DOUBLING * math.log2(ms))
    moved[place] = moved.get(place, 0.0) + share
    return moved


def drawn(shares: dict[int, float], requests: int, draws: Draws) -> LatencyHistogram:
    """So many requests thrown into the buckets."""
    counts: dict[str, int] = {}
    left, mass = requests, sum(shares.values())
    for bucket, share in _fullest_first(shares.items()):
        if left == 0 or mass <= 0:
            break
        count = draws.binomial(left, min(1.0, share / mass))
        if count:
            counts[str(bucket)] = count
        left -= count
        mass -= share
    return LatencyHistogram.load(counts)


def _fullest_first(shares: Iterable[tuple[int, float]]) -> list[tuple[int, float]]:
    return sorted(shares, key=lambda pair: -pair[1])
