"""The audit chain: intact as written, broken by any change."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from slipway.promotion.audit import BEGINNING, AuditRecord, chained, verify

words = st.text(max_size=20)
evidence = st.dictionaries(
    words,
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)
moments = st.datetimes(timezones=st.just(UTC), min_value=datetime(2000, 1, 1))
records = st.builds(AuditRecord, words, moments, words, words, words, evidence)


def a_record(number: int, **fields: Any) -> AuditRecord:
    at = datetime(2026, 11, 24, 12, number, tzinfo=UTC)
    return AuditRecord(**{"id": f"r{number}", "at": at, "actor": "alice", "action": "approve", "words": "", **fields})


def chain(*links: AuditRecord) -> list[str]:
    lines: list[str] = []
    for record in links:
        lines.append(chained(record, json.loads(lines[-1])["hash"] if lines else BEGINNING))
    return lines


def test_a_record_is_one_line_with_all_its_fields() -> None:
    (line,) = chain(a_record(1, words="zwei\nZeilen", evidence={"p95_ms": 212.5}))
    assert line.count("\n") == 1 and line.endswith("\n")
    record = json.loads(line)
    assert record["at"] == "2026-11-24T12:01:00Z"
    assert (record["id"], record["words"]) == ("r1", "zwei\nZeilen")
    assert record["evidence"] == {"p95_ms": 212.5}
    assert record["prev"] == BEGINNING


@given(st.lists(records, max_size=5))
def test_what_was_chained_verifies(links: list[AuditRecord]) -> None:
    assert verify(chain(*links)) is None


@given(st.lists(records, min_size=2, max_size=5), st.data())
def test_a_lost_a_doubled_or_a_swapped_record_shows(links: list[AuditRecord], data: st.DataObject) -> None:
    lines = chain(*links)
    at = data.draw(st.integers(0, len(lines) - 2))
    assert verify(lines[:at] + lines[at + 1 :]) == at + 1
    assert verify(lines[: at + 1] + lines[at:]) == at + 2
    assert verify([*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]) == at + 1


@given(st.lists(records, min_size=1, max_size=4), st.data())
def test_a_changed_character_shows_in_its_line(links: list[AuditRecord], data: st.DataObject) -> None:
    lines = chain(*links)
    at = data.draw(st.integers(0, len(lines) - 1))
    line = lines[at].rstrip("\n")
    place = data.draw(st.integers(0, len(line) - 1))
    changed = line[:place] + ("y" if line[place] == "x" else "x") + line[place + 1 :]
    assert verify([*lines[:at], changed, *lines[at + 1 :]]) == at + 1


@given(st.text(max_size=40))
def test_a_line_that_is_no_record_is_named_and_never_raises(text: str) -> None:
    assert verify([*chain(a_record(1)), text]) == 2


def test_json_that_no_record_can_hold_is_named() -> None:
    for text in ("[" * 100_000, "NaN", '{"hash": NaN}', "null"):
        assert verify([text]) == 1
