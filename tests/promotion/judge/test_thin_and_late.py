"""Telemetry that has lost nearly all of an arm is silence; that which is always late has an end; cold is not calm."""

from dataclasses import replace

import pytest

from slipway.promotion.judge.judge import tick
from slipway.promotion.judge.one_arm import begin_watch, watch_tick
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.state import State, begin
from slipway.promotion.judge.verdict import Action, Verdict
from slipway.promotion.judge.windows import Arm, Window
from tests.promotion.judge.builders import Traffic, a_history, a_window

POLICY = Policy()


@pytest.fixture(scope="module")
def usual() -> State:
    return begin(POLICY, a_history())


def led(state: State, windows: list[list[Window]], policy: Policy = POLICY) -> list[Verdict]:
    """Verdict by verdict; `windows` of each tick, until the ramp has ended."""
    verdicts = []
    for now, delivered in enumerate(windows, 1):
        state, verdict = tick(state, delivered, now, policy)
        verdicts.append(verdict)
        if verdict.action in (Action.ROLLBACK, Action.WITHDRAW) or verdict.weight == 1:
            break
    return verdicts


@pytest.mark.parametrize("came", [1, 3, 100])
def test_a_canary_of_which_a_trickle_comes_is_silent_and_withdrawn(usual: State, came: int) -> None:
    verdicts = led(usual, [[a_window(number, (came, 0))] for number in range(1, 20)])
    assert (len(verdicts), verdicts[-1].code) == (5, "BLIND_TOO_LONG")
    assert f"the canary has {came} of about 1,400 requests that were due" in verdicts[-1].words


def test_a_baseline_of_which_a_trickle_comes_is_not_compared_with(usual: State) -> None:
    verdicts = led(usual, [[a_window(number, (1500, 5), (40, 0))] for number in range(1, 20)])
    assert {verdict.code for verdict in verdicts[:-1]} == {"BLIND"}
    assert (len(verdicts), verdicts[-1].code) == (10, "BLIND_TOO_LONG")
    assert "the baseline has 40 of about" in verdicts[-1].words


def test_a_router_that_keeps_its_users_where_they_were_is_no_silence(usual: State) -> None:
    """A fifth of its weight is little, and enough."""
    state = usual
    for number in range(1, 20):
        canary = round(30_000 * POLICY.steps[state.step] / 5)
        state, verdict = tick(state, [a_window(number, (canary, 0), (30_000 - canary, 30))], number, POLICY)
        assert verdict.code != "BLIND"
        if verdict.weight == 1:
            break


def test_after_a_step_the_weight_before_is_enough_for_a_while() -> None:
    policy = Policy(steps=(0.01, 0.5, 1.0), ramp="fixed", patience_ticks=2)
    state = begin(policy, a_history())
    verdicts = led(state, [[a_window(number, (300, 0), (29_700, 30))] for number in range(1, 9)], policy)
    assert all(verdict.code != "BLIND" for verdict in verdicts)


def test_far_less_of_both_arms_than_in_the_ticks_before_is_blindness_until_it_is_usual(usual: State) -> None:
    thin = [[a_window(number, (60, 0), (1140, 1))] for number in range(3, 20)]
    verdicts = led(usual, [[a_window(1)], [a_window(2)], *thin])
    assert [verdict.code for verdict in verdicts[2:5]] == ["BLIND"] * 3
    assert "telemetry has 1,200 of about 30,000 requests that were due" in verdicts[4].words
    assert all(verdict.code != "BLIND" for verdict in verdicts[5:])


@pytest.mark.parametrize("share", [0.3, 0.04, 0.02])
def test_a_ramp_by_night_after_a_history_of_the_day_is_not_blind(share: float) -> None:
    for per_tick in (60, 30_000):
        state = begin(POLICY, Traffic(7, per_tick, 0.001).history())
        traffic = Traffic(3, per_tick * share, 0.001)
        verdicts = []
        for number in range(1, 60):
            state, verdict = tick(state, [traffic.window(number, POLICY.steps[state.step])], number, POLICY)
            verdicts.append(verdict)
        assert sum(verdict.code == "BLIND" for verdict in verdicts) <= 3
        assert all(verdict.action is not Action.WITHDRAW for verdict in verdicts)


@pytest.mark.parametrize("per_tick", [0.1, 0.2, 0.5, 1.0])
def test_a_request_now_and_then_is_no_silence(per_tick: float) -> None:
    traffic = Traffic(5, per_tick, 0.01)
    state = begin(POLICY, traffic.history())
    for number in range(1, 2_000):
        state, verdict = tick(state, [traffic.window(number, POLICY.steps[state.step])], number, POLICY)
        assert verdict.code != "BLIND"
        if verdict.weight == 1:
            break
    assert verdict.weight == 1


@pytest.mark.parametrize(("every", "size"), [(2, 200), (15, 200), (15, 2000), (30, 60)])
def test_batches_with_nothing_between_them_are_no_silence(every: int, size: int) -> None:
    traffic = {True: Traffic(5, size, 0.01), False: Traffic(6, 0, 0.01)}
    history = [traffic[number % every == 0].window(number, 0.0) for number in range(1, 481)]
    state = begin(POLICY, history)
    for number in range(1, 600):
        window = traffic[number % every == 0].window(number, POLICY.steps[state.step])
        state, verdict = tick(state, [window], number, POLICY)
        assert verdict.code != "BLIND"
        if verdict.weight == 1:
            break
    assert verdict.weight == 1


