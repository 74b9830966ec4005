"""The activity that runs jobs, on the stand-in: once, under its fence, and stopped by an abort."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest

from slipway.adapters.fences import Fences
from slipway.adapters.intake import mark_aborted
from slipway.adapters.jobs.executions import Execution, Executions, place_of
from slipway.promotion.job_run import JobRun
from slipway.promotion.outcomes import Outcome
from slipway.promotion.plan import Target
from tests.activities.conftest import Promotion
from tests.app_host import AppHost
from tests.laptop import AzureStandin
from tests.laptop_holds import UAT

pytestmark = pytest.mark.usefixtures("configured")
JOB = "of-activities"
Orders = Callable[..., dict[str, Any]]


@pytest.fixture
def tests_of(azure: AzureStandin, promotion: Promotion) -> Orders:
    """The order to run tests against the site `plain`, which serves 1.0.0."""

    def order(step: str, version: str = "1.0.0", fence: int = 1, image: str = "", **more: Any) -> dict[str, Any]:
        env = {"TARGET_URL": str(azure.ready["sites"]["plain"]), "SLIPWAY_VERSION": version}
        run = JobRun(image, ("--requests", "2"), env, within_s=60)
        target = Target("uat", "container-apps-job", f"job/shop/dev/{promotion.id}/{step}", "")
        operation = f"{promotion.id}:dev:plain:{step}:1"
        told = {"promotion": promotion.id, "operation": operation, "target": asdict(target), "fence": fence}
        return {**told, "job": azure.job(JOB), "run": asdict(run), "failed_as": "TESTS_FAILED", **more}

    return order


def executions(azure: AzureStandin, order: dict[str, Any]) -> list[Execution]:
    found = Executions(azure.settings).all(place_of(azure.job(JOB)))
    return [each for each in found if each.operation == order["operation"]]


def test_an_operation_runs_once_however_often_it_is_called(app: AppHost, azure: AzureStandin, tests_of: Orders) -> None:
    order = tests_of("uat")
    first = app.activity("run_job", order)
    assert first.running and app.activity("run_job", order).handle["execution"] == first.handle["execution"]
    answer = app.followed("run_job", order, first)
    assert answer.outcome is Outcome.PASSED and answer.result["exit_code"] == 0
    assert app.activity("run_job", order) == answer, "its receipt says how it ended"
    assert len(executions(azure, order)) == 1


def test_a_no_of_the_container_has_the_code_of_what_it_is_for(app: AppHost, tests_of: Orders) -> None:
    answer = app.followed("run_job", tests_of("uat", version="9.9.9"))
    assert (answer.outcome, answer.code) == (Outcome.FAILED, "TESTS_FAILED") and "exited with 1" in answer.words


def test_an_abort_stops_what_runs_and_lets_nothing_begin(
    app: AppHost, azure: AzureStandin, promotion: Promotion, tests_of: Orders
) -> None:
    order = tests_of("endless", image=f"{UAT}:1-hangs")
    running = app.activity("run_job", order)
    assert running.running
    mark_aborted(promotion.id)
    answer = app.followed("run_job", order, running)
    assert answer.outcome is Outcome.CANCELLED
    assert [each.status for each in executions(azure, order)] == ["Stopped"]
    never = tests_of("later")
    assert app.activity("run_job", never).outcome is Outcome.CANCELLED and executions(azure, never) == []
    migration = app.followed("run_job", tests_of("database", despite_abort=True))
    assert migration.outcome is Outcome.PASSED, "half a migration is worse than a whole one"


def test_a_stage_that_was_replaced_starts_nothing(app: AppHost, azure: AzureStandin, tests_of: Orders) -> None:
    order = tests_of("uat", fence=4)
    target = Target(**order["target"])
    Fences().claim(target, 7, "somebody else's")
    Fences().close(target, 7, "somebody else's")
    answer = app.activity("run_job", order)
    assert (answer.outcome, answer.code) == (Outcome.CANCELLED, "FENCED") and executions(azure, order) == []
