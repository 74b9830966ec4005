"""Random counts have the distributions they say."""

import math
import statistics
from collections import Counter

import pytest

from slipway.promotion.judge.simulation.draws import EXACT_BELOW, Draws

MANY = 40_000


def poisson_above(mean: float, least: int) -> float:
    return 1 - sum(math.exp(count * math.log(mean) - mean - math.lgamma(count + 1)) for count in range(least))


def binomial_above(trials: int, share: float, least: int) -> float:
    return sum(
        math.comb(trials, count) * share**count * (1 - share) ** (trials - count) for count in range(least, trials + 1)
    )


@pytest.mark.parametrize("mean", [0.0, 0.3, 5.0, EXACT_BELOW, 300.0])
def test_poisson_counts_have_their_mean_and_variance(mean: float) -> None:
    draws = Draws("poisson")
    counts = [draws.poisson(mean) for _ in range(MANY // 4)]
    error = 5 * math.sqrt(max(mean, 0.01) / len(counts))
    assert statistics.fmean(counts) == pytest.approx(mean, abs=error)
    assert statistics.pvariance(counts) == pytest.approx(mean, rel=0.08, abs=0.01)


def test_where_the_normal_begins_its_tails_are_still_those_of_exact_counts() -> None:
    draws = Draws("tails")
    poisson = Counter(draws.poisson(EXACT_BELOW) for _ in range(MANY))
    binomial = Counter(draws.binomial(300, 0.1) for _ in range(MANY))
    for least in (38, 43, 48):
        for counts, exact in (
            (poisson, poisson_above(EXACT_BELOW, least)),
            (binomial, binomial_above(300, 0.1, least)),
        ):
            seen = sum(count for value, count in counts.items() if value >= least) / MANY
            assert seen == pytest.approx(exact, abs=4.5 * math.sqrt(exact / MANY))


@pytest.mark.parametrize(
    ("trials", "share"), [(10, 0.0), (10, 1.0), (7, 0.5), (40, 0.97), (30_000, 0.001), (5_000, 0.6)]
)
def test_binomial_counts_stay_within_their_trials_and_have_their_mean(trials: int, share: float) -> None:
    draws = Draws("binomial")
    counts = [draws.binomial(trials, share) for _ in range(4_000)]
    assert all(0 <= count <= trials for count in counts)
    error = 5 * math.sqrt(trials * share * (1 - share) / len(counts))
    assert statistics.fmean(counts) == pytest.approx(trials * share, abs=error + 1e-9)


@pytest.mark.parametrize("bursts", [4, 200])
def test_bursts_are_geometric_so_their_dispersion_is_twice_the_mean_less_one(bursts: int) -> None:
    draws = Draws("bursts")
    sizes = [draws.in_bursts(bursts, 5.0) for _ in range(MANY // 4)]
    assert statistics.fmean(sizes) == pytest.approx(5 * bursts, rel=0.02)
    assert statistics.pvariance(sizes) == pytest.approx(bursts * 5 * 4, rel=0.06)
    assert min(sizes) >= bursts


def test_failures_without_bursts_come_one_by_one() -> None:
    assert Draws("one").in_bursts(17, 1.0) == 17
