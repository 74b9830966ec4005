"""What users meet of a share: what the router was told and did not do lets nothing advance."""

from dataclasses import replace

import pytest

from slipway.promotion.exposure import Exposure
from slipway.promotion.judge.windows import Arm, Window
from tests.promotion.judge.builders import Traffic, a_window

BUSY = 30_000


def met(exposure: Exposure, set_to: float, share: float, ticks: int, per_tick: float = BUSY) -> Exposure:
    """Ticks with the router set to one share, and users meeting another."""
    traffic, first = Traffic(exposure.tick + 1, per_tick, 0.001), exposure.tick + 1
    for number in range(first, first + ticks):
        exposure = exposure.after([traffic.window(number, share)], set_to)
    return exposure


def at_ten(per_tick: float = BUSY, others: float = 0.0) -> Exposure:
    """Ten ticks at 10 %, which users met. `others`: the part of the role's traffic that other sites have."""
    return met(Exposure(), 0.10, 0.10 * (1 - others), 10, per_tick)


@pytest.mark.parametrize("others", [0.0, 0.5, 0.9])
def test_a_router_that_stays_at_the_share_before_is_found_whatever_other_sites_the_role_holds(others: float) -> None:
    part = 1 - others
    found = met(at_ten(others=others), 0.25, 0.10 * part, 1)
    assert found.unmet == 1 and not found.calls
    lasting = met(found, 0.25, 0.10 * part, 9)
    assert lasting.unmet == 10 and lasting.calls
    went_on = met(at_ten(others=others), 0.25, 0.25 * part, 10)
    assert went_on.unmet == 0 and went_on.words == ""


def test_the_words_name_what_users_met_and_what_is_due() -> None:
    words = met(at_ten(), 0.25, 0.10, 3).words
    assert words.startswith(("9.", "10.")), words
    assert "of the requests met the release where 25% is set and at least 2" in words
    assert words.endswith("% are due, for 3 ticks")


def test_once_users_meet_the_share_nothing_is_held_any_more() -> None:
    assert met(met(at_ten(), 0.25, 0.10, 12), 0.25, 0.25, 2).unmet == 0


def test_a_router_that_lets_go_in_the_middle_of_a_share_is_found() -> None:
    good = met(at_ten(), 0.25, 0.25, 30)
    assert met(good, 0.25, 0.05, 3).unmet > 0


@pytest.mark.parametrize("share", [0.19, 0.40])
def test_users_whom_the_router_keeps_where_they_were_hold_nothing(share: float) -> None:
    assert met(at_ten(), 0.25, share, 20).unmet == 0


@pytest.mark.parametrize("per_tick", [6, 60, 600])
def test_chance_holds_no_ramp_of_little_traffic(per_tick: float) -> None:
    for seed in range(40):
        exposure = Exposure(tick=seed * 100)
        for share in (0.05, 0.10, 0.25, 0.50):
            for _ in range(10):
                exposure = met(exposure, share, share, 1, per_tick)
                assert exposure.unmet == 0, (seed, share)


def test_little_traffic_is_judged_together() -> None:
    usual = met(at_ten(600), 0.25, 0.25, 10, 600)
    assert met(usual, 0.50, 0.25, 1, 60).unmet == 0
    assert met(usual, 0.50, 0.25, 20, 60).unmet > 0


def test_a_person_who_lets_it_go_on_says_that_this_is_usual() -> None:
    stuck = met(at_ten(), 0.25, 0.10, 12)
    assert met(stuck, 0.50, 0.20, 10).unmet == 0
    assert met(stuck, 0.50, 0.10, 2).unmet > 0, "and not more than that"


def test_a_tick_counts_once_and_only_in_the_time_of_its_share() -> None:
    exposure, window = at_ten(), a_window(11, (100, 0), (900, 0))
    once = exposure.after([window], 0.10)
    assert once.total == exposure.total + 1000
    assert once.after([window], 0.10) == once
    for unfit in (replace(window, settling=True), replace(window, fault="late"), replace(window, canary=None)):
        assert exposure.after([unfit], 0.10).total == exposure.total


def test_of_sampled_telemetry_only_what_was_stored_counts() -> None:
    window = Window(1, Arm((100,), (0,)), Arm((300,), (0,)))
    usual = Exposure(0.5, usual=1.0)
    assert usual.after([window], 0.5).unmet == 1
    assert usual.after([replace(window, items=50.0)], 0.5).unmet == 0


def test_releases_of_other_sites_that_have_the_version_already_are_no_reason_to_wait() -> None:
    """Another ring is done: the role shows far more of the version than the share."""
    first = met(Exposure(), 0.05, 0.37, 10)
    assert met(first, 0.50, 0.67, 10).unmet == 0


def none_met(exposure: Exposure, ticks: int, lags: bool = True) -> Exposure:
    traffic, first = Traffic(1, BUSY, 0.001), exposure.tick + 1
    return exposure.after([traffic.window(number, 0.0) for number in range(first, first + ticks)], 0.05, lags)


def test_a_first_share_of_a_router_that_lags_is_not_met_while_nobody_meets_the_release() -> None:
    found = none_met(Exposure(), 3)
    assert found.unmet == 3 and not found.calls
    assert found.words == "no request has met the release yet where 5% is set, for 3 ticks"
    assert none_met(found, 7).calls


def test_it_is_met_with_the_first_request_and_what_was_before_does_not_thin_what_is_usual() -> None:
    late = none_met(Exposure(), 9)
    traffic = Traffic(2, BUSY, 0.001)
    arrived = late.after([traffic.window(number, 0.05) for number in range(10, 15)], 0.05, True)
    assert arrived.unmet == 0 and arrived.words == ""
    following = arrived.after([traffic.window(15, 0.05)], 0.10, True)
    assert following.usual > 0.9 and following.unmet == 1, "the next share is held against the first"


def test_of_other_routers_a_release_that_nobody_meets_is_blindness_and_not_told_here() -> None:
    assert none_met(Exposure(), 20, lags=False).unmet == 0
