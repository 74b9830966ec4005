"""A stack through the activities of targets: receipts, fences and abort hold for it as for any deployment."""

from dataclasses import asdict
from typing import Any

import pytest

from slipway.adapters.intake import mark_aborted
from slipway.adapters.receipts import Receipts
from slipway.promotion.outcomes import Answer, Outcome
from slipway.promotion.planned_changes import PLANNED
from tests.activities.conftest import Promotion
from tests.adapters.stack import Stack, a_plan
from tests.app_host import AppHost
from tests.laptop import AzureStandin

pytestmark = pytest.mark.usefixtures("configured")


@pytest.fixture
def stack(azure: AzureStandin, promotion: Promotion) -> Stack:
    it = Stack(azure, f"of-{promotion.version.replace('.', '-')}")
    it.builds(promotion.version, a_plan(f"{it.name}-plan"))
    return it


def order_of(promotion: Promotion, stack: Stack, step: str, fence: int, planned: str = "") -> dict[str, Any]:
    target = asdict(stack.target)
    target["settings"] |= {PLANNED: planned} if planned else {}
    package = str(stack.target.settings["artifact"]).replace("{version}", promotion.version)
    return promotion.change("plain", f"{step}-{stack.name}", fence=fence, target=target, package=package)


def followed(app: AppHost, activity: str, order: dict[str, Any]) -> Answer:
    answer: Answer = app.activity(activity, order)
    while answer.running:
        answer = app.activity(activity, {**order, "handle": answer.handle})
    return answer


def test_what_was_planned_is_applied_once_and_only_under_the_newest_fence(
    app: AppHost, promotion: Promotion, fence: int, stack: Stack
) -> None:
    planned = followed(app, "deploy", order_of(promotion, stack, "deploy", fence))
    assert planned.outcome is Outcome.PASSED and planned.result["changes"].startswith("1 to create")
    order = order_of(promotion, stack, "swap", fence, planned.result["planned"])
    assert followed(app, "swap", order).outcome is Outcome.PASSED
    assert stack.versions == (promotion.version, None)
    assert app.activity("swap", order).outcome is Outcome.PASSED, "its receipt says how it ended"
    asked = {"promotion": promotion.id, "targets": [asdict(stack.target)], "version_path": "/version"}
    seen = app.activity("survey_targets", asked).result
    assert seen["sites"][stack.name]["previous"] == promotion.version and seen["fence"] == fence

    followed(app, "swap", order_of(promotion, stack, "newer", fence + 1))
    late = followed(app, "swap", order_of(promotion, stack, "late", fence))
    assert (late.outcome, late.code) == (Outcome.CANCELLED, "FENCED")


def test_a_switch_whose_process_died_after_the_write_is_followed_and_an_aborted_one_writes_nothing(
    app: AppHost, promotion: Promotion, fence: int, stack: Stack
) -> None:
    target = stack.planned(promotion.version)
    order = order_of(promotion, stack, "swap", fence, target.settings[PLANNED])
    Receipts().begin(promotion.id, order["operation"])
    stack.written(promotion.version, order["operation"], target)
    stack.azure.fault("PUT", f"deploymentStacks/{stack.name}", answer={"status": 400})
    assert followed(app, "swap", order).outcome is Outcome.PASSED
    assert stack.azure.faults_left(), "nothing was written a second time"
    stack.azure.forget_faults()
    mark_aborted(promotion.id)
    stopped = app.activity("swap", order_of(promotion, stack, "aborted", fence))
    assert (stopped.outcome, stopped.code) == (Outcome.CANCELLED, "ABORTED")
