"""The alerts' queries: each has its file, its entry and its rule, and finds what it is for on the laptop's tables."""

import json
from pathlib import Path

import duckdb
import pytest

from slipway.local.azure.logs.translation import to_sql
from tests.infra import fits

INFRA = Path(__file__).parents[2] / "infra"
ALERTS = {each["name"]: each for each in json.loads((INFRA / "alerts.json").read_text())}
QUERIES = {path.stem: path.read_text() for path in (INFRA / "queries").glob("*.kql")}

REQUESTS = (
    "TimeGenerated timestamp, AppRoleName varchar, Url varchar, ResultCode varchar, Name varchar, ItemCount bigint"
)
COLUMNS = tuple(each.split()[0] for each in REQUESTS.split(", "))


def test_every_alert_has_a_query_and_every_query_an_alert() -> None:
    assert ALERTS.keys() == QUERIES.keys()
    azure = fits.files(INFRA)[(INFRA / "azure" / "main.bicep").resolve()]
    assert azure.of("var")["queries"].value.keys() == QUERIES.keys()
    assert {f"../queries/{name}.kql" for name in QUERIES} <= set(azure.loaded)


@pytest.mark.parametrize("alert", ALERTS.values(), ids=list(ALERTS))
def test_an_alert_is_one_that_azure_takes(alert: dict[str, object]) -> None:
    wanted = {
        "name",
        "says",
        "severity",
        "every",
        "over",
        "measure",
        "aggregation",
        "by",
        "operator",
        "threshold",
        "failing",
    }
    assert alert.keys() == wanted | (alert.keys() & {"runbook"})
    assert alert["aggregation"] in ("Total", "Average", "Minimum", "Maximum")  # Count takes no measure
    assert isinstance(alert["by"], list) and all(column in QUERIES[str(alert["name"])] for column in alert["by"])
    assert alert["severity"] in range(5) and alert["failing"] in range(1, 7)
    assert alert["operator"] in ("GreaterThan", "GreaterThanOrEqual", "LessThan", "LessThanOrEqual", "Equal")
    assert str(alert["measure"]) in QUERIES[str(alert["name"])]


def test_http_5xx_counts_slipways_own_faults_of_calls_and_nothing_else() -> None:
    table = duckdb.connect()
    table.execute(f"create table AppRequests ({REQUESTS})")
    for role, url, result, items in (
        ("slipway-prod-x", "https://h/api/promotions", "500", 3),
        ("slipway-prod-x", "https://h/api/promotions", "503", 2),  # sampled: two requests in one row
        ("slipway-prod-x", "https://h/api/promotions", "404", 7),
        ("slipway-prod-x", "", "500", 7),  # the janitor's run
        ("shop", "https://shop/", "500", 7),
    ):
        table.execute("insert into AppRequests values (now()::timestamp, ?, ?, ?, 'f', ?)", [role, url, result, items])
    assert table.execute(to_sql(QUERIES["http-5xx"], (("AppRequests", COLUMNS),))).fetchall() == [("f", 5)]


def test_the_workbook_is_one_and_asks_of_slipway_only() -> None:
    workbook = json.loads((INFRA / "workbook.json").read_text())
    asked = [item["content"]["query"] for item in workbook["items"] if item["type"] == 3]
    assert workbook["version"] == "Notebook/1.0" and len(asked) >= 3
    assert all('AppRoleName startswith "slipway-"' in query for query in asked)
