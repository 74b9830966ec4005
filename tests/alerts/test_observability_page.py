"""docs/observability.md is true: its alerts are all there are, its figures are there, its queries are ones."""

import re

import duckdb_kql
import pytest

from slipway.local.azure.logs.envelopes import TABLES
from tests.alerts.rules import ALERTS, ROOT
from tests.alerts.test_runbooks import ON_METRICS

PAGE = ROOT / "docs" / "observability.md"
TEXT = PAGE.read_text(encoding="utf-8")
FIGURES = sorted((ROOT / "infra" / "figures").glob("*.kql"))
SCHEMA = {table: list(columns) for table, columns in TABLES.items()}


def test_every_alert_and_every_figure_is_on_the_page() -> None:
    assert set(re.findall(r"runbooks/([\w-]+)\.md", TEXT)) == {each.name for each in ALERTS} | ON_METRICS
    assert set(re.findall(r"figures/([\w-]+)\.kql\)", TEXT)) == {path.stem for path in FIGURES}


def test_its_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)", TEXT)
    assert [link for link in links if not (PAGE.parent / link).exists()] == []


@pytest.mark.parametrize("figure", FIGURES, ids=lambda path: path.stem)
def test_a_figure_is_a_query_on_slipways_rows(figure: object) -> None:
    text = (ROOT / str(figure)).read_text(encoding="utf-8")
    assert duckdb_kql.to_sql(text, schema=SCHEMA, allow_write=False)
    assert text.startswith("// ") and 'AppRoleName startswith "slipway-"' in text


def test_its_queries_are_ones() -> None:
    queries = re.findall(r"```kusto\n(.*?)```", TEXT, re.DOTALL)
    assert queries
    for query in queries:
        assert duckdb_kql.to_sql(query, schema=SCHEMA, allow_write=False)
