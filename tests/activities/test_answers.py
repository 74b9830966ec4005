"""Whatever happens inside an activity, the orchestrator hears an outcome: an exception would lose its words."""

import pytest

from slipway.promotion.outcomes import Outcome
from slipway.settings import settings
from tests.app_host import AppHost
from tests.workflow.virtual import app_functions

ACTIVITIES = [each.registered_name for each in app_functions() if each.trigger_type == "activityTrigger"]


def test_every_activity_is_looked_at() -> None:
    assert {"claim_promotion", "record", "deploy", "swap", "check_health", "drive_load", "nudge"} <= set(ACTIVITIES)


@pytest.mark.parametrize("activity", ACTIVITIES)
def test_an_order_that_makes_no_sense_is_broken_and_says_where(app: AppHost, activity: str) -> None:
    answer = app.activity(activity, {})
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "UNEXPECTED")
    assert answer.words.startswith("KeyError") and "Traceback" in answer.log


@pytest.mark.parametrize(
    "activity", ["claim_promotion", "end_promotion", "deploy", "swap", "check_health", "drive_load"]
)
def test_a_setting_that_is_missing_is_named(app: AppHost, activity: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLIPWAY_TABLES_ENDPOINT", raising=False)
    settings.cache_clear()
    answer = app.activity(activity, {"promotion": "checkout--0.0.0", "token": "t1"})
    assert (answer.outcome, answer.code) == (Outcome.BROKEN, "SETTING_MISSING")
    assert "SLIPWAY_TABLES_ENDPOINT is not set" in answer.words
