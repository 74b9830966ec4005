"""The workspace over its REST API: what it keeps over a kill, what it made up, and how it says no."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.monitor.query import LogsQueryClient, LogsQueryPartialResult, LogsQueryResult

from tests.azure_standin.standin import CONFIG, StandinProcess, running

WORKSPACE = "11111111-2222-4333-8444-555555555555"
HISTORY = f"""
{CONFIG}
telemetry:
  workspaces: [{WORKSPACE}]
  seed: 3
  traffic:
    - {{site: checkout-dev, service: checkout, version: 1.0.0, hours: 0.5, per_second: 10, error_rate: 0.01}}
    - {{site: checkout-new, service: checkout, version: 1.0.0, hours: 0.5, per_second: 10, error_rate: 0.01}}
"""
BY_VERSION = """AppRequests
| summarize Requests = sum(ItemCount), Failures = countif(Success == false), Instances = dcount(AppRoleInstance)
    by AppVersion"""


def logs(standin: StandinProcess) -> LogsQueryClient:
    return LogsQueryClient(
        standin.credential(),
        endpoint=standin.url,
        audience="https://api.loganalytics.io",
        connection_verify=standin.told["ca"],
        retry_total=0,
    )


def ask(standin: StandinProcess, kql: str, timespan: Any = None) -> list[list[Any]]:
    with logs(standin) as client:
        answer = client.query_workspace(WORKSPACE, kql, timespan=timespan)
    assert isinstance(answer, LogsQueryResult)
    return [list(row) for row in answer.tables[0].rows]


def serve(standin: StandinProcess, count: int, at: datetime | None = None, version: str = "1.0.0") -> None:
    at = at or datetime.now(UTC)
    row = {"at": at.isoformat(), "role": "checkout", "version": version, "instance": "a", "path": "/carts/1"}
    rows = [row | {"status": 200, "duration_ms": 4.2, "success": True}] * count
    with standin.http() as http:
        assert http.post("/standin/served", json=rows).status_code == 201


@pytest.fixture(scope="module")
def historic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandinProcess]:
    with running(tmp_path_factory.mktemp("history"), HISTORY) as standin:
        yield standin


def test_what_was_logged_outlives_a_kill_and_history_is_written_once(tmp_path: Path) -> None:
    with running(tmp_path, HISTORY) as standin:
        [[made_up]] = ask(standin, "AppRequests | count")
        serve(standin, 30)
        assert ask(standin, "AppRequests | count") == [[made_up + 30]]
        standin.kill()
        standin.start()
        assert ask(standin, "AppRequests | count") == [[made_up + 30]]
        serve(standin, 2)
        assert ask(standin, "AppRequests | count") == [[made_up + 32]]


def test_columns_have_kustos_types(historic: StandinProcess) -> None:
    serve(historic, 1, datetime(2026, 11, 30, 12, 0, 0, 250_000, tzinfo=UTC), version="typed")
    with logs(historic) as client:
        answer = client.query_workspace(
            WORKSPACE,
            "AppRequests | where AppVersion == 'typed' | project TimeGenerated, AppRoleName, Success, DurationMs, "
            "ItemCount, Name, Url, ResultCode, Bag = pack('a', 1) | extend Total = 1",
            timespan=None,
        )
    assert isinstance(answer, LogsQueryResult)
    types = dict(zip(answer.tables[0].columns, answer.tables[0].columns_types, strict=True))
    assert types["TimeGenerated"] == "datetime" and types["Success"] == "bool" and types["DurationMs"] == "real"
    assert (types["ItemCount"], types["Total"], types["Url"]) == ("int", "long", "string")
    row = answer.tables[0].rows[0]
    assert row["TimeGenerated"] == datetime(2026, 11, 30, 12, 0, 0, 250_000, tzinfo=UTC)
    assert (row["Name"], row["Url"], row["ResultCode"], row["ItemCount"]) == ("GET /carts/1", "/carts/1", "200", 1)


def test_the_requests_timespan_bounds_what_a_query_sees(historic: StandinProcess) -> None:
    noon = datetime(2026, 11, 29, 12, tzinfo=UTC)
    for minute in range(3):
        serve(historic, 1, noon + timedelta(minutes=minute), version="spanned")
    query = "AppRequests | where AppVersion == 'spanned' | count"
    assert ask(historic, query) == [[3]]
    assert ask(historic, query, (noon, noon + timedelta(minutes=2))) == [[2]]
    assert ask(historic, query, (noon + timedelta(minutes=1), timedelta(minutes=5))) == [[2]]
    assert ask(historic, query, timedelta(minutes=1)) == [[0]]


def test_a_service_has_a_healthy_history_from_the_start(historic: StandinProcess) -> None:
    [[version, requests, failures, instances]] = ask(historic, f"{BY_VERSION} | where AppVersion == '1.0.0'")
    assert (version, instances) == ("1.0.0", 4)
    assert requests == pytest.approx(0.5 * 3600 * 20, rel=0.02)
    assert failures / requests == pytest.approx(0.01, rel=0.3)
    [[first, last, most]] = ask(
        historic,
        "AppRequests | where AppVersion == '1.0.0' | summarize min(TimeGenerated), max(TimeGenerated), max(ItemCount)",
    )
    assert last <= datetime.now(UTC) and last - first > timedelta(minutes=29)
    assert most == 1, "no row stands for several requests"


def test_two_sites_of_a_service_do_not_fail_in_the_same_moments(historic: StandinProcess) -> None:
    """Their failures would come in pairs, and a judge would learn of bursts that there are none of."""
    pairs = "AppRequests | where Success == false and AppVersion == '1.0.0' | summarize N = count() by TimeGenerated"
    assert ask(historic, f"{pairs} | where N > 1") == []


def test_lost_rows_are_the_same_ones_in_every_query(historic: StandinProcess) -> None:
    query = "AppRequests | where AppVersion == '1.0.0' | count"
    [[whole]] = ask(historic, query)
    with historic.http() as http:
        http.post("/standin/telemetry", json={"lost": 0.25}).raise_for_status()
        [[some]] = ask(historic, query)
        assert [[some]] == ask(historic, query) and some / whole == pytest.approx(0.75, rel=0.02)
        ends = datetime.now(UTC)
        gap = {"lost_from": (ends - timedelta(minutes=20)).isoformat(), "lost_until": ends.isoformat()}
        http.post("/standin/telemetry", json=gap).raise_for_status()
        [[left]] = ask(historic, query)
        http.delete("/standin/telemetry").raise_for_status()
    assert left / whole == pytest.approx(1 / 3, rel=0.05)
    assert ask(historic, query) == [[whole]]


def test_a_partial_answer_has_rows_and_an_error(historic: StandinProcess) -> None:
    with historic.http() as http:
        http.post("/standin/telemetry", json={"partial": 1}).raise_for_status()
    with logs(historic) as client:
        answer = client.query_workspace(WORKSPACE, "AppRequests | take 10", timespan=None)
    assert isinstance(answer, LogsQueryPartialResult)
    assert (
        answer.partial_error and answer.partial_error.code == "PartialError" and len(answer.partial_data[0].rows) == 5
    )


@pytest.mark.parametrize(
    ("workspace", "kql", "status", "code"),
    [
        (WORKSPACE, "AppRequests | summarise x", 400, "BadArgumentError"),
        (WORKSPACE, "AppRequests | where Nope == 1", 400, "BadArgumentError"),
        (WORKSPACE, "NoSuchTable | take 1", 400, "BadArgumentError"),
        ("99999999-0000-4000-8000-000000000000", "AppRequests | take 1", 404, "WorkspaceNotFoundError"),
    ],
)
def test_refusals_have_azures_shape(historic: StandinProcess, workspace: str, kql: str, status: int, code: str) -> None:
    from azure.core.exceptions import HttpResponseError

    with logs(historic) as client, pytest.raises(HttpResponseError) as raised:
        client.query_workspace(workspace, kql, timespan=None)
    assert raised.value.status_code == status and raised.value.error and raised.value.error.code == code


def test_without_a_token_nothing_is_told(historic: StandinProcess) -> None:
    with historic.http() as http:
        answer = http.post(f"/v1/workspaces/{WORKSPACE}/query", json={"query": "AppRequests | count"})
        batch = http.post("/v1/$batch", json={"requests": []}, headers={"Authorization": "Bearer nonsense"})
    assert (answer.status_code, batch.status_code) == (401, 401)
    assert answer.json()["error"]["code"] == "InvalidTokenError"


def test_a_mishap_that_is_none_is_refused(historic: StandinProcess) -> None:
    with historic.http() as http:
        assert http.post("/standin/telemetry", json={"lost": 2}).status_code == 400
        assert http.post("/standin/telemetry", json={"eaten": 1}).status_code == 400
