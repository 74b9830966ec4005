import random

from hypothesis import given
from hypothesis import strategies as st

from slipway.promotion.unevenness import NONE_SEEN, Unevenness, unevenness


def test_independent_requests_count_about_one_each() -> None:
    draw = random.Random(1)
    seen = [unevenness([draw.random() < 0.3 for _ in range(2000)]) for _ in range(50)]
    together = NONE_SEEN
    for each in seen:
        together = together.merge(each)
    assert 0.8 < together.seen / together.expected < 1.25
    assert together.dispersion() < 1.3


def test_requests_that_were_slow_in_a_row_count_as_few() -> None:
    scattered = [n % 10 == 0 for n in range(400)]
    in_a_row = [100 <= n < 140 for n in range(400)]
    assert unevenness(scattered).dispersion() == 1.0
    assert unevenness(in_a_row).dispersion() > 15


def test_before_anything_is_seen_two_count_as_one() -> None:
    assert NONE_SEEN.dispersion() == 2.0
    assert unevenness([True] * 10) == NONE_SEEN, "too few to be told"
    assert unevenness([False] * 400).dispersion() == 2.0


def test_drivers_side_by_side_may_have_met_the_same_stall() -> None:
    one = unevenness([100 <= n < 140 for n in range(400)])
    both = one.merge(one)
    assert both.dispersion(side_by_side=2) > 1.8 * both.dispersion()


@given(st.lists(st.booleans(), max_size=100), st.lists(st.booleans(), max_size=100))
def test_it_adds_up_in_any_order(a: list[bool], b: list[bool]) -> None:
    one, other = unevenness(a), unevenness(b)
    assert one.merge(other) == other.merge(one)
    assert one.merge(NONE_SEEN) == one
    assert isinstance(one, Unevenness) and one.seen >= 0 and one.expected >= 0
