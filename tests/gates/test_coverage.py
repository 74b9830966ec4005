"""The gate `coverage`: coverage.py's and JaCoCo's Cobertura, lcov."""

from typing import Any

import pytest

from slipway.promotion.gates.answer import GateAnswer
from tests.gates.evidence_files import answer, text


def test_below_its_limit_it_fails_with_the_numbers() -> None:
    said = answer("coverage", "coverage-py.xml", {"line": 0.85, "branch": 0.8})
    assert (said.outcome, said.code) == ("failed", "COVERAGE_TOO_LOW")
    assert said.words == (
        "line coverage is 80 %, at least 85 % must be covered; branch coverage is 75 %, at least 80 % must be covered"
    )


@pytest.mark.parametrize(
    ("file", "settings", "facts"),
    [
        ("coverage-py.xml", {"line": 0.8, "branch": 0.75}, {"line": 0.8, "branch": 0.75}),
        ("jacoco-cobertura.xml", {"line": 0.9}, {"line": 0.9125, "branch": 0.5}),
        ("jest.lcov", {"line": 0.75, "branch": 0.5}, {"line": 0.75, "branch": 0.5}),
    ],
)
def test_the_dialects_at_their_limit(file: str, settings: dict[str, Any], facts: dict[str, float]) -> None:
    said = answer("coverage", file, settings)
    assert said.passed and said.facts == facts and said.kept == facts


def test_a_share_is_never_rounded_up_to_its_limit() -> None:
    said = answer("coverage", b'<coverage lines-covered="7999" lines-valid="10000"/>', {"line": 0.8})
    assert said.code == "COVERAGE_TOO_LOW" and "is 79.99 %" in said.words


def test_counts_go_before_a_rate_that_says_something_else() -> None:
    lying = b'<coverage line-rate="1.0" lines-covered="1" lines-valid="10"/>'
    assert answer("coverage", lying, {"line": 0.5}).code == "COVERAGE_TOO_LOW"


def test_not_lower_than_the_live_release() -> None:
    before = answer("coverage", "coverage-py.xml", {"not_lower": True}).kept
    assert answer("coverage", "coverage-py.xml", {"not_lower": True}, before).passed
    said = answer("coverage", "jest.lcov", {"not_lower": True}, before)
    assert (said.outcome, said.code) == ("failed", "COVERAGE_FELL")
    assert "line coverage fell from 80 % of the live release to 75 %" in said.words


def incomplete(evidence: bytes, settings: dict[str, Any], previous: dict[str, Any] | None = None) -> None:
    said = answer("coverage", evidence, settings, previous)
    assert (said.outcome, said.code) == ("broken", "EVIDENCE_INCOMPLETE"), said


def test_what_was_not_measured_proves_nothing() -> None:
    no_branches = b'<coverage lines-covered="9" lines-valid="10" branches-covered="0" branches-valid="0"/>'
    incomplete(no_branches, {"branch": 0.5})
    incomplete(no_branches, {"not_lower": True}, {"line": 0.1, "branch": 0.5})
    incomplete(b'<coverage lines-covered="0" lines-valid="0"/>', {"line": 0.0})
    incomplete(b"<coverage/>", {"line": 0.1})


def unreadable(evidence: bytes) -> GateAnswer:
    said = answer("coverage", evidence, {"line": 0.1})
    assert (said.outcome, said.code) == ("broken", "EVIDENCE_UNREADABLE"), said
    return said


@pytest.mark.parametrize("rate", ["nan", "NaN", "inf", "-0.1", "1.01", "", "80%"])
def test_a_rate_that_is_none(rate: str) -> None:
    assert "is not a share from 0 to 1" in unreadable(f'<coverage line-rate="{rate}"/>'.encode()).words


def test_more_covered_than_there_is() -> None:
    unreadable(b'<coverage lines-covered="11" lines-valid="10"/>')
    unreadable(b"SF:a\nLF:1\nLH:2\nend_of_record\n")


def test_reports_of_other_formats_and_cut_off_ones_say_so() -> None:
    assert (
        "JaCoCo's own" in unreadable(b'<report name="x"><counter type="LINE" missed="1" covered="2"/></report>').words
    )
    assert "within a record: it was cut off" in unreadable(text("jest.lcov")[:57].encode()).words
    assert "line 1" in unreadable(b"hello\n").words
    assert "twice" in unreadable(text("jest.lcov").encode() * 2).words
    assert "longer than" in unreadable(b"SF:" + b"x" * 100_000).words
    assert "line 2" in unreadable(b"SF:a\nDA:1,many\nend_of_record\n").words


def test_the_document_type_of_cobertura_is_named_and_not_fetched() -> None:
    assert "<!DOCTYPE coverage SYSTEM" in text("coverage-py.xml")
    assert answer("coverage", "coverage-py.xml", {"line": 0.1}).passed
