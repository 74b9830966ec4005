"""The table of requests: what is kept of it, and that writers wait for nobody."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from slipway.local.azure.logs import store as stores
from slipway.local.azure.logs.access_log import BufferedLog
from slipway.local.azure.logs.served import Served
from slipway.local.azure.logs.store import TABLE, LogStore
from slipway.local.azure.logs.translation import to_sql

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
REQUEST = Served(NOW, "checkout", "1.0.0", "a", "/", 200, 4.2, True)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LogStore]:
    store = LogStore(tmp_path / "logs.duckdb")
    yield store
    store.close()


def hours_ago(store: LogStore) -> list[float]:
    with store.cursor() as cursor:
        rows = cursor.execute(f"SELECT TimeGenerated FROM {TABLE} ORDER BY 1 DESC").fetchall()
    return [(NOW.replace(tzinfo=None) - at) / timedelta(hours=1) for (at,) in rows]


def test_rows_older_than_a_day_go(store: LogStore) -> None:
    store.append([replace(REQUEST, at=NOW - timedelta(hours=hours)) for hours in (0, 1, 23.9, 24, 30)])
    store.drop_old(NOW)
    assert hours_ago(store) == [0, 1, 23.9]


def test_of_too_many_rows_the_oldest_go(store: LogStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "MOST_ROWS", 3)
    store.append([replace(REQUEST, at=NOW - timedelta(hours=hours)) for hours in (5, 1, 4, 2, 3)])
    store.drop_old(NOW)
    assert hours_ago(store) == [1, 2, 3]


async def test_what_the_disk_did_not_take_is_written_later(store: LogStore, monkeypatch: pytest.MonkeyPatch) -> None:
    log, append = BufferedLog(store), LogStore.append

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    for hour in (3, 2, 1):
        log.served(replace(REQUEST, at=NOW - timedelta(hours=hour)))
    monkeypatch.setattr(LogStore, "append", full)
    assert await log.flush() is False
    log.served(REQUEST)
    monkeypatch.setattr(LogStore, "append", append)
    assert await log.flush() is True and await log.flush() is False
    assert hours_ago(store) == [0, 1, 2, 3]


async def test_writers_and_readers_at_once_lose_nothing(store: LogStore) -> None:
    log = BufferedLog(store)

    async def writer() -> None:
        for _ in range(50):
            log.served(REQUEST)
            await log.flush()

    await asyncio.gather(*(writer() for _ in range(4)), *(asyncio.to_thread(hours_ago, store) for _ in range(10)))
    assert len(hours_ago(store)) == 200


def test_a_remembered_translation_has_the_moments_of_the_query_it_is_for() -> None:
    schema = (("AppRequests", ("TimeGenerated", "Url")),)
    kql = "AppRequests | where TimeGenerated between (datetime({}) .. datetime({})) | where Url == 'datetime(x)'"
    first = to_sql(kql.format("2026-11-30T12:00:00.5Z", "2026-11-30T12:01:00Z"), schema)
    second = to_sql(kql.format("2026-12-01T12:00:00.5Z", "2026-12-01T12:00:00.5Z"), schema)
    assert "2026-11-30T12:00:00.5Z" in first and "2026-11-30T12:01:00Z" in first and "1900" not in first
    assert "2026-12-01T12:00:00.5Z" in second and "2026-11-30" not in second and "1900" not in second
