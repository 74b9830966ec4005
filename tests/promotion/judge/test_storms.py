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


def with_a_storm(window: Window) -> Window:
    assert window.canary is not None
    failures = list(window.canary.failures)
    failures[2] = window.canary.requests[2]
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


@pytest.mark.parametrize(("harm", "at_most"), [(20.0, 3), (5.0, 6)])
def test_harm_after_a_storm_is_found_as_early_as_ever(usual: State, harm: float, at_most: int) -> None:
    ended = [stormy(usual, seed, harm) for seed in range(8)]
    assert all(verdict.code == "HARM_PROVEN" for _, verdict in ended)
    assert statistics.median(number for number, _ in ended) <= at_most
