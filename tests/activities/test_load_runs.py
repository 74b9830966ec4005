"""A load of Azure's as an activity: begun once, stopped by an abort, kept and compared with the release before."""

from dataclasses import asdict
from itertools import count
from typing import Any

import pytest

from slipway.adapters import load_testing
from slipway.adapters.intake import mark_aborted
from slipway.adapters.load_testing import run_id
from slipway.adapters.load_testing.runs import Runs
from slipway.adapters.measured_loads import load_kept
from slipway.promotion.load_runs.measured import RunMeasurement
from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.plan import LoadTest
from tests.activities.conftest import Promotion
from tests.activities.test_loads import Place
from tests.app_host import AppHost
from tests.laptop import AzureStandin
from tests.workflow.world import a_load_run

pytestmark = pytest.mark.usefixtures("configured")
_NUMBERS = count(1)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_testing, "POLL_S", 0.1)


def driven(promotion: Promotion, test: str = "peak", **more: Any) -> dict[str, Any]:
    return {
        "promotion": promotion.id,
        "operation": f"{promotion.id}:dev:plain:load-{test}-0:{next(_NUMBERS)}",
        "run": asdict(promotion.azure.load_run(test)),
        "called": "2.0.0 dev plain",
        "address": promotion.azure.ready["sites"]["plain"],
        "version": "2.0.0",
        "compared": False,
        **more,
    }


def test_a_run_goes_to_its_end_and_answers_what_it_measured(app: AppHost, promotion: Promotion) -> None:
    order = driven(promotion)
    ended = app.followed("run_load_test", order)
    assert ended.outcome is Outcome.PASSED, ended
    measured = RunMeasurement.load(ended.result)
    assert (measured.run, measured.requests) == (run_id(order["operation"]), 50)


def test_an_abort_stops_the_run(app: AppHost, promotion: Promotion, azure: AzureStandin) -> None:
    order = driven(promotion, "stuck")
    begun = app.activity("run_load_test", order)
    assert begun.running
    mark_aborted(promotion.id)
    ended = app.activity("run_load_test", {**order, "handle": begun.handle})
    assert (ended.outcome, ended.code, ended.words) == (Outcome.CANCELLED, "ABORTED", "the promotion was aborted")
    run = Runs(azure.settings, azure.load_run("stuck")).look(run_id(order["operation"]))
    assert run and run.status == "CANCELLED"


def test_a_proven_release_s_run_is_the_measure_for_the_next(app: AppHost, azure: AzureStandin) -> None:
    place = Place(app)
    test = LoadTest("peak", 0.0, 0.0, "/", p95_ms=1000, against="previous", run=azure.load_run("peak"))

    def compared(version: str, ms: float) -> Answer:
        measured = a_load_run(ms).dump()
        order = place.order(version)
        order["loads"] = [{"target": "weu", "test": asdict(test), "measured": measured}]
        return Answer.load(app.activity("compare_loads", order).result["verdicts"][0])

    assert compared("1.0", 100).words == "nothing to compare with yet"
    place.released("1.0")
    slower = compared("1.1", 150)
    assert (slower.code, slower.result["previous"]["version"]) == ("LOAD_SLOWER_THAN_PREVIOUS", "1.0")
    found = load_kept(place.environment, "checkout", "production", "weu", "peak", "1.0")
    assert found and found.measured == a_load_run(100)
