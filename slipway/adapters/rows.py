"""Rows in Azure Tables (azure-data-tables; REST 2019-02-02): small, conditional, one at a time.

The SDK repeats a write after a 5xx or a lost answer, so `insert` and `replace` may say False to the one
whose own first try took effect. Whoever needs to know writes something of its own into the row and reads it.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from slipway.adapters import patience
from slipway.adapters.azure_errors import AzureProblem, explain
from slipway.adapters.credentials import credential
from slipway.adapters.once import once_per_process
from slipway.promotion.port_values import Cell, Row
from slipway.settings import Settings, settings

if TYPE_CHECKING:
    from azure.data.tables import TableClient

T = TypeVar("T")

_ROLE = "Storage Table Data Contributor"
_FORBIDDEN_IN_KEYS = set("/\\#?") | {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))}
_LONGEST_KEY = 512  # 1 KiB of UTF-16
_LONGEST_TEXT = 32_000  # a column holds 64 KiB of UTF-16, so a longer doc goes on in doc_2, doc_3, ...
_INT32 = range(-(2**31), 2**31)


class Rows:
    """One table, made when it is first written to. Raises AzureProblem for what Azure refuses or cannot do.

    A key with a character that Azure forbids in keys, or too long a one, is a ValueError.
    """

    def __init__(self, table: str, settings_: Settings | None = None) -> None:
        self._table = table
        self._settings = settings_ or settings()

    def insert(self, partition: str, key: str, values: Mapping[str, Cell]) -> bool:
        """Whether the row is new; False leaves what is there as it is."""
        from azure.core.exceptions import ResourceExistsError

        entity = _entity(partition, key, values)
        try:
            self._write(lambda table: table.create_entity(entity))
        except ResourceExistsError:
            return False
        return True

    def get(self, partition: str, key: str) -> Row | None:
        """The row, or None when it (or the whole table) is not there."""
        from azure.core.exceptions import ResourceNotFoundError

        _check_keys(partition, key)
        try:
            return _row(self._call(lambda table: table.get_entity(partition, key)))
        except ResourceNotFoundError:
            return None

    def replace(self, row: Row, etag: str) -> bool:
        """Whether the row was still as it was when it had `etag`; then it holds exactly `row.values` now."""
        from azure.core import MatchConditions
        from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
        from azure.data.tables import UpdateMode

        entity = _entity(row.partition, row.key, row.values)
        try:
            self._call(
                lambda table: table.update_entity(
                    entity, mode=UpdateMode.REPLACE, etag=etag, match_condition=MatchConditions.IfNotModified
                )
            )
        except (ResourceModifiedError, ResourceNotFoundError):
            return False
        return True

    def upsert(self, partition: str, key: str, values: Mapping[str, Cell], merge: bool) -> None:
        """Write the row whatever is there; with `merge`, columns that are not named stay."""
        from azure.data.tables import UpdateMode

        entity = _entity(partition, key, values)
        self._write(lambda table: table.upsert_entity(entity, mode=UpdateMode.MERGE if merge else UpdateMode.REPLACE))

    def delete(self, partition: str, key: str) -> None:
        """Take the row away; nothing happens when it is not there."""
        _check_keys(partition, key)
        self._write(lambda table: table.delete_entity(partition, key))

    def query(
        self,
        partition: str | None,
        from_key: str | None = None,
        to_key: str | None = None,
        top: int | None = None,
    ) -> list[Row]:
        """Rows with `from_key <= key < to_key` by partition and key; `partition=None` means all of them."""
        from azure.core.exceptions import ResourceNotFoundError

        bounds = {"PartitionKey eq": partition, "RowKey ge": from_key, "RowKey lt": to_key}
        named = {f"p{n}": (test, value) for n, (test, value) in enumerate(bounds.items()) if value is not None}
        where = " and ".join(f"{test} @{name}" for name, (test, _) in named.items())
        parameters = {name: value for name, (_, value) in named.items()}
        page = min(top, 1000) if top else None

        def ask(table: "TableClient") -> list[Row]:
            found = table.query_entities(where, parameters=parameters, results_per_page=page)
            return [_row(entity) for entity in islice(found, top)]

        try:
            return self._call(ask)
        except ResourceNotFoundError:
            return []

    def _write(self, write: Callable[["TableClient"], T]) -> T:
        """`write`, and once more after the table was made when that was what it lacked."""
        from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

        try:
            return self._call(write)
        except ResourceNotFoundError:
            with suppress(ResourceExistsError):  # someone else made it in the meantime
                self._call(lambda table: table.create_table())
            return self._call(write)

    def _call(self, call: Callable[["TableClient"], T]) -> T:
        """`call`; the three answers that callers decide on stay as they are, all others become ours."""
        from azure.core.exceptions import (
            AzureError,
            ResourceExistsError,
            ResourceModifiedError,
            ResourceNotFoundError,
        )

        try:
            return call(_client(self._settings, self._table))
        except (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError):
            raise
        except AzureError as error:
            raise AzureProblem(explain(error, _ROLE)) from error


@once_per_process
def _client(settings_: Settings, table: str) -> "TableClient":
    from azure.data.tables import TableClient

    return TableClient(
        endpoint=settings_.needed("tables_endpoint"),
        table_name=table,
        credential=credential(settings_.client_id),
        connection_timeout=patience.CONNECT_S,
        read_timeout=patience.READ_S,
        retry_total=3,
        **settings_.client_options,
    )


def _check_keys(*keys: str) -> None:
    for key in keys:
        if len(key) > _LONGEST_KEY or not _FORBIDDEN_IN_KEYS.isdisjoint(key):
            raise ValueError(f"Azure Tables takes no such key: {key[:120]!r}")


def _entity(partition: str, key: str, values: Mapping[str, Cell]) -> dict[str, Any]:
    from azure.data.tables import EdmType, EntityProperty

    _check_keys(partition, key)
    entity: dict[str, Any] = {"PartitionKey": partition, "RowKey": key}
    for name, value in values.items():
        if isinstance(value, int) and not isinstance(value, bool) and value not in _INT32:
            entity[name] = EntityProperty(value, EdmType.INT64)
        else:
            entity[name] = value
    if "doc" in values:
        entity.update(_doc_columns(str(values["doc"])))
    return entity


def _doc_columns(doc: str) -> dict[str, Any]:
    parts = [doc[at : at + _LONGEST_TEXT] for at in range(0, len(doc), _LONGEST_TEXT)] or [""]
    columns: dict[str, Any] = {"doc" if n == 1 else f"doc_{n}": part for n, part in enumerate(parts, start=1)}
    return {**columns, "doc_parts": len(parts)}


def _row(entity: Mapping[str, Any]) -> Row:
    values = {name: _cell(value) for name, value in entity.items() if name not in ("PartitionKey", "RowKey")}
    parts = int(str(values.pop("doc_parts", 1)))
    more = {int(name[4:]): values.pop(name) for name in list(values) if name.startswith("doc_")}
    if "doc" in values:
        # A merge with a shorter doc leaves the tail of a longer one behind; doc_parts says what counts.
        values["doc"] = str(values["doc"]) + "".join(str(more[n]) for n in range(2, parts + 1))
    metadata: Any = getattr(entity, "metadata", {})
    return Row(str(entity["PartitionKey"]), str(entity["RowKey"]), values, str(metadata.get("etag") or ""))


def _cell(value: Any) -> Cell:
    from azure.data.tables import EntityProperty

    if isinstance(value, EntityProperty):
        value = value.value
    if isinstance(value, datetime):  # the SDK's own subclass, which pickles and compares as it pleases
        return datetime.fromtimestamp(value.timestamp(), UTC)
    cell: Cell = value
    return cell
