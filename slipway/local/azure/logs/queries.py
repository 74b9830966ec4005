"""KQL over the tables: the text as it came, through duckdb-kql, and the answer in the shape of Log Analytics."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeAlias

from slipway.local.azure.logs.console import CONSOLE_TABLES
from slipway.local.azure.logs.edge_log import AFD, DIAGNOSTICS, EDGE_TABLES, as_diagnostics
from slipway.local.azure.logs.envelopes import TABLES
from slipway.local.azure.logs.store import SEEN, TOLD, LogStore, naive
from slipway.local.azure.logs.translation import to_sql

# What a query (its KQL) in a workspace sees: SQL for the rows between two moments (None: from the first, until the
# last). Rows that cannot be in its answer may be left out.
Rows: TypeAlias = Callable[[str, str, datetime | None, datetime | None], str]
# And of those that endpoints of Front Doors did: SQL for them, of the SQL for those that are stored.
EdgeRows: TypeAlias = Callable[[str, datetime | None, datetime | None], str]
MOST_ROWS = 500_000
REQUESTS = "AppRequests"  # what front ends served is in it, too
TOLD_TABLES = {**TABLES, **CONSOLE_TABLES}
KNOWN = {**TOLD_TABLES, **EDGE_TABLES}

_TYPES = {"TIMESTAMP": "datetime", "BOOLEAN": "bool", "DOUBLE": "real", "FLOAT": "real", "INTEGER": "int"}


class QueryRefused(Exception):
    """Azure's `code`, `inner` code and `message` for it; its HTTP status is `status`."""

    def __init__(self, status: int, code: str, inner: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        outer = "The request had some invalid properties" if status == 400 else message
        self.error: dict[str, Any] = {
            "code": code,
            "message": outer,
            "innererror": {"code": inner, "message": message},
        }


@dataclass(frozen=True)
class Timespan:
    """A query's timespan."""

    begins: datetime | None = None
    ends: datetime | None = None


class Queries:
    """`rows` says what a query sees of the requests that front ends served, `edge_rows` of those that Front Doors'
    endpoints did."""

    def __init__(self, store: LogStore, rows: Rows, edge_rows: EdgeRows = lambda stored, begins, ends: stored) -> None:
        self._store = store
        self._rows = rows
        self._edge_rows = edge_rows

    def seen(self, kql: str, timespan: Timespan, workspace: str = "") -> dict[str, str]:
        """SQL for each of the tables that `kql` names in the workspace. Apart from `table`, because those who know of
        rows may not like its thread."""
        within = ["true"]
        within += [f"TimeGenerated >= TIMESTAMP '{naive(timespan.begins)}'"] if timespan.begins else []
        within += [f"TimeGenerated < TIMESTAMP '{naive(timespan.ends)}'"] if timespan.ends else []
        where = " AND ".join(within)
        tables = {name: f"SELECT {_told(name)} AND {where}" for name in TOLD_TABLES if name in kql}
        if AFD in kql or DIAGNOSTICS in kql:
            stored = self._edge_rows(f"SELECT {_told(AFD)}", timespan.begins, timespan.ends)
            edge = f"SELECT * FROM ({stored}) WHERE {where}"
            seen = {AFD: edge, DIAGNOSTICS: as_diagnostics(edge)}
            tables |= {name: sql for name, sql in seen.items() if name in kql}
        if REQUESTS in tables:
            served = f"SELECT {SEEN} FROM ({self._rows(kql, workspace, timespan.begins, timespan.ends)}) WHERE {where}"
            tables[REQUESTS] = f"{tables[REQUESTS]} UNION ALL BY NAME {served}"
        return tables

    def table(self, kql: str, seen: dict[str, str]) -> dict[str, Any]:
        """The primary result. Raises QueryRefused."""
        import duckdb
        import duckdb_kql

        with self._store.cursor() as cursor:
            for name, sql in seen.items():
                cursor.execute(f"CREATE TEMP VIEW {name} AS {sql}")
            try:
                found = cursor.execute(to_sql(kql, tuple((name, tuple(KNOWN[name])) for name in seen)))
                columns = [{"name": column[0], "type": _type(str(column[1]))} for column in found.description or ()]
                rows = found.fetchmany(MOST_ROWS)
            except duckdb_kql.KqlSyntaxError as error:
                raise QueryRefused(400, "BadArgumentError", "SyntaxError", str(error)) from error
            except duckdb_kql.KqlUnsupportedError as error:
                raise QueryRefused(501, "NotImplemented", "NotImplemented", f"Not in this stand-in: {error}") from error
            except (duckdb_kql.KqlError, duckdb.Error) as error:
                raise QueryRefused(400, "BadArgumentError", "SemanticError", str(error).partition("\n")[0]) from error
        return {
            "name": "PrimaryResult",
            "columns": columns,
            "rows": [[_value(value) for value in row] for row in rows],
        }


def _told(table: str) -> str:
    """What apps told, in the table's columns, and where from."""
    columns = [
        f"(Told->{name!r}) AS {name}" if kind == "JSON" else f"(Told->>{name!r})::{kind} AS {name}"
        for name, kind in KNOWN[table].items()
        if name != "TimeGenerated"
    ]
    return f"TimeGenerated, {', '.join(columns)} FROM {TOLD} WHERE Kind = {table!r}"


def _type(kind: str) -> str:
    """Kusto's name of a DuckDB type."""
    if kind.endswith("[]") or kind == "JSON":
        return "dynamic"
    if "INT" in kind and kind != "INTEGER":
        return "long"
    return _TYPES.get(kind, "string")


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")
    if value is None or isinstance(value, str | int | float | bool | list):
        return value
    return value.isoformat() if isinstance(value, date) else str(value)
