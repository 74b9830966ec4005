"""After 100 %: harm that lasts is rolled back, shocks are not, blindness calls a person."""

import json
import math
import random

import pytest

from slipway.promotion.judge.one_arm import WatchState, begin_watch, watch_tick
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.state import StateInvalid
from slipway.promotion.judge.usual import learn_usual
from slipway.promotion.judge.verdict import Action, Verdict
from slipway.promotion.judge.windows import Arm, Window
from tests.promotion.judge.builders import Traffic

POLICY = Policy()
REQUESTS = 30_000


def before(failures: list[int]) -> list[Window]:
    return [Window(number, None, Arm((REQUESTS,), (count,))) for number, count in enumerate(failures)]


def usual_failures(seed: int, ticks: int) -> list[int]:
    traffic = Traffic(seed, REQUESTS, 0.001)
    return [traffic.poisson(30) for _ in range(ticks)]


def watched(state: WatchState, failures: list[int], items: float = 1.0) -> tuple[int, Verdict]:
    for number, count in enumerate(failures, 1):
        window = Window(number, Arm((REQUESTS,), (count,)), items=items)
        state, verdict = watch_tick(state, [window], number, POLICY)
        if verdict.action is Action.ROLLBACK:
            break
    return number, verdict


def test_a_release_like_the_time_before_is_left_alone() -> None:
    for seed in range(10):
        number, verdict = watched(
            begin_watch(POLICY, before(usual_failures(seed, 480))), usual_failures(seed + 50, 240)
        )
        assert (number, verdict.code) == (240, "CALM")


def test_harm_that_lasts_is_rolled_back_but_not_within_ten_ticks() -> None:
    state = begin_watch(POLICY, before(usual_failures(1, 480)))
    for harm in (3, 50):
        number, verdict = watched(state, [harm * count for count in usual_failures(2, 60)])
        assert verdict.action is Action.ROLLBACK
        assert verdict.weight == 0
        assert 10 <= number <= 15
        assert "as often as before the ramp; harm that lasts is proven" in verdict.words


def test_shocks_as_long_as_the_history_s_are_nobody_s_fault() -> None:
    rng = random.Random(3)
    with_shocks = usual_failures(1, 480)
    for start in (60, 200, 350):
        with_shocks[start : start + 7] = [4500] * 7
    state = begin_watch(POLICY, before(with_shocks))
    after = usual_failures(4, 240)
    for start in (30, 120):
        after[start : start + 10] = [4500] * rng.randint(8, 10)
    assert watched(state, after[:240])[1].action is Action.WAIT


def test_few_records_that_stand_for_many_requests_prove_less() -> None:
    state = begin_watch(POLICY, before([30] * 60))
    assert watched(state, [90] * 15)[1].action is Action.ROLLBACK
    assert watched(state, [90] * 15, items=100)[1].action is Action.WAIT


def test_a_tick_counts_four_times_the_typical_failures_at_most() -> None:
    state = begin_watch(POLICY, before([30] * 60))
    after = [watch_tick(state, [Window(1, Arm((REQUESTS,), (x,)))], 1, POLICY)[0] for x in (60, 120, 4500)]
    assert after[0].evidence != after[1].evidence == after[2].evidence
    assert after[2].failures == 4500, "what people are shown is not cut off"


def test_a_shock_of_the_history_does_not_pass_for_usual() -> None:
    usual = learn_usual(before([30] * 53 + [4500] * 7))
    assert usual.mean_rate == pytest.approx((53 * 30 + 7 * 120) / (60 * REQUESTS))
    assert usual.longest_shock == 7


def test_busy_days_are_tolerated() -> None:
    day = [20 + 20 * (number % 480 < 240) for number in range(480)]
    assert watched(begin_watch(POLICY, before(day)), [40] * 240)[1].action is Action.WAIT


def test_the_worst_hours_of_a_day_may_be_worse_than_the_day_before_s_by_as_much_as_any() -> None:
    day = [round(30 + 12 * math.sin(2 * math.pi * minute / 1440)) for minute in range(1440)]
    after = [round(1.4 * count) for count in day]
    assert watched(begin_watch(POLICY, before(day)), after)[1].action is Action.WAIT


def test_blindness_calls_a_person_and_never_rolls_back() -> None:
    state, codes = begin_watch(POLICY, before(usual_failures(1, 60))), []
    for number in range(1, 13):
        state, verdict = watch_tick(state, [], number, POLICY)
        assert verdict.action is Action.WAIT
        codes.append(verdict.code)
    assert codes[:9] == ["BLIND"] * 9
    assert codes[9:] == ["BLIND_TOO_LONG"] * 3
    state, verdict = watch_tick(state, [Window(13, Arm((REQUESTS,), (30,)))], 13, POLICY)
    assert verdict.code == "CALM"


