"""What a ramp does: advance, wait, withdraw, roll back, each with a reason in words."""

import json
import random
from dataclasses import replace

import pytest

from slipway.promotion.judge.judge import tick
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.state import State, begin
from slipway.promotion.judge.verdict import Action, Verdict
from slipway.promotion.judge.windows import Arm, Half, Window, with_exposure
from tests.promotion.judge.builders import Traffic, a_history, a_window, latencies, ramps

POLICY = Policy()


@pytest.fixture(scope="module")
def usual() -> State:
    return begin(POLICY, a_history())


def after(state: State, windows: list[Window], policy: Policy = POLICY) -> tuple[State, Verdict]:
    for window in windows:
        state, verdict = tick(state, [window], window.tick, policy)
    return state, verdict


def test_an_outage_is_rolled_back_in_its_first_tick(usual: State) -> None:
    _, verdict = after(usual, [a_window(1, canary=(1500, 300))])
    assert (verdict.action, verdict.code, verdict.weight) == (Action.ROLLBACK, "HARM_PROVEN", 0.0)
    assert "canary fails 204 × as often as baseline, at least" in verdict.words
    assert "with 99 % confidence; 299 excess failures so far of a budget of" in verdict.words
    assert verdict.receipt.changed_by


def test_proven_harm_stays_proven(usual: State) -> None:
    state, _ = after(usual, [a_window(1, canary=(1500, 300))])
    _, verdict = after(state, [a_window(number) for number in range(2, 30)])
    assert verdict.code == "HARM_PROVEN"


def test_nothing_advances_before_two_ticks(usual: State) -> None:
    _, verdict = after(usual, [a_window(1)])
    assert (verdict.action, verdict.code) == (Action.WAIT, "TOO_SOON")
    assert verdict.missing_requests > 0
    assert verdict.missing_s
    assert "more canary requests are needed" in verdict.words


