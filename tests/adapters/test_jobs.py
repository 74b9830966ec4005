"""Container Apps jobs through the official SDK: real processes, and every fault of Azure on the way to them."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from slipway.adapters import clock
from slipway.adapters.jobs import LOG_WITHIN, SHOWN_WITHIN, STOPPED_WITHIN, Jobs, _template
from slipway.adapters.jobs.executions import Execution, Executions, Job, place_of
from slipway.promotion.job_plan import JobPlan, Migration
from slipway.promotion.job_run import JobRun
from slipway.promotion.outcomes import Answer, Outcome, iso, moment
from tests.laptop import AzureStandin
from tests.laptop_holds import MIGRATIONS, UAT
from tests.patience import AZURES

Follow = Callable[..., Answer]
START, EXECUTIONS = "/start", "/executions"


class Driven:
    """A job, driven as the activities drive it; each run is an operation of its own unless it is named."""

    def __init__(self, azure: AzureStandin, name: str, follow: Follow) -> None:
        self.azure, self.job, self.name = azure, azure.job(name), name
        self.settings = azure.logging
        self.jobs = Jobs(self.settings, log_within=AZURES * timedelta(seconds=3))
        self.executions, self.place = Executions(self.settings), place_of(self.job)
        self.follow = follow

    def start(self, operation: str, run: JobRun | None = None, resuming: bool = False) -> Answer:
        return self.jobs.start(self.job, run or self.uat(), self.azure.unique + operation, resuming)

    def ended(self, answer: Answer) -> Answer:
        return self.follow(lambda last: self.jobs.poll(self.job, last.handle), answer, 15.0)

    def run(self, operation: str, run: JobRun | None = None) -> Answer:
        return self.ended(self.start(operation, run))

    def uat(self, version: str = "1.0.0", **more: Any) -> JobRun:
        """Against the site `plain`, which serves 1.0.0."""
        url = str(self.azure.ready["sites"]["plain"])
        env = {"TARGET_URL": url, "SLIPWAY_VERSION": version}
        return JobRun(**{"env": env, "args": ("--requests", "4"), "within_s": 60.0} | more)

    def of(self, operation: str) -> list[Execution]:
        return [each for each in self.executions.all(self.place) if each.operation == self.azure.unique + operation]

    def fault(self, method: str, path: str, **how: Any) -> None:
        self.azure.fault(method, f"/jobs/{self.name}{path}", **how)


@pytest.fixture
def uat(azure: AzureStandin, until_ended: Follow) -> Driven:
    return Driven(azure, "uat", until_ended)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Azure's lists are believed at once."""
    monkeypatch.setattr("slipway.adapters.jobs.SHOWN_WITHIN", timedelta())
    yield


def test_a_job_runs_and_what_it_said_is_told(uat: Driven) -> None:
    answer = uat.run("op:well", uat.uat(needs_log=True))
    assert answer.outcome is Outcome.PASSED, answer
    assert answer.result["exit_code"] == 0 and answer.result["execution"].startswith("uat-")
    assert "4 requests, 0 failures" in answer.log and "ended well after" in answer.words
    assert answer.result["duration_s"] >= 0


def test_one_that_fails_speaks_with_its_exit_code_and_its_log(uat: Driven) -> None:
    answer = uat.run("op:failed", uat.uat("2.0.0"))
    assert (answer.outcome, answer.code) == (Outcome.FAILED, "JOB_FAILED")
    assert "exited with 1" in answer.words and answer.result["exit_code"] == 1
    assert "1.0.0 answered, not 2.0.0" in answer.log and "4 failures" in answer.log


def test_the_override_keeps_what_the_job_has_and_changes_what_it_must(uat: Driven) -> None:
    run = uat.uat(image=f"{UAT}:7.1.0", secrets={"API_KEY": "api-key"})
    assert uat.run("op:override", run).outcome is Outcome.PASSED
    client = uat.executions._client(uat.place)  # what Azure was sent
    listed = list(client.jobs_executions.list(uat.place.group, uat.place.name))
    (sent,) = [each.as_dict() for each in listed if "op:override" in str(each.as_dict())]
    (container,) = sent["properties"]["template"]["containers"]
    env = {each["name"]: each.get("value", each.get("secretRef")) for each in container["env"]}
    assert container["image"] == f"{UAT}:7.1.0" and container["args"] == ["--requests", "4"]
    assert container["resources"]["memory"] == "1Gi" and container["name"] == "uat"
    assert env["GREETING"] == "its own" and env["API_KEY"] == "api-key", "by reference, never by its value"
    assert (env["SLIPWAY_OPERATION"], env["SLIPWAY_VERSION"]) == ("op:override", "1.0.0")


