"""The gate `sarif`: findings as CodeQL, Semgrep, Trivy and ZAP write them, by level and against the live release."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.promotion.gates.answer import GateAnswer
from tests.gates.evidence_files import answer, text

LIMITS = {"max": {"error": 0}, "new": 0}


def log(*results: dict[str, Any], **run: Any) -> bytes:
    whole = {"tool": {"driver": {"name": "tool"}}, "results": list(results), **run}
    return json.dumps({"version": "2.1.0", "runs": [whole]}).encode()


def finding(rule: str = "r", uri: str = "a.py", code: str = "x()", line: int = 1, **more: Any) -> dict[str, Any]:
    region = {"startLine": line, "snippet": {"text": code}}
    place = {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}
    return {"ruleId": rule, "level": "error", "message": {"text": "bad"}, "locations": [place], **more}


def test_a_level_with_too_many_findings_shuts_the_gate() -> None:
    said = answer("sarif", "codeql.sarif", {"max": {"error": 0, "note": 5}})
    assert (said.outcome, said.code, said.words) == ("failed", "FINDINGS_TOO_MANY", "1 error finding, allowed 0")
    assert said.facts == {"tools": ["CodeQL"], "findings": {"error": 1, "note": 1}, "suppressed": 1}


def test_within_its_limits_it_opens() -> None:
    said = answer("sarif", "codeql.sarif", {"max": {"error": 1}})
    assert said.passed and said.words == "1 error, 1 note"
    assert answer("sarif", "codeql.sarif", {"max": 1}).words == "2 findings, allowed 1"


@pytest.mark.parametrize(
    ("file", "levels"),
    [
        ("semgrep.sarif", {"error": 1, "warning": 1}),
        ("trivy.sarif", {"error": 1}),
        ("zap.sarif", {"warning": 1}),
    ],
)
def test_other_dialects(file: str, levels: dict[str, int]) -> None:
    assert answer("sarif", file, {"max": 9}).facts["findings"] == levels


@pytest.mark.parametrize("file", ["codeql.sarif", "semgrep.sarif", "trivy.sarif", "zap.sarif"])
def test_what_the_live_release_had_already_is_not_new(file: str) -> None:
    kept = answer("sarif", file, {"max": 9}).kept
    said = answer("sarif", file, {"new": 0}, kept)
    assert said.passed and said.words.endswith("0 of them new")


def test_one_finding_more_is_new_and_named() -> None:
    kept = answer("sarif", "semgrep.sarif", {"max": 9}).kept
    document = json.loads(text("semgrep.sarif"))
    more = deepcopy(document["runs"][0]["results"][0])
    more["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] = "src/new.py"
    document["runs"][0]["results"].append(more)
    said = answer("sarif", json.dumps(document).encode(), {"new": 0}, kept)
    assert (said.outcome, said.code) == ("failed", "FINDINGS_NEW")
    assert said.words == (
        "1 finding that the live release did not have, allowed 0 (python.subprocess-shell-true at src/new.py:5)"
    )


def test_a_finding_that_moved_is_not_new_and_a_second_one_like_it_is() -> None:
    kept = answer("sarif", log(finding(line=10)), {"max": 9}).kept
    assert answer("sarif", log(finding(line=99, code="  x( )".replace("( )", "()"))), {"new": 0}, kept).passed
    twice = log(finding(line=10), finding(line=50))
    assert answer("sarif", twice, {"new": 0}, kept).facts["new"] == {"error": 1}


def test_fingerprints_outlive_a_file_that_is_renamed() -> None:
    known = {"partialFingerprints": {"primaryLocationLineHash": "5d2b0c1f:1"}}
    kept = answer("sarif", log(finding(uri="old.py", **known)), {"max": 9}).kept
    assert answer("sarif", log(finding(uri="new.py", code="y()", **known)), {"new": 0}, kept).passed


def test_new_findings_have_limits_by_level() -> None:
    kept = answer("sarif", log(), {"max": 9}).kept
    new = log(finding(), finding("s", level="note"))
    assert answer("sarif", new, {"new": {"error": 1, "note": 1}}, kept).passed
    assert answer("sarif", new, {"new": {"error": 0}}, kept).words.startswith("1 error finding that the live")


def test_without_a_live_release_only_its_own_tool_says_what_is_new() -> None:
    assert "no live release to compare with" in answer("sarif", log(finding()), {"new": 0}).words
    assert answer("sarif", log(finding(baselineState="new")), {"new": 0}).code == "FINDINGS_NEW"
    assert answer("sarif", log(finding(baselineState="unchanged")), {"new": 0}).passed


def test_what_is_gone_suppressed_or_no_finding_does_not_count() -> None:
    gone = finding(baselineState="absent")
    accepted = finding(suppressions=[{"kind": "inSource"}])
    fine = finding(kind="pass", level="none")
    said = answer("sarif", log(gone, accepted, fine), {"max": 0})
    assert said.passed and said.facts["suppressed"] == 1


@pytest.mark.parametrize("status", ["underReview", "rejected"])
def test_a_suppression_that_was_not_accepted_is_none(status: str) -> None:
    asked_for = finding(suppressions=[{"kind": "external", "status": status}])
    assert answer("sarif", log(asked_for), {"max": 0}).code == "FINDINGS_TOO_MANY"


def test_a_level_that_is_not_written_is_the_rules_or_warning() -> None:
    bare = {"ruleId": "r/sub", "message": {"text": "bad"}}
    rules = [{"id": "r", "defaultConfiguration": {"level": "error"}}]
    known = log(bare, tool={"driver": {"name": "tool", "rules": rules}})
    assert answer("sarif", known, {"max": 9}).facts["findings"] == {"error": 1}
    assert answer("sarif", log(bare), {"max": 9}).facts["findings"] == {"warning": 1}
    assert answer("sarif", log({**bare, "kind": "review"}), {"max": 9}).facts["findings"] == {"none": 1}


def test_findings_of_another_commit_are_of_another_build() -> None:
    said = answer("sarif", "codeql.sarif", {"max": 9}, commit="ffffffff11112222")
    assert (said.outcome, said.code) == ("failed", "EVIDENCE_OF_ANOTHER_BUILD")


@pytest.mark.parametrize(
    ("evidence", "why"),
    [
        (b'{"version": "2.1.0", "runs": []}', "no tool has run"),
        (log(invocations=[{"executionSuccessful": False}]), "did not end well"),
        (log(results=None), "no results"),
        (log(results=None, externalPropertyFileReferences={"results": []}), "files of their own"),
    ],
)
def test_a_log_that_proves_nothing_keeps_the_gate_shut(evidence: bytes, why: str) -> None:
    said = answer("sarif", evidence, LIMITS)
    assert (said.outcome, said.code) == ("broken", "EVIDENCE_INCOMPLETE") and why in said.words


def test_a_tool_that_has_to_run_and_did_not() -> None:
    said = answer("sarif", "trivy.sarif", {"max": 9, "tools": ["CodeQL"]})
    assert said.code == "EVIDENCE_INCOMPLETE" and "CodeQL has not run; what has run is Trivy" in said.words
    assert answer("sarif", "codeql.sarif", {"max": 9, "tools": ["CodeQL"]}).passed


def unreadable(evidence: bytes) -> GateAnswer:
    said = answer("sarif", evidence, LIMITS)
    assert (said.outcome, said.code) == ("broken", "EVIDENCE_UNREADABLE"), said
    return said


DEEP = b'{"version": "2.1.0", "runs": [{"tool": {"driver": {}}, "results": [%b%b]}]}' % (b"[" * 100_000, b"]" * 100_000)


@pytest.mark.parametrize(
    ("evidence", "why"),
    [
        (b"", "sarif"),
        (text("codeql.sarif")[:1500].encode(), "truncated"),
        (b'{"version": "2.0.0", "runs": []}', "SARIF of version 2.0.0"),
        (b'{"runs": []}', "version"),
        (b"[1, 2]", "object"),
        (b"<xml/>", "invalid character (byte 0)"),
        (log(finding(level="fatal")), "fatal"),
        (b'{"version": "2.1.0", "runs": [], "x": NaN}', "invalid character"),
        (DEEP, "nested too deeply"),
        (text("zap.sarif").encode("utf-16"), "invalid"),
    ],
)
def test_what_is_no_sarif_says_where(evidence: bytes, why: str) -> None:
    assert why in unreadable(evidence).words


def test_a_byte_order_mark_is_no_harm() -> None:
    assert answer("sarif", b"\xef\xbb\xbf" + text("zap.sarif").encode(), {"max": 9}).passed


def test_more_than_a_million_results_are_refused_before_they_are_read() -> None:
    results = b",".join([b"{}"] * 1_000_001)
    said = answer(
        "sarif", b'{"version": "2.1.0", "runs": [{"tool": {"driver": {}}, "results": [%b]}]}' % results, LIMITS
    )
    assert (said.outcome, said.code) == ("broken", "EVIDENCE_TOO_LARGE") and "1,000,001 results" in said.words


def test_a_file_of_nothing_but_braces_is_refused_before_anything_is_made_of_it() -> None:
    rules = b",".join([b"{}"] * 3_000_000)
    said = answer("sarif", b'{"version": "2.1.0", "runs": [{"tool": {"driver": {"rules": [%b]}}}]}' % rules, LIMITS)
    assert said.code == "EVIDENCE_TOO_LARGE" and "objects and lists" in said.words


def test_one_result_cannot_fill_the_memory() -> None:
    one = b'{"message": {"text": "%b"}}' % (b"x" * 9_000_000)
    said = answer("sarif", b'{"version": "2.1.0", "runs": [{"tool": {"driver": {}}, "results": [%b]}]}' % one, LIMITS)
    assert said.code == "EVIDENCE_TOO_LARGE" and "one result of more than" in said.words


FINDINGS = st.lists(
    st.builds(finding, st.sampled_from("rs"), st.sampled_from(["a.py", "b.py"]), st.sampled_from(["x()", "y()"])),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(FINDINGS, FINDINGS, st.randoms())
def test_new_is_what_there_is_more_of_in_whatever_order(before: list[Any], after: list[Any], random: Any) -> None:
    kept = answer("sarif", log(*before), {"max": 99}).kept
    shuffled = [*before]
    random.shuffle(shuffled)
    assert answer("sarif", log(*shuffled), {"max": 99}).kept == kept
    left = [json.dumps(each) for each in before]
    more = 0
    for each in map(json.dumps, after):
        if each in left:
            left.remove(each)
        else:
            more += 1
    assert sum(answer("sarif", log(*after), {"new": 99}, kept).facts["new"].values()) == more
