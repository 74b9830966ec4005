"""Ten seconds in which all of the canary's requests fail: no proof, no blindness to what comes after them."""

import statistics
from dataclasses import replace

import pytest

from slipway.promotion.judge.judge import tick
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.state import State, begin
from slipway.promotion.judge.verdict import Action, Verdict
from slipway.promotion.judge.windows import Window
from tests.promotion.judge.builders import Traffic

POLICY = Policy()


@pytest.fixture(scope="module")
def usual() -> State:
    return begin(POLICY, Traffic(777, 30_000, 0.001).history())


def with_a_storm(window: Window, blocks: tuple[int, ...] = (2,)) -> Window:
    assert window.canary is not None
    failures = list(window.canary.failures)
    for block in blocks:
        failures[block] = window.canary.requests[block]
    return replace(window, canary=replace(window.canary, failures=tuple(failures)))


def stormy(state: State, seed: int, harm: float) -> tuple[int, Verdict]:
    """A storm in tick 1, harm from tick 3 on: the tick of the end and the last verdict."""
    traffic = Traffic(seed, 30_000, 0.001)
    for number in range(1, 100):
        window = traffic.window(number, POLICY.steps[state.step], harm if number > 2 else 1.0)
        state, verdict = tick(state, [with_a_storm(window) if number == 1 else window], number, POLICY)
        if verdict.action is Action.ROLLBACK or verdict.weight == 1:
            break
    return number, verdict


def test_a_healthy_ramp_goes_on_after_a_storm(usual: State) -> None:
    ended = [stormy(usual, seed, 1.0) for seed in range(8)]
    assert all(verdict.action is Action.ADVANCE for _, verdict in ended)
    assert statistics.median(number for number, _ in ended) <= 30


def test_a_storm_that_lies_across_two_blocks_is_far_from_a_proof(usual: State) -> None:
    for seed in range(8):
        window = with_a_storm(Traffic(seed, 30_000, 0.001).window(1, 0.05), (2, 3))
        _, verdict = tick(usual, [window], 1, POLICY)
        assert verdict.e_value < 20


@pytest.mark.parametrize(("harm", "at_most"), [(20.0, 3), (5.0, 6)])
def test_harm_after_a_storm_is_found_as_early_as_ever(usual: State, harm: float, at_most: int) -> None:
    ended = [stormy(usual, seed, harm) for seed in range(8)]
    assert all(verdict.code == "HARM_PROVEN" for _, verdict in ended)
    assert statistics.median(number for number, _ in ended) <= at_most


def test_ten_seconds_of_a_metric_of_ones_own_prove_nothing() -> None:
    """All orders of ten seconds are bad; afterwards they are as usual."""
    policy = Policy(own_metrics=("orders",))
    traffic = Traffic(3, 30_000, 0.001)
    state = begin(policy, [with_orders(window, 0) for window in traffic.history()])
    for number in range(1, 60):
        window = with_orders(traffic.window(number, policy.steps[state.step]), 50 if number == 2 else 0)
        state, verdict = tick(state, [window], number, policy)
        if verdict.action is Action.ROLLBACK or verdict.weight == 1:
            break
    assert verdict.weight == 1


def test_a_metric_of_ones_own_that_stays_bad_is_rolled_back() -> None:
    policy = Policy(own_metrics=("orders",))
    traffic = Traffic(3, 30_000, 0.001)
    state = begin(policy, [with_orders(window, 0) for window in traffic.history()])
    for number in range(1, 60):
        state, verdict = tick(
            state, [with_orders(traffic.window(number, policy.steps[state.step]), 50)], number, policy
        )
        if verdict.action is Action.ROLLBACK or verdict.weight == 1:
            break
    assert (verdict.code, number) == ("HARM_PROVEN", 5)


def with_orders(window: Window, bad: int) -> Window:
    """A fifth of all requests are orders, of which a fiftieth is bad, and so many of the canary's besides."""
    orders = {"orders": (window.baseline.total // 5, window.baseline.total // 250)} if window.baseline else {}
    halves = None
    if window.halves:
        first, second = (
            replace(half, own={"orders": (half.requests // 5, half.requests // 250)}) for half in window.halves
        )
        halves = (first, second)
    canary = window.canary
    if canary is not None:
        canary = replace(canary, own={"orders": (canary.total // 5, min(canary.total // 5, canary.total // 250 + bad))})
    baseline = window.baseline and replace(window.baseline, own=orders)
    return replace(window, canary=canary, baseline=baseline, halves=halves)
