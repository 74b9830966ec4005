"""A log histogram of latencies: small, and merging two loses nothing.

Bucket `i` holds the latencies in (2^((i-1)/36), 2^(i/36)] ms, so a bucket is 1.95 % wide and its
upper edge is at most that far above any latency in it. The idea is DDSketch's (Masson, Rim, Lee:
"DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019).
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

BUCKETS_PER_DOUBLING = 36
BUCKET_WIDTH = 2.0 ** (1 / BUCKETS_PER_DOUBLING)  # upper edge by lower edge
SHORTEST_MS = 0.001  # what is shorter counts as this
LONGEST_MS = 2.0**40


class LatencyHistogram:
    """Counts of latencies in milliseconds, by bucket."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def record(self, ms: float, count: int = 1) -> None:
        """Add `count` latencies of `ms`. Raises ValueError for NaN and infinity, and for a negative count."""
        if not math.isfinite(ms) or count < 0:
            raise ValueError(f"{count} latencies of {ms} ms cannot be recorded")
        if count:
            self._counts[_bucket(ms)] += count

    def merge(self, other: "LatencyHistogram") -> "LatencyHistogram":
        """A new histogram with the latencies of both; neither is changed."""
        merged = LatencyHistogram()
        merged._counts = self._counts + other._counts
        return merged

    @property
    def count(self) -> int:
        """How many latencies were recorded; exact."""
        return self._counts.total()

    def quantile(self, q: float) -> float:
        """The latency (ms) that a share `q` (0..1) of all stays within.

        It is the upper edge of the bucket that holds the nearest-rank sample quantile: never below that
        quantile, and less than 2 % above it.

        Raises ValueError when `q` is no share or nothing was recorded.
        """
        return self.at_rank(nearest_rank(q, self.count))

    def at_rank(self, rank: int) -> float:
        """The upper edge (ms) of the bucket with the `rank`-th shortest latency, counted from 1.

        Raises ValueError when there are fewer.
        """
        seen = 0
        for bucket in sorted(self._counts):
            seen += self._counts[bucket]
            if seen >= rank >= 1:
                return _upper_edge(bucket)
        raise ValueError(f"latency number {rank} of {self.count}")

    def buckets(self) -> Mapping[int, int]:
        """The counts by bucket; a view."""
        return self._counts

    def counts_above(self, buckets: Sequence[int]) -> list[int]:
        """For each of `buckets`, how many latencies lie above its upper edge."""
        return [sum([count for bucket, count in self._counts.items() if bucket > cut]) for cut in buckets]

    def dump(self) -> dict[str, int]:
        """Plain JSON: `{bucket: count}`, empty buckets left out."""
        return {str(bucket): self._counts[bucket] for bucket in sorted(self._counts)}

    @classmethod
    def load(cls, data: dict[str, int]) -> "LatencyHistogram":
        """The reverse of `dump`."""
        histogram = cls()
        histogram._counts = Counter({int(bucket): count for bucket, count in data.items()})
        return histogram

    @classmethod
    def of_buckets(cls, counts: Mapping[int, int]) -> "LatencyHistogram":
        """With these counts by bucket."""
        histogram = cls()
        histogram._counts.update(counts)
        return histogram

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LatencyHistogram) and self._counts == other._counts

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"LatencyHistogram({self.count} latencies)"


def nearest_rank(q: float, count: int) -> int:
    """Which of `count` sorted values is the quantile `q`, counted from 1. Raises ValueError."""
    if not 0 <= q <= 1 or count < 1:
        raise ValueError(f"no quantile {q} of {count} latencies")
    return max(1, math.ceil(q * count - 1e-9))  # 0.95 * 20 is a hair above 19 in binary


def _bucket(ms: float) -> int:
    ms = min(max(ms, SHORTEST_MS), LONGEST_MS)
    bucket = math.ceil(math.log2(ms) * BUCKETS_PER_DOUBLING) - 1  # the logarithm rounds; the edge decides
    while ms > _upper_edge(bucket):
        bucket += 1
    return bucket


def _upper_edge(bucket: int) -> float:
    return float(2.0 ** (bucket / BUCKETS_PER_DOUBLING))
