"""Simulated telemetry is what a service of that traffic would deliver."""

import itertools
import statistics
from dataclasses import replace

import pytest

from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.reading import dump_window, read_window
from slipway.promotion.judge.simulation.harm import Harm
from slipway.promotion.judge.simulation.latencies import Latency
from slipway.promotion.judge.simulation.stream import Stream
from slipway.promotion.judge.simulation.traffic import Own, Resources, Shocks, Spells, Traffic
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


def test_without_detail_both_arms_come_whole_in_one_block_and_at_the_same_rates() -> None:
    stream = Stream(Traffic(500, 0.01), "1", detailed=False)
    windows = [stream.window(tick, 0.25, Harm(times=4)) for tick in range(1, 31)]
    assert windows[0].halves is None
    assert all(window.canary and window.baseline and len(window.canary.requests) == 1 for window in windows)
    served, failed = (sum(getattr(window.canary, name) for window in windows) for name in ("total", "failed"))
    assert served == pytest.approx(30 * 7_500, rel=0.01)
    assert failed / served == pytest.approx(0.04, rel=0.04)


def test_the_excess_is_what_the_canary_failed_beyond_a_healthy_one_whatever_telemetry_keeps() -> None:
    stream = Stream(Traffic(5_000, 0.01, sampled=5, lost=1.0), "1")
    window = stream.window(1, 0.5, Harm(times=3))
    assert window.trouble == "telemetry came without this tick"
    assert stream.excess == pytest.approx(150_000 * 0.02, rel=0.1)


def test_a_gap_in_telemetry_lasts_as_long_as_it_was_told() -> None:
    stream = Stream(replace(STEADY, lost=0.05, gap_ticks=(3, 3)), "1")
    lost = "".join("x" if stream.window(tick, 0.1).fault else "." for tick in range(1, 400))
    gaps = [len(gap) for gap in lost.strip("x").replace(".", " ").split()]
    assert len(gaps) > 5
    assert all(gap % 3 == 0 for gap in gaps)


def test_sampled_telemetry_keeps_the_rates_and_never_more_failures_than_requests() -> None:
    stream = Stream(Traffic(500, 0.9, sampled=5), "1")
    window = stream.window(1, 0.5)
    assert window.items == 5
    assert window.trouble == ""
    assert window.canary
    assert window.canary.total == pytest.approx(15_000, rel=0.05)
    assert window.canary.failed / window.canary.total == pytest.approx(0.9, abs=0.02)


def test_a_users_metric_and_resources_show_their_harm_in_the_canary_only() -> None:
    traffic = replace(STEADY, own=Own("checkouts", 0.2, 0.02), resources=Resources(memory_wobble=0.0, cpu_wobble=0.0))
    window = Stream(traffic, "1").window(10, 0.5, Harm(own_times=5, cpu_times=1.5, memory_growth=0.01))
    assert window.canary and window.baseline and window.halves
    (total, bad), (baseline_total, baseline_bad) = window.canary.own["checkouts"], window.baseline.own["checkouts"]
    assert total == pytest.approx(3_000, rel=0.1)
    assert bad / total == pytest.approx(0.1, rel=0.25)
    assert baseline_bad / baseline_total == pytest.approx(0.02, rel=0.4)
    assert sum(half.own["checkouts"][1] for half in window.halves) == baseline_bad
    assert window.canary.cpu == pytest.approx(1.5)
    assert window.canary.memory == pytest.approx(window.baseline.memory + 0.1 if window.baseline.memory else 0)


def test_a_day_swings_traffic_and_failure_rate_and_a_new_instance_fills_its_caches() -> None:
    day = Traffic(500, 0.001, wave=0.5, rate_wave=0.4)
    requests = [day.requests_at(minute) for minute in range(1440)]
    rates = [day.error_rate_at(minute) for minute in range(1440)]
    assert (max(requests), min(requests)) == pytest.approx((45_000, 15_000), rel=0.001)
    assert (max(rates), min(rates)) == pytest.approx((0.0014, 0.0006), rel=0.001)
    filling = Resources(memory=0.7, memory_new=0.3, settles=10)
    assert [round(filling.memory_at(tick), 2) for tick in (0, 10, 100)] == [0.3, 0.55, 0.7]


def test_harm_that_is_over_fails_as_usual_again() -> None:
    harm = Harm(times=5, onset=3, lasts=2)
    assert [harm.ratio(tick) for tick in (2, 3, 4, 5)] == [1.0, 5.0, 5.0, 1.0]


def test_an_instance_falls_ill_for_a_while() -> None:
    ill = replace(STEADY, spells=Spells(chance=1 / 200, rate=0.5, lasts=3))
    counts = [window.baseline.failed for window in Stream(ill, "1").history(400) if window.baseline]
    bad = [count > 300 for count in counts]  # one of 20 instances, 1,500 requests of which half fail
    assert 0.1 < sum(bad) / len(bad) < 0.5
    runs = [len(list(group)) for is_bad, group in itertools.groupby(bad) if is_bad]
    assert min(runs[:-1]) >= 3


def test_the_history_may_have_less_traffic_than_the_ramp() -> None:
    stream = Stream(replace(STEADY, before=0.2), "1")
    totals = [window.baseline.total for window in stream.history(20) if window.baseline]
    assert 0.19 < sum(totals) / 20 / 30_000 < 0.21
    window = stream.window(1, 0.5)
    assert window.canary and 14_000 < window.canary.total < 16_000


def test_a_canary_of_one_instance_is_as_noisy_at_every_weight() -> None:
    def spread(traffic: Traffic) -> float:
        rates = []
        for seed in range(60):
            canary = Stream(traffic, f"{seed}").window(1, 0.5).canary
            assert canary
            rates.append(canary.failed / canary.total)
        return statistics.stdev(rates)

    noisy = replace(STEADY, base_error_rate=0.05, noise_sd=0.5)
    assert spread(replace(noisy, canary_instances=1)) > 2 * spread(noisy)
