"""Both bounds hold at all looks together, and the lower one between the grid's points too."""

import math
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.promotion.judge import bounds
from slipway.promotion.judge.evidence import log_ratio, share_of_bad
from slipway.promotion.judge.windows import Counts

THETA0 = 1.1
BLOCKS = st.tuples(st.integers(1, 2000), st.integers(1, 2000), st.integers(0, 60), st.integers(0, 60))


def binomial(rng: random.Random, count: int, share: float) -> int:
    return sum(rng.random() < share for _ in range(count))


def test_nothing_seen_bounds_nothing() -> None:
    assert bounds.at_most(bounds.no_sums(), THETA0) is None
    assert bounds.at_least(bounds.no_sums(), THETA0, 100) is None


def test_a_true_ratio_stays_within_its_bounds_at_all_looks() -> None:
    rng, missed_above, missed_below, ramps = random.Random(20), 0, 0, 150
    for _ in range(ramps):
        theta = rng.choice([0.6, 1.0, 1.3, 2.4, 6.0])
        sums, above, below = bounds.no_sums(), False, False
        for _ in range(25):
            odds = rng.choice([0.05, 0.3, 1.0])
            bad = rng.randint(0, 25)
            x = binomial(rng, bad, share_of_bad(theta, odds))
            sums = bounds.add(sums, [Counts(round(2000 * odds), x, 2000, bad - x)], 1.0, THETA0)
            above |= (bounds.at_most(sums, THETA0) or math.inf) < theta
            below |= (bounds.at_least(sums, THETA0, 100) or 0.0) > theta
        missed_above, missed_below = missed_above + above, missed_below + below
    assert missed_above <= 0.10 * ramps
    assert missed_below <= 0.02 * ramps  # promised is 1 %; 150 ramps cannot tell it from 2 %


@given(st.lists(BLOCKS, min_size=1, max_size=6), st.floats(1.0, 5.0))
@settings(max_examples=60, deadline=None)
def test_what_is_disproved_from_below_is_so_in_full_precision(
    blocks: list[tuple[int, int, int, int]], phi: float
) -> None:
    counts = [Counts(n, min(x, n), m, min(y, m)) for n, m, x, y in blocks]
    sums = bounds.add(bounds.no_sums(), counts, phi, THETA0)
    found = bounds.at_least(sums, THETA0, 100)
    if found is None:
        return
    own = sum(log_ratio(block, found, THETA0) for block in counts) / phi
    above = [total for total, theta in zip(sums, bounds.GRID, strict=True) if theta > found * (1 + 1e-9)]
    assert math.log(sum(math.exp(total - own) for total in above) / len(above)) >= math.log(100) - 1e-6


def test_a_clear_doubling_is_bounded_from_both_sides() -> None:
    sums = bounds.add(bounds.no_sums(), [Counts(100_000, 600, 100_000, 300)], 1.0, THETA0)
    lower, upper = bounds.at_least(sums, THETA0, 100), bounds.at_most(sums, THETA0)
    assert lower is not None and upper is not None
    assert 1.5 < lower < 2 < upper <= 3


def test_another_margin_scales_the_bounds() -> None:
    block = Counts(100_000, 600, 100_000, 300)
    strict = bounds.add(bounds.no_sums(), [block], 1.0, 1.0)
    lower = bounds.at_least(strict, 1.0, 100)
    assert lower is not None
    assert 1.4 < lower < 2
