"""A release is called slower than the one before it in a test of Azure's only on proof, and mostly when it is."""

import json
import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.promotion.load_runs.comparison import KeptRun, compare_run
from slipway.promotion.load_runs.measured import Course, RunMeasurement
from slipway.promotion.load_runs.plan import LoadRunPlan
from slipway.promotion.loads import compare, kept_of, load_kept
from slipway.promotion.outcomes import Outcome
from slipway.promotion.plan import LoadTest
from tests.promotion.load_courses import Weather, a_course, a_course_of_requests, a_run
from tests.promotion.load_runs import SHAPES

RUN = LoadRunPlan("/subscriptions/1/resourceGroups/shop/providers/Microsoft.LoadTestService/loadTests/loads", "peak")
PEAK = LoadTest("peak", 0.0, 0.0, "/", p95_ms=1000, against="previous", run=RUN)


def measured(ms: float = 100.0, buckets: int = 48, errors: float = 0.0, **more: Any) -> RunMeasurement:
    """A run without any unevenness."""
    series = (250.0,) * buckets, (errors,) * buckets, (ms,) * buckets, (2 * ms,) * buckets
    return replace(a_run(Course(5.0, *series)), **more)


def kept(run: RunMeasurement, test: LoadTest = PEAK) -> KeptRun:
    return KeptRun("1.0.0", test, run)


def test_a_first_release_has_nothing_to_be_compared_with_and_passes() -> None:
    answer = compare_run(PEAK, measured(), None)
    assert (answer.outcome, answer.words) == (Outcome.PASSED, "nothing to compare with yet")


@pytest.mark.parametrize(
    ("test", "run", "why"),
    [
        (replace(PEAK, run=replace(RUN, test="other")), measured(), "another test"),
        (
            replace(PEAK, run=replace(RUN, env={"TARGET_HOST": "{host}", "SIZE": "9"})),
            measured(),
            "its variables differ",
        ),
        (PEAK, measured(users=80), "80 users of 1 engines, now 50 of 1"),
        (PEAK, measured(transactions=("home", "basket")), "its requests have other names"),
        (PEAK, measured(buckets=80), "it lasted for another time"),
        (
            PEAK,
            a_run(Course(10.0, (500.0,) * 48, (0.0,) * 48, (100.0,) * 48, (100.0,) * 48)),
            "it lasted for another time",
        ),
    ],
)
def test_what_was_measured_under_another_load_is_no_measure(test: LoadTest, run: RunMeasurement, why: str) -> None:
    answer = compare_run(PEAK, measured(900), kept(run, test))
    assert answer.outcome is Outcome.PASSED
    assert answer.words == f"nothing to compare with: 1.0.0 was measured under another load ({why})"


def test_a_run_whose_course_nobody_knows_is_no_measure_and_cannot_be_measured() -> None:
    blind = replace(measured(), course=Course())
    assert compare_run(PEAK, measured(900), kept(blind)).words.startswith("nothing to compare with: Azure never told")
    answer = compare_run(PEAK, blind, kept(measured()))
    assert (answer.outcome, answer.code) == (Outcome.NOT_ENOUGH_EVIDENCE, "LOAD_TOO_FEW_TO_COMPARE")


def test_a_run_of_less_than_a_minute_tells_nothing_and_says_so() -> None:
    short = measured(buckets=13)
    answer = compare_run(PEAK, short, kept(short))
    assert answer.code == "LOAD_TOO_FEW_TO_COMPARE"
    assert answer.words == "the run cannot show whether mean and p95 doubled since 1.0.0: let it last longer"
    assert compare_run(PEAK, measured(buckets=14), kept(measured(buckets=14))).outcome is Outcome.PASSED


def test_a_slower_release_fails_in_plain_words_and_one_as_fast_passes() -> None:
    slower = compare_run(PEAK, measured(150), kept(measured(100)))
    assert (slower.outcome, slower.code) == (Outcome.FAILED, "LOAD_SLOWER_THAN_PREVIOUS")
    assert slower.words == (
        "mean 150 ms, 1.5 × the 100 ms of 1.0.0 (at least 1.3 × with 99 % confidence); "
        "p95 300 ms, 1.5 × the 200 ms of 1.0.0 (at least 1.3 × with 99 % confidence)"
    )
    same = compare_run(PEAK, measured(100), kept(measured(100)))
    assert (same.outcome, same.words) == (Outcome.PASSED, "1.0.0: p95 200 ms")
    assert same.result["previous"]["requests"] == 12_000
    json.dumps(slower.dump(), allow_nan=False)


def test_a_few_milliseconds_more_are_no_difference() -> None:
    assert compare_run(PEAK, measured(7), kept(measured(3))).outcome is Outcome.PASSED
    assert compare_run(PEAK, measured(40), kept(measured(3))).outcome is Outcome.FAILED


def test_more_errors_fail_and_a_few_more_prove_nothing() -> None:
    answer = compare_run(PEAK, measured(errors=25), kept(measured(errors=2)))
    assert (answer.outcome, answer.code) == (Outcome.FAILED, "LOAD_MORE_ERRORS_THAN_PREVIOUS")
    assert answer.words.startswith("error rate 10 %, after 0.8 % of 1.0.0 (at least ")
    assert compare_run(PEAK, measured(errors=3), kept(measured(errors=2))).outcome is Outcome.PASSED