def test_a_migration_changes_a_database_and_says_which_version_it_is(azure: AzureStandin, until_ended: Follow) -> None:
    migrate = Driven(azure, "migrate", until_ended)

    def to(version: int, image: str = "1.0.0") -> Answer:
        run = JobRun(f"{MIGRATIONS}:{image}", ("expand",), {"SLIPWAY_SCHEMA_TO": str(version)}, alone=True)
        return migrate.run(f"op:to-{version}-{image}", replace(run, needs_log=True))

    assert to(13).log.endswith("schema=13")
    half_way = to(16, "1.0.1-badmigration")
    assert (half_way.outcome, half_way.code) == (Outcome.FAILED, "JOB_FAILED") and "exited with 3" in half_way.words
    assert "script 15 is applied" in half_way.log and "script 16 failed: no such table" in half_way.log
    assert to(16).log.endswith("schema=16"), "and it goes on from where it stopped"
    (file,) = (Path(str(azure.settings.ca_file)).parent).glob("**/volumes/migrate.sqlite")
    with sqlite3.connect(file) as database:
        assert [row[1] for row in database.execute("PRAGMA table_info(customers)")] == ["id", "name", "email"]


def test_what_runs_alone_waits_for_the_others(azure: AzureStandin, until_ended: Follow) -> None:
    uat = Driven(azure, "looked-for", until_ended)
    first = uat.start("op:first", uat.uat(image=f"{UAT}:1-hangs"))
    waits = uat.start("op:second", uat.uat(alone=True))
    assert waits.running and waits.handle["kind"] == "intended" and "waits for the end of" in waits.words
    assert uat.jobs.stop(uat.job, first.handle).running
    assert uat.jobs.stop(uat.job, first.handle).outcome is Outcome.PASSED
    assert uat.ended(waits).outcome is Outcome.PASSED
    stopped = uat.ended(first)
    assert (stopped.outcome, stopped.code) == (Outcome.BROKEN, "JOB_STOPPED")


def test_one_that_never_ends_is_stopped_at_its_deadline(uat: Driven) -> None:
    answer = uat.run("op:endless", uat.uat(image=f"{UAT}:1-hangs", within_s=0.5))
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "JOB_TIMED_OUT") and "was stopped" in answer.words
    assert [each.status for each in uat.of("op:endless")] == ["Stopped"]


def test_one_that_cannot_start_is_no_fault_of_the_release(uat: Driven) -> None:
    answer = uat.run("op:no-image", uat.uat(image="elsewhere.example/x:1"))
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "JOB_NOT_RUN") and "MANIFEST_UNKNOWN" in answer.words


@pytest.mark.parametrize(
    ("job", "more", "code"),
    [
        ("uat", {"secrets": {"TOKEN": "unheard-of"}}, "JOB_SECRET_MISSING"),
        ("several", {}, "JOB_RUNS_SEVERAL"),
        ("nowhere", {}, "AZURE_MISSING"),
    ],
)
def test_what_cannot_be_started_is_said_by_name(
    azure: AzureStandin, until_ended: Follow, job: str, more: dict[str, Any], code: str
) -> None:
    it = Driven(azure, job, until_ended)
    assert (answer := it.run("op:refused", it.uat(**more))).code == code, answer
    assert answer.outcome is Outcome.BROKEN


def test_a_resource_id_of_something_else_is_refused(azure: AzureStandin) -> None:
    answer = Jobs(azure.settings).start(azure.app("apart").resource, JobRun(), "op", resuming=False)
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "AZURE_INVALID")


def test_a_start_that_is_named_later_is_found(azure: AzureStandin, until_ended: Follow) -> None:
    later = Driven(azure, "named-later", until_ended)
    started = later.start("op:later")
    assert started.handle["kind"] == "intended", "202, and no name"
    assert later.ended(started).outcome is Outcome.PASSED and len(later.of("op:later")) == 1


# A token that was revoked, say: Azure asks for a newer one (continuous access evaluation).
NEWER_TOKEN = 'Bearer error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7InZhbHVlIjoiMSJ9fX0="'
# What Azure may answer to a start, and whether it is then started once, now or later.
REFUSALS: dict[str, dict[str, Any]] = {
    "401 once": {"answer": {"status": 401, "headers": {"WWW-Authenticate": NEWER_TOKEN}}},
    "409": {"answer": {"status": 409, "body": {"error": {"code": "ContainerAppOperationInProgress"}}}},
    "412": {"answer": {"status": 412, "body": {"error": {"code": "PreconditionFailed"}}}},
    "429": {"answer": {"status": 429, "headers": {"Retry-After": "1"}}},
    "500 once": {"answer": {"status": 500}},
    "dropped before": {"drop": "before"},
    "dropped after": {"drop": "after"},
    "malformed": {"answer": {"status": 200, "body": "{not json"}},
}


