"""Latencies count as slow beyond a cut that past ticks of the baseline set."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.promotion.histogram import LatencyHistogram
from slipway.promotion.judge.judge import tick
from slipway.promotion.judge.latency import MOST_BUCKETS, UsualLatencies, latency_readings, widening
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.state import begin
from slipway.promotion.judge.verdict import Action
from slipway.promotion.judge.windows import Arm, Half, Window
from tests.promotion.judge.builders import latencies

HISTOGRAMS = st.dictionaries(st.integers(-300, 1400), st.integers(1, 1000), max_size=30).map(
    lambda counts: LatencyHistogram.load({str(bucket): count for bucket, count in counts.items()})
)


def edge_ms(bucket: int) -> float:
    return float(2 ** (bucket / 36))


def test_cuts_are_the_quantiles_of_the_past() -> None:
    rng = random.Random(1)
    usual = UsualLatencies()
    assert usual.cuts() == {}
    everything = LatencyHistogram()
    for _ in range(5):
        seen = latencies(rng, 2000)
        usual, everything = usual.after(seen), everything.merge(seen)
    for name, q in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        assert edge_ms(usual.cuts()[name]) == pytest.approx(everything.quantile(q), rel=0.05)


def test_older_ticks_weigh_less() -> None:
    usual = UsualLatencies()
    for ms in (10.0, 1000.0):
        for _ in range(60):
            tick = LatencyHistogram()
            tick.record(ms, 100)
            usual = usual.after(tick)
    assert edge_ms(usual.cuts()["p50"]) > 900


@pytest.mark.parametrize(("margin", "ratio"), [(0.0, 1.0), (0.10, 1.10), (1.0, 2.0)])
def test_the_canary_s_cut_lies_higher_by_the_margin(margin: float, ratio: float) -> None:
    assert ratio <= edge_ms(widening(margin)) < ratio * 1.02


def test_a_canary_slower_by_less_than_the_margin_counts_as_no_slower() -> None:
    usual, slower = LatencyHistogram(), LatencyHistogram()
    for number in range(400):
        ms = 50 * 1.005**number
        usual.record(ms)
        slower.record(1.08 * ms)
    window = Window(1, Arm((400,), (0,), slower), Arm((400,), (0,), usual))
    cuts = UsualLatencies().after(usual).cuts()
    within, strict = (latency_readings(window, cuts, margin) for margin in (0.10, 0.0))
    for name in ("p50", "p95", "p99"):
        assert within[name].counts.x <= within[name].counts.y == strict[name].counts.y < strict[name].counts.x


def test_requests_beyond_the_cuts_are_counted_in_both_arms_and_halves() -> None:
    slow, fast = LatencyHistogram(), LatencyHistogram()
    slow.record(500, 40)
    fast.record(50, 60)
    both = slow.merge(fast)
    window = Window(1, Arm((100,), (0,), both), Arm((100,), (0,), both), (Half(40, 0, slow), Half(60, 0, fast)))
    cut = UsualLatencies().after(fast).cuts()
    reading = latency_readings(window, cut, 0.10)["p95"]
    assert tuple(reading.counts) == (100, 40, 100, 40)
    assert reading.halves is not None
    assert tuple(reading.halves) == (40, 40, 60, 0)


@given(st.lists(HISTOGRAMS, max_size=12))
@settings(max_examples=40)
def test_the_memory_stays_small(ticks: list[LatencyHistogram]) -> None:
    usual = UsualLatencies()
    for histogram in ticks:
        usual = usual.after(histogram)
    assert len(usual.weights) <= MOST_BUCKETS


@given(HISTOGRAMS, HISTOGRAMS, HISTOGRAMS)
@settings(max_examples=40)
def test_histograms_merge_in_any_order(a: LatencyHistogram, b: LatencyHistogram, c: LatencyHistogram) -> None:
    assert a.merge(b) == b.merge(a)
    assert a.merge(b).merge(c) == a.merge(b.merge(c))


@given(HISTOGRAMS, st.lists(st.integers(-400, 1500), min_size=1, max_size=4))
@settings(max_examples=40)
def test_counts_above_a_cut_add_up(histogram: LatencyHistogram, cuts: list[int]) -> None:
    above = histogram.counts_above(cuts)
    assert all(
        count == sum(n for bucket, n in histogram.buckets().items() if bucket > cut)
        for cut, count in zip(cuts, above, strict=True)
    )


def test_one_stall_of_seconds_proves_nothing_and_lasting_slowness_does() -> None:
    """All requests of six seconds of a minute take a second and a half."""
    rng = random.Random(4)

    def window(number: int, stalled: int) -> Window:
        canary = latencies(rng, 750 - stalled)
        if stalled:
            canary.record(1500.0, stalled)
        first, second = (Half(1_125, 1, latencies(rng, 1_125)) for _ in range(2))
        assert first.latencies and second.latencies
        baseline = Arm((2_250,), (2,), first.latencies.merge(second.latencies))
        return Window(number, Arm((750,), (0,), canary), baseline, (first, second))

    policy = Policy()
    state = begin(policy, [replace(window(number, 0), canary=None) for number in range(40)], 0.25)
    _, verdict = tick(state, [window(1, 75)], 1, policy)
    assert verdict.action is Action.WAIT
    for number in range(1, 9):
        state, verdict = tick(state, [window(number, 75)], number, policy)
        if verdict.action is Action.ROLLBACK:
            break
    assert verdict.action is Action.ROLLBACK
    assert number > 4
