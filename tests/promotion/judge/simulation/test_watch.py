"""Simulated days after 100 %; a small part of `python -m bench.judge.watches`."""

from dataclasses import replace

from bench.judge.watches import called, days, noticed, within
from slipway.promotion.judge.simulation.harm import Harm
from slipway.promotion.judge.simulation.scenario import Scenario
from slipway.promotion.judge.simulation.traffic import Traffic
from slipway.promotion.judge.simulation.watch import WatchResult, watches
from slipway.promotion.judge.usual import Care

STEADY = Traffic(500, 0.001)
DAILY = replace(STEADY, wave=0.6, rate_wave=0.4, burst_mean=3)


def test_a_healthy_quarter_of_a_day_is_left_alone_though_the_service_has_its_hours() -> None:
    results = watches(Scenario("x", DAILY), "1", 2, 300)
    assert [(result.rolled_back, result.called) for result in results] == [(None, 0)] * 2


def test_lasting_harm_is_rolled_back_after_ten_minutes_at_the_earliest() -> None:
    results = watches(Scenario("x", STEADY, Harm(times=5)), "1", 4, 60)
    assert all(result.rolled_back and 10 <= result.rolled_back <= 14 for result in results)


def test_a_first_shock_of_seven_minutes_is_nobody_s_fault() -> None:
    shock = Harm(times=150, onset=5, lasts=7)
    (result,) = watches(Scenario("x", STEADY, shock), "1", 1, 40)
    assert result.rolled_back is None


def test_less_care_is_quicker() -> None:
    (hasty,) = watches(Scenario("x", STEADY, Harm(times=5)), "1", 1, 60, Care(fewest_ticks=5))
    assert hasty.rolled_back and 5 <= hasty.rolled_back < 10


def test_a_gap_in_telemetry_calls_a_person_once_and_rolls_nothing_back() -> None:
    gappy = replace(STEADY, lost=0.05, gap_ticks=(40, 40))
    (blind,) = watches(Scenario("x", gappy), "1", 1, 60)
    assert (blind.rolled_back, blind.called) == (None, 1)


def test_the_tables_count_ends_within_bake_and_day_and_from_the_onset() -> None:
    results = [WatchResult(20, 0), WatchResult(400, 0), WatchResult(None, 1), WatchResult(None, 0)]
    assert within(results, 30).value == 0.25
    assert within(results, 1440).value == 0.5
    assert called(results).value == 0.25
    scenario = Scenario("x", STEADY, Harm(times=2, onset=11), words="twice")
    ((_, median, at_90, _),) = (
        row.strip("| ").split(" | ") for row in noticed([scenario], {"x": results}).splitlines()[2:]
    )
    assert (median.strip(), at_90.strip()) == ("390", "never")
    assert "25.0 [" in days([scenario], {"x": results})
