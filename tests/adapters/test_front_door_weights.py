"""A share as weights of two origins of a Front Door."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.adapters.front_door.weights import Pair, Weight

BEFORE = Pair(live=Weight(1000), idle=Weight(1, enabled=False))
WEIGHTS = st.builds(Weight, st.integers(1, 1000), st.booleans())
PAIRS = st.builds(Pair, st.builds(Weight, st.integers(1, 1000)), WEIGHTS)
SHARES = st.integers(0, 999).map(lambda thousandths: thousandths / 1000)


def writes(pair: Pair, share: float) -> list[Pair]:
    """What the pair is after each of the writes that lead to a share."""
    path: list[Pair] = []
    while write := pair.next_write(share):
        pair = pair.after(write)
        path.append(pair)
        assert len(path) <= 3, "it never gets there"
    return path


@pytest.mark.parametrize(
    ("share", "live", "idle"), [(0.05, 1000, 52), (0.10, 1000, 111), (0.25, 1000, 333), (0.50, 1000, 1000)]
)
def test_shares_up_to_half_are_one_write_of_the_idle_side(share: float, live: int, idle: int) -> None:
    assert writes(BEFORE, share) == [Pair(Weight(live), Weight(idle))]


def test_every_step_of_the_usual_ramp_is_one_write_beyond_half_of_the_live_side() -> None:
    pair = BEFORE
    for share in (0.01, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90):
        (pair,) = writes(pair, share)
    assert pair == Pair(Weight(112), Weight(1000))
    assert writes(pair, 0.0) == [Pair(Weight(112), Weight(1000, enabled=False))]


def test_weights_that_somebody_made_too_small_to_say_a_share_take_two_writes() -> None:
    assert len(writes(Pair(Weight(50), Weight(50, enabled=False)), 0.01)) == 2


def test_a_pair_never_reads_as_off_because_the_live_side_is() -> None:
    assert Pair(Weight(1000, enabled=False), Weight(52)).share == 1.0


@given(PAIRS, SHARES)
def test_a_share_is_reached_is_never_more_than_asked_for_and_is_passed_on_the_way_by_none(
    pair: Pair, share: float
) -> None:
    path = writes(pair, share)
    assert len(path) <= 2 + (not pair.idle.enabled)
    reached = (path or [pair])[-1]
    assert 0.97 * share <= reached.share <= share + 1e-9
    assert all(each.share <= max(pair.share, share) + 1e-9 for each in path)
    assert all(1 <= each.value <= 1000 for pair in path for each in (pair.live, pair.idle))


@given(PAIRS)
def test_everybody_returns_to_the_live_side_by_one_write_and_no_group_is_ever_left_without_an_origin(
    pair: Pair,
) -> None:
    path = writes(pair, 0.0)
    assert len(path) == (1 if pair.idle.enabled else 0)
    assert all(each.live.enabled for each in path)


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_what_is_no_share_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="no share of a whole"):
        BEFORE.next_write(share)
