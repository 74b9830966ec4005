"""By what a metric's evidence is divided: all noise that is no harm of the canary."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.promotion.judge.bounds import GRID
from slipway.promotion.judge.evidence import log_ratio, share_of_bad
from slipway.promotion.judge.metric import Metric, Reading, joined
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


def bet(metric: Metric, reading: Reading) -> float:
    return metric.judge(reading, THETA0, 1.0, cold=False).evidence.e_value


QUIET, STORM = Counts(250, 0, 4_750, 4), Counts(250, 240, 4_750, 4)


@pytest.mark.parametrize("empty", [Counts(), Counts(0, 0, 4_750, 4), Counts(250, 0, 0, 0)])
@pytest.mark.parametrize("place", range(6))
def test_one_storm_of_seconds_proves_nothing_beside_empty_blocks_either(empty: Counts, place: int) -> None:
    metric = learned(30_000, 30, HALVES)
    blocks = [STORM, *[QUIET] * 5]
    assert bet(metric, Reading(blocks)) < 100
    blocks.insert(place, empty)
    assert bet(metric, Reading(blocks)) < 100
    assert bet(metric, Reading([empty, STORM, *[empty] * 4])) < 100
    assert bet(metric, Reading([STORM] * 6)) > 100


def test_after_a_tick_with_an_empty_arm_a_storm_proves_nothing_either() -> None:
    metric = learned(30_000, 30, HALVES)
    metric = metric.judge(Reading([Counts(0, 0, 4_750, 4)] * 6), THETA0, 1.0, cold=False)
    assert metric.carry.m
    assert bet(metric, Reading([STORM, *[QUIET] * 5])) < 100


BLOCKS = st.builds(Counts, *[st.integers(0, 3)] * 4)


@given(BLOCKS, st.lists(BLOCKS, min_size=1, max_size=6))
def test_joined_blocks_hold_all_that_there_was_and_both_arms_in_each(carry: Counts, blocks: list[Counts]) -> None:
    found = joined(carry, blocks)
    whole = carry
    for block in blocks:
        whole = whole.plus(block)
    total = Counts()
    for block in found:
        total = total.plus(block)
    assert total == whole
    assert not any(block.one_sided for block in found) or (len(found) == 1 and whole.one_sided)


def test_noise_of_instances_grows_with_the_failures() -> None:
    """Learned by night with a few failures a tick, judged by day with many: φ - 1 is in proportion to their mean."""
    noisy = Metric()
    for number in range(60):
        noisy = noisy.learn(30_000, 300, Counts(15_000, 135 + 30 * (number % 2), 15_000, 165 - 30 * (number % 2)))
    phi = noisy.phi
    assert phi > 2.5
    usual, twice = (divisor(noisy, Counts(15_000, y, 15_000, y)) for y in (150, 300))
    assert usual == pytest.approx(phi, rel=0.2)
    assert 1.5 < (twice - 1) / (usual - 1) < 2.1
    fewer = divisor(noisy, Counts(15_000, 50, 15_000, 50))
    assert fewer == pytest.approx(phi, rel=0.2), "it is never taken for less"


@pytest.mark.parametrize("weight", [0.05, 0.5, 0.9, 0.98])
@pytest.mark.parametrize("bad", [10, 25, 60, 120])
def test_a_shock_of_both_arms_is_a_fair_bet_at_any_weight(weight: float, bad: int) -> None:
    """Near 1 the baseline's few failures say little of a shock; 1.1 in a tick before that was seen to."""
    metric = learned(30_000, 3, Counts(15_000, 2, 15_000, 1))
    metric = replace(metric, dispersion=replace(metric.dispersion, squares=1e6, variance=1e6))
    metric = replace(metric, dispersion=replace(metric.dispersion, squares_together=1e6, variance_together=1e6))
    n, m = round(30_000 * weight), round(30_000 * (1 - weight))
    share = share_of_bad(THETA0, n / m)
    expected = sum(
        math.comb(bad, x) * share**x * (1 - share) ** (bad - x) * bet(metric, Reading([Counts(n, x, m, bad - x)]))
        for x in range(bad + 1)
    )
    assert expected <= (1.012 if weight > 0.9 else 1 + 1e-9)


def test_after_a_storm_of_seconds_evidence_is_what_it_was() -> None:
    """All requests of ten seconds fail in the first tick; then the canary is as good as before."""
    quiet, stormy = learned(30_000, 30, HALVES), learned(30_000, 30, HALVES)
    block = Counts(250, 0, 4_750, 5)
    usual = [block] * 5 + [block._replace(x=1)]
    stormy = stormy.judge(Reading([*[block] * 5, block._replace(x=250)]), THETA0, 1.0, cold=False)
    for _ in range(12):
        quiet = quiet.judge(Reading(usual), THETA0, 1.0, cold=False)
        stormy = stormy.judge(Reading(usual), THETA0, 1.0, cold=False)
    assert stormy.phi == pytest.approx(quiet.phi, abs=0.3)
    harm = [block._replace(x=10)] * 6
    assert all(
        metric.judge(Reading(harm), THETA0, 1.0, cold=False).evidence.e_value > 100 for metric in (quiet, stormy)
    )


def test_bursts_that_begin_with_the_ramp_divide_what_comes_after() -> None:
    """Each tick all of the baseline's failures fall into one block of six, as the history never had them."""
    metric = learned(30_000, 30, HALVES)
    calm = metric
    for number in range(10):
        bursts = [Counts(250, 0, 4_750, 30 if block == number % 6 else 0) for block in range(6)]
        spread = [Counts(250, 0, 4_750, 5) for _ in range(6)]
        metric = metric.judge(Reading(bursts, HALVES), THETA0, 1.0, cold=False)
        calm = calm.judge(Reading(spread, HALVES), THETA0, 1.0, cold=False)
    block = Counts(1_500, 30, 28_500, 30)
    assert divisor(metric, block) > 3 * divisor(calm, block)


def test_in_a_shock_evidence_is_divided_by_its_size() -> None:
    metric = learned(30_000, 30, HALVES)
    usual, shock = Counts(15_000, 15, 15_000, 15), Counts(15_000, 1_500, 15_000, 1_500)
    assert divisor(metric, shock) > 10 * divisor(metric, usual)
