"""Looking at targets, and stopping the idle side: safe to repeat, and never an exception."""

import json
from dataclasses import asdict

import pytest

from slipway.adapters.fences import Fences
from slipway.adapters.intake import mark_aborted
from slipway.promotion.outcomes import Answer, Outcome
from slipway.settings import settings
from tests.activities.conftest import Promotion, a_secret
from tests.app_host import AppHost
from tests.laptop import AzureStandin

pytestmark = pytest.mark.usefixtures("configured")

SITE = "lost"


def survey(app: AppHost, azure: AzureStandin, *sites: str) -> Answer:
    targets = [asdict(azure.target(site)) for site in sites]
    return app.activity("survey_targets", {"promotion": "any", "targets": targets, "version_path": "/version"})


def stop(app: AppHost, promotion: Promotion, fence: int) -> Answer:
    return app.activity("stop_idle", promotion.change(SITE, "stop-idle", fence=fence))


def test_a_survey_says_what_every_side_answers_and_changes_nothing(app: AppHost, azure: AzureStandin) -> None:
    first, second = survey(app, azure, SITE, "plain"), survey(app, azure, SITE, "plain")
    assert first == second
    assert first.result["sites"]["plain"] == {
        "production": azure.ready["sites"]["plain"],
        "live": azure.ready["sites"]["plain"],
        "idle": azure.ready["sites"]["plain(staging)"],
        "previous": "1.0.0",
        "idle_was": "",
        "held": "",
    }
    assert set(first.result["sites"]) == {SITE, "plain"}


def test_a_survey_is_made_for_an_aborted_promotion_too(app: AppHost, azure: AzureStandin, promotion: Promotion) -> None:
    mark_aborted(promotion.id)
    order = {"promotion": promotion.id, "targets": [asdict(azure.target(SITE))], "version_path": "/version"}
    assert app.activity("survey_targets", order).outcome is Outcome.PASSED, "its rollback has to look"


def test_a_survey_of_a_site_that_is_not_there_is_broken(app: AppHost, azure: AzureStandin) -> None:
    answer = survey(app, azure, "nobody")
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "AZURE_MISSING")


def test_a_survey_waits_for_an_operation_that_is_under_way(
    app: AppHost, azure: AzureStandin, promotion: Promotion, fence: int
) -> None:
    busy = {"properties": {"state": "Running", "defaultHostName": "localhost:1", "inProgressOperationId": "1"}}
    azure.fault("GET", f"/sites/{SITE}?", answer={"status": 200, "body": busy})
    answer = survey(app, azure, SITE)
    assert answer.running and "another operation is under way" in answer.words


def test_a_release_that_answers_with_a_secret_as_its_version_does_not_make_it_known(
    app: AppHost, azure: AzureStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLIPWAY_VAULT", azure.url)
    settings.cache_clear()
    name = a_secret(azure, "s3cret-of-the-shop")
    azure.fault("GET", "/version", site=SITE, answer={"status": 200, "body": {"version": "s3cret-of-the-shop"}})
    order = {"promotion": "any", "targets": [asdict(azure.target(SITE))], "version_path": "/version"}
    answer = app.activity("survey_targets", {**order, "secrets": [name]})
    assert answer.result["sites"][SITE]["previous"] == "(secret)"
    assert "s3cret" not in json.dumps(answer.dump())


def test_stopping_the_idle_side_twice_leaves_it_stopped(
    app: AppHost, azure: AzureStandin, promotion: Promotion, fence: int
) -> None:
    assert [stop(app, promotion, fence).outcome for _ in range(2)] == [Outcome.PASSED] * 2
    assert azure.slot_state(SITE) == "Stopped"
    assert azure.live_version(SITE) == "1.0.0"


def test_a_deployment_starts_what_was_stopped(
    app: AppHost, azure: AzureStandin, promotion: Promotion, fence: int
) -> None:
    assert stop(app, promotion, fence).outcome is Outcome.PASSED
    assert app.followed("deploy", promotion.change(SITE, "deploy", fence=fence)).outcome is Outcome.PASSED
    assert azure.slot_state(SITE) == "Running"


def test_stopping_is_an_aborts_own_work_and_is_not_stopped_by_it(
    app: AppHost, azure: AzureStandin, promotion: Promotion, fence: int
) -> None:
    mark_aborted(promotion.id)
    assert stop(app, promotion, fence).outcome is Outcome.PASSED
    assert azure.slot_state(SITE) == "Stopped"


def test_stopping_under_an_older_fence_does_nothing(
    app: AppHost, azure: AzureStandin, promotion: Promotion, fence: int
) -> None:
    assert app.followed("deploy", promotion.change(SITE, "deploy", fence=fence)).outcome is Outcome.PASSED
    target = azure.target(SITE)
    assert Fences().claim(target, fence + 1, "the next").granted
    Fences().close(target, fence + 1, "the next")
    answer = stop(app, promotion, fence)
    assert (answer.outcome, answer.code) == (Outcome.CANCELLED, "FENCED")
    assert azure.slot_state(SITE) == "Running"
