"""By what a metric's evidence is divided: all noise that is no harm of the canary."""

import pytest

from slipway.promotion.judge.bounds import GRID
from slipway.promotion.judge.evidence import log_ratio, share_of_bad
from slipway.promotion.judge.metric import Metric, Reading
from slipway.promotion.judge.windows import Counts

THETA0 = 1.1
HALVES = Counts(15_000, 15, 15_000, 15)


def divisor(metric: Metric, block: Counts, items: float = 1.0) -> float:
    """What the next tick's log-ratios are divided by."""
    gain = metric.judge(Reading((block,)), THETA0, items, cold=False).sums[0] - metric.sums[0]
    return log_ratio(block, GRID[0], THETA0) / gain


def learned(requests: int, bad: int, halves: Counts | None) -> Metric:
    metric = Metric()
    for _ in range(60):
        metric = metric.learn(requests, bad, halves)
    return metric


def judged(ticks: list[int]) -> Metric:
    """By the canary's bad requests; the baseline has 20 in all ticks, the same in both halves."""
    metric = learned(30_000, 30, HALVES)
    for x in ticks:
        reading = Reading((Counts(10_000, x, 10_000, 20),), Counts(5_000, 10, 5_000, 10))
        metric = metric.judge(reading, THETA0, 1.0, cold=False)
    return metric


def test_a_record_that_stands_for_many_requests_is_one_burst_of_them() -> None:
    metric, block = Metric(), Counts(1_500, 30, 28_500, 30)
    assert divisor(metric, block, items=40) - divisor(metric, block, items=3) == pytest.approx(37)
    assert divisor(metric, block, items=1.5) == divisor(metric, block), "smaller than the bursts that are known"


@pytest.mark.parametrize(("halved", "noise"), [(True, 0.05), (False, 0.30)])
def test_noise_of_the_canary_alone_is_allowed_for_and_more_of_it_without_halves(halved: bool, noise: float) -> None:
    halves = Counts(15_000, 10_000, 15_000, 10_000) if halved else None
    metric = learned(30_000, 20_000, halves)
    block = Counts(15_000, 11_000, 15_000, 10_000)
    unseen = noise**2 * share_of_bad(THETA0, 1.0) * 21_000
    assert unseen > 20
    assert divisor(metric, block) == pytest.approx(metric.phi + unseen)


def test_a_canary_that_swings_from_tick_to_tick_is_believed_less() -> None:
    swinging, steady = judged([0, 40] * 10), judged([20] * 20)
    assert swinging.counts == steady.counts
    assert steady.phi < 1.5
    assert swinging.phi > 8
