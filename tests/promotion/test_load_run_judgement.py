"""A run of Azure Load Testing speaks against a release only by its numbers, and by the test's own criteria."""

import json
from dataclasses import replace
from typing import Any

import pytest

from slipway.promotion.load_runs.judgement import judge_run
from slipway.promotion.load_runs.measured import FAILED, NOT_APPLICABLE, PASSED, RunMeasurement
from slipway.promotion.load_runs.plan import IGNORED, LoadRunPlan
from slipway.promotion.outcomes import Outcome
from slipway.promotion.plan import LoadTest

RUN = LoadRunPlan("/subscriptions/1/resourceGroups/shop/providers/Microsoft.LoadTestService/loadTests/loads", "peak")
LIMITS = LoadTest("peak", 0.0, 0.0, "/", p50_ms=100, p95_ms=300, p99_ms=900, error_rate=0.01, run=RUN)
NO_LIMITS = LoadTest("peak", 0.0, 0.0, "/", run=RUN)


def a_run(**more: Any) -> RunMeasurement:
    sound = RunMeasurement("slipway-1", 9000, 9, 60.0, 50.0, 120.0, 231.0, 400.0, 50, 2, ("home",), PASSED)
    return replace(sound, page="https://portal.azure.com/a-run", **more)


def test_a_run_within_all_thresholds_passes_and_shows_its_numbers_and_its_page() -> None:
    answer = judge_run(LIMITS, a_run())
    assert answer.outcome is Outcome.PASSED
    assert answer.words == "9000 requests, error rate 0.1 %, p95 231 ms, its own criteria met"
    assert answer.result == {
        "p50_ms": 50.0,
        "p95_ms": 231.0,
        "p99_ms": 400.0,
        "error_rate": 0.001,
        "requests": 9000,
        "run": "slipway-1",
        "page": "https://portal.azure.com/a-run",
    }
    json.dumps(answer.dump(), allow_nan=False)


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        ({"errors": 1800}, "LOAD_ERROR_RATE", "error rate 20 % of 9000 requests, allowed 1 %"),
        ({"p50_ms": 101.0}, "LOAD_LATENCY", "p50 101 ms, allowed 100 ms"),
        ({"p95_ms": 410.0}, "LOAD_LATENCY", "p95 410 ms, allowed 300 ms"),
        ({"p99_ms": 950.0}, "LOAD_LATENCY", "p99 950 ms, allowed 900 ms"),
        (
            {"criteria": FAILED, "unmet": ("p95 of response_time_ms > 200 (231)",)},
            "LOAD_CRITERIA",
            "criteria of the test not met: p95 of response_time_ms > 200 (231)",
        ),
        ({"criteria": FAILED}, "LOAD_CRITERIA", "criteria of the test not met: Azure does not say which"),
    ],
)
def test_what_is_beyond_a_threshold_or_a_criterion_fails(more: dict[str, Any], code: str, words: str) -> None:
    answer = judge_run(LIMITS, a_run(**more))
    assert (answer.outcome, answer.code) == (Outcome.FAILED, code)
    assert answer.words == f"{words}; the run is slipway-1"


def test_all_that_is_wrong_is_told_and_errors_give_the_code() -> None:
    answer = judge_run(LIMITS, a_run(errors=1800, p95_ms=410.0, criteria=FAILED, unmet=("x",)))
    assert answer.code == "LOAD_ERROR_RATE"
    assert [part.split()[0] for part in answer.words.split("; ")] == ["error", "p95", "criteria", "the"]


def test_criteria_that_are_ignored_decide_nothing() -> None:
    ignoring = replace(LIMITS, run=replace(RUN, criteria=IGNORED))
    answer = judge_run(ignoring, a_run(criteria=FAILED))
    assert (answer.outcome, answer.words) == (Outcome.PASSED, "9000 requests, error rate 0.1 %, p95 231 ms")


@pytest.mark.parametrize(
    ("more", "code"),
    [({"requests": 0, "errors": 0}, "LOAD_NOT_SENT"), ({"errors": 9000}, "LOAD_NOT_ANSWERED")],
)
def test_what_says_nothing_of_the_release_is_no_evidence(more: dict[str, Any], code: str) -> None:
    answer = judge_run(LIMITS, a_run(**more))
    assert (answer.outcome, answer.code) == (Outcome.NOT_ENOUGH_EVIDENCE, code)


def test_a_run_that_could_not_have_failed_opens_nothing() -> None:
    assert judge_run(NO_LIMITS, a_run()).outcome is Outcome.PASSED
    answer = judge_run(NO_LIMITS, a_run(criteria=NOT_APPLICABLE))
    assert (answer.outcome, answer.code) == (Outcome.NOT_ENOUGH_EVIDENCE, "LOAD_NO_CRITERIA")
    assert judge_run(LIMITS, a_run(criteria=NOT_APPLICABLE)).outcome is Outcome.PASSED


def test_a_measurement_travels_as_json_and_one_of_before_a_field_existed_can_be_read() -> None:
    run = a_run(unmet=("x",))
    assert RunMeasurement.load(json.loads(json.dumps(run.dump()))) == run
    assert RunMeasurement.load({"run": "slipway-1", "requests": 3, "of_a_later_version": 1}).requests == 3
