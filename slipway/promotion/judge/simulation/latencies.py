"""Latencies of simulated requests: log-normal, as counts by bucket."""

import math
from collections.abc import Sequence
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

    def shares(self, slownesses: Sequence[float]) -> tuple[int, list[float]]:
        """The lowest bucket, and from there on the share of requests in each, when instances so many times slower
        answer equally many."""
        places = [divmod(round(BUCKETS_PER_DOUBLING * math.log2(each) * PHASES), PHASES) for each in slownesses]
        first, last = min(places)[0], max(places)[0]
        shifted = [[0.0] * (place - first) + self._phases[phase] + [0.0] * (last - place) for place, phase in places]
        return first + self._lowest, [sum(column) / len(slownesses) for column in zip(*shifted, strict=True)]

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


def drawn(
    lowest: int, shares: Sequence[float], requests: float, draws: Draws, tail_share: float = 0.0, tail_ms: float = 0.0
) -> LatencyHistogram:
    """Requests in each bucket from the lowest on, `requests` in all on average; of them `tail_share` take `tail_ms`.

    Counts that come at random and are thrown into buckets at random are independent of each other.
    """
    usual = requests * (1 - tail_share)
    counts = dict(enumerate(draws.poissons([usual * share for share in shares]), lowest))
    if tail_share:
        place = math.ceil(BUCKETS_PER_DOUBLING * math.log2(tail_ms))
        counts[place] = counts.get(place, 0) + draws.poisson(requests * tail_share)
    return LatencyHistogram.of_buckets({bucket: count for bucket, count in counts.items() if count})
