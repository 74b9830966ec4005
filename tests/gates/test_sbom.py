"""The gate `sbom`: CycloneDX of Trivy and Maven, SPDX of Syft."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.promotion.gates.answer import GateAnswer
from slipway.promotion.gates.licences import is_denied
from tests.gates.evidence_files import DIGEST, NOW, answer, text

TRIVY, MAVEN, SYFT = "trivy.cyclonedx-1.6.json", "cyclonedx-1.5.xml", "syft.spdx-2.3.json"


def bill(**parts: Any) -> bytes:
    whole = {"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [{"name": "a"}], "vulnerabilities": []}
    return json.dumps({**whole, **parts}).encode()


def test_a_vulnerability_counts_by_the_worst_that_anybody_says_of_it() -> None:
    said = answer("sbom", TRIVY, {"max": {"critical": 0, "high": 0}})
    assert (said.outcome, said.code) == ("failed", "VULNERABILITIES_TOO_MANY")
    assert said.words == (
        "1 critical vulnerability, allowed 0; 1 high vulnerability, allowed 0 (CVE-2026-1001, CVE-2026-2002)"
    )
    assert said.facts["vulnerabilities"] == {"critical": 1, "high": 1} and said.facts["not_affected"] == 1


@pytest.mark.parametrize(
    ("score", "method", "severity"),
    [
        (9.0, "CVSSv31", "critical"),
        (8.9, "CVSSv4", "high"),
        (4.0, "", "medium"),
        (0.1, "CVSSv2", "low"),
        (0, "CVSSv3", "none"),
        (9.9, "SSVC", "unknown"),
        ("nan", "CVSSv31", "unknown"),
    ],
)
def test_a_rating_without_a_word_counts_by_its_score(score: Any, method: str, severity: str) -> None:
    rating = {"score": score, **({"method": method} if method else {})}
    if score != "nan":  # which JSON cannot say
        said = answer("sbom", bill(vulnerabilities=[{"id": "CVE-1", "ratings": [rating]}]), {"max": 9})
        assert said.facts["vulnerabilities"] == {severity: 1}
    inner = f"<score>{score}</score><method>{method}</method>"
    rated = f"<vulnerability><id>CVE-1</id><ratings><rating>{inner}</rating></ratings></vulnerability>"
    xml = text(MAVEN).replace("<vulnerabilities>", f"<vulnerabilities>{rated}")
    counts = answer("sbom", xml.encode(), {"max": 9}).facts["vulnerabilities"]
    assert counts == {"high": 1 + (severity == "high"), **({} if severity == "high" else {severity: 1})}


def test_within_its_limits_it_opens() -> None:
    said = answer("sbom", TRIVY, {"max": {"critical": 1, "high": 1}})
    assert said.passed and said.words == "3 components, vulnerabilities: 1 critical, 1 high"


def test_what_is_ignored_counts_again_once_its_day_is_over() -> None:
    ignored = [{"id": "CVE-2026-1001", "reason": "the till is not online", "until": "2026-11-30"}]
    limits = {"max": {"critical": 0}, "ignore": ignored}
    assert answer("sbom", TRIVY, limits).facts["ignored"] == 1
    assert answer("sbom", TRIVY, limits, now=NOW + timedelta(days=6)).passed  # still the 30th
    assert answer("sbom", TRIVY, limits, now=NOW + timedelta(days=7)).code == "VULNERABILITIES_TOO_MANY"


@pytest.mark.parametrize("day", ["2026-02-30", "9999-12-31", "for ever"])
def test_a_day_that_there_is_not_ignores_nothing(day: str) -> None:
    limits = {"max": {"critical": 0}, "ignore": [{"id": "CVE-2026-1001", "reason": "x", "until": day}]}
    assert answer("sbom", TRIVY, limits).code == "VULNERABILITIES_TOO_MANY"


def test_xml_says_the_same_and_its_tools_are_no_components() -> None:
    said = answer("sbom", MAVEN, {"max": {"critical": 0, "high": 0}})
    assert said.code == "VULNERABILITIES_TOO_MANY" and "CVE-2026-2002" in said.words
    assert said.facts["components"] == 2 and said.facts["format"] == "CycloneDX 1.5"


def test_a_licence_that_nobody_can_avoid_is_denied() -> None:
    said = answer("sbom", TRIVY, {"denied_licences": ["GPL-3.0-only", "AGPL-*"]})
    assert (said.outcome, said.code) == ("failed", "LICENCE_DENIED")
    assert said.words == "1 component is under a denied licence (tillkit 0.9: AGPL-3.0-only)"
    assert answer("sbom", TRIVY, {"denied_licences": ["GPL-3.0-only"]}).passed
    assert answer("sbom", SYFT, {"denied_licences": ["GPL-2.0-only"]}).code == "LICENCE_DENIED"


def test_a_bill_where_nobody_has_looked_for_vulnerabilities_proves_nothing() -> None:
    for evidence in (SYFT, bill(vulnerabilities=None)):
        said = answer("sbom", evidence, {"max": {"critical": 0}})
        assert (said.outcome, said.code) == ("broken", "EVIDENCE_INCOMPLETE"), said
        assert "have a scanner write it" in said.words
    assert answer("sbom", bill(), {"max": {"critical": 0}}).passed
    assert answer("sbom", bill(components=[]), {"max": 0}).code == "EVIDENCE_INCOMPLETE"


@pytest.mark.parametrize("file", [TRIVY, SYFT])
def test_a_bill_of_another_image_is_of_another_build(file: str) -> None:
    said = answer("sbom", file, {"denied_licences": ["X"]}, digest="sha256:" + "0" * 64)
    assert (said.outcome, said.code) == ("failed", "EVIDENCE_OF_ANOTHER_BUILD")
    assert DIGEST in said.words


def test_a_bill_of_another_version_of_the_service_is_of_another_build() -> None:
    said = answer("sbom", MAVEN, {"max": 9}, version="1.2.0")
    assert said.code == "EVIDENCE_OF_ANOTHER_BUILD" and "it is of checkout 1.1.0; the build is 1.2.0" in said.words


def unreadable(evidence: bytes) -> GateAnswer:
    said = answer("sbom", evidence, {"max": 0})
    assert (said.outcome, said.code) == ("broken", "EVIDENCE_UNREADABLE"), said
    return said


def test_other_formats_and_cut_off_ones_say_so() -> None:
    assert "SPDX 3 is not read" in unreadable(b'{"@context": "https://spdx.org/rdf/3.0.1/", "@graph": []}').words
    assert "SPDX-1.2 is not read" in unreadable(b'{"spdxVersion": "SPDX-1.2"}').words
    assert "is not read" in unreadable(bill(specVersion="2.0")).words
    assert "no CycloneDX document" in unreadable(b"<project/>").words
    assert "truncated" in unreadable(text(TRIVY)[:900].encode()).words
    deep = '{"name": "a", "components": [' * 20_000
    assert (
        "nested too deeply"
        in unreadable(f'{{"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [{deep}'.encode()).words
    )


@pytest.mark.parametrize(
    ("expression", "denied"),
    [
        ("GPL-3.0-only", True),
        ("gpl-3.0-ONLY", True),
        ("MIT OR GPL-3.0-only", False),
        ("MIT AND GPL-3.0-only", True),
        ("(MIT OR Apache-2.0) AND (GPL-3.0-only OR BSD-2-Clause)", False),
        ("MIT OR Apache-2.0 AND GPL-3.0-only", False),
        ("GPL-3.0-only WITH Autoconf-exception-3.0", True),
        ("AGPL-3.0+", True),
        ("Some text (GPL-3.0-only)", False),
        ("(MIT", False),
        ("(" * 200 + "MIT" + ")" * 200, True),
        ("MIT OR " * 1000 + "MIT", True),
    ],
)
def test_expressions(expression: str, denied: bool) -> None:
    assert is_denied(expression, ["GPL-3.0-only", "AGPL-3.0-or-later"]) is denied


@given(st.text(alphabet="()MGP ORAND+WITH-*", max_size=60))
def test_no_expression_is_too_odd(expression: str) -> None:
    assert is_denied(expression, ["G*"]) in (True, False)
