"""Azure Load Testing through the official SDK over TLS: runs are begun once, followed, read and stopped."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from slipway.adapters import load_testing
from slipway.adapters.load_testing import LoadTesting, run_id
from slipway.adapters.load_testing.results import is_whole
from slipway.adapters.load_testing.runs import Runs
from slipway.promotion.load_runs.measured import Course, RunMeasurement
from slipway.promotion.load_runs.plan import LoadRunPlan
from slipway.promotion.outcomes import Answer, Outcome, iso, moment
from tests.laptop import AzureStandin
from tests.patience import AZURES

Follow = Callable[[Callable[[Answer], Answer], Answer], Answer]
RUNS = "/test-runs/"
NOT_SHOWN = {"status": 404, "body": {"error": {"code": "TestRunNotFound", "message": "no"}}}
_NUMBERS = count(1)


@dataclass
class Operation:
    """A run of a test, as the activity asks for it."""

    azure: AzureStandin
    follow: Follow
    plan: LoadRunPlan
    compared: bool = True
    number: int = field(default_factory=lambda: next(_NUMBERS))

    @property
    def id(self) -> str:
        return run_id(f"{self.azure.unique}an-operation-{self.number}")

    def ask(self, handle: dict[str, Any] | None = None) -> Answer:
        host = self.azure.ready["sites"]["plain"]
        return self.runs.go_on(
            self.id, "2.0.0 staging", self.plan.variables(host, "2.0.0"), handle or {}, self.compared
        )

    def to_its_end(self, answer: Answer | None = None) -> Answer:
        return self.follow(lambda last: self.ask(last.handle), answer or self.ask())

    @property
    def runs(self) -> LoadTesting:
        return LoadTesting(self.plan, self.azure.settings)

    @property
    def shown(self) -> dict[str, Any]:
        run = Runs(self.azure.settings, self.plan).look(self.id)
        return dict(run.body) if run else {}


Begin = Callable[..., Operation]


@pytest.fixture
def operation(azure: AzureStandin, until_ended: Follow) -> Iterator[Begin]:
    def begin(test: str = "peak", **more: Any) -> Operation:
        return Operation(azure, until_ended, azure.load_run(test, **more))

    yield begin


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in is asked ten times a second; how long it is waited for stays."""
    if AZURES == 1.0:
        monkeypatch.setattr(load_testing, "POLL_S", 0.1)


def test_a_run_is_begun_followed_and_read_with_its_course(operation: Begin) -> None:
    run = operation()
    first = run.ask()
    assert first.running and first.handle["begun"]
    ended = run.to_its_end(first)
    assert ended.outcome is Outcome.PASSED, ended
    measured = RunMeasurement.load(ended.result)
    assert (measured.run, measured.requests, measured.errors) == (run.id, 50, 0)
    assert (measured.criteria, measured.users, measured.engines) == ("PASSED", 50, 1)
    assert measured.transactions == ("HTTP Request",) and measured.page.startswith("https://portal.azure.com/")
    assert 0 < measured.p50_ms <= measured.p90_ms <= measured.p95_ms <= measured.p99_ms
    course = measured.course
    assert 45 <= sum(course.requests) <= 50 and sum(course.errors) == 0
    assert min(course.mean_ms) > 0 and min(course.p95_ms) > 0
    if AZURES == 1.0:  # whose run is shown as one of four minutes
        assert (course.bucket_s, len(course.requests), sum(course.requests)) == (5.0, 48, 50)


def test_the_test_s_script_is_told_where_the_release_is(operation: Begin, azure: AzureStandin) -> None:
    run = operation(env={"TARGET_HOST": "{host}", "RELEASE": "v{version} at {address}", "PLAIN": "{}"})
    run.to_its_end()
    address = azure.ready["sites"]["plain"]
    told = {"TARGET_HOST": address.removeprefix("http://"), "RELEASE": f"v2.0.0 at {address}", "PLAIN": "{}"}
    assert run.shown["environmentVariables"] == told
    assert run.shown["displayName"] == "Slipway 2.0.0 staging"


