"""A histogram counts exactly, merges in any order, and its quantiles are within 2 %."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.promotion.histogram import BUCKETS_PER_DOUBLING, LatencyHistogram

LATENCIES_MS = st.floats(min_value=0.001, max_value=1e7)
SAMPLES = st.lists(LATENCIES_MS, max_size=60)


def histogram_of(samples: list[float]) -> LatencyHistogram:
    histogram = LatencyHistogram()
    for ms in samples:
        histogram.record(ms)
    return histogram


@given(SAMPLES, SAMPLES, SAMPLES)
def test_merging_has_no_order(a: list[float], b: list[float], c: list[float]) -> None:
    one, two, three = histogram_of(a), histogram_of(b), histogram_of(c)
    assert one.merge(two) == two.merge(one) == histogram_of(a + b)
    assert one.merge(two).merge(three) == one.merge(two.merge(three)) == histogram_of(a + b + c)
    assert one.merge(LatencyHistogram()) == one
    assert one == histogram_of(a)  # merging changes neither


@given(st.lists(LATENCIES_MS, min_size=1, max_size=200), st.floats(0, 1))
def test_a_quantile_is_at_most_two_per_cent_above_the_sample_s_own(samples: list[float], q: float) -> None:
    exact = sorted(samples)[max(1, math.ceil(q * len(samples) - 1e-9)) - 1]
    assert exact <= histogram_of(samples).quantile(q) <= exact * 1.02


@given(SAMPLES)
def test_the_count_is_exact_and_survives_json(samples: list[float]) -> None:
    histogram = histogram_of(samples)
    assert histogram.count == len(samples)
    assert LatencyHistogram.load(json.loads(json.dumps(histogram.dump()))) == histogram


@given(st.integers(-300, 1400))
def test_a_latency_on_a_bucket_s_edge_belongs_below_it(bucket: int) -> None:
    edge = 2.0 ** (bucket / BUCKETS_PER_DOUBLING)
    assert histogram_of([edge]).quantile(1) == edge


def test_buckets_are_at_most_two_per_cent_wide() -> None:
    assert 2 ** (1 / BUCKETS_PER_DOUBLING) <= 1.02


def test_the_nearest_rank_is_meant() -> None:
    histogram = histogram_of([float(ms) for ms in range(1, 21)])
    assert histogram.quantile(0.95) == pytest.approx(19, rel=0.02)  # the 19th of 20
    assert histogram.quantile(0.951) == pytest.approx(20, rel=0.02)
    assert histogram.quantile(0) == 1


def test_many_at_once_count_as_many() -> None:
    histogram = LatencyHistogram()
    histogram.record(5.0, count=3)
    histogram.record(7.0, count=0)
    assert histogram == histogram_of([5.0, 5.0, 5.0])
    assert histogram.dump().keys() == histogram_of([5.0]).dump().keys()


def test_a_wide_spread_of_latencies_stays_small() -> None:
    histogram = histogram_of([1.001**step for step in range(16_000)])
    assert len(json.dumps(histogram.dump())) < 12_000


@pytest.mark.parametrize("ms", [-1.0, 0.0, 1e-9])
def test_a_latency_too_short_to_measure_counts_as_the_shortest(ms: float) -> None:
    assert histogram_of([ms]).quantile(0.5) == pytest.approx(0.001, rel=0.02)


@pytest.mark.parametrize(("ms", "count"), [(math.nan, 1), (math.inf, 1), (1.0, -1)])
def test_what_is_no_latency_is_refused(ms: float, count: int) -> None:
    with pytest.raises(ValueError, match="cannot be recorded"):
        LatencyHistogram().record(ms, count)


@pytest.mark.parametrize("q", [-0.1, 1.1, math.nan])
def test_what_is_no_share_has_no_quantile(q: float) -> None:
    with pytest.raises(ValueError, match="no quantile"):
        histogram_of([1.0]).quantile(q)


def test_nothing_has_no_quantile() -> None:
    with pytest.raises(ValueError, match="no quantile"):
        LatencyHistogram().quantile(0.5)
