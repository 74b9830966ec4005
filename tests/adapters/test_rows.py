"""Rows: conditional writes, types, keys, and what the SDK's own repeats do."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from slipway.adapters.azure_errors import AzureProblem
from slipway.adapters.rows import Rows
from slipway.promotion.port_values import Cell, Row
from tests.laptop import AzureStandin


@pytest.fixture
def rows(azure: AzureStandin) -> Rows:
    return Rows("things", azure.settings)


def test_a_table_comes_into_being_with_its_first_row(azure: AzureStandin) -> None:
    rows = Rows("brandnew", azure.settings)
    assert rows.get("p", "k") is None
    assert rows.query("p") == []
    assert rows.insert("p", "k", {"n": 1})
    assert [row.key for row in rows.query("p")] == ["k"]


def test_of_many_that_insert_one_row_one_is_told_that_it_is_new(rows: Rows) -> None:
    with ThreadPoolExecutor(10) as pool:
        told = list(pool.map(lambda n: rows.insert("race", "row", {"n": n}), range(10)))
    assert sorted(told) == [False] * 9 + [True]
    row = rows.get("race", "row")
    assert row is not None and row.values["n"] == told.index(True)


def test_values_come_back_as_they_were(rows: Rows) -> None:
    values: dict[str, Cell] = {
        "text": "ein 'Zitat' — 日本",
        "small": 7,
        "large": 2**53 + 1,
        "real": 0.1,
        "yes": True,
        "at": datetime(2026, 11, 24, 12, 30, 1, 250_000, tzinfo=UTC),
        "doc": json.dumps({"nested": [1, {"a": None}]}),
    }
    rows.insert("types", "row", values)
    row = rows.get("types", "row")
    assert row is not None
    assert row.values == values
    assert {name: type(value) for name, value in row.values.items()} == {n: type(v) for n, v in values.items()}
    assert row.doc == {"nested": [1, {"a": None}]}


def test_a_document_larger_than_a_column_comes_back_whole(rows: Rows) -> None:
    rows.upsert("doc", "row", {"doc": json.dumps({"text": "x" * 100_000})}, merge=False)
    row = rows.get("doc", "row")
    assert row is not None and len(row.doc["text"]) == 100_000
    rows.upsert("doc", "row", {"doc": json.dumps({"text": "short"})}, merge=True)
    row = rows.get("doc", "row")
    assert row is not None and row.doc == {"text": "short"}


def test_who_read_an_older_row_cannot_replace_the_newer(rows: Rows) -> None:
    rows.insert("etag", "row", {"n": 1, "old": "x"})
    first = rows.get("etag", "row")
    assert first is not None
    assert rows.replace(Row("etag", "row", {"n": 2}), first.etag)
    assert not rows.replace(Row("etag", "row", {"n": 3}), first.etag)
    now = rows.get("etag", "row")
    assert now is not None and now.values == {"n": 2}
    assert not rows.replace(Row("etag", "gone", {}), first.etag)


def test_a_merge_keeps_the_other_columns_and_a_replace_does_not(rows: Rows) -> None:
    rows.upsert("merge", "row", {"a": 1, "b": 1}, merge=True)
    rows.upsert("merge", "row", {"b": 2}, merge=True)
    row = rows.get("merge", "row")
    assert row is not None and row.values == {"a": 1, "b": 2}
    rows.upsert("merge", "row", {"c": 3}, merge=False)
    row = rows.get("merge", "row")
    assert row is not None and row.values == {"c": 3}


def test_a_query_answers_a_range_of_keys_in_order(rows: Rows) -> None:
    for key in ("c", "a", "d", "b"):
        rows.insert("range", key, {"it": key})
    rows.insert("another", "b", {})
    assert [row.key for row in rows.query("range")] == ["a", "b", "c", "d"]
    assert [row.key for row in rows.query("range", from_key="b", to_key="d")] == ["b", "c"]
    assert [row.key for row in rows.query("range", top=2)] == ["a", "b"]
    assert {(row.partition, row.key) for row in rows.query(None)} >= {("range", "b"), ("another", "b")}


@pytest.mark.parametrize("key", ["a/b", "a\\b", "a#b", "a?b", "a\tb", "a\x7fb", "x" * 600])
def test_a_key_that_azure_forbids_is_refused_before_it_is_sent(rows: Rows, key: str) -> None:
    for write in (lambda: rows.insert("p", key, {}), lambda: rows.upsert(key, "k", {}, merge=True)):
        with pytest.raises(ValueError, match="no such key"):
            write()
    with pytest.raises(ValueError, match="no such key"):
        rows.get("p", key)


def test_a_fault_that_passes_is_not_noticed(azure: AzureStandin, rows: Rows) -> None:
    azure.fault("POST", "/tables/things", answer={"status": 500})
    assert rows.insert("fault", "once", {})
    azure.fault("GET", "/tables/things", drop="before")
    assert rows.get("fault", "once") is not None


def test_one_whose_first_try_took_effect_finds_its_own_row(azure: AzureStandin, rows: Rows) -> None:
    azure.fault("PUT", "/tables/things", drop="after")
    rows.upsert("fault", "lost", {"token": "mine"}, merge=False)
    row = rows.get("fault", "lost")
    assert row is not None and row.values["token"] == "mine"
    azure.fault("PUT", "/tables/things", drop="after")
    assert not rows.replace(Row("fault", "lost", {"token": "newer"}), row.etag), "the repeat meets its own etag"
    row = rows.get("fault", "lost")
    assert row is not None and row.values["token"] == "newer"


def test_a_refusal_says_what_our_identity_lacks(azure: AzureStandin, rows: Rows) -> None:
    said = "… does not have authorization to perform action 'Microsoft.Storage/tables/write' over scope …"
    body = {"error": {"code": "AuthorizationFailed", "message": said}}
    azure.fault("GET", "/tables/things", answer={"status": 403, "body": body})
    with pytest.raises(AzureProblem, match=r"lacks the action Microsoft\.Storage/tables/write") as refusal:
        rows.get("p", "k")
    assert refusal.value.code == "AZURE_DENIED"


def test_a_row_that_is_taken_away_is_gone_and_taking_it_away_again_does_nothing(rows: Rows) -> None:
    rows.insert("gone", "row", {"n": 1})
    rows.delete("gone", "row")
    rows.delete("gone", "row")
    assert rows.query("gone") == []