def test_the_same_operation_is_the_same_run_however_often_it_is_begun(operation: Begin) -> None:
    run = operation()
    first = run.to_its_end()
    again = run.to_its_end()
    assert again.result == first.result


def test_an_id_of_any_operation_fits_azures_rule() -> None:
    ids = [run_id(f"checkout--1.0+{'x' * n}:staging:weu:load-peak-0:1") for n in range(100)]
    assert len(set(ids)) == 100 and all(
        len(id) <= 50 and set(id) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for id in ids
    )


def test_the_tests_own_criteria_and_those_not_met_are_told(operation: Begin) -> None:
    measured = RunMeasurement.load(operation("strict_one").to_its_end().result)
    assert measured.criteria == "FAILED"
    assert len(measured.unmet) == 1 and measured.unmet[0].startswith("p95 of response_time_ms > 0.01 (")


def test_results_that_come_late_are_waited_for(operation: Begin) -> None:
    ended = operation("late").to_its_end()
    assert ended.outcome is Outcome.PASSED and RunMeasurement.load(ended.result).requests == 50


def test_results_that_never_come_are_no_verdict(operation: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_testing, "RESULTS_WITHIN_S", 0.0)
    ended = operation("late").to_its_end()
    assert (ended.outcome, ended.code) == (Outcome.BROKEN, "LOAD_RESULTS_MISSING")


