"""Sites of several subscriptions, workspaces and regions, which run nothing before somebody asks for them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slipway.local.azure.config import TrafficConfig
from slipway.local.azure.logs.places import asked_for, traffic_of
from tests.azure_standin.standin import Arm, StandinProcess, running

TENANT = "00000000-0000-4000-8000-000000000002"
DEDICATED = "6a1f0c52-3c1e-4d0a-9b57-0c1d2e3f4a5b"
CONFIG = f"""
subscription: 00000000-0000-4000-8000-000000000001
resource_group: hub
instances: 1
sites:
  - name: hub
    port: 18111
    location: West Europe
    live: {{service: hub, version: 1.0.0}}
    always_on: false
    slots: [{{name: staging, port: 18211}}]
  - name: theirs
    port: 18112
    location: East US
    live: {{service: hub, version: 1.0.0}}
    always_on: false
    subscription: {TENANT}
    resource_group: contoso
    slots: [{{name: staging, port: 18212}}]
cosmos_accounts:
  - {{name: db, subscription: {TENANT}, resource_group: contoso, locations: [East US]}}
telemetry:
  traffic:
    - {{site: hub, service: hub, version: 1.0.0, hours: 0}}
    - {{site: theirs, service: hub, version: 1.0.0, hours: 0, role: hub-theirs, workspace: {DEDICATED}}}
"""
THEIRS = f"/subscriptions/{TENANT}/resourceGroups/contoso/providers/Microsoft.Web/sites/theirs"
HUB = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/hub/providers/Microsoft.Web/sites/hub"


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandinProcess]:
    with running(tmp_path_factory.mktemp("tenants"), CONFIG) as started:
        yield started


@pytest.fixture
def arm(standin: StandinProcess) -> Arm:
    return Arm(standin.web())


def asked(standin: StandinProcess, workspace: str, kql: str) -> list[list[Any]]:
    with standin.http() as http:
        person = {"grant_type": "password", "client_id": "https://api.loganalytics.io", "username": "alice"}
        token = http.post(f"/{standin.told['tenant']}/oauth2/v2.0/token", data=person).json()["access_token"]
        headers = {"authorization": f"Bearer {token}"}
        answer = http.post(f"/v1/workspaces/{workspace}/query", json={"query": kql}, headers=headers)
    assert answer.status_code == 200, answer.text
    rows: list[list[Any]] = answer.json()["tables"][0]["rows"]
    return rows


def test_a_site_that_is_not_always_on_runs_nothing_before_its_first_request(tmp_path: Path) -> None:
    with running(tmp_path, CONFIG) as standin:
        assert standin.workers() == []
        assert standin.version_at("hub") == "1.0.0"
        assert len(standin.workers()) == 1, "the other site goes on sleeping"


def test_a_site_is_found_in_its_own_subscription_and_group_alone(standin: StandinProcess, arm: Arm) -> None:
    shown = arm.get(THEIRS)
    assert (shown["id"], shown["location"], shown["properties"]["state"]) == (THEIRS, "East US", "Running")
    assert arm.get(f"{THEIRS}/config/web")["properties"]["alwaysOn"] is False
    database = THEIRS.replace("Microsoft.Web/sites/theirs", "Microsoft.DocumentDB/databaseAccounts/db")
    assert arm.get(f"{database}?api-version=2026-03-15")["id"] == database
    codes = {}
    for path in (
        HUB.replace("sites/hub", "sites/theirs"),
        THEIRS.replace("contoso", "hub"),
        THEIRS.replace(TENANT, TENANT[:-1] + "9"),
    ):
        answer = arm.send("GET", path)
        codes[path] = answer.status_code, answer.json()["error"]["code"]
    assert list(codes.values()) == [
        (404, "ResourceNotFound"),
        (404, "ResourceGroupNotFound"),
        (404, "SubscriptionNotFound"),
    ]


def test_a_build_that_fails_in_one_region_is_healthy_in_the_others(standin: StandinProcess, arm: Arm) -> None:
    for site, slot in (("theirs", f"{THEIRS}/slots/staging"), ("hub", f"{HUB}/slots/staging")):
        ended = arm.deployed(slot, standin.package("2.0.0-eastus").replace("checkout", "hub"))
        assert ended["status"] == "RuntimeSuccessful", site
    bad = {
        site: sum(standin.at(f"{site}(staging)", "/").status_code == 500 for _ in range(400))
        for site in ("theirs", "hub")
    }
    assert bad["hub"] == 0 and 1 <= bad["theirs"] <= 50, "3 in 100 fail in East US"


def test_a_dedicated_workspace_has_its_tenants_rows_and_nobody_elses(standin: StandinProcess) -> None:
    for site in ("hub", "theirs"):
        assert standin.at(site, "/").status_code == 200
    count = "AppRequests | summarize count() by AppRoleName"
    assert [row[0] for row in asked(standin, DEDICATED, count)] == ["hub-theirs"]
    assert [row[0] for row in asked(standin, "00000000-0000-4000-8000-00000000ca0a", count)] == ["hub"]


def test_only_a_query_of_one_role_alone_may_do_without_the_traffic_of_others() -> None:
    one, other = (TrafficConfig(site=name, service=name, version="1.0.0") for name in ("one", "other"))
    own = one.model_copy(update={"role": "mine", "workspace": DEDICATED})
    head = 'let begins = datetime(2026-11-30);\nlet role = "one";\n'
    of_role = "AppRequests\n| where TimeGenerated >= begins and TimeGenerated < ends\n| where AppRoleName == role\n"
    assert asked_for(head + of_role, (one, other)) == (one,)
    assert asked_for(head + of_role + "| union AppRequests", (one, other)) == (one, other)
    assert asked_for("AppRequests | where AppRoleName != 'one'", (one, other)) == (one, other)
    assert traffic_of(DEDICATED, (own, other)) == (own,) and traffic_of("", (own, other)) == (other,)
