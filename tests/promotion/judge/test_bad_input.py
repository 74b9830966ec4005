"""Whatever telemetry delivers is never good news and never the release's fault."""

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.promotion.histogram import LatencyHistogram
from slipway.promotion.judge.judge import tick
from slipway.promotion.judge.policy import Policy, PolicyInvalid
from slipway.promotion.judge.reading import dump_window, read_window
from slipway.promotion.judge.state import State, StateInvalid, begin, load
from slipway.promotion.judge.verdict import Action, Verdict
from slipway.promotion.judge.windows import Arm, Half, Window, difference
from tests.promotion.judge.builders import Traffic, a_history, a_window, latencies

POLICY = Policy()


@pytest.fixture(scope="module")
def usual() -> State:
    return begin(POLICY, a_history())


def lived(state: State, windows: dict[int, list[Window]], ticks: int, policy: Policy = POLICY) -> list[Verdict]:
    """The verdicts of all ticks; `windows` by the tick at which they are handed in."""
    verdicts = []
    for now in range(1, ticks + 1):
        state, verdict = tick(state, windows.get(now, []), now, policy)
        verdicts.append(verdict)
    return verdicts


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


BROKEN = [
    {"requests": [100], "failures": [-1]},
    {"requests": [-100], "failures": [0]},
    {"requests": [100], "failures": [101]},
    {"requests": [math.nan], "failures": [0]},
    {"requests": [math.inf], "failures": [0]},
    {"requests": [100, 100], "failures": [1]},
    {"requests": [10**400], "failures": [1]},
    {"requests": [True], "failures": [0]},
    {"requests": ["100"], "failures": ["1"]},
    {"requests": [], "failures": []},
    {"requests": None},
    {"requests": [100], "failures": [1], "own": {"checkout": [10, 11]}},
    {"requests": [100], "failures": [1], "own": {"checkout": 5}},
    [],
    "many",
]


@pytest.mark.parametrize("arm", BROKEN, ids=str)
def test_numbers_that_cannot_be_true_are_blindness_in_words(usual: State, arm: object) -> None:
    good = {"requests": [28_500], "failures": [28]}
    window = read_window({"tick": 1, "canary": arm, "baseline": good})
    assert window.canary is None
    assert window.fault
    _, verdict = tick(usual, [window], 1, POLICY)
    assert (verdict.action, verdict.code) == (Action.WAIT, "BLIND")
    assert window.fault in verdict.words


@pytest.mark.parametrize("data", [{}, {"tick": 0}, {"tick": "3"}, {"tick": math.nan}, {"tick": -4}, [], None])
def test_a_window_without_its_number_is_never_due(usual: State, data: object) -> None:
    window = read_window(data)  # type: ignore[arg-type]
    assert window.tick == 0
    assert window.fault
    assert tick(usual, [window], 1, POLICY)[1].code == "BLIND"


@pytest.mark.parametrize("items", [math.nan, math.inf, 0, -1])
def test_sampling_that_cannot_be_true_is_blindness(usual: State, items: float) -> None:
    assert tick(usual, [a_window(1, items=items)], 1, POLICY)[1].code == "BLIND"


def test_negative_and_absurd_counts_built_in_code_are_blindness_too(usual: State) -> None:
    for canary in ((1500, -3), (-1, 0), (10**400, 5), (1500, 1501)):
        assert tick(usual, [a_window(1, canary)], 1, POLICY)[1].code == "BLIND"


def test_a_counter_that_began_anew_counts_from_zero() -> None:
    assert difference(100, 130) == 30
    assert difference(100, 100) == 0
    assert difference(100, 7) == 7


def test_both_failing_together_is_nobody_s_fault_here(usual: State) -> None:
    windows = {
        number: [a_window(number, (1500, 750), (28_500, 14_250))] if number > 2 else [a_window(number)]
        for number in range(1, 9)
    }
    verdicts = lived(replace(usual), windows, 8)
    assert all(verdict.action is not Action.ROLLBACK for verdict in verdicts)


