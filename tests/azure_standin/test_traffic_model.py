"""Traffic that nobody sent: the same seconds are the same rows, and they are what was asked for."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from slipway.local.azure.logs.minutes import Phase, Service, minutes_of
from slipway.local.azure.logs.phases import phases_of
from slipway.local.azure.logs.store import LogStore
from slipway.local.azure.logs.traffic_model import rows_of
from slipway.local.azure.servings import Serving, Stretch

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LIVE = Phase("checkout", NOON, NOON + 10 * MINUTE, "1.0.0", 0.9, ("a", "b"), 100.0)
CANARY = replace(LIVE, version="2.0.0", share=0.1, instances=("c", "d"), error_rate=0.2, latency_ms=400.0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LogStore]:
    store = LogStore(tmp_path / "logs.duckdb")
    yield store
    store.close()


def drawn(store: LogStore, select: str, begins: datetime, ends: datetime, **more: Any) -> list[tuple[Any, ...]]:
    asked: dict[str, Any] = {"phases": (LIVE, CANARY), "service": Service(), "seed": 1, "items": 1} | more
    with store.cursor() as cursor:
        minutes = minutes_of(asked["phases"], asked["service"], asked["seed"], begins, ends)
        rows = rows_of(minutes, asked["items"])
        return cursor.execute(f"SELECT {select} FROM ({rows}) GROUP BY ALL ORDER BY ALL").fetchall()


def test_a_span_is_the_sum_of_its_parts_and_the_same_every_time(store: LogStore) -> None:
    def numbers(begins: datetime, ends: datetime, seed: int = 1) -> set[tuple[Any, ...]]:
        return set(drawn(store, "Number, TimeGenerated, Success, DurationMs", begins, ends, seed=seed))

    cut = NOON + timedelta(seconds=33.3)
    whole = numbers(NOON, NOON + MINUTE)
    assert whole == numbers(NOON, NOON + MINUTE)
    assert whole == numbers(NOON, cut) | numbers(cut, NOON + MINUTE)
    assert not whole & numbers(NOON, NOON + MINUTE, seed=2)


def test_shares_errors_and_latencies_are_those_of_the_releases(store: LogStore) -> None:
    what = "AppVersion, count(*), 1 - avg(Success::INT), median(DurationMs), count(DISTINCT AppRoleInstance)"
    live, canary = drawn(store, what, NOON, NOON + 10 * MINUTE)
    assert live[1] + canary[1] == pytest.approx(60_000, rel=0.02)
    assert canary[1] / (live[1] + canary[1]) == pytest.approx(0.1, rel=0.05)
    assert live[2] == pytest.approx(0.003, rel=0.4) and canary[2] == pytest.approx(0.203, rel=0.06)
    assert live[3] == pytest.approx(4.5, rel=0.03) and canary[3] == pytest.approx(404.5, rel=0.01)
    assert (live[4], canary[4]) == (2, 2)


def test_what_nobody_serves_is_not_there(store: LogStore) -> None:
    [[requests]] = drawn(store, "count(*)", NOON, NOON + MINUTE, phases=(replace(LIVE, share=0.5),))
    assert requests == pytest.approx(3000, rel=0.1)
    assert drawn(store, "count(*)", NOON, NOON + MINUTE, phases=()) == [(0,)]


def test_phases_follow_who_served() -> None:
    old = Serving("checkout", "1.0.0", 1.0, ("a",), {})
    new = Serving("checkout", "2.0.0", 0.25, ("b",), {"error_rate": 0.1, "latency_ms": 9})
    change = NOON + timedelta(seconds=100.5)
    stretches = [
        Stretch(NOON, change, (old,)),
        Stretch(change, NOON + 3 * MINUTE, (replace(old, share=0.75), new)),
    ]
    found = list(phases_of(stretches, 5.0))
    told = [(phase.version, phase.share, phase.begins, phase.ends) for phase in found]
    assert told == [
        ("1.0.0", 1.0, NOON, change),
        ("1.0.0", 0.75, change, NOON + 3 * MINUTE),
        ("2.0.0", 0.25, change, NOON + 3 * MINUTE),
    ]
    assert (found[2].error_rate, found[2].latency_ms, found[2].per_second) == (0.1, 9.0, 5.0)


def test_a_release_that_gets_more_within_a_minute_has_its_rows_of_before_and_others_after(store: LogStore) -> None:
    cut = NOON + timedelta(seconds=20.25)
    alone = drawn(store, "Number, TimeGenerated", NOON, NOON + MINUTE, phases=(replace(LIVE, share=1.0),))
    phases = (replace(LIVE, share=1.0, ends=cut), replace(LIVE, begins=cut), replace(CANARY, begins=cut))
    divided = drawn(store, "Number, TimeGenerated, AppVersion", NOON, NOON + MINUTE, phases=phases)
    before = [row[:2] for row in divided if row[1] < cut.replace(tzinfo=None)]
    assert before == [row for row in alone if row[1] < cut.replace(tzinfo=None)]
    assert {row[2] for row in divided if row[1] >= cut.replace(tzinfo=None)} == {"1.0.0", "2.0.0"}


def test_fewer_rows_tell_of_as_many_requests(store: LogStore) -> None:
    what = "AppVersion, sum(ItemCount), (sum(ItemCount) FILTER (NOT Success)), count(*), count(*) FILTER (NOT Success)"
    ends = NOON + 10 * MINUTE
    whole, few = (drawn(store, what, NOON, ends, items=items) for items in (1, 10))
    assert [row[:3] for row in whole] == [row[:3] for row in few], "as many are served, and as many fail"
    assert [row[2] for row in few] == [row[4] for row in few], "each failure is told by itself"
    assert few[0][3] < whole[0][3] / 8
    assert few[1][3] > 9 * 60 * 2, "and where there is little, hardly anything is put together"
