"""A share counts as far as users meet it: what the router was told and did not do lets nothing advance."""

from dataclasses import replace

import pytest

from slipway.promotion.judge.judge import tick
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.state import State, begin
from slipway.promotion.judge.verdict import Action, Verdict
from slipway.promotion.judge.windows import with_exposure
from tests.promotion.judge.builders import Traffic, a_history, a_window

POLICY = Policy()


def at_half(per_tick: float = 30_000) -> State:
    return begin(POLICY, Traffic(7, per_tick, 0.001).history(60), 0.5)


def met(
    state: State, share: float, ticks: int, first: int = 1, per_tick: float = 30_000, harm: float = 1.0
) -> tuple[State, list[Verdict]]:
    """Ticks in which so many users meet the canary, until the ramp goes on or back."""
    traffic, verdicts = Traffic(first, per_tick, 0.001), []
    for number in range(first, first + ticks):
        state, verdict = tick(state, [traffic.window(number, share, harm)], number, POLICY)
        verdicts.append(verdict)
        if verdict.action is not Action.WAIT:
            break
    return state, verdicts


@pytest.mark.parametrize("per_tick", [60, 600, 30_000])
def test_a_router_that_stays_at_a_quarter_never_leads_to_all_the_traffic(per_tick: float) -> None:
    state, verdicts = met(at_half(per_tick), 0.25, 60, per_tick=per_tick)
    assert {verdict.action for verdict in verdicts} == {Action.WAIT}
    codes = [verdict.code for verdict in verdicts]
    assert codes[-1] == "SHARE_NEVER_MET" and codes.count("SHARE_NOT_MET") == 9
    assert state.judged_here <= 1


def test_the_words_name_both_shares_and_blame_nobody() -> None:
    _, verdicts = met(at_half(), 0.25, 10)
    assert "25 % of the requests met the canary where 50 % was set, for 1 tick" in verdicts[0].words
    assert "the release is not blamed" in verdicts[-1].words
    assert "the share that was set, met by users: as usual" in verdicts[-1].receipt.changed_by


def test_harm_is_proven_all_the_same() -> None:
    _, verdicts = met(at_half(), 0.25, 20, harm=5.0)
    assert verdicts[-1].code == "HARM_PROVEN"


def test_once_users_meet_the_share_the_ramp_goes_on_from_there() -> None:
    state, _ = met(at_half(), 0.25, 12)
    _, verdicts = met(state, 0.5, 20, first=13)
    assert verdicts[0].code == "TOO_SOON"
    assert (verdicts[-1].action, verdicts[-1].weight) == (Action.ADVANCE, 1.0)


def test_with_little_traffic_too_it_goes_on_once_users_meet_the_share() -> None:
    state, verdicts = met(at_half(60), 0.25, 30, per_tick=60)
    assert verdicts[-1].code == "SHARE_NEVER_MET"
    _, verdicts = met(state, 0.5, 80, first=31, per_tick=60)
    assert verdicts[-1].action is Action.ADVANCE


@pytest.mark.parametrize("share", [0.40, 0.75])
def test_users_whom_the_router_keeps_where_they_were_hold_nothing(share: float) -> None:
    _, verdicts = met(at_half(), share, 20)
    assert verdicts[-1].action is Action.ADVANCE


@pytest.mark.parametrize("per_tick", [6, 30, 300])
def test_chance_holds_no_ramp_of_little_traffic(per_tick: float) -> None:
    for seed in range(1, 40):
        state, traffic = at_half(per_tick), Traffic(seed, per_tick, 0.001)
        for number in range(1, 30):
            state, verdict = tick(state, [traffic.window(number, 0.5)], number, POLICY)
            assert not verdict.code.startswith("SHARE_"), (seed, number)
            if verdict.action is not Action.WAIT:
                break


def test_a_share_that_still_settles_is_not_missed() -> None:
    state = at_half()
    for number in (1, 2):
        [window] = with_exposure([a_window(number)], exposed_from=3)
        state, verdict = tick(state, [window], number, POLICY)
        assert verdict.code == "TOO_SOON"


def test_of_sampled_telemetry_only_what_was_stored_counts() -> None:
    window = a_window(1, (100, 0), (300, 0))
    assert tick(at_half(400), [window], 1, POLICY)[1].code == "SHARE_NOT_MET"
    assert tick(at_half(400), [replace(window, items=50.0)], 1, POLICY)[1].code != "SHARE_NOT_MET"


def test_a_live_version_that_was_a_canary_of_late_hides_no_traffic() -> None:
    """It had a twentieth of the traffic, then half, and all of it for the last quarter of an hour."""
    canary = [*a_history(450, requests=2, failures=0), *a_history(15, requests=15, failures=0)]
    state = begin(POLICY, [*canary, *a_history(15, requests=300, failures=0)])
    assert (state.step, state.per_tick) == (0, 300)
    assert begin(POLICY, a_history(requests=300, failures=0)).per_tick == 300


def test_the_traffic_of_a_service_with_batches_is_what_ten_ticks_bring() -> None:
    history = [window for _ in range(48) for window in (*a_history(9, 0, 0), *a_history(1, 100, 0))]
    assert begin(POLICY, history).per_tick == 10
