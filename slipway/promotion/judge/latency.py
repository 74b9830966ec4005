"""Latencies as counts: requests slower than a cut that the baseline's past ticks set.

The cut is the upper edge of the bucket that holds the baseline's quantile. The baseline's bad requests are those
above it, the canary's those above the cut times 1 + margin, so that "p95 worse by at most 10 %" is a ratio of
both rates of at most 1. Cuts come from past ticks only: this tick's counts must not choose their own limit
(Howard & Ramdas 2022 on quantiles).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial

from slipway.promotion.histogram import BUCKETS_PER_DOUBLING, LatencyHistogram
from slipway.promotion.judge.metric import Reading
from slipway.promotion.judge.policy import LATENCY_QUANTILES
from slipway.promotion.judge.windows import Counts, Window

DECAY = 0.98  # a tick; the memory is 50 ticks
MOST_BUCKETS = 320  # kept, so that the state stays small
TICK_AT_MOST = 1.5  # nats a tick may add to a quantile: one stall of seconds proves nothing
BODY = (0.10, 0.999)  # where single buckets matter; beyond, they are folded when there are too many


@dataclass(frozen=True)
class UsualLatencies:
    """The baseline's histogram, older ticks weighing less."""

    weights: Mapping[int, float] = field(default_factory=dict)

    def cuts(self) -> dict[str, int]:
        """Per quantile the bucket whose upper edge is the cut; empty before anything was seen."""
        return dict(self._cuts)

    @cached_property
    def _cuts(self) -> dict[str, int]:
        total = sum(self.weights.values())
        cuts: dict[str, int] = {}
        if total <= 0:
            return cuts
        seen, wanted = 0.0, list(LATENCY_QUANTILES.items())
        for bucket in sorted(self.weights):
            seen += self.weights[bucket]
            while wanted and seen >= wanted[0][1] * total * (1 - 1e-9):
                cuts[wanted.pop(0)[0]] = bucket
        return cuts

    def after(self, latencies: LatencyHistogram | None) -> "UsualLatencies":
        """With the baseline's latencies of a tick."""
        if latencies is None or latencies.count == 0:
            return self
        weights = {bucket: weight * DECAY for bucket, weight in self.weights.items()}
        for bucket, count in latencies.buckets().items():
            weights[bucket] = weights.get(bucket, 0.0) + count
        least = 1e-6 * sum(weights.values())
        kept = {bucket: float(f"{weight:.5g}") for bucket, weight in weights.items() if weight > least}
        return UsualLatencies(_folded(kept))


def latency_readings(window: Window, cuts: Mapping[str, int], margin: float) -> dict[str, Reading]:
    """Counts above the cuts by quantile, one block a tick; empty when an arm has no latencies."""
    canary = window.canary.latencies if window.canary else None
    baseline = window.baseline.latencies if window.baseline else None
    if canary is None or baseline is None:
        return {}
    own_cuts = list(cuts.values())
    x = canary.counts_above([cut + widening(margin) for cut in own_cuts])
    y = baseline.counts_above(own_cuts)
    halves = latency_halves(window, own_cuts)
    return {
        name: Reading((Counts(canary.count, x[i], baseline.count, y[i]),), halves[i] if halves else None, TICK_AT_MOST)
        for i, name in enumerate(cuts)
    }


def latency_halves(window: Window, cuts: list[int]) -> list[Counts] | None:
    """Counts of both halves above each cut."""
    first, second = (half.latencies for half in window.halves) if window.halves else (None, None)
    if first is None or second is None:
        return None
    pairs = zip(first.counts_above(cuts), second.counts_above(cuts), strict=True)
    return [Counts(first.count, x, second.count, y) for x, y in pairs]


def widening(margin: float) -> int:
    """By how many buckets the canary's cut lies higher; the next edge up."""
    return math.ceil(BUCKETS_PER_DOUBLING * math.log2(1 + margin) - 1e-9)


def _folded(weights: dict[int, float]) -> dict[int, float]:
    if len(weights) <= MOST_BUCKETS:
        return weights
    low, high = _quantile(weights, BODY[0]), _quantile(weights, BODY[1])
    folded = _merged(weights, lambda bucket: min(max(bucket, low), high))
    width = 2
    while len(folded) > MOST_BUCKETS:
        folded = _merged(folded, partial(_coarser, width))
        width *= 2
    return folded


def _coarser(width: int, bucket: int) -> int:
    return -(-bucket // width) * width


def _merged(weights: Mapping[int, float], place: Callable[[int], int]) -> dict[int, float]:
    merged: dict[int, float] = {}
    for bucket, weight in weights.items():
        merged[place(bucket)] = merged.get(place(bucket), 0.0) + weight
    return merged


def _quantile(weights: Mapping[int, float], q: float) -> int:
    total, seen, bucket = sum(weights.values()), 0.0, 0
    for bucket in sorted(weights):
        seen += weights[bucket]
        if seen >= q * total:
            break
    return bucket
