"""Whatever telemetry delivers, numbers that cannot be are never evidence and never the release's fault."""

import math
from dataclasses import replace

import pytest

from slipway.promotion.histogram import LatencyHistogram
from slipway.promotion.judge.judge import tick
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.reading import dump_window, read_window
from slipway.promotion.judge.state import State, StateInvalid, begin, load
from slipway.promotion.judge.verdict import Action
from slipway.promotion.judge.windows import Arm, Half, Window, difference
from tests.promotion.judge.builders import Traffic, a_history, a_window, lived

POLICY = Policy()


@pytest.fixture(scope="module")
def usual() -> State:
    return begin(POLICY, a_history())


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
    assert read_window(dump_window(window)).unread == window.unread
    canary = Arm((1500,), (1,), cpu=math.nan, memory=math.inf)
    state, _ = tick(usual, [replace(a_window(1), canary=canary)], 1, POLICY)
    assert not state.saturation.holds


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


def test_a_histogram_of_another_layout_holds_the_ramp_even_without_a_history_of_latencies(usual: State) -> None:
    data = dump_window(a_window(1))
    alien = {**data["canary"], "latencies": {"buckets_per_doubling": 20, "counts": {"1": 5}}}
    windows = {number: [read_window({**data, "tick": number, "canary": alien})] for number in range(1, 12)}
    verdicts = lived(usual, windows, 10)
    assert {verdict.code for verdict in verdicts[2:9]} == {"METRIC_MISSING"}
    assert verdicts[9].code == "BLIND_TOO_LONG"