def test_a_busy_service_that_goes_quiet_altogether_is_withdrawn(usual: State) -> None:
    verdicts = led(usual, [[a_window(1)], *[[a_window(number, (0, 0), (0, 0))] for number in range(2, 20)]])
    assert (len(verdicts), verdicts[-1].code) == (11, "BLIND_TOO_LONG")


def test_one_flood_does_not_make_the_ticks_after_it_thin(usual: State) -> None:
    flood = a_window(3, (150_000, 150), (2_850_000, 2850))
    verdicts = led(usual, [[a_window(1)], [a_window(2)], [flood], [a_window(4, (1500, 1))]])
    assert verdicts[-1].code != "BLIND"


def test_an_evening_that_gets_quieter_is_no_blindness() -> None:
    state = begin(POLICY, a_history())
    for number in range(1, 40):
        whole = 30_000 * 0.8**number
        canary = round(whole * POLICY.steps[state.step])
        state, verdict = tick(state, [a_window(number, (canary, 0), (round(whole) - canary, 0))], number, POLICY)
        assert verdict.code != "BLIND"
        if verdict.weight == 1:
            break


@pytest.mark.parametrize("late", [1, 2, 4])
def test_telemetry_that_is_always_later_than_its_delay_is_withdrawn_with_words(usual: State, late: int) -> None:
    late_ones = [[a_window(now - late)] if now > late else [] for now in range(1, 40)]
    verdicts = led(usual, late_ones)
    assert (len(verdicts), verdicts[-1].code) == (10, "BLIND_TOO_LONG")
    ticks = "1 tick" if late == 1 else f"{late} ticks"
    assert verdicts[-1].words.startswith(f"telemetry comes {ticks} later than its delay (0 ticks)")


def test_what_comes_late_is_judged_all_the_same(usual: State) -> None:
    verdicts = led(usual, [[], [a_window(1, (1500, 300))]])
    assert verdicts[-1].code == "HARM_PROVEN"


def test_after_a_late_window_nothing_is_called_nothing(usual: State) -> None:
    verdicts = led(usual, [[], [a_window(1)], *[[]] * 20])
    assert verdicts[1].words.startswith("telemetry comes 1 tick later")
    assert verdicts[2].words.startswith("telemetry has nothing of either arm")
    assert (len(verdicts), verdicts[-1].code) == (10, "BLIND_TOO_LONG")


def test_a_late_window_now_and_then_costs_nothing(usual: State) -> None:
    windows = [[a_window(now)] if now % 3 else [] for now in range(1, 60)]
    late = [
        [*windows[now - 1], *([a_window(now - 1)] if now > 1 and not windows[now - 2] else [])] for now in range(1, 60)
    ]
    assert all(verdict.action is not Action.WITHDRAW for verdict in led(usual, late))


def test_cold_ticks_are_not_calm(usual: State) -> None:
    """Patience of five ticks does not pass while the canary starts again and again."""
    policy = Policy(budget=0)
    windows = [[a_window(number, cold=number % 2 == 0)] for number in range(1, 12)]
    verdicts = led(usual, windows, policy)
    first = next(number for number, verdict in enumerate(verdicts, 1) if verdict.action is Action.ADVANCE)
    assert first == 9, "the fifth warm tick"


def test_ticks_without_a_promised_metric_are_not_calm() -> None:
    policy = Policy(own_metrics=("orders",), budget=0)
    state = begin(policy, a_history())
    codes = []
    for number in range(1, 20):
        window = a_window(number)
        assert window.canary is not None and window.baseline is not None
        if number % 3 == 0:
            canary = replace(window.canary, own={"orders": (300, 3)})
            window = replace(window, canary=canary, baseline=replace(window.baseline, own={"orders": (5700, 57)}))
        state, verdict = tick(state, [window], number, policy)
        codes.append(verdict.action)
    assert codes.index(Action.ADVANCE) == 14, "the fifth complete tick is the fifteenth"


@pytest.mark.parametrize(("of", "cold"), [(3, 2), (5, 4), (12, 11)])
def test_a_canary_that_is_cold_most_of_the_time_never_gets_warm(usual: State, of: int, cold: int) -> None:
    """Its failures while it is cold are forgiven, so it must not get all the traffic."""
    traffic, state = Traffic(3, 30_000, 0.001), usual
    for number in range(1, 100):
        is_cold = (number - 1) % of < cold
        window = traffic.window(number, POLICY.steps[state.step], 4.0 if is_cold else 1.0, is_cold)
        state, verdict = tick(state, [window], number, POLICY)
        if verdict.action is Action.WITHDRAW or verdict.weight == 1:
            break
    assert (verdict.action, verdict.code) == (Action.WITHDRAW, "NEVER_WARM")


