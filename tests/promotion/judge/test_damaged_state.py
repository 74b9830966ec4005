"""Whatever happens to a stored state, it goes on or is refused in words; it never goes on with what is no number."""

import copy
import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from slipway.promotion.judge.judge import tick
from slipway.promotion.judge.one_arm import WatchState, begin_watch, watch_tick
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.state import StateInvalid, begin, load
from slipway.promotion.judge.windows import Arm, Window
from tests.promotion.judge.builders import Traffic, a_window

POLICY = Policy()
BESIDE: list[Any] = [None, "x", "", math.nan, math.inf, -math.inf, 0.5, True, [], {}, [math.nan], -1, 10**70, 1e308]
SIGNED = {"logs", "sums", "sum_d"}


def paths(data: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """To every value in a document."""
    inside = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in inside:
        yield (*here, key)
        yield from paths(value, (*here, key))


def at(data: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


def cannot_be(path: tuple[Any, ...], usual: Any, value: Any) -> bool:
    """It is of another kind than what was there, or no number that can be there."""
    if isinstance(usual, bool | str | list | dict):
        return type(value) is not type(usual)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return True
    if not math.isfinite(value) or abs(value) > 1e60:
        return True
    signed = bool(SIGNED & set(path))
    return (value < 0 and not signed) or (isinstance(usual, int) and isinstance(value, float) and not signed)


def ramp_state() -> tuple[Any, Callable[[Any], object]]:
    traffic = Traffic(1, 30_000, 0.001, 3)
    state = begin(POLICY, traffic.history(40))
    for number in range(1, 4):
        state, _ = tick(state, [traffic.window(number, POLICY.steps[state.step])], number, POLICY)
    state, _ = tick(state, [], 4, POLICY)
    window = a_window(5)
    return state.dump(), lambda data: tick(load(data, POLICY), [window], 5, POLICY)[0].dump()


def watch_state() -> tuple[Any, Callable[[Any], object]]:
    state = begin_watch(POLICY, Traffic(1, 30_000, 0.001).history(40))
    state, _ = watch_tick(state, [], 1, POLICY)
    state, _ = watch_tick(state, [Window(2, Arm((30_000,), (30,)))], 2, POLICY)
    window = Window(3, Arm((30_000,), (33,)))
    return state.dump(), lambda data: watch_tick(WatchState.load(data), [window], 3, POLICY)[0].dump()


@pytest.mark.parametrize("kept", [ramp_state, watch_state])
def test_each_value_damaged_in_each_way_is_refused_or_harmless(
    kept: Callable[[], tuple[Any, Callable[[Any], object]]],
) -> None:
    dumped, go_on = kept()
    state = json.loads(json.dumps(dumped))
    go_on(state)
    slipped = []
    for path in list(paths(state)):
        usual = at(state, path)
        for value in BESIDE:
            at(state, path[:-1])[path[-1]] = value
            try:
                after = go_on(state)
                json.dumps(after, allow_nan=False)
                if cannot_be(path, usual, value):
                    slipped.append((path, value))
            except StateInvalid as invalid:
                assert invalid.words
        at(state, path[:-1])[path[-1]] = usual
    assert slipped == []


@pytest.mark.parametrize("kept", [ramp_state, watch_state])
def test_a_state_that_lacks_anything_is_refused(kept: Callable[[], tuple[Any, Callable[[Any], object]]]) -> None:
    dumped, go_on = kept()
    state = json.loads(json.dumps(dumped))
    for path in paths(state):
        damaged = copy.deepcopy(state)
        del at(damaged, path[:-1])[path[-1]]
        if isinstance(path[-1], int) and path[-2] in ("missing", "notes", "totals"):
            continue
        with pytest.raises(StateInvalid):
            go_on(damaged)


def test_texts_of_telemetry_do_not_swell_the_state() -> None:
    state = begin(POLICY, Traffic(1, 30_000, 0.001).history(40))
    for number, window in enumerate((Window(1, fault="x" * 100_000), a_window(2, unread=("y" * 50_000,) * 3)), 1):
        state, verdict = tick(state, [window], number, POLICY)
        assert len(json.dumps(state.dump())) < 16 * 1024
        assert len(verdict.words) < 500
    watch = begin_watch(POLICY, Traffic(1, 30_000, 0.001).history(40))
    watch, _ = watch_tick(watch, [Window(1, fault="x" * 100_000)], 1, POLICY)
    assert len(json.dumps(watch.dump())) < 2_000


@pytest.mark.parametrize(
    "damage",
    [
        {"settled": 10**6},
        {"since": 10**6},
        {"missing": [10**6]},
        {"judged_here": 10**9},
        {"judged": 10**9},
        {"requests": {"mean": 1.0, "largest": 1.0, "totals": [10**50], "unheard": 0.0}},
        {"metrics": {"failures": {"ticks": 10**9}}},
        {"metrics": {"failures": {"dispersion": {"squares": 1e60}}}},
        {"metrics": {"failures": {"dispersion": {"squares_together": 1e60}}}},
        {"metrics": {"failures": {"new_bursts": {"squares": 1e60}}}},
        {"metrics": {"failures": {"residue": [1e60, 1.0, 0.0]}}},
        {"metrics": {"p95": {"dispersion": {"seen": 9}}}},
    ],
    ids=str,
)
def test_a_state_that_no_ramp_can_have_is_refused(damage: dict[str, Any]) -> None:
    """Each value could be by itself; a judge that went on from it would be mute or blind for good."""
    dumped, go_on = ramp_state()
    state = json.loads(json.dumps(dumped))
    _put(state, damage)
    with pytest.raises(StateInvalid) as invalid:
        go_on(state)
    assert invalid.value.code == "STATE_UNREADABLE"


def _put(data: Any, damage: dict[str, Any]) -> None:
    for key, value in damage.items():
        if isinstance(value, dict):
            _put(data[key], value)
        else:
            data[key] = value