@pytest.mark.parametrize("case", REFUSALS)
def test_whatever_a_start_is_answered_it_is_done_once(
    azure: AzureStandin, until_ended: Follow, at_once: None, case: str
) -> None:
    it, operation = Driven(azure, "lost-start", until_ended), f"op:{case}"
    it.fault("POST", START, **REFUSALS[case])
    started = it.start(operation)
    refreshed = case == "401 once"  # and sent again by the SDK, with a new token
    assert started.running and started.handle["kind"] == ("execution" if refreshed else "intended"), started
    known = case in ("401 once", "409", "412", "429")
    assert ("sure_at" in started.handle) != known, "whether it must be looked for"
    assert it.ended(started).outcome is Outcome.PASSED
    assert len(it.of(operation)) == 1


@pytest.mark.parametrize(("status", "times"), [(401, 2), (403, 1)])
def test_a_start_that_azure_refuses_is_broken_and_says_why(
    azure: AzureStandin, until_ended: Follow, status: int, times: int
) -> None:
    it = Driven(azure, "lost-start", until_ended)
    body = {
        "error": {"code": "AuthorizationFailed", "message": "may not perform action 'Microsoft.App/jobs/start/action'"}
    }
    challenge = {"WWW-Authenticate": "Bearer"}
    it.fault("POST", START, answer={"status": status, "headers": challenge, "body": body}, times=times)
    answer = it.start(f"op:{status}")
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "AZURE_DENIED")
    assert "lacks the action Microsoft.App/jobs/start/action" in answer.words and it.of(f"op:{status}") == []


def test_an_unknown_start_is_looked_for_until_azure_would_show_it(azure: AzureStandin, until_ended: Follow) -> None:
    it = Driven(azure, "lost-start", until_ended)
    it.fault("POST", START, drop="before")
    unknown = it.start("op:unknown")
    assert unknown.code == "AZURE_UNKNOWN"
    again = it.jobs.poll(it.job, unknown.handle)
    assert again.running and "not known yet" in again.words and it.of("op:unknown") == []
    assert timedelta(seconds=30) <= SHOWN_WITHIN, "its lists may be that late"


def test_a_try_that_died_is_resumed_with_what_it_had_started(uat: Driven) -> None:
    assert uat.run("op:died").outcome is Outcome.PASSED
    again = uat.start("op:died", resuming=True)
    assert again.handle["kind"] == "execution" and "started before" in again.words
    assert uat.ended(again).outcome is Outcome.PASSED and len(uat.of("op:died")) == 1


def test_a_success_that_azure_does_not_show_yet_is_waited_for(uat: Driven) -> None:
    started = uat.start("op:unseen")
    execution = started.handle["execution"]
    uat.fault("GET", f"/executions/{execution}", answer={"status": 404, "body": {"error": {"code": "NotFound"}}})
    unseen = uat.jobs.poll(uat.job, started.handle)
    assert unseen.running and "does not show" in unseen.words
    assert uat.ended(unseen).outcome is Outcome.PASSED


LONG_AGO = "2020-01-01T00:00:00Z"


def test_an_execution_is_lost_when_azure_has_shown_nothing_of_it_for_a_minute(uat: Driven) -> None:
    started = uat.start("op:hidden", uat.uat(image=f"{UAT}:1-hangs"))
    not_found = {"status": 404, "body": {"error": {"code": "NotFound"}}}
    uat.fault("GET", f"/executions/{started.handle['execution']}", answer=not_found, times=2)
    old = {**started.handle, "started_at": LONG_AGO}
    once = uat.jobs.poll(uat.job, old)
    assert once.running and "does not show" in once.words, "one answer is no proof"
    listed = uat.jobs.poll(uat.job, {**once.handle, "unseen_since": LONG_AGO})
    assert listed.running, "it is in the list still"
    seen = uat.jobs.poll(uat.job, listed.handle)
    assert seen.running and "unseen_since" not in seen.handle
    gone = {**listed.handle, "execution": "uat-none", "operation": "op:none"}
    assert uat.jobs.poll(uat.job, gone).code == "JOB_LOST"
    assert uat.jobs.stop(uat.job, started.handle).running


