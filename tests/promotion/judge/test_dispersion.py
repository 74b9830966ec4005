"""Bursts are measured on the baseline's halves, shocks are known for what they are."""

import random

import pytest

from slipway.promotion.judge.dispersion import Dispersion
from slipway.promotion.judge.new_bursts import NewBursts
from slipway.promotion.judge.windows import Counts, Window, blocks_of
from tests.promotion.judge.builders import Traffic


def learned(halves: list[tuple[int, int]]) -> Dispersion:
    dispersion = Dispersion()
    for x, y in halves:
        dispersion = dispersion.learn(x + y, (30_000, x + y), Counts(15_000, x, 15_000, y))
    return dispersion


@pytest.mark.parametrize(("burst", "low", "high"), [(1, 1.0, 1.4), (3, 3.5, 7), (5, 6, 13)])
def test_bursts_show_in_the_difference_of_the_halves(burst: int, low: float, high: float) -> None:
    dispersion = Dispersion()
    for window in Traffic(1, 30_000, 0.001, burst).history(480):
        assert window.halves is not None
        first, second = window.halves
        bad = first.failures + second.failures
        counts = Counts(first.requests, first.failures, second.requests, second.failures)
        dispersion = dispersion.learn(bad, (first.requests + second.requests, bad), counts)
    assert low <= dispersion.phi <= high  # geometric bursts of mean b have 2b - 1


def test_noise_with_a_memory_shows_at_the_longer_scale() -> None:
    rng = random.Random(2)
    lean = [rng.gauss(0, 0.15) for _ in range(32) for _ in range(15)]
    slow = [lean[15 * (number // 15)] for number in range(480)]
    swaying = learned([(round(500 * (1 + s)), round(500 * (1 - s))) for s in slow])
    assert swaying.squares_together / swaying.variance_together > 5 * swaying.squares / swaying.variance


def test_halves_that_differ_for_a_quarter_of_an_hour_are_burstier_than_those_that_take_turns() -> None:
    more, less = (110, 90), (90, 110)
    assert learned([more, less] * 30).phi == pytest.approx(2)
    assert learned(([more] * 15 + [less] * 15) * 2).phi > 25


def test_nothing_known_is_taken_for_bursts_of_two() -> None:
    assert Dispersion().phi == 2


def test_a_shock_is_known_and_teaches_nothing() -> None:
    calm = learned([(15, 15)] * 60)
    assert calm.shock(30) == 1
    assert calm.shock(1200) == pytest.approx(10, rel=0.01)
    assert calm.learn(1200, (30_000, 1200), Counts(15_000, 900, 15_000, 300)).phi == calm.phi


def test_few_failures_are_no_shock() -> None:
    assert learned([(0, 0)] * 60).shock(20) == 1


def test_without_halves_ticks_that_follow_each_other_are_compared() -> None:
    dispersion = Dispersion()
    for number in range(200):
        dispersion = dispersion.learn(30, (30_000, 60 * (number % 2)), None)
    assert dispersion.lacks_halves
    assert dispersion.phi > 20
    assert dispersion.unseen > learned([(15, 15)] * 60).unseen


@pytest.mark.parametrize(("burst", "low", "high"), [(1, 0.5, 1.3), (5, 4, 12)])
def test_bursts_that_begin_with_the_ramp_show_within_ten_ticks(burst: int, low: float, high: float) -> None:
    seen = NewBursts()
    for number in range(10):
        seen = seen.after(*baseline_of(Traffic(number, 30_000, 0.001, burst).window(number, 0.05)))
    assert low <= seen.phi <= high


def test_a_harm_of_the_canary_is_no_burst_of_the_baseline() -> None:
    seen = NewBursts()
    for number in range(5):
        seen = seen.after(*baseline_of(Traffic(number, 30_000, 0.001).window(number, 0.05, harm=50)))
    assert seen.phi < 1.5


def baseline_of(window: Window) -> tuple[list[Counts], Counts]:
    assert window.canary and window.baseline and window.halves
    first, second = window.halves
    halves = Counts(first.requests, first.failures, second.requests, second.failures)
    return list(blocks_of(window.canary, window.baseline)), halves