def test_huge_counts_are_judged(usual: State) -> None:
    huge = 2**52
    _, verdict = tick(usual, [a_window(1, (huge, huge // 1000), (huge, huge // 1000))], 1, POLICY)
    assert verdict.action is Action.WAIT
    _, verdict = tick(usual, [a_window(1, (huge, huge // 2), (huge, huge // 1000))], 1, POLICY)
    assert verdict.action is Action.ROLLBACK


def test_zero_failures_for_ever_advance_and_never_roll_back() -> None:
    state = begin(POLICY, a_history(failures=0))
    for number in range(1, 60):
        requests = round(30_000 * POLICY.steps[state.step])
        state, verdict = tick(state, [a_window(number, (requests, 0), (30_000 - requests, 0))], number, POLICY)
        assert verdict.action is not Action.ROLLBACK
        if verdict.weight == 1:
            break
    assert verdict.weight == 1
    assert "not once in" in verdict.words


def test_nothing_but_failures_is_rolled_back_beside_a_sound_baseline_only(usual: State) -> None:
    assert tick(usual, [a_window(1, (1500, 1500))], 1, POLICY)[1].action is Action.ROLLBACK
    assert tick(usual, [a_window(1, (1500, 1500), (28_500, 28_500))], 1, POLICY)[1].action is Action.WAIT


def test_a_histogram_of_another_layout_is_left_out_and_named() -> None:
    good = {"buckets_per_doubling": 36, "counts": {"240": 1500}}
    other = {"buckets_per_doubling": 20, "counts": {"130": 1500}}
    arm = {"requests": [1500], "failures": [1]}
    window = read_window({"tick": 1, "canary": {**arm, "latencies": other}, "baseline": {**arm, "latencies": good}})
    assert window.canary is not None
    assert window.canary.latencies is None
    assert window.unread == ("latencies of canary: 20 buckets per doubling instead of 36",)
    slow = LatencyHistogram.load({"240": 15_000})
    history = [Window(n, None, Arm((30_000,), (30,), slow), (Half(1, 0, slow), Half(1, 0, slow))) for n in range(40)]
    state, verdict = tick(begin(POLICY, history), [window, replace(window, tick=2)], 2, POLICY)
    assert verdict.action is Action.WAIT
    assert verdict.code in ("METRIC_MISSING", "NOT_ENOUGH_EVIDENCE")
    assert "20 buckets per doubling" in state.partly_words


@pytest.mark.parametrize("counts", [{"240": -1}, {"240": math.nan}, {"240": "many"}, [1, 2], {"first": 3}])
def test_a_histogram_with_impossible_counts_is_never_evidence(counts: object) -> None:
    arm = {"requests": [10], "failures": [1], "latencies": {"buckets_per_doubling": 36, "counts": counts}}
    window = read_window({"tick": 1, "canary": arm, "baseline": arm})
    assert window.fault or (window.unread and window.canary is not None and window.canary.latencies is None)


def test_a_window_survives_json() -> None:
    window = Traffic(1, 300, 0.1).window(4, 0.3)
    arm = replace(
        window.canary or Arm((1,), (0,)), latencies=LatencyHistogram.load({"3": 5}), own={"a": (5, 1)}, cpu=1.0
    )
    window = replace(window, canary=arm)
    assert read_window(dump_window(window)) == window


@pytest.mark.parametrize("value", [1e61, 1e308, 10**400])
@pytest.mark.parametrize("name", ["cpu", "memory"])
def test_a_reading_beyond_all_measure_is_unread(name: str, value: float) -> None:
    arm = {"requests": [28_500], "failures": [28], name: value}
    window = read_window({"tick": 1, "canary": arm, "baseline": arm})
    assert window.canary is not None and getattr(window.canary, name) is None
    assert any(f"canary {name}" in text for text in window.unread)


def test_a_cpu_reading_that_is_no_number_is_left_out(usual: State) -> None:
    arm = {"requests": [28_500], "failures": [28], "cpu": math.nan}
    window = read_window({"tick": 1, "canary": {**arm, "memory": -1}, "baseline": arm})
    assert not window.fault
    assert len(window.unread) == 3
    canary = Arm((1500,), (1,), cpu=math.nan, memory=math.inf)
    state, _ = tick(usual, [replace(a_window(1), canary=canary)], 1, POLICY)
    assert not state.saturation.holds


def test_a_margin_of_nothing_is_allowed_and_stricter() -> None:
    none, usual_margin = Policy(error_margin=0, latency_margin=0), POLICY
    window = a_window(1, (15_000, 30), (15_000, 15))
    strict = tick(begin(none, a_history()), [window], 1, none)[1]
    usual_one = tick(begin(usual_margin, a_history()), [window], 1, usual_margin)[1]
    assert strict.e_value > usual_one.e_value


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"false_rollback": 0}, "FALSE_ROLLBACK_INVALID"),
        ({"false_rollback": 1}, "FALSE_ROLLBACK_INVALID"),
        ({"false_rollback": math.nan}, "FALSE_ROLLBACK_INVALID"),
        ({"error_margin": -0.1}, "MARGIN_INVALID"),
        ({"latency_margin": math.nan}, "MARGIN_INVALID"),
        ({"steps": ()}, "STEPS_INVALID"),
        ({"steps": (0.5,)}, "STEPS_INVALID"),
        ({"steps": (0.5, 0.25, 1.0)}, "STEPS_INVALID"),
        ({"steps": (0.0, 1.0)}, "STEPS_INVALID"),
        ({"steps": (math.nan, 1.0)}, "STEPS_INVALID"),
        ({"ramp": "hasty"}, "RAMP_UNKNOWN"),
        ({"tick_s": 0}, "TIME_INVALID"),
        ({"tick_s": math.nan}, "TIME_INVALID"),
        ({"delay_ticks": -1}, "TIME_INVALID"),
        ({"blind_ticks": 0}, "TIME_INVALID"),
        ({"budget": -5}, "BUDGET_INVALID"),
        ({"patience_ticks": 1}, "PATIENCE_INVALID"),
        ({"own_metrics": ("failures",)}, "METRICS_INVALID"),
        ({"own_metrics": ("a", "a")}, "METRICS_INVALID"),
        ({"own_metrics": tuple("abcdef")}, "METRICS_INVALID"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(change: dict[str, object], code: str) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        Policy(**change)  # type: ignore[arg-type]
    assert refused.value.code == code


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


@pytest.mark.parametrize("margin", [3.5, 5.0, 9.0])
def test_a_wide_margin_is_judged_like_any_other(margin: float) -> None:
    policy = Policy(error_margin=margin)
    state = begin(policy, a_history())
    for number in range(1, 6):
        state, verdict = tick(state, [a_window(number)], number, policy)
    assert verdict.action in (Action.WAIT, Action.ADVANCE)


@pytest.mark.parametrize(
    ("name", "value"),
    [("proven", math.nan), ("proven", -1.0), ("judged_here", math.nan), ("settled", "5"), ("since", None)],
)
def test_a_state_with_numbers_that_none_can_be_is_damaged(usual: State, name: str, value: object) -> None:
    with pytest.raises(StateInvalid) as invalid:
        load({**usual.dump(), name: value}, Policy())
    assert invalid.value.code == "STATE_UNREADABLE"


def test_halves_that_hold_more_than_the_baseline_are_not_believed(usual: State) -> None:
    """Swollen halves would look like bursts, and mute the judge for good."""
    swollen = (Half(14_250, 4_000), Half(14_250, 10))
    bad = [replace(a_window(number, (1500, 300)), halves=swollen) for number in (1, 2, 3)]
    verdicts = lived(usual, {window.tick: [window] for window in bad}, 3)
    assert {verdict.code for verdict in verdicts} == {"BLIND"}
    assert "the baseline's halves hold more than the baseline: 4,010 failures of 28" in verdicts[0].words


def test_halves_may_lack_instances_without_a_name(usual: State) -> None:
    halves = (Half(14_000, 14), Half(14_000, 13))
    verdicts = lived(usual, {1: [replace(a_window(1), halves=halves)]}, 1)
    assert verdicts[0].code == "TOO_SOON"


def test_cold_is_true_or_false_and_nothing_else() -> None:
    data = dump_window(a_window(1))
    assert read_window({**data, "cold": True}).cold
    assert "'yes' is neither true nor false" in read_window({**data, "cold": "yes"}).fault


def test_a_canary_that_never_gets_warm_is_withdrawn_and_not_blamed(usual: State) -> None:
    """Two ticks of warm-up and the ten that it may be blind; beyond the warm-up a warm one takes a cold one back."""
    cold = {number: [a_window(number, cold=number != 4)] for number in range(1, 30)}
    verdicts = lived(usual, cold, 15)
    assert {verdict.code for verdict in verdicts[4:14]} == {"WARMING_UP"}
    assert (verdicts[14].action, verdicts[14].code, verdicts[14].weight) == (Action.WITHDRAW, "NEVER_WARM", 0.0)
    assert "not blamed" in verdicts[14].words


def test_a_histogram_of_another_layout_holds_the_ramp_even_without_a_history_of_latencies(usual: State) -> None:
    data = dump_window(a_window(1))
    alien = {**data["canary"], "latencies": {"buckets_per_doubling": 20, "counts": {"1": 5}}}
    windows = {number: [read_window({**data, "tick": number, "canary": alien})] for number in range(1, 12)}
    verdicts = lived(usual, windows, 10)
    assert {verdict.code for verdict in verdicts[2:9]} == {"METRIC_MISSING"}
    assert verdicts[9].code == "BLIND_TOO_LONG"


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


@pytest.mark.parametrize("wrong", [{"delay_ticks": 10**9}, {"blind_ticks": 101}])
def test_a_delay_or_a_blindness_without_a_sensible_end_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(PolicyInvalid) as refused:
        Policy(**wrong)  # type: ignore[arg-type]
    assert refused.value.code == "TIME_INVALID"
