"""Telemetry that does not come, or late, or of one side only, is never good news and never the release's fault."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.promotion.judge.judge import tick
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.state import State, begin
from slipway.promotion.judge.verdict import Action
from slipway.promotion.judge.windows import Arm, Window
from tests.promotion.judge.builders import Traffic, a_history, a_window, latencies, lived

POLICY = Policy()


@pytest.fixture(scope="module")
def usual() -> State:
    return begin(POLICY, a_history())


def test_no_data_waits_and_is_withdrawn_when_the_blind_time_is_over(usual: State) -> None:
    verdicts = lived(usual, {}, 10)
    assert {verdict.code for verdict in verdicts[:-1]} == {"BLIND"}
    assert (verdicts[-1].action, verdicts[-1].weight) == (Action.WITHDRAW, 0.0)
    assert "the release is not blamed" in verdicts[-1].words


def test_a_silent_canary_is_withdrawn_after_five_ticks(usual: State) -> None:
    verdicts = lived(usual, {number: [a_window(number, canary=None)] for number in range(1, 9)}, 5)
    assert [verdict.action for verdict in verdicts] == [Action.WAIT] * 4 + [Action.WITHDRAW]
    assert "the canary is silent" in verdicts[-1].words


def test_a_canary_that_should_have_requests_and_has_none_is_silent(usual: State) -> None:
    verdicts = lived(usual, {number: [a_window(number, canary=(0, 0))] for number in range(1, 9)}, 5)
    assert verdicts[-1].action is Action.WITHDRAW


@pytest.mark.parametrize("baseline", [None, (0, 0)])
def test_a_canary_alone_is_not_judged(usual: State, baseline: tuple[int, int] | None) -> None:
    windows = {number: [a_window(number, (1500, 900), baseline)] for number in range(1, 11)}
    verdicts = lived(usual, windows, 10)
    assert [verdict.action for verdict in verdicts] == [Action.WAIT] * 9 + [Action.WITHDRAW]
    assert "the baseline is silent" in verdicts[0].words


def test_one_complete_window_ends_the_blindness(usual: State) -> None:
    verdicts = lived(usual, {number: [a_window(number)] for number in (9, 10)}, 10)
    assert verdicts[7].code == "BLIND"
    assert verdicts[8].code == "TOO_SOON"
    assert verdicts[9].action is not Action.WITHDRAW


def test_telemetry_late_by_five_minutes_is_waited_for_when_the_delay_is_known() -> None:
    policy = Policy(delay_ticks=5)
    state = begin(policy, a_history())
    handed_in = {number + 5: [a_window(number)] for number in range(1, 20)}
    verdicts = lived(state, handed_in, 12, policy)
    assert all(verdict.code != "BLIND" for verdict in verdicts)
    assert {verdict.code for verdict in verdicts[:6]} == {"TOO_SOON"}
    assert any(verdict.action is Action.ADVANCE for verdict in verdicts)


def test_a_window_that_comes_late_by_surprise_is_still_judged_once(usual: State) -> None:
    state, _ = tick(usual, [], 1, POLICY)
    state, verdict = tick(state, [a_window(1, (1500, 300))], 2, POLICY)
    assert verdict.action is Action.ROLLBACK
    again, _ = tick(state, [a_window(1, (1500, 300))], 2, POLICY)
    assert again.metrics == state.metrics


def test_a_window_later_than_the_last_five_is_left_alone(usual: State) -> None:
    state = usual
    for now in range(1, 8):
        state, _ = tick(state, [], now, POLICY)
    after, verdict = tick(state, [a_window(1, (1500, 300))], 7, POLICY)
    assert verdict.code == "BLIND"
    assert after.metrics == state.metrics


def test_out_of_order_and_doubled_windows_change_nothing(usual: State) -> None:
    windows = [Traffic(1, 30_000, 0.001).window(number, 0.05) for number in (1, 2, 3)]
    expected = tick(usual, windows, 3, POLICY)
    assert tick(usual, [windows[2], windows[0], windows[1], windows[0], windows[2]], 3, POLICY) == expected


def test_windows_of_the_future_wait_for_their_time(usual: State) -> None:
    state, verdict = tick(usual, [a_window(2, (1500, 900))], 1, POLICY)
    assert verdict.code == "BLIND"
    assert state.judged == 0


@given(
    st.lists(st.integers(1, 6), max_size=10),
    st.permutations(range(1, 7)),
    st.integers(0, 6),
    st.integers(0, 40),
)
@settings(max_examples=40, deadline=None)
def test_judging_in_one_or_in_two_halves_gives_the_same(
    doubled: list[int], order: list[int], cut: int, failures: int
) -> None:
    policy = Policy(ramp="fixed")  # stays at its weight for these ticks
    state = begin(policy, a_history(ticks=40))
    windows = {number: a_window(number, (1500, failures // number)) for number in range(1, 7)}
    at_once, verdict = tick(state, [windows[number] for number in (*order, *doubled)], 6, policy)
    halfway, _ = tick(state, [windows[number] for number in order if number <= cut], cut, policy)
    later, same = tick(halfway, [windows[number] for number in (*order, *doubled)], 6, policy)
    assert later == at_once
    assert same == verdict


def test_a_clock_that_jumps_is_blindness_not_a_long_wait(usual: State) -> None:
    _, verdict = tick(usual, [], 10**9, POLICY)
    assert verdict.action is Action.WITHDRAW
    _, verdict = tick(usual, [a_window(10**9)], 10**9, POLICY)
    assert verdict.action is Action.WAIT


ARMS = st.one_of(
    st.none(),
    st.tuples(st.integers(0, 5000), st.integers(0, 50)).map(lambda pair: (pair[0], min(pair))),
)


@given(st.lists(st.tuples(ARMS, ARMS), max_size=8))
@settings(max_examples=60, deadline=None)
def test_no_verdict_without_evidence(arms: list[tuple[tuple[int, int] | None, tuple[int, int] | None]]) -> None:
    state = begin(POLICY, a_history(ticks=40))
    for number, (canary, baseline) in enumerate(arms, 1):
        state, verdict = tick(state, [a_window(number, canary, baseline)], number, POLICY)
        judged = verdict.metrics[0]
        if verdict.action is Action.ADVANCE:
            assert judged.canary_requests >= 50
            assert judged.baseline_requests > 0
        if verdict.action is Action.ROLLBACK:
            assert judged.canary_bad > 0
        if verdict.action is Action.WITHDRAW or verdict.weight == 1:
            break


@pytest.mark.parametrize("per_tick", [30, 300])
def test_a_canary_of_little_traffic_that_dies_is_withdrawn_and_never_advanced(per_tick: int) -> None:
    policy = Policy()
    state = begin(policy, a_history(requests=per_tick, failures=1))
    for number in range(1, 100):
        alive, weight = number <= 5, policy.steps[state.step]
        canary = (round(per_tick * weight), 0) if alive else (0, 0)
        state, verdict = tick(state, [a_window(number, canary, (per_tick - canary[0], 0))], number, policy)
        assert alive or verdict.action is not Action.ADVANCE
        if verdict.action is Action.WITHDRAW:
            break
    assert (verdict.action, verdict.code) == (Action.WITHDRAW, "BLIND_TOO_LONG")


@pytest.mark.parametrize(
    ("canary", "baseline"),
    [((0, 0), (5700, 114)), ((3, 0), (5700, 114)), ((300, 300), (0, 0)), ((300, 300), (2, 0))],
    ids=["canary empty", "canary thin", "baseline empty", "baseline thin"],
)
def test_a_metric_that_is_there_and_of_which_hardly_anything_comes_is_missing(
    canary: tuple[int, int], baseline: tuple[int, int]
) -> None:
    policy = Policy(own_metrics=("checkouts",))
    state = begin(policy, a_history())
    for number in range(1, 30):
        window = Window(
            number, Arm((1500,), (1,), own={"checkouts": canary}), Arm((28_500,), (28,), own={"checkouts": baseline})
        )
        state, verdict = tick(state, [window], number, policy)
        assert verdict.action is not Action.ADVANCE
        if verdict.action is Action.WITHDRAW:
            break
    assert (number, verdict.action) == (10, Action.WITHDRAW)
    assert "no checkouts" in verdict.words


@pytest.mark.parametrize(("ours", "theirs"), [(1500, 0), (1500, 5), (0, 28_500), (1, 28_500)])
def test_latencies_of_which_an_arm_has_hardly_any_are_missing(ours: int, theirs: int) -> None:
    rng = random.Random(1)
    usual = latencies(rng, 3000)
    served = Arm((30_000,), (30,), usual)
    history = [Window(number, None, served) for number in range(40)]
    state = begin(POLICY, history)
    for number in range(1, 5):
        window = a_window(number)
        assert window.canary is not None and window.baseline is not None
        canary = replace(window.canary, latencies=latencies(rng, ours, 3.0))
        baseline = replace(window.baseline, latencies=latencies(rng, theirs))
        state, verdict = tick(state, [replace(window, canary=canary, baseline=baseline)], number, POLICY)
        assert verdict.action is Action.WAIT
    assert verdict.code in ("METRIC_MISSING", "DISQUIET")
    assert state.partly == 4


def test_a_canary_that_never_gets_warm_is_withdrawn_and_not_blamed(usual: State) -> None:
    """Two ticks of warm-up and the ten that it may be blind; beyond the warm-up a warm one takes a cold one back."""
    cold = {number: [a_window(number, cold=number != 4)] for number in range(1, 30)}
    verdicts = lived(usual, cold, 15)
    assert {verdict.code for verdict in verdicts[4:14]} == {"WARMING_UP"}
    assert (verdicts[14].action, verdicts[14].code, verdicts[14].weight) == (Action.WITHDRAW, "NEVER_WARM", 0.0)
    assert "not blamed" in verdicts[14].words


def test_an_own_metric_that_is_rare_and_never_comes_from_the_canary_is_missed_in_time() -> None:
    """Five of its requests were due in a tick: none in four ticks is no chance any more."""
    policy = Policy(own_metrics=("paid",), ramp="fixed")
    state = begin(policy, a_history())
    verdicts = []
    for number in range(1, 8):
        window = a_window(number)
        assert window.canary is not None and window.baseline is not None
        own = replace(window, canary=replace(window.canary, own={"paid": (0, 0)}))
        own = replace(own, baseline=replace(window.baseline, own={"paid": (95, 1)}))
        state, verdict = tick(state, [own], number, policy)
        verdicts.append(verdict)
    assert verdicts[2].code == "NOT_ENOUGH_EVIDENCE"
    assert {verdict.code for verdict in verdicts[3:]} == {"METRIC_MISSING"}
    assert "no paid" in verdicts[3].words
