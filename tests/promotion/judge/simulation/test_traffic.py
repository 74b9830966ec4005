"""Simulated telemetry is what a service of that traffic would deliver."""

import statistics
from dataclasses import replace

import pytest

from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.reading import dump_window, read_window
from slipway.promotion.judge.simulation.harm import Harm
from slipway.promotion.judge.simulation.latencies import Latency
from slipway.promotion.judge.simulation.traffic import Shocks, Stream, Traffic
from slipway.promotion.judge.state import begin

STEADY = Traffic(500, 0.001)


def test_the_same_seed_and_weights_give_the_same_windows() -> None:
    traffic = replace(STEADY, burst_mean=3, noise_sd=0.3, shocks=Shocks(), latency=Latency())
    first, again = Stream(traffic, "7"), Stream(traffic, "7")
    for tick in range(1, 4):
        assert dump_window(first.window(tick, 0.1)) == dump_window(again.window(tick, 0.1))
    assert dump_window(Stream(traffic, "8").window(1, 0.1)) != dump_window(Stream(traffic, "7").window(1, 0.1))


def test_a_window_can_be_read_back_and_is_whole() -> None:
    window = Stream(replace(STEADY, latency=Latency()), "1").window(1, 0.25, Harm(times=3, slower=1.5))
    assert read_window(dump_window(window)).trouble == ""
    assert window.canary and window.baseline and window.halves
    assert len(window.canary.requests) == 6
    assert sum(half.requests for half in window.halves) == window.baseline.total
    assert sum(half.failures for half in window.halves) == window.baseline.failed
    assert window.canary.latencies and window.canary.latencies.count == window.canary.total


def test_the_canary_gets_its_share_and_fails_as_its_harm_says() -> None:
    stream = Stream(Traffic(500, 0.01), "1")
    windows = [stream.window(tick, 0.25, Harm(times=4, onset=11)) for tick in range(1, 41)]
    served = sum(window.canary.total for window in windows if window.canary)
    assert served == pytest.approx(40 * 30_000 * 0.25, rel=0.01)
    before = [window.canary.failed / window.canary.total for window in windows[:10] if window.canary]
    after = [window.canary.failed / window.canary.total for window in windows[10:] if window.canary]
    assert statistics.fmean(before) == pytest.approx(0.01, rel=0.05)
    assert statistics.fmean(after) == pytest.approx(0.04, rel=0.03)


def test_a_leak_grows_and_a_cold_canary_is_said_to_be_cold() -> None:
    leak = Harm(onset=4, growth=0.3)
    assert [round(leak.ratio(tick), 1) for tick in (3, 4, 5, 14)] == [1.0, 1.3, 1.6, 4.3]
    stream = Stream(STEADY, "1")
    cold = Harm(cold_times=4, cold_ticks=2)
    assert [stream.window(tick, 0.1, cold).cold for tick in (1, 2, 3)] == [True, True, False]
    assert not cold.is_harm


def test_shocks_hit_both_arms_at_once() -> None:
    stream = Stream(replace(STEADY, shocks=Shocks(chance=1.0)), "1")
    window = stream.window(1, 0.5)
    assert window.canary and window.baseline
    assert window.canary.failed / window.canary.total == pytest.approx(0.15, rel=0.1)
    assert window.baseline.failed / window.baseline.total == pytest.approx(0.15, rel=0.1)
    assert stream.usual_rate == 0.15


@pytest.mark.parametrize(
    ("traffic", "low", "high"),
    [(STEADY, 1.0, 1.3), (replace(STEADY, burst_mean=5), 7, 12), (Traffic(5_000, 0.001, noise_sd=0.5), 3, 40)],
)
def test_what_the_halves_of_the_history_show_is_the_dispersion_that_was_put_in(
    traffic: Traffic, low: float, high: float
) -> None:
    state = begin(Policy(), Stream(traffic, "1").history())
    assert low <= state.metrics["failures"].phi <= high


def test_latencies_have_their_median_and_the_slow_tail_that_was_asked() -> None:
    stream = Stream(replace(STEADY, latency=Latency(median_ms=80, wobble=0.0)), "1")
    window = stream.window(1, 0.5, Harm(slower=1.5, tail_share=0.04, tail_ms=700))
    assert window.canary and window.baseline and window.canary.latencies and window.baseline.latencies
    assert window.baseline.latencies.quantile(0.5) == pytest.approx(80, rel=0.04)
    assert window.canary.latencies.quantile(0.48) == pytest.approx(120, rel=0.04)
    assert window.canary.latencies.quantile(0.98) == pytest.approx(700, rel=0.04)
    assert window.baseline.latencies.quantile(0.98) < 300


def test_traffic_without_halves_or_at_six_a_minute_is_still_sound() -> None:
    window = Stream(Traffic(0.1, 0.01, halves=False), "1").window(1, 0.5, Harm(times=100))
    assert window.halves is None
    assert window.trouble == ""


def test_a_harm_told_in_short_ticks_is_the_same_in_minutes() -> None:
    assert Harm(onset=7, growth=0.1).in_ticks_of(2) == Harm(onset=4, growth=0.2)
    assert Harm(times=2).in_ticks_of(2) == Harm(times=2)
