"""The audit trail: appended once, whatever is lost on the way and however many append at once."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from slipway.adapters.audit_log import AuditLog
from slipway.adapters.azure_errors import AzureProblem
from slipway.promotion.audit import AuditRecord, verify
from tests.laptop import AzureStandin


@pytest.fixture
def log(azure: AzureStandin) -> AuditLog:
    return AuditLog(azure.settings)


def a_record(id: str, **evidence: Any) -> AuditRecord:
    return AuditRecord(id, datetime(2026, 11, 24, tzinfo=UTC), "alice", "approve", "looks good", evidence)


def all_at_once(*works: Callable[[], None]) -> None:
    failures: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def test_records_are_read_back_in_order_and_the_chain_is_intact(log: AuditLog) -> None:
    assert log.read("order") == []
    for n in range(3):
        log.append("order", a_record(f"r{n}", n=n))
    assert [(record["id"], record["evidence"]) for record in log.read("order")] == [
        ("r0", {"n": 0}),
        ("r1", {"n": 1}),
        ("r2", {"n": 2}),
    ]
    assert verify(log.lines("order")) is None


def test_a_record_that_comes_again_is_not_doubled(log: AuditLog) -> None:
    for id in ("first", "second", "first"):
        log.append("again", a_record(id))
    assert [record["id"] for record in log.read("again")] == ["first", "second"]


def test_ten_threads_append_ten_records_to_one_new_chain(log: AuditLog) -> None:
    all_at_once(*(lambda id=f"r{n}": log.append("race", a_record(id)) for n in range(10)))  # type: ignore[misc]
    assert sorted(record["id"] for record in log.read("race")) == sorted(f"r{n}" for n in range(10))
    assert verify(log.lines("race")) is None


def test_ten_threads_append_the_same_record_once(log: AuditLog) -> None:
    all_at_once(*(lambda: log.append("same", a_record("only")) for _ in range(10)))
    assert [record["id"] for record in log.read("same")] == ["only"]


@pytest.mark.parametrize("how", [{"drop": "after"}, {"drop": "before"}, {"answer": {"status": 500}}])
def test_an_append_whose_answer_is_lost_is_there_once(azure: AzureStandin, log: AuditLog, how: dict[str, Any]) -> None:
    name = f"lost-{next(iter(how.values()))}".split("{")[0]
    log.append(name, a_record("before"))
    azure.fault("PUT", "comp=appendblock", **how)
    log.append(name, a_record("lost"))
    log.append(name, a_record("after"))
    assert [record["id"] for record in log.read(name)] == ["before", "lost", "after"]
    assert verify(log.lines(name)) is None


def test_a_chain_longer_than_its_tail_goes_on_intact(log: AuditLog) -> None:
    for n in range(4):
        log.append("long", a_record(f"r{n}", text="x" * 30_000))
    log.append("long", a_record("large", text="y" * 90_000))
    log.append("long", a_record("large", text="y" * 90_000))
    log.append("long", a_record("last"))
    assert [record["id"] for record in log.read("long")] == ["r0", "r1", "r2", "r3", "large", "last"]
    assert verify(log.lines("long")) is None


def test_a_record_that_comes_again_from_before_the_tail_is_not_doubled(log: AuditLog) -> None:
    first = a_record("first")
    log.append("far", first)
    for n in range(4):
        log.append("far", replace(a_record(f"r{n}", text="x" * 30_000), at=first.at + timedelta(minutes=n)))
    log.append("far", first)
    log.append("far", replace(a_record("hours later"), at=first.at + timedelta(hours=5)))
    assert [record["id"] for record in log.read("far")] == ["first", "r0", "r1", "r2", "r3", "hours later"]
    assert verify(log.lines("far")) is None


def test_what_azure_refuses_is_said(azure: AzureStandin, log: AuditLog) -> None:
    azure.fault("GET", "refused.jsonl", answer={"status": 403})
    with pytest.raises(AzureProblem) as refusal:
        log.append("refused", a_record("r"))
    assert refusal.value.code == "AZURE_DENIED"
