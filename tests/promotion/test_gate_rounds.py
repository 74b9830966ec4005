"""Which gates are asked when: pure."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.promotion.gates.plan import GatePlan
from slipway.promotion.gates.rounds import due, ends_it, looks_again, numbers, passes, read_by
from slipway.promotion.outcomes import Outcome, iso
from tests.promotion.builders import NOON, later

COVERAGE = GatePlan("coverage", "coverage", {}, "coverage", max_age_s=3600.0)
INCIDENT = GatePlan("incident", "kql")
CHANGE = GatePlan("change", "webhook", max_age_s=3600.0)


def said(
    outcome: str = "passed", code: str = "", n: int = 0, produced_at: str = "", asked_at: str = ""
) -> dict[str, Any]:
    told = {"outcome": outcome, "code": code, "words": "", "digest": "", "n": n}
    return {**told, "produced_at": produced_at, "asked_at": asked_at or iso(NOON)}


def asked(answers: dict[str, dict[str, Any]], again: bool, hours: float = 0, n: int = 0) -> list[str]:
    evidence = {"coverage": {"n": n}} if n else {}
    found = due((COVERAGE, INCIDENT, CHANGE), answers, evidence, later(hours=hours), again)
    return [gate.name for gate in found]


ALL = {"coverage": said(produced_at=iso(NOON)), "incident": said(), "change": said()}


def test_what_was_never_asked_is_asked_and_what_passed_is_not() -> None:
    assert asked({}, again=False) == ["coverage", "incident", "change"]
    assert asked(ALL, again=False, hours=99) == []


def test_at_the_moment_of_promotion_what_is_old_and_what_is_of_now_is_asked_again() -> None:
    assert asked(ALL, again=True) == [], "a moment ago is now"
    assert asked(ALL, again=True, hours=0.5) == ["incident"]
    assert asked(ALL, again=True, hours=1) == ["incident"], "an hour is allowed"
    assert asked(ALL, again=True, hours=1.01) == ["coverage", "incident", "change"]


def test_new_evidence_asks_its_gate_anew_whatever_it_had_said() -> None:
    assert asked(ALL, again=False, n=1) == ["coverage"]
    judged = ALL | {"coverage": said(n=1, produced_at=iso(NOON))}
    assert asked(judged, again=False, n=1) == [] and asked(judged, again=False, n=2) == ["coverage"]
    assert numbers((COVERAGE, INCIDENT), judged) == {"coverage": 1} and read_by((COVERAGE, INCIDENT)) == ["coverage"]


@pytest.mark.parametrize(
    ("outcome", "code", "final", "again"),
    [
        ("failed", "COVERAGE_TOO_LOW", True, False),
        ("failed", "GATE_UNMET", False, True),
        ("cancelled", "ABORTED", True, False),
        ("not enough evidence", "EVIDENCE_MISSING", False, False),
        ("not enough evidence", "DEFENDER_NOT_SCANNED", False, True),
        ("broken", "EVIDENCE_UNREADABLE", False, False),
        ("broken", "TIMED_OUT", False, True),
        ("passed", "", False, False),
    ],
)
def test_what_may_still_pass_and_what_only_other_evidence_mends(
    outcome: str, code: str, final: bool, again: bool
) -> None:
    answer = said(outcome, code)
    assert (ends_it(answer), looks_again(answer)) == (final, again)


def test_what_may_pass_by_itself_is_not_asked_more_than_once_a_minute() -> None:
    away = ALL | {"incident": said("broken", "TIMED_OUT")}
    assert asked(away, again=False, hours=0.01) == [] and asked(away, again=False, hours=0.02) == ["incident"]


@given(
    st.sampled_from(list(Outcome)),
    st.sampled_from(["", "EVIDENCE_MISSING", "GATE_UNMET", "TIMED_OUT"]),
    st.integers(0, 3),
    st.integers(0, 3),
    st.floats(0, 48),
    st.booleans(),
)
def test_a_gate_that_has_not_passed_is_asked_ends_the_stage_or_waits_for_what_can_change_it(
    outcome: Outcome, code: str, judged: int, supplied: int, hours: float, again: bool
) -> None:
    """No answer leaves a stage with a gate that is neither asked, nor waited for, nor the end."""
    answers = ALL | {"coverage": said(outcome, code, judged)}
    asked_now = "coverage" in asked(answers, again, hours, supplied)
    answer = answers["coverage"]
    settled = passes(answer) or ends_it(answer)
    waits = looks_again(answer) or code == "EVIDENCE_MISSING"
    assert asked_now or settled or waits
    if judged != supplied:
        assert asked_now
