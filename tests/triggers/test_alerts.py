"""Alerts of Azure Monitor, by an action group's webhook: they fire for the ramps on their targets until resolved."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from slipway.adapters.alerts import await_alerts, firing
from slipway.promotion.approval import Vote
from tests.app_host import AppHost, a_principal, ask_people, eventually, has_ended
from tests.promotion.builders import ALICE as ALICE_HERSELF
from tests.promotion.builders import a_policy
from tests.triggers.conftest import ERIN

pytestmark = pytest.mark.usefixtures("configured")

AZURE = a_principal("", "66666666-6666-4666-8666-666666666666", ("ActionGroupsSecureWebhook",))
SITE = (
    "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/shop/providers/Microsoft.Web/sites/checkout-weu"
)


def an_alert(condition: str = "Fired", **essentials: Any) -> dict[str, Any]:
    """As Azure's documentation has it, shortened; `alertContext` differs by kind of alert."""
    said = {
        "alertId": f"{SITE}/providers/Microsoft.AlertsManagement/alerts/b9569717",
        "alertRule": "checkout-5xx",
        "severity": "Sev1",
        "signalType": "Metric",
        "monitorCondition": condition,
        "monitoringService": "Platform",
        "alertTargetIDs": [SITE.lower()],
        "firedDateTime": datetime.now(UTC).isoformat(),
    }
    data = {"essentials": {**said, **essentials}, "alertContext": {"properties": None}}
    return {"schemaId": "azureMonitorCommonAlertSchema", "data": data}


def test_an_alert_fires_on_its_target_until_it_is_resolved(app: AppHost) -> None:
    reply = app.http("POST", "/api/alerts", AZURE, an_alert())
    assert reply.status == 200, reply
    assert app.http("POST", "/api/alerts", AZURE, an_alert()).status == 200, "Azure may say it twice"
    assert [words[:29] for words in firing(SITE, "staging", datetime.now(UTC))] == ["alert checkout-5xx (Sev1) fir"]
    assert firing(SITE + "-other", "staging", datetime.now(UTC)) == []
    assert app.http("POST", "/api/alerts", AZURE, an_alert("Resolved")).status == 200
    assert firing(SITE, "staging", datetime.now(UTC)) == []


def test_a_firing_that_arrives_after_its_end_counts_no_more(app: AppHost) -> None:
    site, fired = SITE + "-late", datetime.now(UTC) - timedelta(hours=1)
    given = {"alertTargetIDs": [site], "firedDateTime": fired.isoformat()}
    for condition in ("Fired", "Resolved", "Fired"):
        assert app.http("POST", "/api/alerts", AZURE, an_alert(condition, **given)).status == 200
    assert firing(site, "staging", datetime.now(UTC)) == []
    again = {**given, "firedDateTime": (datetime.now(UTC) + timedelta(seconds=5)).isoformat()}
    assert app.http("POST", "/api/alerts", AZURE, an_alert(**again)).status == 200
    assert len(firing(site, "staging", datetime.now(UTC))) == 1, "it fires anew"


def test_an_alert_on_the_slot_of_a_target_is_one_on_the_target(app: AppHost) -> None:
    site = SITE + "-slotted"
    given = an_alert(alertTargetIDs=[f"{site}/slots/Staging"])
    assert app.http("POST", "/api/alerts", AZURE, given).status == 200
    assert len(firing(site, "staging", datetime.now(UTC))) == 1
    assert firing(site, "qa", datetime.now(UTC)) == []


def test_an_alert_whose_end_was_lost_is_forgotten_after_a_day(app: AppHost) -> None:
    long_ago = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    other = SITE + "-long-ago"
    given = an_alert(firedDateTime=long_ago, alertTargetIDs=[other])
    assert app.http("POST", "/api/alerts", AZURE, given).status == 200
    assert firing(other, "staging", datetime.now(UTC)) == []


@pytest.mark.parametrize("condition", ["Fired", "Resolved"])
def test_whoever_waits_at_a_target_is_woken_by_its_alerts(app: AppHost, condition: str) -> None:
    """An approval stands for a ramp: given already, it ends when something wakes it, else in a quarter of an hour."""
    promotion = f"woken--{condition.lower()}"
    ask_people(app, f"{promotion}:dev:approval:1", promotion, "dev", a_policy(not_author=False))
    vote = Vote(ALICE_HERSELF, "approve", datetime.now(UTC), None).dump()
    app.signal("decisions", promotion, "vote", {"command": "c1", "stage": "dev", "vote": vote})
    site = f"{SITE}-{condition}"
    await_alerts(site, "a-ramp-that-is-over")
    await_alerts(site, f"{promotion}:dev:approval:1")
    assert app.http("POST", "/api/alerts", AZURE, an_alert(condition, alertTargetIDs=[SITE])).status == 200
    assert not has_ended(app, f"{promotion}:dev:approval:1"), "that was another target"
    given = an_alert(condition, alertTargetIDs=[SITE, site.lower()])
    assert app.http("POST", "/api/alerts", AZURE, given).status == 200
    eventually(lambda: has_ended(app, f"{promotion}:dev:approval:1"))


def test_an_alert_is_kept_though_the_ramp_at_its_target_is_no_more(app: AppHost) -> None:
    site = SITE + "-left"
    await_alerts(site, "a-ramp-that-is-over")
    assert app.http("POST", "/api/alerts", AZURE, an_alert(alertTargetIDs=[site])).status == 200
    assert len(firing(site, "staging", datetime.now(UTC))) == 1


def test_nobody_else_tells_of_alerts(app: AppHost) -> None:
    assert app.http("POST", "/api/alerts", None, an_alert()).status == 401
    assert app.http("POST", "/api/alerts", ERIN, an_alert()).problem == (403, "FORBIDDEN")


@pytest.mark.parametrize(
    "wrong",
    [
        {"schemaId": "AzureMonitorMetricAlert", "data": {}},
        an_alert("Perhaps"),
        an_alert(alertTargetIDs=[]),
        an_alert(alertTargetIDs=["not a resource"]),
        an_alert(firedDateTime="0308-04-23T04:45:31Z"),
        {},
    ],
)
def test_what_is_no_common_alert_is_refused(app: AppHost, wrong: dict[str, Any]) -> None:
    assert app.http("POST", "/api/alerts", AZURE, wrong).problem == (422, "INVALID_BODY")
