"""The alerts' queries: each has its file, its entry and its rule. What they find, tests/alerts tries."""

import json
from pathlib import Path

import pytest

from tests.infra import fits

INFRA = Path(__file__).parents[2] / "infra"
ALERTS = {each["name"]: each for each in json.loads((INFRA / "alerts.json").read_text())}
QUERIES = {path.stem: path.read_text() for path in (INFRA / "queries").glob("*.kql")}


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


def test_the_workbook_is_one_and_asks_of_slipway_only() -> None:
    workbook = json.loads((INFRA / "workbook.json").read_text())
    asked = [item["content"]["query"] for item in workbook["items"] if item["type"] == 3]
    assert workbook["version"] == "Notebook/1.0" and len(asked) >= 3
    assert all('AppRoleName startswith "slipway-"' in query for query in asked)
