"""Every alert has a query that says what it is, and a runbook whose commands and queries are ones."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import duckdb_kql
import pytest
import typer.main

from slipway.cli.main import app
from slipway.local.azure.logs.envelopes import TABLES
from tests.alerts.rules import ALERTS, QUERIES, ROOT, Alert

RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
ON_METRICS = {"dead-letters", "throttled"}  # alerts on Service Bus's own metrics
BY_HAND = {"audit-broken"}  # what a person finds who verifies the audit trail
SCHEMA = {table: list(columns) for table, columns in TABLES.items()}
every_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda each: each.name)
every_runbook = pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)


def test_alerts_queries_and_runbooks_are_the_same_set() -> None:
    names = {each.name for each in ALERTS}
    assert {path.stem for path in QUERIES.glob("*.kql")} == names
    assert {page.stem for page in RUNBOOKS} == names | ON_METRICS | BY_HAND


@every_alert
def test_a_query_says_when_it_fires_and_where_to_read_on(alert: Alert) -> None:
    said = [line for line in alert.query.splitlines() if line.startswith("//")][-1]
    sign = {"GreaterThanOrEqual": ">=", "LessThan": "<"}[alert.operator]
    rule = f"{alert.measure} {sign} {alert.threshold:g}"
    window = f"window {alert.over}, every {alert.every}"
    assert said == f"// Severity {alert.severity} · {window} · {rule} · {alert.runbook}"
    assert (ROOT / alert.runbook).is_file()


@every_alert
def test_a_query_tells_no_time_of_its_own_and_reads_slipways_rows_only(alert: Alert) -> None:
    """The rule's window is the time; several apps may share a workspace."""
    assert not re.search(r"\bago\(|\bnow\(", alert.query)
    assert 'AppRoleName startswith "slipway-"' in alert.query


@every_runbook
def test_a_runbook_says_what_it_means_how_to_look_what_to_do_and_whom_to_call(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    parts = ("# " + page.stem + ":", "**Means.**", "\n## Look\n", "\n## Do\n", "\n## Call\n")
    assert [part for part in parts if part not in text] == []


@every_runbook
def test_a_runbooks_commands_are_ones(page: Path) -> None:
    known = cast("Any", typer.main.get_command(app)).commands
    commands = list(commands_of(page.read_text(encoding="utf-8")))
    assert commands, "how is a person to look?"
    for words in commands:
        if words[2:]:
            known[words[1]].make_context(words[1], words[2:])  # raises for what the command does not take
        assert words[1] in known


@every_runbook
def test_a_runbooks_query_is_one(page: Path) -> None:
    queries = re.findall(r"```kusto\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert queries
    for query in queries:
        assert duckdb_kql.to_sql(query, schema=SCHEMA, allow_write=False)


@every_runbook
def test_who_is_told_to_go_back_is_told_when_that_is_possible(page: Path) -> None:
    """An older package under a newer `defaultVersion` leaves everything waiting that began since."""
    text = page.read_text(encoding="utf-8")
    assert "deploy the package before" not in text
    for line in text.splitlines():
        if "package before" in line:
            assert "same `defaultVersion`" in line and "(../upgrade.md#going-back)" in line


def test_the_runbook_of_refusals_names_who_gives_rights_on_targets() -> None:
    text = (ROOT / "docs" / "runbooks" / "azure-denied.md").read_text(encoding="utf-8")
    assert "`slipway roles`" in text and "(../deploy.md#rights-on-your-targets)" in text


@every_runbook
def test_a_runbook_links_to_pages_that_are_there(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).is_file()] == []


def commands_of(text: str) -> Iterator[list[str]]:
    """Each command that a page names, in a block or within a sentence."""
    lines = re.findall(r"^(slipway .*)$", text, re.MULTILINE) + re.findall(r"`(slipway [^`]+)`", text)
    # A service's own pipeline; docs/deploy.md makes it of the example.
    first = str(ROOT / "examples" / "first.yaml")
    return (shlex.split(line.replace("services/checkout.yaml", first)) for line in lines)
