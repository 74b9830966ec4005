"""Traffic that nobody sent: the same seconds are the same rows, and they are what was asked for."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from slipway.local.azure.logs.phases import phases_of
from slipway.local.azure.logs.store import LogStore
from slipway.local.azure.logs.traffic_model import Phase, Service, rows_of

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
    asked: dict[str, Any] = {"phases": (LIVE, CANARY), "service": Service(), "seed": 1} | more
    with store.cursor() as cursor:
        rows = rows_of(asked["phases"], asked["service"], asked["seed"], begins, ends)
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
    old = SimpleNamespace(service="checkout", version="1.0.0", share=1.0, instances=("a",), faults={})
    less = SimpleNamespace(**{**vars(old), "share": 0.75})
    new = SimpleNamespace(
        service="checkout", version="2.0.0", share=0.25, instances=("b",), faults={"error_rate": 0.1, "latency_ms": 9}
    )
    found = list(phases_of(lambda at: (less, new) if at >= NOON + 2 * MINUTE else (old,), 5.0, NOON, NOON + 3 * MINUTE))
    told = [(phase.version, phase.share, phase.begins - NOON, phase.ends - NOON) for phase in found]
    assert told == [
        ("1.0.0", 1.0, 0 * MINUTE, 2 * MINUTE),
        ("1.0.0", 0.75, 2 * MINUTE, 3 * MINUTE),
        ("2.0.0", 0.25, 2 * MINUTE, 3 * MINUTE),
    ]
    assert (found[2].error_rate, found[2].latency_ms, found[2].per_second) == (0.1, 9.0, 5.0)


def test_phases_begin_with_a_whole_second_whatever_is_asked(store: LogStore) -> None:
    old = SimpleNamespace(service="checkout", version="1.0.0", share=1.0, instances=("a",), faults={})

    def numbers(begins: datetime, ends: datetime) -> set[tuple[Any, ...]]:
        phases = tuple(phases_of(lambda _: (old,), 50.0, begins, ends))
        return set(drawn(store, "Number", begins, ends, phases=phases))

    cut = NOON + timedelta(seconds=10.4)
    assert numbers(NOON, cut) | numbers(cut, NOON + MINUTE) == numbers(NOON, NOON + MINUTE)
