"""Rows as telemetry queries yield them, built-in and users' own alike: their columns, and what is wrong with others."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from slipway.promotion.histogram import LatencyHistogram
from slipway.promotion.telemetry import Cohort

T = TypeVar("T")


class UnusableRows(Exception):
    """What a query yielded cannot be read; the text says which column is missing or what stands in it."""


@dataclass(frozen=True)
class Table:
    """A query's answer: names of columns, and rows of values in their order."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


class Place(NamedTuple):
    """What a row is about: the number of its bin (from 0), a release and one of its instances."""

    bin: int
    version: str
    instance: str


class Served(NamedTuple):
    """Requests and failures; `records` is how many stored records stand for the failures, None when nobody said."""

    place: Place
    requests: int
    failures: int
    records: int | None


class Latencies(NamedTuple):
    place: Place
    counts: Mapping[int, int]


class Own(NamedTuple):
    """Of a metric of the users' own."""

    place: Place
    total: int
    bad: int


def read_served(table: Table) -> list[Served]:
    """Columns Bin, Version, Instance, Requests, Failures and optionally Records. Raises UnusableRows."""
    named = _Columns(table, "Bin", "Version", "Instance", "Requests", "Failures")
    sampled = "Records" in table.columns
    return named.rows(
        lambda row: Served(
            _place(row),
            _count(row, "Requests"),
            _count(row, "Failures"),
            _count(row, "Records") if sampled else None,
        )
    )


def read_latencies(table: Table) -> list[Latencies]:
    """Columns Bin, Version, Instance, and one of: Histogram (`bucket:count bucket:count`), Bucket and Count,
    DurationMs and Count. Raises UnusableRows."""
    if "Histogram" in table.columns:
        named = _Columns(table, "Bin", "Version", "Instance", "Histogram")
        return named.rows(lambda row: Latencies(_place(row), _histogram(row["Histogram"])))
    if "Bucket" in table.columns:
        named = _Columns(table, "Bin", "Version", "Instance", "Bucket", "Count")
        return named.rows(lambda row: Latencies(_place(row), {_whole(row, "Bucket"): _count(row, "Count")}))
    named = _Columns(table, "Bin", "Version", "Instance", "DurationMs", "Count")
    return named.rows(lambda row: Latencies(_place(row), _recorded(row)))


def read_own(table: Table) -> list[Own]:
    """Columns Bin, Version, Instance, Total, Bad. Raises UnusableRows."""
    named = _Columns(table, "Bin", "Version", "Instance", "Total", "Bad")
    return named.rows(lambda row: Own(_place(row), _count(row, "Total"), _count(row, "Bad")))


def read_first_seen(table: Table) -> list[datetime]:
    """Column FirstSeen, a row an instance. Raises UnusableRows."""
    return _Columns(table, "FirstSeen").rows(_first_seen)


def read_cohorts(table: Table) -> dict[str, Cohort]:
    """Columns Arm, Users, Converted, Bad. Raises UnusableRows."""
    named = _Columns(table, "Arm", "Users", "Converted", "Bad")
    return dict(named.rows(lambda row: (str(row["Arm"]), _cohort(row))))


class _Columns:
    """A table that has at least these columns. Raises UnusableRows, naming the ones it lacks."""

    def __init__(self, table: Table, *names: str) -> None:
        if missing := [name for name in names if name not in table.columns]:
            raise UnusableRows(f"it yields no column {' and no '.join(missing)}")
        self._table = table

    def rows(self, read: Callable[[Mapping[str, Any]], T]) -> list[T]:
        names = self._table.columns
        if any(len(row) != len(names) for row in self._table.rows):
            raise UnusableRows(f"it yields rows that do not have its {len(names)} columns")
        return [read(dict(zip(names, row, strict=True))) for row in self._table.rows]


def _place(row: Mapping[str, Any]) -> Place:
    return Place(_whole(row, "Bin"), str(row["Version"]), str(row["Instance"]))


def _cohort(row: Mapping[str, Any]) -> Cohort:
    found = Cohort(_count(row, "Users"), _count(row, "Converted"), _count(row, "Bad"))
    if max(found.converted, found.bad) > found.users:
        raise UnusableRows(
            f"it tells {found.converted} who succeeded and {found.bad} who failed of {found.users} users"
        )
    return found


def _whole(row: Mapping[str, Any], name: str) -> int:
    value = row[name]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnusableRows(f"column {name} holds {value!r}, which is no whole number")
    return value


def _count(row: Mapping[str, Any], name: str) -> int:
    value = _whole(row, name)
    if value < 0:
        raise UnusableRows(f"column {name} holds {value}, which is no count")
    return value


def _histogram(text: Any) -> dict[int, int]:
    pairs = (pair.split(":") for pair in str(text or "").split())
    try:
        return {int(float(bucket)): int(count) for bucket, count in pairs}
    except ValueError as error:
        raise UnusableRows(f"column Histogram holds {str(text)[:80]!r}, which is no list of bucket:count") from error


def _recorded(row: Mapping[str, Any]) -> Mapping[int, int]:
    ms = row["DurationMs"]
    if not isinstance(ms, int | float) or not math.isfinite(ms):
        raise UnusableRows(f"column DurationMs holds {ms!r}, which is no duration")
    histogram = LatencyHistogram()
    histogram.record(ms, _count(row, "Count"))
    return histogram.buckets()


def _first_seen(row: Mapping[str, Any]) -> datetime:
    moment = row["FirstSeen"]
    if not isinstance(moment, datetime):
        raise UnusableRows(f"column FirstSeen holds {moment!r}, which is no moment")
    return moment