def test_a_stop_believes_no_single_look_that_shows_nothing(azure: AzureStandin, until_ended: Follow) -> None:
    it, nothing = Driven(azure, "looked-for", until_ended), {"status": 200, "body": {"value": []}}
    started = it.start("op:unseen-stop", it.uat(image=f"{UAT}:1-hangs"))
    not_found = {"status": 404, "body": {"error": {"code": "NotFound"}}}
    it.fault("GET", f"/executions/{started.handle['execution']}", answer=not_found, times=2)
    it.fault("GET", EXECUTIONS, answer=nothing)
    unseen = it.jobs.stop(it.job, started.handle)
    assert unseen.running and "not known yet" in unseen.words
    listed = it.jobs.stop(it.job, unseen.handle)
    assert listed.running and "is being stopped" in listed.words, "the list shows it"
    assert [each.status for each in it.of("op:unseen-stop")] == ["Stopped"]

    it.fault("GET", EXECUTIONS, answer=nothing, times=2)
    begun = {"kind": "intended", "operation": "op:unseen-stop"}
    unseen = it.jobs.stop(it.job, begun)
    assert unseen.running, "whoever began it may have died before it knew"
    assert it.jobs.stop(it.job, {**unseen.handle, "unseen_since": LONG_AGO}).outcome is Outcome.PASSED


