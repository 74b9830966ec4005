"""A load test speaks against a release only on numbers that are about the release."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.promotion.histogram import LatencyHistogram
from slipway.promotion.load_judgement import LoadMeasurement, judge_load
from slipway.promotion.outcomes import Outcome
from slipway.promotion.plan import LoadTest

ERRORS_AND_P95 = LoadTest("everyday", rate_per_s=40, duration_s=4, path="/", p95_ms=300, error_rate=0.01)


def measured(latencies: dict[float, int], unanswered: int = 0, **more: Any) -> LoadMeasurement:
    """`latencies` as {ms: count}; errors count the unanswered unless told otherwise."""
    histogram = LatencyHistogram()
    for ms, count in latencies.items():
        histogram.record(ms, count)
    sent = histogram.count + unanswered
    told = {"errors": unanswered, "lag_p99_ms": 1.0, "duration_s": 4.0} | more
    return LoadMeasurement(sent=sent, answered=histogram.count, histogram=histogram, **told)


def test_a_release_within_all_thresholds_passes_and_shows_its_numbers() -> None:
    answer = judge_load(ERRORS_AND_P95, measured({20: 155, 290: 5}, errors=1))
    assert answer.outcome is Outcome.PASSED
    assert answer.words == "160 requests, error rate 0.62 %, p95 20 ms"
    assert answer.result == {
        "p50_ms": pytest.approx(20, rel=0.02),
        "p95_ms": pytest.approx(20, rel=0.02),
        "p99_ms": pytest.approx(290, rel=0.02),
        "error_rate": 0.00625,
        "requests": 160,
    }
    json.dumps(answer.dump(), allow_nan=False)


def test_too_many_errors_fail_the_release() -> None:
    answer = judge_load(ERRORS_AND_P95, measured({20: 160}, errors=34))
    assert (answer.outcome, answer.code) == (Outcome.FAILED, "LOAD_ERROR_RATE")
    assert answer.words == "error rate 21.2 % of 160 requests, allowed 1 %"
    assert answer.result["error_rate"] == 0.2125


def test_slow_answers_fail_the_release() -> None:
    answer = judge_load(ERRORS_AND_P95, measured({20: 140, 405: 20}))
    assert (answer.outcome, answer.code) == (Outcome.FAILED, "LOAD_LATENCY")
    assert answer.words == "p95 406 ms, allowed 300 ms"


def test_every_threshold_that_is_broken_is_named() -> None:
    test = LoadTest("all", 40, 4, "/", p50_ms=5, p95_ms=300, p99_ms=1000, error_rate=0.01)
    answer = judge_load(test, measured({8: 140, 405: 20}, errors=16))
    assert answer.code == "LOAD_ERROR_RATE"
    assert answer.words == (
        "error rate 10 % of 160 requests, allowed 1 %; p50 8 ms, allowed 5 ms; p95 406 ms, allowed 300 ms"
    )


def test_a_release_at_its_limit_passes() -> None:
    limit = LoadTest("limit", 40, 2.5, "/", error_rate=0.05, p95_ms=256)
    assert judge_load(limit, measured({256: 100}, errors=5)).outcome is Outcome.PASSED


def test_requests_that_were_never_answered_count_as_slower_than_any_answer() -> None:
    only_latency = LoadTest("latency", 40, 4, "/", p95_ms=300)
    answer = judge_load(only_latency, measured({20: 140}, unanswered=20))
    assert (answer.outcome, answer.code) == (Outcome.FAILED, "LOAD_LATENCY")
    assert answer.words == "p95 no answer, allowed 300 ms"
    assert (answer.result["p95_ms"], answer.result["error_rate"]) == (None, 0.125)
    json.dumps(answer.dump(), allow_nan=False)


def test_silence_is_not_blamed_on_the_release() -> None:
    answer = judge_load(ERRORS_AND_P95, measured({}, unanswered=160))
    assert (answer.outcome, answer.code) == (Outcome.NOT_ENOUGH_EVIDENCE, "LOAD_NOT_ANSWERED")


def test_a_release_that_answers_hardly_anything_fails() -> None:
    answer = judge_load(ERRORS_AND_P95, measured({20: 1}, unanswered=159))
    assert answer.code == "LOAD_ERROR_RATE"
    assert "error rate 99.4 % of 160 requests" in answer.words


def test_latencies_of_a_driver_that_was_late_itself_prove_nothing() -> None:
    answer = judge_load(ERRORS_AND_P95, measured({900: 160}, lag_p99_ms=10.1))
    assert (answer.outcome, answer.code) == (Outcome.NOT_ENOUGH_EVIDENCE, "LOAD_DRIVER_LATE")
    assert "p99 10.1 ms, allowed 10 ms" in answer.words
    assert answer.result["requests"] == 160


def test_errors_prove_a_bad_release_however_late_the_driver_was() -> None:
    answer = judge_load(ERRORS_AND_P95, measured({20: 160}, errors=32, lag_p99_ms=80.0))
    assert (answer.outcome, answer.code) == (Outcome.FAILED, "LOAD_ERROR_RATE")


def test_latencies_within_the_threshold_count_however_late_the_driver_was() -> None:
    assert judge_load(ERRORS_AND_P95, measured({200: 160}, lag_p99_ms=80.0)).outcome is Outcome.PASSED


def test_too_few_requests_prove_nothing() -> None:
    assert judge_load(ERRORS_AND_P95, measured({20: 144})).outcome is Outcome.PASSED
    answer = judge_load(ERRORS_AND_P95, measured({20: 143}))
    assert (answer.outcome, answer.code) == (Outcome.NOT_ENOUGH_EVIDENCE, "LOAD_NOT_SENT")
    assert answer.words == "sent 143 of 160 requests that were due; at least 90% are needed"


def test_no_request_at_all_proves_nothing() -> None:
    answer = judge_load(ERRORS_AND_P95, LoadMeasurement())
    assert answer.outcome is Outcome.NOT_ENOUGH_EVIDENCE
    assert answer.result["p50_ms"] is None


COUNTS = st.integers(0, 1000)
MEASUREMENTS = st.builds(
    measured,
    st.dictionaries(st.sampled_from([1.0, 5.0, 20.0, 400.0]), st.integers(1, 50)),
    COUNTS,
    errors=COUNTS,
    lag_p99_ms=st.integers(0, 50).map(float),
    duration_s=st.integers(0, 30).map(float),
)


@given(MEASUREMENTS, MEASUREMENTS, MEASUREMENTS)
def test_measurements_merge_in_any_order(a: LoadMeasurement, b: LoadMeasurement, c: LoadMeasurement) -> None:
    assert a.merge(b) == b.merge(a)
    assert a.merge(b).merge(c) == a.merge(b.merge(c))
    assert a.merge(LoadMeasurement()) == a


@given(MEASUREMENTS)
def test_a_measurement_survives_the_journey_as_json(measurement: LoadMeasurement) -> None:
    assert LoadMeasurement.load(json.loads(json.dumps(measurement.dump()))) == measurement


def test_one_late_driver_of_many_is_not_averaged_away() -> None:
    together = measured({20: 80}).merge(measured({900: 80}, lag_p99_ms=80.0))
    assert judge_load(ERRORS_AND_P95, together).code == "LOAD_DRIVER_LATE"
