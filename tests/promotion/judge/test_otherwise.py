"""What would have made it another verdict is true: what the receipt names is done, and the verdict is another."""

from dataclasses import replace

import pytest

from slipway.promotion.judge.judge import tick
from slipway.promotion.judge.one_arm import begin_watch, watch_tick
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.state import State, begin
from slipway.promotion.judge.verdict import Verdict
from slipway.promotion.judge.windows import Arm, Window
from tests.promotion.judge.builders import Traffic, a_history, a_window, lived, ramps

POLICY = Policy()
CAREFUL = Policy(ramp="careful")


@pytest.fixture(scope="module")
def usual() -> State:
    return begin(POLICY, a_history())


def after(state: State, windows: list[Window], policy: Policy = POLICY) -> tuple[State, Verdict]:
    for window in windows:
        state, verdict = tick(state, [window], window.tick, policy)
    return state, verdict


def test_a_release_that_warms_up_needs_instances_that_are_older(usual: State) -> None:
    state, verdict = after(usual, [a_window(number, cold=True) for number in (1, 2)])
    assert verdict.code == "WARMING_UP"
    assert "instances of the canary that are all older than the warm-up: as usual" in verdict.receipt.changed_by
    _, verdict = after(state, [a_window(3)])
    assert verdict.code != "WARMING_UP"


def test_cold_ticks_without_end_would_have_been_a_warm_up_if_they_were_fewer(usual: State) -> None:
    most = POLICY.cold_ticks
    state, verdict = after(usual, [a_window(number, cold=True) for number in range(1, most + 2)])
    assert verdict.code == "NEVER_WARM"
    assert verdict.receipt.changed_by == (f"{most} cold ticks at most, warm ones taken off: judged as usual",)
    assert after(usual, [a_window(number, cold=True) for number in range(1, most + 1)])[1].code == "WARMING_UP"
    _, verdict = after(state, [a_window(most + 2)])
    assert verdict.code == "WARMING_UP", "a warm tick takes a cold one off"


def test_what_failed_while_cold_is_not_mended_by_warm_ticks(usual: State) -> None:
    state, number = usual, 0
    while number < 200:
        number += 1
        cold = number % 2 == 0
        window = a_window(number, canary=(1500, 9 if cold else 1), cold=cold)
        state, verdict = tick(state, [window], number, CAREFUL)
        if verdict.code == "NEVER_WARM":
            break
    assert verdict.receipt.changed_by == ("fewer failures while instances were cold: judged as usual",)
    _, verdict = after(state, [a_window(later) for later in range(number + 1, number + 30)], CAREFUL)
    assert verdict.code == "NEVER_WARM"


def test_a_ramp_without_a_promised_metric_lacked_that_and_no_window() -> None:
    policy = Policy(own_metrics=("paid",))
    state = begin(policy, a_history())
    _, verdict = after(state, [a_window(number) for number in range(1, 12)], policy)
    assert verdict.code == "BLIND_TOO_LONG"
    assert verdict.receipt.changed_by == ("a complete window of all metrics in time: judged as usual",)
    verdict = lived(begin(POLICY, a_history()), {}, 11)[-1]
    assert verdict.code == "BLIND_TOO_LONG"
    assert verdict.receipt.changed_by == ("a complete window of both arms in time: judged as usual",)


def test_before_the_last_step_one_hungry_reading_is_mended_by_one() -> None:
    state = begin(POLICY, a_history(), 0.5)

    def reading(number: int, cpu: float) -> Window:
        window = a_window(number, (15_000, 15), (15_000, 15))
        assert window.canary is not None and window.baseline is not None
        return replace(window, canary=replace(window.canary, cpu=cpu), baseline=replace(window.baseline, cpu=1.0))

    state, verdict = after(state, [reading(1, 1.0), reading(2, 1.5)])
    assert verdict.code == "SATURATED"
    assert "the next reading within the limits of CPU and memory: as usual" in verdict.receipt.changed_by
    assert after(state, [reading(3, 1.0)])[1].code != "SATURATED"
    assert after(state, [reading(3, 1.5)])[1].code == "SATURATED"


def test_no_upper_bound_contradicts_the_ratio_beside_it_and_a_rollback_names_none() -> None:
    """Harm that begins in mid-ramp: the bound speaks of the time before."""
    late = ramps(12, 30_000, 0.001, harm=lambda number: 20.0 if number >= 5 else 1.0, policy=Policy(ramp="fixed"))
    for _, verdict, _ in late:
        assert verdict.code == "HARM_PROVEN"
        assert "at most" not in verdict.words
        for metric in verdict.receipt.metrics:
            if metric.at_most is not None and metric.ratio is not None:
                assert metric.at_most >= metric.ratio


def test_what_would_change_a_watch_is_another_thing_for_each_of_its_verdicts() -> None:
    def served(number: int, failures: int = 30) -> Window:
        return Window(number, Arm((30_000,), (failures,)))

    before = [Window(number, None, Arm((30_000,), (30,))) for number in range(480)]
    state, calm = watch_tick(begin_watch(POLICY, before), [served(1)], 1, POLICY)
    assert calm.code == "CALM"
    assert calm.receipt.changed_by[0].startswith("evidence for harm of 100 instead of ")
    blind = state
    for number in range(2, 13):
        blind, verdict = watch_tick(blind, [], number, POLICY)
    assert verdict.code == "BLIND_TOO_LONG"
    assert verdict.receipt.changed_by == ("a complete window of the release in time: judged as usual",)
    assert watch_tick(blind, [served(13)], 13, POLICY)[1].code == "CALM"
    for number in range(2, 20):
        state, verdict = watch_tick(state, [served(number, 300)], number, POLICY)
    assert verdict.code == "HARM_PROVEN"
    assert verdict.receipt.changed_by == ("evidence that had never reached 100: no rollback",)
    _, verdict = watch_tick(begin_watch(POLICY, []), [served(1)], 1, POLICY)
    assert (verdict.code, verdict.receipt.changed_by) == (
        "NO_HISTORY",
        ("telemetry from before the ramp: judged as usual",),
    )


def test_a_batch_service_is_told_when_its_requests_come_and_that_it_came_in_halves() -> None:
    """Four hundred requests in one minute of ten."""
    traffic = Traffic(3, 400, 0.001)
    quiet = Traffic(4, 0.0, 0.0)

    def window(number: int, weight: float) -> Window:
        return (quiet if number % 10 else traffic).window(number, weight)

    state = begin(POLICY, [window(number, 0.0) for number in range(480)])
    for number in range(1, 32):
        state, verdict = tick(state, [window(number, POLICY.steps[state.step])], number, POLICY)
        assert "halves" not in verdict.words
        if verdict.missing_requests and number > 12:
            share = POLICY.steps[state.step]
            assert verdict.missing_s is not None
            assert verdict.missing_s / 60 >= 0.7 * verdict.missing_requests / (share * 40), verdict.words


def test_a_proof_would_have_been_none_if_evidence_had_not_reached_it() -> None:
    bounded = 0
    for _, verdict, _ in ramps(6, 30_000, 0.001, harm=lambda number: 5.0):
        assert verdict.code == "HARM_PROVEN"
        assert verdict.receipt.changed_by == ("evidence that had never reached 100: no rollback",)
        worst = verdict.receipt.worst
        assert worst.ratio is not None and worst.at_least is not None
        if worst.at_least > 1:
            bounded += 1
            assert f"at least {worst.at_least:.2g} × with 99 % confidence" in verdict.words
        assert f"canary fails {worst.ratio:.2g} × as often" in verdict.words
    assert bounded