def test_one_that_waited_has_its_whole_time_from_its_start(
    azure: AzureStandin, until_ended: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = Driven(azure, "looked-for", until_ended)
    first = it.start("op:before", it.uat(image=f"{UAT}:1-hangs"))
    asked = clock.now()
    waits = it.start("op:whole", it.uat(alone=True, within_s=40.0))
    while it.jobs.stop(it.job, first.handle).running:
        pass
    with monkeypatch.context() as later:
        later.setenv("FUNCTIONS_NOW", iso(moment(waits.handle["until"]) - timedelta(seconds=1)))
        started = it.jobs.poll(it.job, waits.handle)
    ended_by = moment(started.handle["until"]) + STOPPED_WITHIN + LOG_WITHIN
    watched_until = asked + timedelta(seconds=Migration(JobPlan(it.job, within_s=40.0)).within_s)
    assert ended_by <= watched_until, "nobody is left to run unwatched"
    took = moment(started.handle["until"]) - moment(started.handle["started_at"])
    assert took == timedelta(seconds=40) and it.ended(started).outcome is Outcome.PASSED


@pytest.mark.parametrize("status", [500, 503, 504])
def test_after_an_error_of_the_server_a_start_is_looked_for_as_long(
    azure: AzureStandin, until_ended: Follow, status: int
) -> None:
    it, operation = Driven(azure, "lost-start", until_ended), f"op:{status}"
    it.fault("POST", START, answer={"status": status})
    started = it.start(operation)
    again = it.jobs.poll(it.job, started.handle)
    assert again.running and "not known yet" in again.words and it.of(operation) == [], "the list may be late"


@pytest.mark.parametrize("status", [400, 404])
def test_one_that_ends_just_before_it_is_stopped_is_read_once_more(uat: Driven, status: int) -> None:
    started = uat.start(f"op:just-ended-{status}")
    ended = uat.ended(started)
    assert ended.outcome is Outcome.PASSED
    execution = started.handle["execution"]
    running_still = {"name": execution, "properties": {"status": "Running"}}
    uat.fault("GET", f"/executions/{execution}", answer={"status": 200, "body": running_still})
    refused = {"status": status, "body": {"error": {"code": "ExecutionEnded"}}}
    uat.fault("POST", f"/executions/{execution}/stop", answer=refused)
    read = uat.jobs.poll(uat.job, {**started.handle, "until": LONG_AGO})
    assert uat.ended(read).outcome is Outcome.PASSED, read


def test_an_override_sends_along_what_stands_beside_the_container() -> None:
    beside = {"name": "proxy", "image": "registry.example/proxy:1", "probes": ["none in an execution"]}
    first = {"name": "uat", "image": "registry.example/uat:1", "env": [{"name": "KEPT", "value": "1"}]}
    job = Job({"containers": [first, beside], "initContainers": [beside]}, frozenset(), 1)
    sent = _template(job, JobRun(env={"A": "b"}), "op")
    proxy = {"name": "proxy", "image": "registry.example/proxy:1"}
    assert sent["containers"][1:] == sent["initContainers"] == [proxy]
    assert [each["name"] for each in sent["containers"][0]["env"]] == ["KEPT", "A", "SLIPWAY_OPERATION"]


@pytest.mark.parametrize(
    ("reason", "outcome", "code"),
    [("BackoffLimitExceeded", Outcome.FAILED, "JOB_FAILED"), ("ProvisioningFailed", Outcome.BROKEN, "JOB_NOT_RUN")],
)
def test_a_failure_without_an_exit_code_is_the_containers_only_by_azures_reason(
    uat: Driven, reason: str, outcome: Outcome, code: str
) -> None:
    started = uat.start(f"op:{reason}")
    execution = started.handle["execution"]
    told = {"name": execution, "properties": {"status": "Failed", "reason": reason}}
    uat.fault("GET", f"/executions/{execution}", answer={"status": 200, "body": told}, times=9)
    uat.jobs = Jobs(uat.settings, log_within=timedelta())
    answer = uat.jobs.poll(uat.job, started.handle)
    assert (answer.outcome, answer.code) == (outcome, code)


@pytest.mark.parametrize(
    ("fault", "ends"),
    [
        ({"answer": {"status": 429, "headers": {"Retry-After": "1"}}}, False),
        ({"answer": {"status": 500}}, False),
        ({"answer": {"status": 200, "body": "{not json"}}, False),
        ({"answer": {"status": 200, "body": {"properties": "odd"}}}, False),
        ({"drop": "before", "times": 3}, False),
        ({"answer": {"status": 403, "body": {"error": {"code": "AuthorizationFailed"}}}}, True),
    ],
)
def test_a_poll_that_is_answered_badly_is_asked_again(uat: Driven, fault: dict[str, Any], ends: bool) -> None:
    started = uat.start(f"op:polled-{fault}")
    uat.fault("GET", f"/executions/{started.handle['execution']}", **fault)
    answer = uat.jobs.poll(uat.job, started.handle)
    assert answer.running != ends, answer
    if ends:
        assert answer.code == "AZURE_DENIED" and "AuthorizationFailed" in answer.words
    else:
        assert answer.handle == started.handle and uat.ended(answer).outcome is Outcome.PASSED


def test_500_for_ever_is_asked_again_for_as_long_as_the_operation_has(uat: Driven) -> None:
    """Its end is the orchestration `operation`'s: the adapter goes on."""
    uat.fault("GET", "", answer={"status": 500}, times=6)
    answer = uat.start("op:for-ever")
    for _ in range(2):
        answer = uat.jobs.poll(uat.job, answer.handle)
        assert answer.running and "not available" in answer.words
    late = uat.jobs.poll(uat.job, {**answer.handle, "until": "2020-01-01T00:00:00Z"})
    assert (late.outcome, late.code) == (Outcome.BROKEN, "JOB_TIMED_OUT"), "too late to begin"


def test_a_log_that_comes_late_or_never_is_no_failure(azure: AzureStandin, until_ended: Follow) -> None:
    late = Driven(azure, "belated", until_ended)
    answer = late.run("op:late", late.uat("2.0.0"))
    assert answer.code == "JOB_FAILED" and "4 failures" in answer.log, "it was waited for"
    silent = Driven(azure, "silent", until_ended)
    silent.jobs = Jobs(silent.settings, log_within=timedelta(seconds=0.2))
    failed = silent.run("op:silent", silent.uat("2.0.0"))
    assert failed.code == "JOB_FAILED" and failed.log == "" and "log has not come" in failed.words
    assert silent.run("op:silent-well").outcome is Outcome.PASSED
    silent.jobs = Jobs(replace(silent.settings, workspace=""))
    assert "no workspace is named" in silent.run("op:nowhere", silent.uat("2.0.0")).words


def test_a_workspace_that_refuses_is_no_failure(uat: Driven) -> None:
    uat.azure.fault("POST", "/v1/$batch", answer={"status": 403, "body": {"error": {"code": "Forbidden"}}})
    answer = uat.run("op:refused-log", uat.uat("2.0.0"))
    assert answer.code == "JOB_FAILED" and "its log cannot be read" in answer.words and answer.log == ""


def test_many_at_once_are_all_known_again(uat: Driven) -> None:
    async def all_of_them() -> list[Answer]:
        asked = [asyncio.to_thread(uat.start, f"op:many-{n}") for n in range(8)]
        return list(await asyncio.gather(*asked))

    started = asyncio.run(all_of_them())
    assert len({each.handle["execution"] for each in started}) == 8
    assert [uat.ended(each).outcome for each in started] == [Outcome.PASSED] * 8
