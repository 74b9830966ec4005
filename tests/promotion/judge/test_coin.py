"""Two variants as coins: bounds that hold at every look, whatever the rate."""

from itertools import accumulate

import pytest

from slipway.promotion.judge.coin import Coins
from slipway.promotion.judge.simulation.draws import Draws

RUNS = 200


@pytest.mark.parametrize(("theta", "share"), [(1.0, 0.5), (1.0, 0.1), (1.3, 0.5), (0.7, 0.8)])
def test_the_true_ratio_stays_inside_at_all_looks_at_once(theta: float, share: float) -> None:
    left = 0
    for number in range(RUNS):
        draws = Draws(f"{number}:{theta}:{share}")
        treated = accumulate(draws.poisson(20 * share * theta) for _ in range(300))
        others = accumulate(draws.poisson(20 * (1 - share)) for _ in range(300))
        left += any(Coins(t, c, share).disproves(theta, 0.05) for t, c in zip(treated, others, strict=True))
    assert left <= 0.05 * RUNS + 2 * (0.05 * 0.95 * RUNS) ** 0.5


@pytest.mark.parametrize("counts", [(60, 40), (1, 900), (10_000, 10_100), (5, 5)])
@pytest.mark.parametrize("share", [0.5, 0.2])
def test_bounds_are_the_ratios_that_are_just_not_disproved(counts: tuple[int, int], share: float) -> None:
    coins = Coins(*counts, share)
    low, high = coins.bounds(0.05)
    for end, outwards in ((low, 0.999), (high, 1.001)):
        if end is not None:
            assert coins.disproves(end * outwards, 0.05) and not coins.disproves(end / outwards, 0.05)
    if coins.ratio and low and high:
        assert low < coins.ratio < high


def test_an_arm_of_nobody_has_an_open_end() -> None:
    assert Coins(0, 0, 0.5).bounds(0.05) == (None, None)
    assert Coins(50, 0, 0.5).bounds(0.05)[1] is None and Coins(0, 50, 0.5).bounds(0.05)[0] is None
    assert Coins(50, 0, 0.5).disproves(1.0, 0.05) and not Coins(2, 0, 0.5).disproves(1.0, 0.05)


def test_both_variants_are_treated_alike() -> None:
    one, other = Coins(120, 80, 0.3), Coins(80, 120, 0.7)
    assert one.log_e() == pytest.approx(other.log_e())
    low, high = one.bounds(0.05)
    assert low and high and other.bounds(0.05) == pytest.approx((1 / high, 1 / low), rel=1e-6)
