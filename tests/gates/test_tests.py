"""The gate `tests`: JUnit as pytest, Jest and Surefire write it, and as nobody should."""

import pytest

from slipway.promotion.gates.answer import GateAnswer
from tests.gates.evidence_files import answer, text


def suite(*cases: str, **attributes: object) -> bytes:
    named = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    return f"<testsuite {named}>{''.join(cases)}</testsuite>".encode()


GOOD = '<testcase classname="t" name="good"/>'
BAD = '<testcase classname="t" name="bad"><error message="no"/></testcase>'
SKIPPED = '<testcase classname="t" name="left"><skipped/></testcase>'


def test_a_failed_test_shuts_the_gate_and_is_named() -> None:
    said = answer("tests", "pytest.xml", {})
    assert (said.outcome, said.code) == ("failed", "GATE_TESTS_FAILED")
    assert said.words == "1 test failed, allowed 0 (tests.test_cart.TestCart.test_total)"
    assert said.facts["ran"] == 3 and said.facts["skipped"] == 1


def test_it_opens_within_its_limits() -> None:
    said = answer("tests", "pytest.xml", {"failed": 1, "skipped": 1, "at_least": 3})
    assert said.passed and said.words == "3 tests ran, 1 failed, 1 skipped"


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        ({"failed": 1, "skipped": 0}, "GATE_TESTS_SKIPPED", "1 test was skipped, allowed 0"),
        ({"failed": 1, "at_least": 4}, "GATE_TESTS_TOO_FEW", "3 tests ran, at least 4 must"),
    ],
)
def test_too_many_left_out_or_too_few_run(settings: dict[str, int], code: str, words: str) -> None:
    said = answer("tests", "pytest.xml", settings)
    assert (said.outcome, said.code, said.words) == ("failed", code, words)


def test_every_limit_that_is_broken_is_told() -> None:
    said = answer("tests", "pytest.xml", {"skipped": 0, "at_least": 10})
    assert said.code == "GATE_TESTS_FAILED"
    assert "1 test failed" in said.words and "skipped" in said.words and "at least 10 must" in said.words


@pytest.mark.parametrize(("file", "ran", "flaky"), [("jest.xml", 3, 0), ("surefire.xml", 3, 1)])
def test_other_dialects(file: str, ran: int, flaky: int) -> None:
    said = answer("tests", file, {"skipped": 0})
    assert said.passed and (said.facts["ran"], said.facts["flaky"]) == (ran, flaky)


def test_the_counts_of_a_suite_are_believed_where_its_cases_show_less() -> None:
    assert answer("tests", suite(GOOD, tests=2, failures=1), {}).code == "GATE_TESTS_FAILED"
    assert answer("tests", suite(tests=7, failures=0, skipped=2), {}).facts["ran"] == 5


def test_nested_suites_are_not_counted_twice() -> None:
    inner = suite(GOOD, BAD, tests=2, errors=1).decode()
    said = answer("tests", f"<testsuites>{suite(inner, tests=2, errors=1).decode()}</testsuites>".encode(), {})
    assert (said.facts["ran"], said.facts["failed"]) == (2, 1)


def test_a_case_that_failed_and_was_skipped_has_failed() -> None:
    both = '<testcase name="x"><skipped/><failure/></testcase>'
    assert answer("tests", suite(both), {}).facts["failed"] == 1


def test_no_test_at_all_is_no_pass() -> None:
    assert answer("tests", suite(), {}).code == "GATE_TESTS_TOO_FEW"
    assert answer("tests", suite(SKIPPED), {}).code == "GATE_TESTS_TOO_FEW"
    assert answer("tests", b"<testsuites/>", {}).code == "EVIDENCE_INCOMPLETE"


def test_results_of_another_commit_are_of_another_build() -> None:
    said = answer("tests", "surefire.xml", {}, commit="ffffffff11112222")
    assert (said.outcome, said.code) == ("failed", "EVIDENCE_OF_ANOTHER_BUILD")
    assert "0f5ec23" in said.words and "ffffffff" in said.words


def unreadable(evidence: bytes) -> GateAnswer:
    said = answer("tests", evidence, {})
    assert (said.outcome, said.code) == ("broken", "EVIDENCE_UNREADABLE"), said
    return said


def test_what_is_cut_off_or_another_format_says_where() -> None:
    assert "line 4, column" in unreadable(text("pytest.xml")[:700].encode()).words
    assert "<html> is no JUnit report" in unreadable(b"<html><body/></html>").words
    assert "line 1" in unreadable(b'{"tests": 1}').words
    unreadable(b"")
    assert "'many' is not a count" in unreadable(suite(tests="many")).words


BOMB = b"""<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><testsuite>&b;</testsuite>"""
OUTSIDE = b"""<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuite name="x">&a;</testsuite>"""
PARAMETER = b"""<!DOCTYPE x [<!ENTITY % a SYSTEM "http://169.254.169.254/"> %a;]><testsuite/>"""


@pytest.mark.parametrize("attack", [BOMB, OUTSIDE, PARAMETER])
def test_entities_are_refused_before_anything_comes_of_them(attack: bytes) -> None:
    assert "entities" in unreadable(attack).words


def test_nesting_has_an_end() -> None:
    assert "nested more than" in unreadable(b"<testsuite>" * 5000).words


def test_names_in_the_evidence_cannot_break_our_line_or_fill_the_audit() -> None:
    case = f'<testcase name="a&#10;b{"x" * 5000}"><failure/></testcase>'
    said = answer("tests", suite(*[case] * 50), {})
    assert "\n" not in said.words and len(said.words) <= 500 and len(str(said.facts)) < 2048
