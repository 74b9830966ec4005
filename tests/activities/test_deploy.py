"""Deploying to the idle side: one deployment an operation, whatever is repeated, lost or overtaken."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from slipway.adapters.app_service import AppService
from slipway.adapters.fences import Fences
from slipway.adapters.intake import mark_aborted
from slipway.adapters.receipts import Receipts
from slipway.adapters.rows import Rows
from slipway.promotion.outcomes import Outcome, iso
from slipway.promotion.plan import Target
from tests.activities.conftest import Promotion
from tests.app_host import AppHost
from tests.laptop import AzureStandin

pytestmark = pytest.mark.usefixtures("configured")

SITE, FAULTY = "once", "lost"
ONEDEPLOY = "extensions/onedeploy"


@pytest.fixture
def deploys(azure: AzureStandin) -> Callable[[], int]:
    """How many deployments the slot has seen since the test began."""
    before = len(azure.deployments(SITE))
    return lambda: len(azure.deployments(SITE)) - before


def test_a_deployment_that_ended_answers_the_same_again_whatever_came_after_it(
    app: AppHost, azure: AzureStandin, promotion: Promotion, fence: int, deploys: Callable[[], int]
) -> None:
    first, later = (promotion.change(SITE, step, version, fence) for step, version in (("a", ""), ("b", "2.0.0-b")))
    answer = app.followed("deploy", first)
    assert answer.outcome is Outcome.PASSED, answer
    assert app.activity("deploy", first) == answer
    assert app.followed("deploy", later).outcome is Outcome.PASSED
    assert app.activity("deploy", first) == answer, "its receipt says how it ended"
    assert deploys() == 2
    assert AppService().read_live(azure.target(SITE)).idle_version == "2.0.0-b"


def test_a_start_that_is_called_again_goes_on_with_the_handle_of_its_receipt(
    app: AppHost, azure: AzureStandin, promotion: Promotion, fence: int, deploys: Callable[[], int]
) -> None:
    order = promotion.change(SITE, "deploy", fence=fence)
    started = app.activity("deploy", order)
    assert started.running and started.handle["kind"] == "deployment"
    azure.fault("GET", "staging/deployments?", answer={"status": 500})
    again = app.activity("deploy", order)
    assert azure.faults_left(), "there was nothing to look for: the receipt knows what was started"
    azure.forget_faults()
    assert again.handle.get("id", started.handle["id"]) == started.handle["id"]
    assert app.followed("deploy", order, again).outcome is Outcome.PASSED
    assert deploys() == 1


def test_a_start_whose_process_died_after_the_effect_is_found_and_followed(
    app: AppHost, azure: AzureStandin, promotion: Promotion, fence: int, deploys: Callable[[], int]
) -> None:
    order = promotion.change(SITE, "deploy", fence=fence)
    receipt = Receipts().begin(promotion.id, order["operation"])
    target = azure.target(SITE)
    lost = AppService().start_deployment(target, order["package"], order["operation"], receipt.intent_at, False)
    answer = app.activity("deploy", order)
    assert answer.running and answer.handle["id"] == lost.handle["id"]
    assert app.followed("deploy", order, answer).outcome is Outcome.PASSED
    assert deploys() == 1


def test_a_start_whose_process_died_before_the_effect_is_made(
    app: AppHost, promotion: Promotion, fence: int, deploys: Callable[[], int]
) -> None:
    order = promotion.change(SITE, "deploy", fence=fence)
    Receipts().begin(promotion.id, order["operation"])
    assert app.followed("deploy", order).outcome is Outcome.PASSED
    assert deploys() == 1


def test_an_aborted_promotion_deploys_nothing_and_begins_nothing(
    app: AppHost, promotion: Promotion, fence: int, deploys: Callable[[], int]
) -> None:
    mark_aborted(promotion.id)
    answer = app.activity("deploy", promotion.change(SITE, "deploy", fence=fence))
    assert (answer.outcome, answer.code) == (Outcome.CANCELLED, "ABORTED")
    assert deploys() == 0
    assert Rows("receipts").query(promotion.id) == []


def test_an_abort_ends_a_deployment_that_is_under_way_at_its_next_poll(
    app: AppHost, promotion: Promotion, fence: int
) -> None:
    order = promotion.change(SITE, "deploy", fence=fence)
    started = app.activity("deploy", order)
    assert started.running
    mark_aborted(promotion.id)
    answer = app.activity("deploy", {**order, "handle": started.handle})
    assert (answer.outcome, answer.code) == (Outcome.CANCELLED, "ABORTED")
    app.followed("deploy", {**order, "despite_abort": True}, started)


def test_a_deployment_under_an_older_fence_does_nothing_for_good(
    app: AppHost, azure: AzureStandin, promotion: Promotion, fence: int, deploys: Callable[[], int]
) -> None:
    taken_over(azure.target(SITE), fence + 1)
    for handle in ({}, intended(promotion)):
        answer = app.activity("deploy", promotion.change(SITE, "deploy", fence=fence, handle=handle))
        assert (answer.outcome, answer.code) == (Outcome.CANCELLED, "FENCED")
    assert f"under fence {fence + 1}" in answer.words
    assert deploys() == 0


def test_an_older_write_that_may_be_on_its_way_is_waited_for(
    app: AppHost, azure: AzureStandin, promotion: Promotion, fence: int, deploys: Callable[[], int]
) -> None:
    target = azure.target(SITE)
    assert Fences().claim(target, fence, "somebody's").granted
    order = promotion.change(SITE, "deploy", fence=fence + 1)
    answer = app.activity("deploy", order)
    assert answer.running and 0 < answer.after_s <= 5 and "may still be on its way" in answer.words
    assert deploys() == 0
    Fences().close(target, fence, "somebody's")
    assert app.followed("deploy", order, answer).outcome is Outcome.PASSED
    assert deploys() == 1


@pytest.mark.parametrize(
    ("fault", "waits"), [({"drop": "before"}, True), ({"drop": "after"}, True), ({"answer": {"status": 500}}, False)]
)
def test_a_write_whose_answer_was_lost_may_still_arrive_and_is_waited_out_by_whoever_takes_over(
    app: AppHost, azure: AzureStandin, promotion: Promotion, fence: int, fault: dict[str, Any], waits: bool
) -> None:
    order = promotion.change("halted", "stop-idle", fence=fence)
    azure.fault("POST", "/slots/staging/stop", **fault)
    assert app.activity("stop_idle", order).running
    claim = Fences().claim(azure.target("halted"), fence + 1, "rollback")
    assert (claim.granted, claim.wait_s > 30) == (not waits, waits)
    assert app.activity("stop_idle", order).code == ("" if waits else "FENCED"), "known once it was asked again"
    assert Fences().claim(azure.target("halted"), fence + 1, "rollback").granted
    Fences().close(azure.target("halted"), fence + 1, "rollback")


def test_a_write_that_is_over_stands_in_nobodys_way(
    app: AppHost, azure: AzureStandin, promotion: Promotion, fence: int
) -> None:
    order = promotion.change(SITE, "deploy", fence=fence)
    started = app.activity("deploy", order)
    assert Fences().claim(azure.target(SITE), fence + 1, "the next").granted
    assert app.followed("deploy", order, started).outcome is Outcome.PASSED, "only its start was a write"


def test_a_release_that_crashes_fails_its_deployment_every_time_it_is_asked(
    app: AppHost, promotion: Promotion, fence: int
) -> None:
    order = promotion.change(FAULTY, "deploy", f"{promotion.version}-crash", fence)
    answer = app.followed("deploy", order)
    assert (answer.outcome, answer.code) == (Outcome.FAILED, "DEPLOYMENT_FAILED")
    assert app.activity("deploy", order) == answer


def test_a_resource_that_is_none_of_app_service_is_said(app: AppHost, promotion: Promotion) -> None:
    order = promotion.change(SITE, "deploy")
    order["target"]["resource"] = "/subscriptions/1/resourceGroups/shop/providers/Microsoft.Sql/servers/db"
    answer = app.activity("deploy", order)
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "AZURE_INVALID")


def taken_over(target: Target, fence: int) -> None:
    """Somebody else was here with a higher fence, and is done."""
    assert Fences().claim(target, fence, "somebody else's").granted
    Fences().close(target, fence, "somebody else's")


def intended(promotion: Promotion) -> dict[str, Any]:
    """A handle that says that the effect is still to be made."""
    return {
        "kind": "intended",
        "package_url": promotion.azure.package(promotion.version),
        "operation": f"{promotion.id}:dev:{SITE}:deploy:1",
        "intent_at": iso(datetime.now(UTC) - timedelta(seconds=1)),
    }
