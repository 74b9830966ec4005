"""Alerts of Azure Monitor, by an action group's webhook: they fire for the ramps on their targets until resolved."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from slipway.adapters.alerts import firing
from tests.app_host import AppHost, a_principal
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
    assert [words[:29] for words in firing(SITE, datetime.now(UTC))] == ["alert checkout-5xx (Sev1) fir"]
    assert firing(SITE + "-other", datetime.now(UTC)) == []
    assert app.http("POST", "/api/alerts", AZURE, an_alert("Resolved")).status == 200
    assert firing(SITE, datetime.now(UTC)) == []


def test_an_alert_whose_end_was_lost_is_forgotten_after_a_day(app: AppHost) -> None:
    long_ago = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    other = SITE + "-long-ago"
    given = an_alert(firedDateTime=long_ago, alertTargetIDs=[other])
    assert app.http("POST", "/api/alerts", AZURE, given).status == 200
    assert firing(other, datetime.now(UTC)) == []


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
