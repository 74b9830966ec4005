"""Application Insights' ingestion: who may tell, in which shapes, and what is said of what cannot be read."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.alerts.workspace import Workspace
from tests.azure_standin.standin import StandinProcess

AT = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def workspace(untouched: StandinProcess) -> Workspace:
    return Workspace(untouched, AT)


def envelope(message: object, **changes: object) -> dict[str, object]:
    data = {"baseType": "MessageData", "baseData": {"ver": 2, "message": message, "severityLevel": "Warning"}}
    return {"time": AT.isoformat(), "iKey": "i", "tags": {}, "data": data, **changes}


def messages(workspace: Workspace, beginning: str) -> list[str]:
    kql = f"AppTraces | where Message startswith '{beginning}' | order by Message asc | project Message"
    return [row["Message"] for row in workspace.ask(kql, DAY)]


def test_an_instrumentation_key_alone_is_refused(workspace: Workspace) -> None:
    answer = workspace.post(json.dumps(envelope("no token")).encode(), authorised=False)
    assert (answer.status_code, answer.json()["itemsAccepted"]) == (401, 0)
    assert messages(workspace, "no token") == []


@pytest.mark.parametrize("shape", ["array", "lines"])
def test_both_shapes_of_a_body_are_read(workspace: Workspace, shape: str) -> None:
    both = [envelope(f"{shape} 1"), envelope(f"{shape} 2")]
    body = json.dumps(both) if shape == "array" else "\n".join(map(json.dumps, both))
    answer = workspace.post(body.encode())
    assert (answer.status_code, answer.json()["itemsReceived"]) == (200, 2)
    assert messages(workspace, shape) == [f"{shape} 1", f"{shape} 2"]


def test_what_cannot_be_read_is_named_and_the_rest_is_kept(workspace: Workspace) -> None:
    answer = workspace.post(json.dumps([envelope("part"), {"time": AT.isoformat()}]).encode())
    said = answer.json()
    assert (answer.status_code, said["itemsAccepted"], [each["index"] for each in said["errors"]]) == (206, 1, [1])
    assert messages(workspace, "part") == ["part"]
    assert workspace.post(b"no json").status_code == 400
    assert workspace.post(json.dumps([{}]).encode()).status_code == 400


def test_a_kind_that_is_in_no_table_is_taken(workspace: Workspace) -> None:
    unknown = envelope("", data={"baseType": "PageViewData", "baseData": {}})
    assert workspace.post(json.dumps([unknown]).encode()).status_code == 200


def test_every_table_has_the_columns_of_azure_with_their_values(workspace: Workspace) -> None:
    workspace.request("GET /", 503, url="https://shop.example/", success=False, trace="all", n=7, sampled=50)
    (row,) = workspace.ask("AppRequests | where OperationId == 'all'", DAY)
    shown = {
        key: row[key] for key in ("Name", "Url", "ResultCode", "Success", "DurationMs", "ItemCount", "AppRoleName")
    }
    assert shown == {
        "Name": "GET /",
        "Url": "https://shop.example/",
        "ResultCode": "503",
        "Success": False,
        "DurationMs": 100.0,
        "ItemCount": 2,
        "AppRoleName": "slipway-prod",
    }
    assert json.loads(row["Properties"]) == {"n": "7"}


@pytest.mark.parametrize("table", ["AppRequests", "AppDependencies", "AppTraces", "AppExceptions", "AppMetrics"])
def test_an_empty_table_is_one(workspace: Workspace, table: str) -> None:
    kql = f"{table} | where AppRoleName == 'nobody' | project TimeGenerated, OperationId, Properties, ItemCount"
    assert workspace.ask(kql, DAY) == []