def test_without_a_history_nothing_is_ever_proven() -> None:
    number, verdict = watched(begin_watch(POLICY, ()), [3000] * 60)
    assert (number, verdict.action) == (60, Action.WAIT)
    assert "the history before the ramp was short" in verdict.words


def test_doubled_and_late_windows_are_judged_once() -> None:
    state = begin_watch(POLICY, before(usual_failures(1, 60)))
    state, _ = watch_tick(state, [], 1, POLICY)
    window = Window(1, Arm((REQUESTS,), (30,)))
    state, _ = watch_tick(state, [window, window], 2, POLICY)
    again, _ = watch_tick(state, [window], 2, POLICY)
    assert state.requests == again.requests == REQUESTS


def test_the_state_survives_json() -> None:
    state = begin_watch(POLICY, before(usual_failures(1, 60)))
    state, _ = watch_tick(state, [Window(1, Arm((REQUESTS,), (33,)))], 1, POLICY)
    text = json.dumps(state.dump(), allow_nan=False)
    assert len(text) < 2000
    assert WatchState.load(json.loads(text)) == state


@pytest.mark.parametrize(
    "data", [{}, {"version": 4}, {"version": 3}, {"version": 1}, [], {"version": 1, "evidence": 3}]
)
def test_what_is_no_state_is_refused(data: object) -> None:
    with pytest.raises(StateInvalid):
        WatchState.load(data)  # type: ignore[arg-type]


@pytest.mark.parametrize("field", ["most", "usual", "evidence"])
def test_a_state_with_what_is_no_number_is_refused(field: str) -> None:
    data = json.loads(json.dumps(begin_watch(POLICY, before(usual_failures(1, 60))).dump()))
    broken = {
        "most": math.nan,
        "usual": {**data["usual"], "rate": math.inf},
        "evidence": {"ticks": 1, "logs": [math.nan] * 8},
    }
    with pytest.raises(StateInvalid) as refused:
        WatchState.load({**data, field: broken[field]})
    assert "is no number" in refused.value.words


def test_a_service_of_little_traffic_that_vanishes_calls_a_person() -> None:
    state = begin_watch(POLICY, [Window(number, None, Arm((6,), (0,))) for number in range(480)])
    codes = []
    for number in range(1, 20):
        state, verdict = watch_tick(state, [Window(number, Arm((0,), (0,)))], number, POLICY)
        codes.append(verdict.code)
    assert codes[2:4] == ["CALM", "BLIND"], "twenty requests were due"
    assert codes[-1] == "BLIND_TOO_LONG"
    state, verdict = watch_tick(state, [Window(20, Arm((6,), (0,)))], 20, POLICY)
    assert verdict.code == "CALM"


def test_without_a_history_nothing_is_called_calm() -> None:
    _, verdict = watched(begin_watch(POLICY, []), [REQUESTS] * 3)
    assert (verdict.action, verdict.code) == (Action.WAIT, "NO_HISTORY")
    assert "a person must look" in verdict.words


def test_a_service_of_batches_calls_nobody_between_them_and_somebody_when_they_stop() -> None:
    """Three thousand requests in one minute of fifteen."""

    def served(minute: int) -> Arm:
        requests = 0 if minute % 15 else 3000
        return Arm((requests,), (requests // 1000,))

    state = begin_watch(POLICY, [Window(number, None, served(number)) for number in range(1440)])
    for number in range(1, 300):
        state, verdict = watch_tick(state, [Window(number, served(number))], number, POLICY)
        assert verdict.code == "CALM", number
    state = WatchState.load(json.loads(json.dumps(state.dump())))
    for number in range(300, 345):
        state, verdict = watch_tick(state, [Window(number, Arm((0,), (0,)))], number, POLICY)
    assert verdict.code == "BLIND_TOO_LONG"


def test_a_watch_of_before_pauses_were_known_goes_on() -> None:
    state = begin_watch(POLICY, before(usual_failures(1, 480)))
    dumped = state.dump()
    del dumped["pause"], dumped["usual"]["longest_pause"]
    assert WatchState.load({**dumped, "version": 3}) == state


def test_a_service_of_business_hours_calls_nobody_by_night() -> None:
    """Ten busy hours, and a fiftieth of it by night: the quietest hour of the day before is usual."""

    def served(minute: int) -> Arm:
        requests = 30_000 if 480 <= minute % 1440 < 1080 else 600
        return Arm((requests,), (requests // 1000,))

    state = begin_watch(POLICY, [Window(number, None, served(number)) for number in range(1440)])
    for number in range(1, 1000):
        state, verdict = watch_tick(state, [Window(number, served(900 + number))], number, POLICY)
        assert verdict.code == "CALM"
    for number in range(1000, 1012):
        state, verdict = watch_tick(state, [Window(number, Arm((3,), (0,)))], number, POLICY)
    assert verdict.code == "BLIND_TOO_LONG"
    assert "the release has 3 of about 600 requests that were due" in verdict.words