def test_metrics_that_never_come_leave_the_totals(
    operation: Begin, azure: AzureStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    azure.fault("POST", "/metrics", times=50, answer={"status": 200, "body": {"value": []}})
    uncompared = operation()
    uncompared.compared = False
    measured = RunMeasurement.load(uncompared.to_its_end().result)
    assert measured.requests == 50 and not measured.course.requests
    monkeypatch.setattr(load_testing, "RESULTS_WITHIN_S", 0.3)
    assert RunMeasurement.load(operation().to_its_end().result).requests == 50


def test_metrics_that_we_may_not_read_end_it_and_name_the_right(operation: Begin, azure: AzureStandin) -> None:
    azure.fault("POST", "/metrics", times=9, answer={"status": 403, "body": {"error": {"code": "Forbidden"}}})
    denied = operation().to_its_end()
    assert denied.code == "AZURE_DENIED" and "lacks Microsoft.LoadTestService/loadTests/read" in denied.words


def test_an_engine_that_fails_speaks_against_no_release(operation: Begin) -> None:
    ended = operation("failing").to_its_end()
    assert (ended.outcome, ended.code) == (Outcome.BROKEN, "LOAD_RUN_FAILED")
    assert "quota is used up" in ended.words


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
def test_a_failed_run_whose_criteria_were_not_met_is_judged_by_them(
    operation: Begin, azure: AzureStandin, status: str
) -> None:
    run = operation("strict_one")
    run.to_its_end()
    azure.fault("GET", RUNS, answer={"status": 200, "body": {**run.shown, "status": status}})
    ended = run.ask()
    assert ended.outcome is Outcome.PASSED and ended.result["criteria"] == "FAILED"


def test_a_run_that_somebody_cancels_is_no_verdict(operation: Begin) -> None:
    ended = operation("cancelled").to_its_end()
    assert (ended.outcome, ended.code) == (Outcome.BROKEN, "LOAD_RUN_CANCELLED")


def test_a_run_that_never_ends_is_stopped_when_its_time_is_over(operation: Begin) -> None:
    run = operation("stuck", within_s=0.5)
    ended = run.to_its_end()
    assert (ended.outcome, ended.code) == (Outcome.BROKEN, "LOAD_RUN_LATE")
    assert "was PROVISIONING when its 0.5 s were over, and was stopped" in ended.words
    assert run.shown["status"] == "CANCELLED"


def test_an_abort_stops_the_run_and_one_that_is_not_there_needs_none(operation: Begin, azure: AzureStandin) -> None:
    run = operation("stuck")
    assert run.runs.stopped(run.id, {}) == ""
    begun = run.ask().handle
    assert run.runs.stopped(run.id, begun) == ""
    assert run.shown["status"] == "CANCELLED"
    assert run.runs.stopped(run.id, begun) == "", "it has ended"
    other = operation("stuck")
    begun = other.ask().handle
    azure.fault("POST", ":stop", times=9, answer={"status": 403, "body": {"error": {"code": "Forbidden"}}})
    assert f"the run {other.id} of stuck may go on: Azure refused" in other.runs.stopped(other.id, begun)


def test_an_abort_stops_a_run_that_does_not_show_or_says_that_it_may_go_on(
    operation: Begin, azure: AzureStandin
) -> None:
    run, lost = operation("stuck"), operation("stuck")
    begun = run.ask().handle
    azure.fault("GET", RUNS, answer={"status": 500})
    azure.fault("GET", RUNS, answer=NOT_SHOWN)
    assert run.runs.stopped(run.id, begun) == "" and run.shown["status"] == "CANCELLED"
    assert f"the run {lost.id} of stuck may go on" in lost.runs.stopped(lost.id, {"sure_at": iso(datetime.now(UTC))})


def test_a_run_that_was_seen_before_is_given_up_only_when_it_stays_away_and_is_stopped_then(
    operation: Begin, azure: AzureStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = operation("stuck")
    long_ago = {**run.ask().handle, "begun": iso(datetime.now(UTC) - timedelta(minutes=5))}
    azure.fault("GET", RUNS, answer=NOT_SHOWN)
    away = run.ask(long_ago)
    assert away.running and away.words == f"the run {run.id} does not show"
    back = run.ask(away.handle)
    assert back.words == f"the run {run.id} is PROVISIONING" and "unseen_since" not in back.handle
    monkeypatch.setattr(load_testing, "SHOWN_WITHIN_S", 0.0)
    azure.fault("GET", RUNS, answer=NOT_SHOWN)
    given_up = run.ask(away.handle)
    assert (given_up.code, run.shown["status"]) == ("LOAD_RUN_LATE", "CANCELLED")


def test_a_run_that_is_refused_to_be_read_is_stopped_or_said_to_go_on(operation: Begin, azure: AzureStandin) -> None:
    run = operation("stuck")
    begun = run.ask().handle
    refused = {"status": 403, "body": {"error": {"code": "Forbidden", "message": "no"}}}
    azure.fault("GET", RUNS, answer=refused)
    assert run.ask(begun).code == "AZURE_DENIED" and run.shown["status"] == "CANCELLED"
    azure.fault("GET", RUNS, times=9, answer=refused)
    assert f"the run {run.id} of stuck may go on" in run.ask(begun).words


def test_a_begin_whose_answer_was_lost_is_not_sent_again_before_it_must_show(
    operation: Begin, azure: AzureStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = operation("stuck")
    azure.fault("PATCH", RUNS, drop="after")
    lost = run.ask()
    azure.fault("GET", RUNS, answer=NOT_SHOWN)
    azure.fault("PATCH", RUNS, answer={"status": 400, "body": {"error": {"code": "TestRunAlreadyExists"}}})
    assert run.ask(lost.handle).words == f"whether the run {run.id} has begun is not known yet"
    assert run.ask(lost.handle).words == f"the run {run.id} is PROVISIONING"
    past = iso(datetime.now(UTC) - timedelta(seconds=1))
    azure.fault("GET", RUNS, answer=NOT_SHOWN)
    assert run.ask({**lost.handle, "sure_at": past, "until": past}).code == "LOAD_RUN_LATE"
    assert run.shown["status"] == "CANCELLED", "it had begun after all"


def test_a_begin_that_a_server_failed_at_may_have_begun(operation: Begin, azure: AzureStandin) -> None:
    run = operation("stuck")
    azure.fault("PATCH", RUNS, answer={"status": 500})
    assert run.ask(run.ask().handle).words == f"whether the run {run.id} has begun is not known yet"


@pytest.mark.parametrize("method", ["GET", "PATCH"])
@pytest.mark.parametrize(
    "fault",
    [
        {"answer": {"status": 401, "body": {"error": {"code": "Unauthorized", "message": "expired"}}}},
        {"answer": {"status": 409, "body": {"error": {"code": "Conflict", "message": "busy"}}}},
        {"answer": {"status": 429, "headers": {"retry-after-ms": "5"}}},
        {"answer": {"status": 500}},
        {"answer": {"status": 200, "headers": {"Content-Type": "application/json"}, "body": "{"}},
        {"drop": "before"},
        {"drop": "after"},
    ],
    ids=["401 refreshed", "409", "429", "500 once", "malformed", "dropped before", "dropped after"],
)
def test_a_fault_that_passes_costs_a_look_and_the_run_is_begun_once(
    operation: Begin, azure: AzureStandin, method: str, fault: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_testing, "SHOWN_WITHIN_S", 0.1)
    run = operation("stuck")
    azure.fault(method, RUNS, **fault)
    answer, deadline = run.ask(), time.monotonic() + 20
    while answer.words != f"the run {run.id} is PROVISIONING":
        assert answer.running and time.monotonic() < deadline, answer
        answer = run.ask(answer.handle)
    assert azure.faults_left() == []
    run.runs.stopped(run.id, answer.handle)


@pytest.mark.parametrize(("status", "code"), [(401, "AZURE_DENIED"), (403, "AZURE_DENIED"), (400, "AZURE_INVALID")])
@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_a_refusal_that_stays_ends_it_and_names_the_role(
    operation: Begin, azure: AzureStandin, method: str, status: int, code: str
) -> None:
    azure.fault(method, RUNS, times=2, answer={"status": status, "body": {"error": {"code": "X", "message": "no"}}})
    ended = operation("stuck").ask()
    assert (ended.outcome, ended.code) == (Outcome.BROKEN, code)
    assert code != "AZURE_DENIED" or "Microsoft.LoadTestService/loadtests/startTest/action" in ended.words


def test_a_test_or_a_resource_that_is_not_there_is_named(operation: Begin) -> None:
    missing = operation("nowhere").ask()
    assert (missing.code, "TestNotFound" in missing.words) == ("AZURE_MISSING", True)
    run = operation()
    run.plan = replace(run.plan, resource=run.plan.resource.replace("/loads", "/none"))
    assert run.ask().code == "AZURE_MISSING"


def test_a_refusal_to_find_the_data_plane_names_the_right(operation: Begin, azure: AzureStandin) -> None:
    run = operation()
    run.plan = replace(run.plan, resource=run.plan.resource.replace("/loads", "/LOADS"))  # not asked for so far
    azure.withhold("Microsoft.LoadTestService/loadTests/read")
    denied = run.ask()
    assert denied.code == "AZURE_DENIED"
    assert "lacks the action Microsoft.LoadTestService/loadTests/read on /subscriptions/" in denied.words


def test_500_for_ever_is_waited_for_until_its_time_is_over(operation: Begin, azure: AzureStandin) -> None:
    azure.fault("GET", RUNS, times=20, answer={"status": 500})
    run, answer = operation("stuck"), None
    for _ in range(4):
        answer = run.ask(answer.handle if answer else {})
        assert answer.running and "Azure is not available" in answer.words
    assert answer
    azure.forget_faults()
    begun = run.ask(answer.handle)
    assert begun.handle["begun"]
    azure.fault("GET", RUNS, answer={"status": 500})
    handle = {**begun.handle, "until": iso(datetime.now(UTC) - timedelta(seconds=601))}
    ended = run.ask(handle)
    assert (ended.outcome, ended.code) == (Outcome.BROKEN, "LOAD_RUN_LATE"), ended
    assert "could not be followed until its time was over: Azure is not available" in ended.words
    assert run.shown["status"] == "CANCELLED"


def test_a_run_that_does_not_show_yet_is_not_begun_twice(
    operation: Begin, azure: AzureStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = operation("stuck")
    begun = run.ask()
    hidden = {"status": 404, "body": {"error": {"code": "TestRunNotFound", "message": "no"}}}
    azure.fault("GET", RUNS, answer=hidden)
    azure.fault("PATCH", RUNS, drop="before")
    again = run.ask(begun.handle)
    assert again.running and again.words == f"the run {run.id} does not show"
    assert len(azure.faults_left()) == 1, "no request to begin it"
    azure.forget_faults()
    azure.fault("GET", RUNS, answer=hidden)
    monkeypatch.setattr(load_testing, "SHOWN_WITHIN_S", 0.0)
    assert run.ask(again.handle).code == "LOAD_RUN_LATE"


@pytest.mark.parametrize(
    "told",
    [{"sampleCount": "many"}, {"meanResTime": []}, {"pct2ResTime": None}, {"errorCount": -1}, {"pct3ResTime": "NaN"}],
    ids=lambda told: next(iter(told)),
)
def test_numbers_that_are_none_are_no_verdict(operation: Begin, azure: AzureStandin, told: dict[str, Any]) -> None:
    run = operation()
    run.to_its_end()
    total = {**run.shown["testRunStatistics"]["Total"], **told}
    azure.fault("GET", RUNS, answer={"status": 200, "body": {**run.shown, "testRunStatistics": {"Total": total}}})
    run.compared = False
    assert run.ask().code == "LOAD_RESULTS_MISSING"


@pytest.mark.parametrize(
    "body", [[], {}, {"value": [{"data": [{"value": 1}]}]}, {"value": [{"data": [{"timestamp": "now", "value": 1}]}]}]
)
def test_metrics_of_another_shape_leave_the_totals(operation: Begin, azure: AzureStandin, body: Any) -> None:
    azure.fault("POST", "/metrics", times=9, answer={"status": 200, "body": body})
    run = operation()
    run.compared = False
    measured = RunMeasurement.load(run.to_its_end().result)
    assert measured.requests == 50 and measured.course == Course()


def test_metrics_that_have_not_all_come_are_waited_for() -> None:
    def told(requests: float) -> bool:
        return is_whole(Course(5.0, (requests,)), {"sampleCount": 50})

    assert [told(44.0), told(45.0)] == [False, True]


def test_of_several_series_counts_add_up_and_nobody_can_say_their_latencies(
    operation: Begin, azure: AzureStandin
) -> None:
    run = operation()
    run.to_its_end()
    begins = run.shown["startDateTime"]
    series = {"data": [{"timestamp": begins, "value": 30}]}
    azure.fault("POST", "/metrics", times=4, answer={"status": 200, "body": {"value": [series, series]}})
    course = RunMeasurement.load(run.ask().result).course
    assert (course.requests, course.mean_ms, course.p95_ms) == ((60.0,), (0.0,), (0.0,))


@pytest.mark.parametrize(
    ("lasted", "bucket_s"),
    [
        (timedelta(minutes=5), 5.0),
        (timedelta(minutes=6), 10.0),
        (timedelta(hours=1), 60.0),
        (timedelta(hours=5), 300.0),
    ],
)
def test_a_longer_run_is_read_in_longer_buckets(
    operation: Begin, azure: AzureStandin, lasted: timedelta, bucket_s: float
) -> None:
    run = operation()
    run.to_its_end()
    ends = iso(moment(run.shown["startDateTime"]) + lasted)
    azure.fault("GET", RUNS, answer={"status": 200, "body": {**run.shown, "endDateTime": ends}})
    assert RunMeasurement.load(run.ask().result).course.bucket_s == bucket_s
