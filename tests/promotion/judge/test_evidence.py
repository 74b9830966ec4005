"""Evidence for harm is expected not to grow while a release is tolerable: by enumeration, not by hope."""

import math
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.promotion.judge.evidence import HARMS, PRIOR, Evidence, log_ratio, share_of_bad
from slipway.promotion.judge.metric import Metric, Reading
from slipway.promotion.judge.windows import Counts

THETA0 = 1.1


def chance(x: int, bad: int, share: float) -> float:
    return math.comb(bad, x) * share**x * (1 - share) ** (bad - x)


def expected_e_value(ticks: list[tuple[int, int, int]], theta: float, cold: bool = False, size: int = 1) -> float:
    """Of a metric, exactly: each tick is (canary requests, baseline requests, bursts of `size` bad requests)."""
    total = 0.0
    for outcome in product(*(range(bursts + 1) for _, _, bursts in ticks)):
        metric, probability = Metric(), 1.0
        for (n, m, bursts), x in zip(ticks, outcome, strict=True):
            probability *= chance(x, bursts, share_of_bad(theta, n / m))
            block = Counts(n, size * x, m, size * (bursts - x))
            metric = metric.judge(Reading((block,)), THETA0, 1.0, cold)
        total += probability * metric.evidence.e_value
    return total


def test_the_priors_are_whole() -> None:
    assert sum(PRIOR) == pytest.approx(1)
    assert Evidence().e_value == 1
    evidence = Evidence()
    for _ in range(2000):
        evidence = evidence.next_tick()
        assert evidence.e_value == pytest.approx(1), (
            "no data, no evidence: harm that has begun and harm to come are all"
        )


@given(
    ticks=st.lists(st.tuples(st.integers(1, 400), st.integers(1, 400), st.integers(0, 6)), min_size=1, max_size=2),
    theta=st.sampled_from([0.3, 0.9, 1.0, 1.1]),
)
@settings(max_examples=80, deadline=None)
def test_a_tolerable_release_gathers_no_evidence_on_average(ticks: list[tuple[int, int, int]], theta: float) -> None:
    assert expected_e_value(ticks, theta) <= 1 + 1e-9


@pytest.mark.parametrize("bad", [(1, 2, 1, 0, 2), (0, 0, 3, 3), (2, 2, 2, 2)])
def test_nor_does_it_over_more_ticks(bad: tuple[int, ...]) -> None:
    assert expected_e_value([(40 + 10 * i, 200, count) for i, count in enumerate(bad)], THETA0) <= 1 + 1e-9


@given(st.integers(1, 400), st.integers(1, 400), st.integers(0, 10), st.sampled_from([1.1, 3.0, 5.0]))
@settings(max_examples=40, deadline=None)
def test_a_canary_that_warms_up_may_fail_five_times_as_often(n: int, m: int, bad: int, theta: float) -> None:
    assert expected_e_value([(n, m, bad)], theta, cold=True) <= 1 + 1e-9


@given(st.integers(1, 400), st.integers(1, 400), st.integers(0, 8))
@settings(max_examples=40, deadline=None)
def test_bursts_up_to_the_dispersion_gather_none_either(n: int, m: int, bursts: int) -> None:
    assert expected_e_value([(n, m, bursts)], THETA0, size=2) <= 1 + 1e-9  # before any data φ is 2


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50), st.integers(0, 3)), min_size=3, max_size=4))
@settings(max_examples=30, deadline=None)
def test_capped_blocks_gather_none_either(blocks: list[tuple[int, int, int]]) -> None:
    total = 0.0
    for outcome in product(*(range(bad + 1) for _, _, bad in blocks)):
        counts = [Counts(n, x, m, bad - x) for (n, m, bad), x in zip(blocks, outcome, strict=True)]
        probability = math.prod(
            chance(x, bad, share_of_bad(THETA0, n / m)) for (n, m, bad), x in zip(blocks, outcome, strict=True)
        )
        total += probability * Evidence().next_tick().after(counts, 1.0, THETA0).e_value
    assert total <= 1 + 1e-9


def test_harm_gathers_evidence() -> None:
    assert expected_e_value([(100, 100, 12)], 10.0) > 2


def test_old_good_evidence_does_not_hide_new_harm() -> None:
    evidence = Evidence()
    for _ in range(60):
        evidence = evidence.next_tick().after([Counts(15_000, 15, 15_000, 15)], 1.0, THETA0)
    assert evidence.e_value < 1
    assert evidence.next_tick().after([Counts(15_000, 75, 15_000, 15)], 1.0, THETA0).e_value > 100


@given(st.integers(0, 2**53), st.integers(0, 2**53))
def test_huge_counts_stay_finite(x: int, y: int) -> None:
    block = Counts(2**53, x, 2**53, y)
    assert all(math.isfinite(log_ratio(block, harm, THETA0)) for harm in HARMS)
    e_value = Evidence().next_tick().after([block], 1.0, THETA0).e_value
    assert 0 <= e_value <= math.exp(50) + 1