def test_a_calm_ramp_reaches_all_the_traffic_step_by_step(usual: State) -> None:
    state, weights = usual, []
    for number in range(1, 40):
        weight = POLICY.steps[state.step]
        requests = round(30_000 * weight)
        window = a_window(number, (requests, requests // 1000), (30_000 - requests, (30_000 - requests) // 1000))
        state, verdict = tick(state, [window], number, POLICY)
        if verdict.action is Action.ADVANCE:
            weights.append(verdict.weight)
        if verdict.weight == 1:
            break
    assert weights[-2:] == [0.50, 1.0]  # 50 % is never left out: afterwards there is no baseline
    assert number <= 14


def test_not_enough_evidence_says_how_much_is_missing_and_how_long_that_takes(usual: State) -> None:
    _, verdict = after(usual, [a_window(1), a_window(2, (1500, 2))], Policy(budget=5))
    assert (verdict.action, verdict.code) == (Action.WAIT, "NOT_ENOUGH_EVIDENCE")
    assert 0 < verdict.missing_requests <= 4500  # patience goes on after three more ticks
    assert verdict.missing_s == pytest.approx(60 * -(-verdict.missing_requests // 1500))


def test_disquiet_holds_a_ramp(usual: State) -> None:
    _, verdict = after(usual, [a_window(1, (1500, 5)), a_window(2, (1500, 6))])
    assert (verdict.action, verdict.code) == (Action.WAIT, "DISQUIET")
    assert "proof from 100 on" in verdict.words


def test_a_warming_canary_is_forgiven_a_slow_start_but_no_outage(usual: State) -> None:
    _, verdict = after(usual, [a_window(number, (1500, 6), cold=True) for number in (1, 2)])
    assert (verdict.action, verdict.code) == (Action.WAIT, "WARMING_UP")
    _, verdict = after(usual, [a_window(1, (1500, 700), cold=True)])
    assert verdict.action is Action.ROLLBACK


def test_harm_that_begins_late_is_caught_at_once() -> None:
    policy = Policy(steps=(0.5, 1.0), ramp="fixed", patience_ticks=100)
    quiet = [a_window(number, (15_000, 15), (15_000, 15)) for number in range(1, 20)]
    state, verdict = after(begin(policy, a_history()), quiet, policy)
    assert verdict.action is Action.WAIT
    _, verdict = after(state, [a_window(20, (15_000, 90), (15_000, 15))], policy)
    assert verdict.action is Action.ROLLBACK
    assert "in the last tick judged 90 of 15,000 requests, baseline 15 of 15,000" in verdict.words


def test_a_canary_that_leans_to_harm_is_watched_longer_before_it_gets_all_the_traffic() -> None:
    def ticks_at_half(canary_failures: int) -> int:
        state = begin(POLICY, a_history(requests=600, failures=6), 0.5)
        for number in range(1, 80):
            window = a_window(number, (300, canary_failures if number % 3 else 4), (300, 3))
            state, verdict = tick(state, [window], number, POLICY)
            if verdict.action is Action.ADVANCE:
                break
        return number

    assert ticks_at_half(3) <= 7
    assert ticks_at_half(4) == 14


def test_a_fixed_ramp_takes_its_time_and_every_step() -> None:
    policy = Policy(ramp="fixed")
    state, advanced = begin(policy, a_history()), []
    for number in range(1, 60):
        requests = round(30_000 * policy.steps[state.step])
        window = a_window(number, (requests, 0), (30_000 - requests, 30))
        state, verdict = tick(state, [window], number, policy)
        if verdict.action is Action.ADVANCE:
            advanced.append((number, verdict.weight))
        if verdict.weight == 1:
            break
    assert advanced == [(10, 0.10), (20, 0.25), (30, 0.50), (40, 1.0)]


def test_a_careful_ramp_waits_for_a_proof_that_nothing_is_worse() -> None:
    usual_way = ramps(5, 30_000, 0.001)
    careful = ramps(5, 30_000, 0.001, policy=Policy(ramp="careful"))
    assert min(number for number, _, _ in careful) > max(number for number, _, _ in usual_way)


def test_low_traffic_starts_where_requests_come_and_says_how_long_it_takes() -> None:
    state = begin(POLICY, a_history(requests=6, failures=0))
    assert POLICY.steps[state.step] == 0.50
    state, verdict = tick(state, [a_window(1, (3, 0), (3, 0))], 1, POLICY)
    state, verdict = tick(state, [a_window(2, (3, 0), (3, 0))], 2, POLICY)
    assert verdict.code == "NOT_ENOUGH_EVIDENCE"
    assert verdict.words.startswith("6 of at least 50 canary requests judged; about 44 more canary requests")
    assert "15 minutes at this traffic" in verdict.words


def test_without_traffic_it_never_advances_and_says_so() -> None:
    state = begin(POLICY, ())
    for number in range(1, 100):
        state, verdict = tick(state, [a_window(number, (0, 0), (0, 0))], number, POLICY)
        assert verdict.action is Action.WAIT
    assert "at this traffic it will never be enough" in verdict.words
    assert verdict.missing_s is None


def test_a_live_version_that_was_a_canary_of_late_hides_no_traffic() -> None:
    """It had a twentieth of the traffic, then half, and all of it for the last quarter of an hour."""
    canary = [*a_history(450, requests=2, failures=0), *a_history(15, requests=15, failures=0)]
    state = begin(POLICY, [*canary, *a_history(15, requests=300, failures=0)])
    assert (state.step, state.per_tick) == (0, 300)
    assert begin(POLICY, a_history(requests=300, failures=0)).per_tick == 300


def test_the_traffic_of_a_service_with_batches_is_what_ten_ticks_bring() -> None:
    history = [window for _ in range(48) for window in (*a_history(9, 0, 0), *a_history(1, 100, 0))]
    assert begin(POLICY, history).per_tick == 10


def hungry(number: int, cpu: float) -> Window:
    canary, baseline = Arm((1500,), (0,), cpu=cpu), Arm((28_500,), (28,), cpu=1.0)
    return Window(number, canary, baseline, a_window(number).halves)


def test_more_cpu_for_three_ticks_holds_the_ramp_until_three_are_calm_and_blames_nobody(usual: State) -> None:
    state, verdict = after(usual, [hungry(number, 1.5) for number in range(1, 12)])
    assert (verdict.action, verdict.code) == (Action.WAIT, "SATURATED")
    assert "the canary needs 1.5 × the baseline's CPU per request" in verdict.words
    assert "three ticks running within the limits of CPU and memory: as usual" in verdict.receipt.changed_by
    state, verdict = after(state, [hungry(number, 1.2) for number in (12, 13)])
    assert verdict.code == "SATURATED"
    _, verdict = after(state, [hungry(14, 1.2)])
    assert verdict.action is Action.ADVANCE


def test_a_reading_by_chance_within_the_limit_does_not_let_a_hungry_canary_pass(usual: State) -> None:
    state, _ = after(usual, [hungry(number, 1.5) for number in range(1, 8)])
    for number in range(8, 40):
        state, verdict = after(state, [hungry(number, 1.29 if number % 3 == 0 else 1.5)])
        assert verdict.code == "SATURATED"


def test_the_last_step_is_not_taken_on_a_tick_that_is_short_of_cpu() -> None:
    def half_of_it(number: int, cpu: float) -> Window:
        canary, baseline = Arm((15_000,), (15,), cpu=cpu), Arm((15_000,), (15,), cpu=1.0)
        return Window(number, canary, baseline, a_window(number, baseline=(15_000, 15)).halves)

    policy = Policy(ramp="fixed", patience_ticks=2)
    state = begin(policy, a_history(), 0.5)
    state, verdict = after(state, [half_of_it(1, 1.0), half_of_it(2, 1.5)], policy)
    assert (verdict.action, verdict.code) == (Action.WAIT, "SATURATED")
    _, verdict = after(state, [half_of_it(3, 1.0)], policy)
    assert (verdict.action, verdict.weight) == (Action.ADVANCE, 1.0)


def test_memory_that_would_be_full_within_the_bake_holds_the_ramp(usual: State) -> None:
    def leaking(number: int) -> Window:
        canary, baseline = Arm((1500,), (0,), memory=0.5 + 0.02 * number), Arm((28_500,), (28,), memory=0.5)
        return Window(number, canary, baseline, a_window(number).halves)

    state = usual
    verdicts = []
    for number in range(1, 12):
        state, verdict = tick(state, [leaking(number)], number, Policy(ramp="fixed"))
        verdicts.append(verdict)
    assert verdicts[-1].code == "SATURATED"
    assert "would be full in 14 ticks" in verdicts[-1].words


def test_slower_latencies_are_rolled_back_and_equal_ones_are_not() -> None:
    rng = random.Random(5)

    def window(number: int, weight: float, scale: float) -> Window:
        halves = [latencies(rng, 400) for _ in range(2)]
        together = halves[0].merge(halves[1])
        first, second = (Half(half.count, 0, half) for half in halves)
        canary = Arm((400,), (0,), latencies(rng, 400, scale)) if weight else None
        return Window(number, canary, Arm((800,), (0,), together), (first, second))

    history = [window(number, 0, 1) for number in range(60)]
    for scale, rolled_back in ((1.0, False), (1.5, True)):
        state = begin(POLICY, history)
        for number in range(1, 9):
            state, verdict = tick(state, [window(number, 0.3, scale)], number, POLICY)
            if verdict.action is Action.ROLLBACK:
                break
        assert (verdict.action is Action.ROLLBACK) is rolled_back
    assert "canary is slower than the p50" in verdict.words or "canary is slower than the p95" in verdict.words


def test_the_users_own_metrics_share_a_fifth_of_the_budget_and_can_roll_back() -> None:
    policy = Policy(own_metrics=("checkout", "search"))
    assert sum(policy.shares().values()) == pytest.approx(1)
    assert policy.shares()["checkout"] == pytest.approx(0.10)
    assert policy.shares()["failures"] == pytest.approx(0.64)

    def window(number: int, bad: int) -> Window:
        canary = Arm((1500,), (1,), own={"checkout": (300, bad), "search": (10, 0)})
        baseline = Arm((28_500,), (28,), own={"checkout": (5700, 57), "search": (190, 0)})
        halves = (
            Half(14_250, 14, own={"checkout": (2850, 28), "search": (95, 0)}),
            Half(14_250, 14, own={"checkout": (2850, 29), "search": (95, 0)}),
        )
        return Window(number, canary, baseline, halves)

    _, verdict = after(begin(policy, a_history()), [window(number, 150) for number in range(1, 7)], policy)
    assert verdict.action is Action.ROLLBACK
    assert verdict.words.startswith("canary misses checkout 50 × as often as baseline")
    _, verdict = tick(begin(policy, a_history()), [window(1, 3)], 1, policy)
    assert verdict.action is Action.WAIT


def test_a_promised_metric_that_is_missing_holds_then_withdraws_the_ramp() -> None:
    policy = Policy(own_metrics=("checkout",))
    state, actions = begin(policy, a_history()), []
    for number in range(1, 11):
        state, verdict = tick(state, [a_window(number)], number, policy)
        actions.append((verdict.action, verdict.code))
    assert actions[2] == (Action.WAIT, "METRIC_MISSING")
    assert actions[-1] == (Action.WITHDRAW, "BLIND_TOO_LONG")
    assert "no checkout" in verdict.words


def test_a_window_from_before_all_the_traffic_that_comes_late_can_still_prove_harm() -> None:
    policy = Policy(steps=(0.5, 1.0), delay_ticks=2)
    state = begin(policy, a_history())
    for number in range(1, 40):
        before = [a_window(number - 2, (15_000, 0), (15_000, 15))] if number > 2 else []
        state, verdict = tick(state, before, number, policy)
        if verdict.weight == 1:
            break
    state, verdict = tick(state, [a_window(number - 1, (15_000, 0), (15_000, 15))], number + 1, policy)
    assert (verdict.action, verdict.code) == (Action.WAIT, "RAMP_OVER")
    _, verdict = tick(state, [a_window(number, (15_000, 3000), (15_000, 15))], number + 2, policy)
    assert verdict.action is Action.ROLLBACK


def test_a_receipt_is_plain_json_and_holds_what_the_verdict_rests_on(usual: State) -> None:
    _, verdict = after(usual, [a_window(1), a_window(2)])
    receipt = json.loads(json.dumps(verdict.receipt.dump()))
    assert receipt["threshold"] == pytest.approx(100)
    assert receipt["metrics"][0]["canary_requests"] == 3000
    assert receipt["changed_by"]


def test_the_same_input_gives_the_same_verdict(usual: State) -> None:
    windows = [Traffic(3, 30_000, 0.001).window(number, 0.05) for number in (1, 2)]
    assert tick(usual, windows, 2, POLICY) == tick(usual, windows, 2, POLICY)


def test_a_healthy_service_is_left_alone_and_a_harmful_release_is_not() -> None:
    healthy = ramps(12, 30_000, 0.001)
    assert all(verdict.action is Action.ADVANCE for _, verdict, _ in healthy)
    assert sorted(number for number, _, _ in healthy)[6] <= 11
    bursty = ramps(12, 30_000, 0.001, burst=5)
    assert sum(verdict.action is Action.ROLLBACK for _, verdict, _ in bursty) <= 1
    doubled = ramps(12, 30_000, 0.001, harm=lambda number: 2.0)
    assert sum(verdict.action is Action.ROLLBACK for _, verdict, _ in doubled) >= 11
    assert sum(excess for _, _, excess in doubled) / 12 < 60
    late = ramps(6, 300_000, 0.001, harm=lambda number: 5.0 if number >= 5 else 1.0)
    assert all(verdict.action is Action.ROLLBACK and number <= 6 for number, verdict, _ in late)


@pytest.mark.parametrize("blocks", [1, 2])
def test_words_after_a_storm_of_seconds_say_no_more_than_the_evidence(blocks: int) -> None:
    """All requests of ten or twenty seconds fail, and then none: no ratio is proven with any confidence."""
    policy = Policy()
    state, traffic = begin(policy, Traffic(7, 30_000, 0.001).history(120)), Traffic(3, 30_000, 0.001)
    for number in range(1, 12):
        window = traffic.window(number, policy.steps[state.step])
        assert window.canary is not None
        if number == 5:
            failures = tuple(
                requests if block < blocks else failed
                for block, (requests, failed) in enumerate(
                    zip(window.canary.requests, window.canary.failures, strict=True)
                )
            )
            window = replace(window, canary=replace(window.canary, failures=failures))
        state, verdict = tick(state, [window], number, policy)
        assert verdict.action is not Action.ROLLBACK
        assert (verdict.metrics[0].at_least or 0.0) <= policy.tolerated("failures")
        assert "99 % confidence" not in verdict.words


def test_a_tick_in_which_a_share_settles_is_evidence_and_no_time_at_that_share() -> None:
    policy = Policy(ramp="fixed", patience_ticks=2)
    state = begin(policy, a_history())
    for number in (1, 2):
        [window] = with_exposure([a_window(number)], exposed_from=3)
        state, verdict = tick(state, [window], number, policy)
        assert (verdict.action, verdict.code) == (Action.WAIT, "TOO_SOON")
    assert verdict.words.startswith("0 of at least 2 ticks judged at 5%")
    assert verdict.receipt.metrics[0].canary_requests == 3000
    for number in (3, 4):
        state, verdict = tick(state, [a_window(number)], number, policy)
    assert verdict.code == "PATIENCE_OVER"


def test_harm_is_proven_whether_the_share_has_settled_or_not() -> None:
    state = begin(Policy(), a_history())
    [window] = with_exposure([a_window(1, canary=(300, 90), baseline=(29_700, 30))], exposed_from=None)
    assert tick(state, [window], 1, Policy())[1].action is Action.ROLLBACK


def test_where_requests_are_added_a_ramp_begins_at_the_share_that_they_fill() -> None:
    quiet = a_history(requests=20, failures=0)
    assert begin(Policy(), quiet).step == 2, "5 % of 20 requests a tick are ten in ten ticks"
    assert begin(Policy(), quiet, added_per_tick=120).step == 0
