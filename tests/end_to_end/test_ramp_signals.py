"""What else a ramp hears, on the whole laptop system: an alert by webhook, and the requests of its own top-up."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from slipway.cli.laptop.layout import WORKSPACE
from slipway.promotion.outcomes import moment
from tests import plain_http
from tests.app_host import eventually
from tests.end_to_end.system import SELDOM_S, Promotion, System, a_message, stage_of, start
from tests.end_to_end.test_ramp import users

HERE = Path(__file__).parent
GROUP = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/shop/providers"
LOGS = "https://api.loganalytics.io"


def an_alert(site: str, condition: str) -> dict[str, Any]:
    """As an action group sends it, by the common alert schema."""
    resource = f"{GROUP}/Microsoft.Web/sites/{site}".lower()
    essentials = {"alertId": f"{resource}/providers/Microsoft.AlertsManagement/alerts/1", "alertRule": f"{site}-p99"}
    essentials |= {"severity": "Sev1", "monitorCondition": condition, "alertTargetIDs": [resource]}
    essentials |= {"firedDateTime": datetime.now(UTC).isoformat()}
    return {"schemaId": "azureMonitorCommonAlertSchema", "data": {"essentials": essentials}}


def tell(system: System, site: str, condition: str) -> None:
    answer = system.call("POST", "/api/alerts", json=an_alert(site, condition))
    assert answer.status_code == 200, answer.text


def ramp(promotion: Promotion, stage: str) -> dict[str, Any]:
    found: dict[str, Any] = stage_of(promotion, stage)["ramp"] or {"share": 0.0, "tick": 0, "move": ""}
    return found


def records(system: System, id: str, stage: str = "production") -> list[dict[str, Any]]:
    return [each for each in system.get(f"/api/promotions/{id}/audit")["records"] if f":{stage}:" in each["id"]]


def versions_at(system: System, site: str, count: int = 40) -> set[str]:
    """The releases that users meet there, each without a cookie."""
    return {plain_http.get(system.laptop.azure["sites"][site] + "/").headers["x-version"] for _ in range(count)}


@pytest.fixture
def alerted(tmp_path: Path) -> Iterator[System]:
    with start(tmp_path, HERE / "signalled.yaml") as laptop:
        served = System(laptop)
        with users(served):
            yield served


@pytest.mark.timeout(240)
def test_an_alert_holds_a_ramp_until_it_is_resolved_or_takes_it_back_at_once(alerted: System) -> None:
    id = "checkout--2.0.0"
    tell(alerted, "checkout-weu", "Fired")
    alerted.send(a_message("2.0.0"))
    held = alerted.until(id, lambda seen: ramp(seen, "staging")["tick"] >= 8, within_s=90, every_s=SELDOM_S)
    assert (ramp(held, "staging")["share"], ramp(held, "staging")["move"]) == (0.2, "ALERT_SPEAKS")
    assert ramp(held, "staging")["calls"] is True
    tell(alerted, "checkout-weu", "Resolved")
    alerted.until_state(id, "staging", "passed", within_s=90)

    alerted.until(id, lambda seen: ramp(seen, "production")["share"] == 0.2, within_s=90, every_s=SELDOM_S)
    eventually(lambda: versions_at(alerted, "checkout-neu") == {"1.0.0", "2.0.0"})  # front ends follow the router late
    fired_at = datetime.now(UTC)
    tell(alerted, "checkout-neu", "Fired")
    ended = alerted.until_state(id, "production", "failed", within_s=60)
    assert stage_of(ended, "production")["code"] == "ALERT_FAILED"
    eventually(lambda: versions_at(alerted, "checkout-neu") == {"1.0.0"})
    [record] = [each for each in records(alerted, id) if each["action"] == "ramp.alert-failed"]
    assert "alert checkout-neu-p99 (Sev1) fires since" in record["words"]
    # The routers were told before the record was made. By itself a ramp looks every 15 seconds.
    assert (moment(record["at"]) - fired_at).total_seconds() < 4


@pytest.mark.timeout(240)
def test_a_service_without_users_ramps_by_its_top_up_and_by_ticks_after_each_share_has_settled(tmp_path: Path) -> None:
    """The router follows a second and a half late; telemetry is empty before the ramp."""
    id = "checkout--2.0.0"
    with start(tmp_path, HERE / "topped.yaml", telemetry={}, router_delay_s=1.5) as laptop:
        system = System(laptop)
        system.send(a_message("2.0.0"))
        ended = system.until_ended(id, within_s=180)
        assert ended["state"] == "passed", stage_of(ended, "production")["words"]
        told = [each for each in records(system, id) if each["action"].startswith("ramp.")]
        met = requests_by_version(system)
    assert met["1.0.0"] > 100 and met["2.0.0"] > 100, "the router divides them"
    began = {each["evidence"]["share"]: moment(each["at"]) for each in reversed(told)}
    assert sorted(began) == [0.2, 0.5, 1.0]
    settle_ticks, calm_ticks, delay_ticks, tick_s = 1, 2, 1, 2
    for before, after in ((0.2, 0.5), (0.5, 1.0)):
        waited_s = (began[after] - began[before]).total_seconds()
        assert waited_s > tick_s * (settle_ticks + calm_ticks + delay_ticks) - 0.5


def requests_by_version(system: System) -> dict[str, int]:
    query = 'AppRequests | where Url == "/synthetic" | summarize Requests = count() by AppVersion'
    body = {"query": query, "timespan": "PT1H"}
    answer = system.azure("POST", f"/v1/workspaces/{WORKSPACE}/query", LOGS, json=body).json()
    return {version: int(requests) for version, requests in answer["tables"][0]["rows"]}
