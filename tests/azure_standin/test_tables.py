"""Tables: the read model's, the intake's and the fences' store."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.data.tables import EdmType, EntityProperty, TableClient, TableServiceClient, UpdateMode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.local.azure.tables.filter import FilterError, parse
from tests.azure_standin.standin import StandinProcess


@pytest.fixture(scope="module")
def standin(untouched: StandinProcess) -> StandinProcess:
    return untouched


@pytest.fixture(scope="module")
def service(standin: StandinProcess) -> Iterator[TableServiceClient]:
    with standin.tables() as client:
        yield client


@pytest.fixture
def table(service: TableServiceClient) -> TableClient:
    return service.create_table(f"t{uuid.uuid4().hex}")


def row(partition: str = "checkout", key: str = "1", **properties: object) -> dict[str, Any]:
    return {"PartitionKey": partition, "RowKey": key} | properties


def test_a_table_is_made_once(service: TableServiceClient, table: TableClient) -> None:
    with pytest.raises(ResourceExistsError):
        service.create_table(table.table_name)
    assert service.create_table_if_not_exists(table.table_name).table_name == table.table_name
    assert table.table_name in [item.name for item in service.list_tables()]
    table.delete_table()
    with pytest.raises(ResourceNotFoundError):
        table.get_entity("checkout", "1")


def test_every_type_comes_back_as_it_went(table: TableClient) -> None:
    sent = row(
        text="déjà vu",
        small=7,
        large=EntityProperty(2**40, EdmType.INT64),
        share=0.25,
        whole=3.0,
        none_yet=float("inf"),
        live=True,
        at=datetime(2026, 11, 24, 12, 30, 15, 123456, tzinfo=UTC),
        run=uuid.uuid4(),
        digest=b"\x00\xff",
    )
    table.create_entity(sent)
    seen = table.get_entity("checkout", "1")
    assert {name: seen[name] for name in sent} == sent
    assert seen["large"].edm_type == EdmType.INT64 and type(seen["whole"]) is float
    assert seen.metadata["etag"] and abs((seen.metadata["timestamp"] - datetime.now(UTC)).total_seconds()) < 60


def test_an_entity_is_inserted_once(table: TableClient) -> None:
    table.create_entity(row(state="new"))
    with pytest.raises(ResourceExistsError):
        table.create_entity(row(state="other"))
    assert table.get_entity("checkout", "1")["state"] == "new"


def test_only_one_of_two_writers_with_the_same_etag_wins(table: TableClient) -> None:
    table.create_entity(row(state="new", digest="d"))
    mine, theirs = table.get_entity("checkout", "1"), table.get_entity("checkout", "1")
    mine["state"], theirs["state"] = "running", "ended"
    table.update_entity(mine, UpdateMode.REPLACE, match_condition=MatchConditions.IfNotModified)
    for mode in UpdateMode:
        with pytest.raises(ResourceModifiedError):
            table.update_entity(theirs, mode, match_condition=MatchConditions.IfNotModified)
    with pytest.raises(ResourceModifiedError):
        table.delete_entity(theirs, match_condition=MatchConditions.IfNotModified)
    assert table.get_entity("checkout", "1")["state"] == "running"


def test_the_etag_of_a_write_is_the_one_that_the_next_write_needs(table: TableClient) -> None:
    etag = table.create_entity(row(rev=0))["etag"]
    for rev in range(1, 20):
        etag = table.update_entity(
            row(rev=rev), etag=etag, match_condition=MatchConditions.IfNotModified, mode=UpdateMode.REPLACE
        )["etag"]
    assert table.get_entity("checkout", "1").metadata["etag"] == etag


def test_merge_keeps_what_it_does_not_name_and_replace_does_not(table: TableClient) -> None:
    table.upsert_entity(row(a=1, b=1))
    table.upsert_entity(row(b=2), UpdateMode.MERGE)
    assert dict(table.get_entity("checkout", "1")) == row(a=1, b=2)
    table.update_entity(row(c=3), UpdateMode.MERGE)
    assert dict(table.get_entity("checkout", "1")) == row(a=1, b=2, c=3)
    table.upsert_entity(row(d=4), UpdateMode.REPLACE)
    assert dict(table.get_entity("checkout", "1")) == row(d=4)


def test_only_an_upsert_makes_an_entity_that_is_missing(table: TableClient) -> None:
    for mode in UpdateMode:
        with pytest.raises(ResourceNotFoundError):
            table.update_entity(row(), mode)
    table.upsert_entity(row())
    table.delete_entity("checkout", "1")
    with pytest.raises(ResourceNotFoundError):
        table.get_entity("checkout", "1")


def test_keys_may_hold_quotes_commas_and_spaces(table: TableClient) -> None:
    keys = ("it's, 'so' it is", "RowKey='x',%20 (1)+~é")
    table.create_entity(row(*keys, n=1))
    table.update_entity(row(*keys, n=2))
    assert table.get_entity(*keys)["n"] == 2
    found = table.query_entities("PartitionKey eq @p and RowKey eq @r", parameters={"p": keys[0], "r": keys[1]})
    assert [dict(entity) for entity in found] == [row(*keys, n=2)]


@pytest.fixture(scope="module")
def promotions(service: TableServiceClient) -> TableClient:
    table = service.create_table("promotions")
    for n in range(25):
        state = "running" if n % 5 == 0 else "passed"
        at = datetime(2026, 11, n + 1, tzinfo=UTC)
        service_name = "cart" if n % 2 else "checkout"
        table.create_entity(row(service_name, f"{n:03}", n=n, state=state, urgent=n == 24, at=at))
    return table


@pytest.mark.parametrize(
    ("wanted", "keys"),
    [
        ("PartitionKey eq 'cart' and RowKey ge '019'", {19, 21, 23}),
        ("PartitionKey eq 'cart' and RowKey gt '019' and RowKey le '023'", {21, 23}),
        ("PartitionKey ge 'ca' and PartitionKey lt 'cb' and RowKey lt '003'", {1}),
        ("state eq 'running'", {0, 5, 10, 15, 20}),
        ("state ne 'running' and n lt 3", {1, 2}),
        ("(RowKey eq '003' or RowKey eq '004') and state eq 'passed'", {3, 4}),
        ("RowKey eq '003' or RowKey eq '004' and state eq 'running'", {3}),
        ("not (n ge 2) and PartitionKey eq 'cart'", {1}),
        ("at ge datetime'2026-11-24T00:00:00Z'", {23, 24}),
        ("urgent eq true", {24}),
        ("nowhere eq 1 or nowhere ne 1", set()),
    ],
)
def test_a_query_finds_what_matches(promotions: TableClient, wanted: str, keys: set[int]) -> None:
    assert {entity["n"] for entity in promotions.query_entities(wanted)} == keys


def test_a_query_comes_page_by_page_in_the_order_of_the_keys(promotions: TableClient) -> None:
    pages = [list(page) for page in promotions.query_entities("n ge 3", results_per_page=4).by_page()]
    keys = [(entity["PartitionKey"], entity["RowKey"]) for page in pages for entity in page]
    assert [len(page) for page in pages] == [4, 4, 4, 4, 4, 2]
    assert keys == sorted(keys) and len(keys) == 22


def test_a_query_brings_only_the_selected_properties(promotions: TableClient) -> None:
    found = list(promotions.query_entities("RowKey eq '007'", select=["RowKey", "state"]))
    assert [dict(entity) for entity in found] == [{"RowKey": "007", "state": "passed"}]


def test_a_filter_that_cannot_be_read_is_the_clients_fault(promotions: TableClient) -> None:
    for wrong in ("n eq", "n is 3", "(n eq 3", "n eq 3)", "n eq 3 n eq 4", "startswith(n, 'x')"):
        with pytest.raises(HttpResponseError) as refused:
            list(promotions.query_entities(wrong))
        assert refused.value.status_code == 400


def test_what_the_service_would_not_keep_is_refused(table: TableClient) -> None:
    too_much = {f"p{n}": "x" * 32_000 for n in range(20)}
    cases = [
        (row(key="a/b"), "OUT_OF_RANGE_INPUT"),
        (row(big="x" * 33_000), "PROPERTY_VALUE_TOO_LARGE"),
        (row(**too_much), "ENTITY_TOO_LARGE"),
        (row(**{f"p{n}": n for n in range(253)}), "TOO_MANY_PROPERTIES"),
    ]
    for entity, code in cases:
        with pytest.raises(HttpResponseError) as refused:
            table.upsert_entity(entity)
        assert refused.value.status_code == 400 and code in str(refused.value.error_code)  # type: ignore[attr-defined]
    with pytest.raises(HttpResponseError) as refused:
        table.upsert_entity(row(**{f"p{n}": "x" * 60_000 for n in range(80)}))
    assert refused.value.status_code == 413


def test_transactions_are_refused_by_name(table: TableClient) -> None:
    with pytest.raises(HttpResponseError) as refused:
        table.submit_transaction([("create", row())])
    assert refused.value.status_code == 501


@given(text=st.text(max_size=20), number=st.integers(-(2**63), 2**63 - 1), at=st.datetimes(timezones=st.just(UTC)))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_filter_holds_for_the_very_values_it_names(text: str, number: int, at: datetime) -> None:
    quoted = text.replace("'", "''")
    written = f"text eq '{quoted}' and number eq {number}L and at eq datetime'{at.isoformat().replace('+00:00', 'Z')}'"
    assert parse(written).holds({"text": text, "number": number, "at": at})
    assert not parse(f"not ({written})").holds({"text": text, "number": number, "at": at})
    assert not parse(written).holds({"text": text + "x", "number": number, "at": at})


@given(st.text(alphabet="()'aeqndortx1 ", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse(text).holds({"a": 1})
    except FilterError as error:
        assert str(error)
