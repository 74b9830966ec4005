"""The state travels as small JSON, and other versions of it are met with words."""

import json
import random
from dataclasses import replace

import pytest

from slipway.promotion.judge.judge import tick
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.state import State, StateInvalid, begin, load
from slipway.promotion.judge.verdict import Action
from slipway.promotion.judge.windows import Arm, Half, Window
from tests.promotion.judge.builders import Traffic, a_history, a_window, latencies

POLICY = Policy()
GREEDY = Policy(own_metrics=("checkout", "search", "payments", "recommendations", "returns"))


def everything(number: int, rng: random.Random, canary: bool) -> Window:
    """A window with all metrics there are."""

    def own() -> dict[str, tuple[int, int]]:
        return {name: (10_000, rng.randint(50, 99)) for name in GREEDY.own_metrics}

    def slow() -> Half:
        histogram = latencies(rng, 300)
        for _ in range(60):
            histogram.record(10 ** rng.uniform(-3, 9))  # of all lengths that there are
        return Half(15_000, 15, histogram, own())

    first, second = slow(), slow()
    assert first.latencies and second.latencies
    together = {name: (20_000, first.own[name][1] + second.own[name][1]) for name in GREEDY.own_metrics}
    baseline = Arm((30_000,), (30,), first.latencies.merge(second.latencies), together, 1.0, 0.5)
    arm = Arm((3_000,), (3,), slow().latencies, own(), 1.0, 0.5) if canary else None
    return Window(number, arm, baseline, (first, second))


def test_a_state_with_all_metrics_stays_under_16_kb_and_survives_json() -> None:
    rng = random.Random(1)
    state = begin(GREEDY, [everything(number, rng, False) for number in range(40)])
    for number in range(1, 4):
        state, _ = tick(state, [everything(number, rng, True)], number, GREEDY)
    text = json.dumps(state.dump(), allow_nan=False)
    assert len(text) < 16 * 1024
    assert load(json.loads(text), GREEDY) == state


def test_a_ramp_goes_on_from_json_as_if_nothing_had_happened() -> None:
    traffic = Traffic(2, 30_000, 0.001)
    straight = by_json = begin(POLICY, traffic.history(60))
    for number in range(1, 8):
        window = traffic.window(number, POLICY.steps[straight.step])
        straight, one = tick(straight, [window], number, POLICY)
        by_json, other = tick(load(json.loads(json.dumps(by_json.dump())), POLICY), [window], number, POLICY)
        assert one == other
    assert straight == by_json


def test_a_state_of_an_older_version_begins_anew_where_it_stands_and_says_so() -> None:
    state = load({"version": 0, "step": 2, "judged": 17}, POLICY, a_history())
    assert (state.step, state.settled) == (2, 17)
    state, verdict = tick(state, [a_window(18, (7500, 7), (22_500, 22))], 18, POLICY)
    assert (verdict.action, verdict.weight) == (Action.WAIT, 0.25)
    assert "the state was of an older version: evidence began anew at this weight" in verdict.words
    assert "counts once more" in verdict.words


@pytest.mark.parametrize("old", [{}, {"step": "two"}, {"step": 99, "judged": -3}, {"settled": None}])
def test_even_a_strange_older_state_does_not_crash(old: dict[str, object]) -> None:
    state = load({"version": 0, **old}, POLICY)
    assert 0 <= state.step <= POLICY.last
    assert tick(state, [], state.settled + 1, POLICY)[1].action is Action.WAIT


def test_a_state_of_a_newer_version_is_refused_in_words() -> None:
    with pytest.raises(StateInvalid, match="deploy the newer Slipway again"):
        load({**begin(POLICY).dump(), "version": 99}, POLICY)


@pytest.mark.parametrize("damage", [{"metrics": {"failures": {}}}, {"step": 9}, {"step": "x"}, {"latencies": 3}])
def test_a_damaged_state_is_refused_in_words(damage: dict[str, object]) -> None:
    with pytest.raises(StateInvalid, match="STATE_UNREADABLE"):
        load({**begin(POLICY).dump(), **damage}, POLICY)


@pytest.mark.parametrize("data", [{}, [], None, "state", {"version": "1"}])
def test_what_is_no_state_is_refused_in_words(data: object) -> None:
    with pytest.raises(StateInvalid, match="STATE_UNREADABLE"):
        load(data, POLICY)  # type: ignore[arg-type]


def test_a_ramp_that_goes_on_elsewhere_begins_at_its_weight() -> None:
    assert begin(POLICY, a_history(), now_weight=0.25, now=9).step == 2
    assert begin(POLICY, a_history(), now_weight=0.30).step == 2
    assert begin(POLICY, a_history(), now_weight=0.0).step == 0


def test_a_short_history_weakens_the_promise_and_every_verdict_says_so() -> None:
    _, verdict = tick(begin(POLICY, a_history(ticks=5)), [a_window(1)], 1, POLICY)
    assert "how bursty the service is was assumed, not measured" in verdict.words


def test_a_baseline_without_halves_weakens_the_promise_and_every_verdict_says_so() -> None:
    history = [replace(window, halves=None) for window in a_history()]
    state: State = begin(POLICY, history)
    _, verdict = tick(state, [a_window(1, halved=False)], 1, POLICY)
    assert "the baseline came without halves" in verdict.words
    assert verdict.receipt.weakened_by