def test_a_warm_tick_after_cold_ones_is_called_what_it_is(usual: State) -> None:
    verdicts = led(usual, [[a_window(1, cold=True)], [a_window(2, cold=True)], [a_window(3)]])
    assert [verdict.code for verdict in verdicts] == ["WARMING_UP", "WARMING_UP", "TOO_SOON"]


def test_excess_in_words_has_the_cold_ticks_too(usual: State) -> None:
    windows = [[a_window(number, (1500, 6), cold=number < 3)] for number in (1, 2, 3)]
    verdict = led(usual, [*windows, [a_window(4, (1500, 1))]])[-1]
    assert f"{round(verdict.receipt.excess)} excess failures so far" in verdict.words
    assert round(verdict.receipt.excess) == 13


def test_a_better_canary_does_not_cost_less_than_nothing() -> None:
    traffic = Traffic(5, 300_000, 0.01)
    state = begin(POLICY, traffic.history(100))
    for number in range(1, 8):
        state, verdict = tick(state, [traffic.window(number, POLICY.steps[state.step], 0.3)], number, POLICY)
        assert "cost -" not in verdict.words
        assert verdict.receipt.excess_rate_at_worst >= 0


def served(number: int, requests: int = 30_000) -> Window:
    return Window(number, Arm((requests,), (requests // 1000,)))


def test_a_watch_that_hears_a_trickle_calls_a_person() -> None:
    state, codes = begin_watch(POLICY, Traffic(1, 30_000, 0.001).history()), []
    for number in range(1, 12):
        state, verdict = watch_tick(state, [served(number, 3)], number, POLICY)
        codes.append(verdict.code)
    assert codes[:9] == ["BLIND"] * 9 and codes[9] == "BLIND_TOO_LONG"
    assert "the release has 3 of about 30,000 requests that were due" in verdict.words
    state, verdict = watch_tick(state, [served(12, 3_000)], 12, POLICY)
    assert verdict.code == "CALM", "a tenth of the usual is a night"


def test_a_watch_whose_telemetry_is_always_late_calls_a_person() -> None:
    state, codes = begin_watch(POLICY, Traffic(1, 30_000, 0.001).history()), []
    for number in range(1, 12):
        state, verdict = watch_tick(state, [served(number - 2)] if number > 2 else [], number, POLICY)
        codes.append(verdict.code)
    assert codes[9:] == ["BLIND_TOO_LONG"] * 2
    assert verdict.words.startswith("telemetry comes 2 ticks later than its delay (0 ticks): a person must look")
    assert verdict.metrics[0].canary_requests == 9 * 30_000, "what comes late is judged"
    _, verdict = watch_tick(state, [served(12)], 12, POLICY)
    assert verdict.code == "CALM"


@pytest.mark.parametrize(("tick_s", "warm_up_s", "more"), [(60, 120, 0), (60, 600, 0), (60, 900, 0), (10, 120, 2)])
def test_instances_that_start_at_each_step_and_get_warm_in_time_are_no_restarts(
    tick_s: int, warm_up_s: int, more: int
) -> None:
    policy = Policy(tick_s=tick_s, warm_up_s=warm_up_s)
    traffic = Traffic(3, 30_000, 0.001)
    state = begin(policy, traffic.history(60))
    for number in range(1, 300):
        is_cold = number - state.since <= policy.warm_up_ticks + more
        state, verdict = tick(state, [traffic.window(number, policy.steps[state.step], 1.0, is_cold)], number, policy)
        if verdict.action is Action.WITHDRAW or verdict.weight == 1:
            break
    assert verdict.weight == 1


def test_a_canary_that_fails_while_it_is_cold_again_and_again_does_not_get_all_the_traffic(usual: State) -> None:
    """Cold in every second tick, and 4.8 times as bad then: less than what a warm-up is forgiven for, without end."""
    for seed in range(6):
        traffic, state, excess = Traffic(seed, 30_000, 0.001), usual, 0.0
        for number in range(1, 200):
            is_cold = number % 2 == 1
            window = traffic.window(number, POLICY.steps[state.step], 4.8 if is_cold else 1.0, is_cold)
            assert window.canary is not None
            excess += window.canary.failed - window.canary.total * 0.001
            state, verdict = tick(state, [window], number, POLICY)
            if verdict.action is Action.WITHDRAW or verdict.weight == 1:
                break
        assert verdict.code == "NEVER_WARM"
        assert "more than a warm-up after each step explains" in verdict.words
        assert excess < 450


@pytest.mark.parametrize("per_tick", [300, 30_000])
def test_a_warm_up_that_fails_five_times_as_often_at_each_step_is_forgiven(per_tick: int) -> None:
    usual = begin(POLICY, Traffic(7, per_tick, 0.001).history(120))
    for seed in range(6):
        traffic, state = Traffic(seed, per_tick, 0.001), usual
        for number in range(1, 200):
            age = number - state.since
            window = traffic.window(number, POLICY.steps[state.step], 4.8 if age <= 2 else 1.0, age <= 3)
            state, verdict = tick(state, [window], number, POLICY)
            assert verdict.action is not Action.WITHDRAW
            if verdict.weight == 1:
                break
        assert verdict.weight == 1
