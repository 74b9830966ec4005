"""The stand-in's load tests: what a killed one goes on with, and how a run ends in virtual time."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from azure.developer.loadtesting import LoadTestRunClient

from tests.azure_standin.standin import CONFIG, StandinProcess, running, until

WITH_LOADS = CONFIG + (
    "load_testing: [{name: loads, tests: ["
    "{id: peak, takes_s: 1, rate_per_s: 20, lasts_s: 120}, {id: stuck, mishap: never-provisioned}]}]\n"
)


def client(standin: StandinProcess) -> LoadTestRunClient:
    host = f"{standin.url.removeprefix('https://')}/load-testing/loads"
    return LoadTestRunClient(host, standin.credential(), connection_verify=standin.told["ca"])


def begin(standin: StandinProcess, runs: LoadTestRunClient, id: str, test: str = "peak") -> None:
    """By the SDK's own method, whose thread asks for the run meanwhile."""
    host = standin.told["sites"]["checkout-dev"].removeprefix("http://")
    runs.begin_test_run(id, {"testId": test, "environmentVariables": {"TARGET_HOST": host}}, _polling_interval=60)


def has_status(runs: LoadTestRunClient, id: str, status: str) -> Callable[[], bool]:
    return lambda: runs.get_test_run(id)["status"] == status


def test_a_kill_in_the_middle_of_a_run_ends_nothing_but_its_requests(tmp_path: Path) -> None:
    with running(tmp_path, WITH_LOADS) as standin:
        runs = client(standin)
        begin(standin, runs, "done-before")
        until(has_status(runs, "done-before", "DONE"))
        before = runs.get_test_run("done-before")
        begin(standin, runs, "going-on")
        begin(standin, runs, "stopped", "stuck")
        assert runs.stop_test_run("stopped")["status"] == "CANCELLING"
        until(has_status(runs, "going-on", "EXECUTING"))
        standin.kill()
        standin.start()
        assert runs.get_test_run("done-before") == before
        assert runs.get_test_run("stopped")["status"] == "CANCELLED"
        until(has_status(runs, "going-on", "DONE"))
        assert runs.get_test_run("going-on")["testRunStatistics"]["Total"]["sampleCount"] == 20


def test_in_virtual_time_a_run_is_over_when_it_was_looked_at_three_times(tmp_path: Path) -> None:
    with running(tmp_path, WITH_LOADS, "--virtual-time") as standin, client(standin) as runs:
        run: dict[str, Any] = {"testId": "peak", "environmentVariables": {"TARGET_HOST": "localhost:9"}}
        assert runs._test_run_initial("nowhere", run)["status"] == "ACCEPTED"
        looks = [runs.get_test_run("nowhere") for _ in range(3)]
        assert looks[0]["status"] != "DONE" and looks[-1]["status"] == "DONE"
        total = looks[-1]["testRunStatistics"]["Total"]
        assert (total["sampleCount"], total["errorCount"]) == (20, 20), "nobody answers there"
        span = f"{looks[-1]['startDateTime']}/{looks[-1]['endDateTime']}"
        ask = {"metric_namespace": "LoadTestRunMetrics", "time_interval": span, "interval": "PT1M"}
        [errors] = runs.list_metrics("nowhere", metric_name="Errors", aggregation="Total", **ask)
        assert [point["value"] for point in errors["data"]] == [10, 10]
