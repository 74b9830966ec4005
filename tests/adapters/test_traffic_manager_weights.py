"""A share as weights of two endpoints of a Traffic Manager profile."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.adapters.traffic_manager.weights import Pair, Weight, Write

BEFORE = Pair(side=Weight(1, enabled=False), other=Weight(1000))
WEIGHTS = st.builds(Weight, st.integers(1, 1000), st.booleans())
PAIRS = st.builds(Pair, WEIGHTS, WEIGHTS)
SHARES = st.integers(0, 1000).map(lambda thousandths: thousandths / 1000)


def writes(pair: Pair, share: float) -> list[Pair]:
    """What the pair is after each of the writes that lead to a share."""
    path: list[Pair] = []
    while write := pair.next_write(share):
        pair = pair.after(write)
        path.append(pair)
        assert len(path) <= 2, "it never gets there"
    return path


@given(PAIRS, SHARES)
def test_a_share_is_met_exactly_by_two_writes_at_most(pair: Pair, share: float) -> None:
    reached = (writes(pair, share) or [pair])[-1]
    assert abs(reached.share - share) < 0.0005 and reached.next_write(share) is None
    assert 1 <= reached.side.value <= 1000 and 1 <= reached.other.value <= 1000


@given(PAIRS, SHARES)
def test_on_the_way_nobody_has_more_than_before_or_after_and_somebody_is_always_answered(
    pair: Pair, share: float
) -> None:
    for each in writes(pair, share):
        assert each.share <= max(pair.share, share) + 0.0005
        assert each.side.enabled or each.other.enabled


@given(PAIRS)
def test_all_users_leave_a_side_by_one_write_where_the_other_one_is_on(pair: Pair) -> None:
    path = writes(pair, 0.0)
    assert all(each.other.enabled for each in path)
    if pair.other.enabled:
        assert len(path) == (1 if pair.side.enabled else 0)


def test_the_usual_steps_add_up_to_a_thousand_so_that_other_endpoints_keep_their_part() -> None:
    pair = BEFORE
    for share in (0.01, 0.05, 0.25, 0.5, 0.999):
        pair = writes(pair, share)[-1]
        assert (pair.side.value, pair.other.value) == (round(1000 * share), 1000 - round(1000 * share))
    assert writes(pair, 1.0)[-1] == Pair(Weight(1000), Weight(1, enabled=False))


def test_any_share_at_all_is_a_thousandth_and_a_finer_one_is_rounded_down() -> None:
    assert writes(BEFORE, 0.0001)[-1].side.value == 1
    assert writes(BEFORE, 0.0579)[-1].side.value == 57
    assert BEFORE.next_write(0.0579) == Write(False, Weight(943))


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_what_is_no_share_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="no share of a whole"):
        BEFORE.next_write(share)