def test_errors_that_all_came_at_once_weigh_less_than_those_of_the_whole_run() -> None:
    at_once = measured()
    burst = replace(at_once.course, errors=(240.0,) + (0.0,) * 47)
    spread = replace(at_once.course, errors=(5.0,) * 48)
    once, always = (
        compare_run(PEAK, replace(at_once, course=course, errors=240), kept(measured())) for course in (burst, spread)
    )
    assert (once.outcome, always.code) == (Outcome.PASSED, "LOAD_MORE_ERRORS_THAN_PREVIOUS")


def test_ramping_up_and_the_last_bucket_are_left_out() -> None:
    slow_edges = measured()
    cold = (9000.0, *slow_edges.course.mean_ms[1:-1], 9000.0)
    slow_edges = replace(slow_edges, course=replace(slow_edges.course, mean_ms=cold, p95_ms=cold))
    assert compare_run(PEAK, slow_edges, kept(slow_edges)).outcome is Outcome.PASSED
    counts = (10.0, 60.0, *(250.0,) * 45, 20.0)
    assert Course(5.0, requests=counts).steady == slice(3, 46)


@given(st.floats(1, 4), st.floats(1.03, 3))
def test_whoever_is_slower_still_is_never_judged_more_mildly(one: float, more: float) -> None:
    before = kept(measured(100))
    first, second = (compare_run(PEAK, measured(100 * each), before) for each in (one, one * more))
    assert first.outcome is not Outcome.FAILED or second.outcome is Outcome.FAILED


def test_what_the_other_driver_measured_is_no_measure_and_both_are_kept() -> None:
    now = kept_of("1.1", PEAK, measured().dump())
    assert load_kept(json.loads(json.dumps(now.dump()))) == now
    ours = kept_of("1.0", replace(PEAK, run=None), {"sent": 1, "histogram": {}})
    assert load_kept(json.loads(json.dumps(ours.dump()))) == ours
    for one, other in ((now, ours), (ours, now)):
        assert compare(one, other).words == f"nothing to compare with: {other.version} was measured by another driver"
    assert compare(now, now).outcome is Outcome.PASSED


def test_what_is_kept_of_a_long_run_fits_into_one_column() -> None:
    draw = random.Random(1)
    course = a_course(draw, 240, 60.0)
    rounded = Course(60.0, *(tuple(round(each, 2) for each in values) for values in list(vars(course).values())[1:]))
    assert len(json.dumps(kept(a_run(rounded)).dump(), separators=(",", ":"))) < 20_000


# How often it is wrong, and what it sees; seeded. The whole table stands in the ADR.


def verdicts(buckets: int, bucket_s: float, pairs: int, weather: Weather = Weather(), **new: float) -> Counter[str]:  # noqa: B008
    draw, found = random.Random(f"{buckets} {bucket_s} {weather} {new}"), Counter[str]()
    usual = {"error_rate": new["error_rate"]} if "error_rate" in new else {}
    for _ in range(pairs):
        before = kept(a_run(a_course(draw, buckets, bucket_s, weather=weather, **usual)))
        answer = compare_run(PEAK, a_run(a_course(draw, buckets, bucket_s, weather=weather, **new)), before)
        found[answer.code or answer.state] += 1
    return found


WRONG = ("LOAD_SLOWER_THAN_PREVIOUS", "LOAD_MORE_ERRORS_THAN_PREVIOUS")


@pytest.mark.parametrize(("buckets", "bucket_s"), [(26, 5.0), (40, 10.0), (32, 60.0)])
def test_of_a_thousand_healthy_releases_at_most_five_fail(buckets: int, bucket_s: float) -> None:
    found = verdicts(buckets, bucket_s, 1000)
    assert sum(found[code] for code in WRONG) <= 5, found
    assert found["LOAD_TOO_FEW_TO_COMPARE"] <= 10, found


def test_healthy_releases_fail_as_seldom_when_their_buckets_are_made_of_requests() -> None:
    """Shapes of latencies as `load_runs.SHAPES` has them, twenty requests to a bucket of five seconds."""
    draw, found = random.Random(7), Counter[str]()
    for shape in SHAPES.values():
        for _ in range(15):
            old, new = (a_run(a_course_of_requests(draw, shape, 40, 20)) for _ in range(2))
            answer = compare_run(PEAK, new, kept(old))
            found[answer.code or answer.state] += 1
    assert sum(found[code] for code in WRONG) <= 1, found


def test_healthy_releases_with_errors_that_come_in_bursts_fail_no_more_often() -> None:
    found = verdicts(40, 10.0, 300, error_rate=0.01)
    assert sum(found[code] for code in WRONG) <= 3, found


def test_at_the_margin_itself_no_more_fail_than_two_latencies_held_to_one_in_a_hundred_each() -> None:
    found = verdicts(40, 10.0, 1000, slower=1.1)
    assert found["LOAD_SLOWER_THAN_PREVIOUS"] <= 20, found


def test_rougher_machines_cost_sight_and_hardly_any_wrong_verdict() -> None:
    rough = verdicts(40, 10.0, 500, weather=Weather(wanders=0.2, stays=0.8))
    assert sum(rough[code] for code in WRONG) <= 5, rough


@pytest.mark.parametrize(("slower", "caught"), [(1.5, 0.9), (2.0, 0.99)])
def test_slower_releases_are_caught(slower: float, caught: float) -> None:
    found = verdicts(40, 10.0, 100, slower=slower)
    assert found["LOAD_SLOWER_THAN_PREVIOUS"] >= caught * 100, found
