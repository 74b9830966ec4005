"""What the terminal shows of gates, and the command that supplies evidence."""

import hashlib
from pathlib import Path

import pytest

from slipway.cli.api_answers import Promotion
from slipway.cli.live_tree import plain
from tests.cli.api_server import ApiServer
from tests.cli.builders import NOW, a_problem, a_promotion, a_stage, at
from tests.cli.conftest import Slipway
from tests.promotion.pipeline_texts import a_pipeline
from tests.promotion.pipeline_texts import a_stage as a_written_stage
from tests.promotion.test_pipeline_gates import gates

EVIDENCE = "POST /api/promotions/checkout--1.1.0/evidence"
TAKEN = (200, {"words": "the gates that read coverage are asked again"})


def test_status_shows_what_each_gate_says_and_what_it_waits_for() -> None:
    said = {"kind": "coverage", "before": "start", "evidence": "coverage", "asked_at": at(5), "digest": "sha256:1"}
    missing = "there is no evidence uat: slipway evidence add checkout--1.1.0 uat"
    shown = [
        {**said, "name": "coverage", "outcome": "passed", "words": "90 % of lines", "produced_at": at(3600)},
        {**said, "name": "uat", "outcome": "not enough evidence", "code": "EVIDENCE_MISSING", "words": missing},
        {**said, "name": "incident", "kind": "kql", "outcome": "", "asked_at": ""},
    ]
    stage = a_stage("production", "checking gates", waits_for=f"gate uat: {missing}", gates=shown)
    page = " ".join(plain(Promotion.model_validate(a_promotion(stage)), NOW, 120).split())
    assert "production checking gates · gate uat: there is no evidence uat" in page
    assert "✓ gate coverage 90 % of lines · of" in page and "! gate uat there is no evidence uat" in page
    assert "gate incident not asked yet" in page


def test_a_small_file_is_sent_along_with_its_hash(slipway: Slipway, server: ApiServer, tmp_path: Path) -> None:
    file = tmp_path / "lcov.info"
    file.write_text("TN:\n", encoding="utf-8")
    server.on(EVIDENCE, TAKEN)
    result = slipway("evidence", "add", "checkout--1.1.0", "coverage", "--file", str(file))
    assert result.exit_code == 0 and "✓ the gates that read coverage are asked again" in result.stdout
    body = server.heard[-1][2]
    assert body.pop("command")
    assert body == {"name": "coverage", "inline": "TN:\n", "sha256": hashlib.sha256(b"TN:\n").hexdigest()}


def test_an_address_goes_with_what_is_known_of_it(slipway: Slipway, server: ApiServer) -> None:
    server.on(EVIDENCE, TAKEN)
    when = "2026-11-24T11:58:00Z"
    words = ("--from", "https://ci.example/lcov.info", "--sha256", "a" * 64, "--produced-at", when)
    assert slipway("evidence", "add", "checkout--1.1.0", "coverage", *words).exit_code == 0
    body = server.heard[-1][2]
    assert (body["url"], body["sha256"], body["produced_at"]) == ("https://ci.example/lcov.info", "a" * 64, when)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"x" * 40_000, "put it where it can be fetched"), (b"\xff\xfe", "is not UTF-8 text")],
    ids=["large", "binary"],
)
def test_a_file_that_cannot_be_sent_along_is_refused_with_the_other_way(
    slipway: Slipway, server: ApiServer, tmp_path: Path, content: bytes, words: str
) -> None:
    file = tmp_path / "report"
    file.write_bytes(content)
    result = slipway("evidence", "add", "checkout--1.1.0", "coverage", "--file", str(file))
    assert result.exit_code == 2 and words in " ".join(result.output.split()) and not server.heard
    assert slipway("evidence", "add", "checkout--1.1.0", "coverage").exit_code == 2


def test_a_refusal_is_told(slipway: Slipway, server: ApiServer) -> None:
    server.on(EVIDENCE, (404, a_problem("UNKNOWN_EVIDENCE", 404, "no gate reads covrage; its gates read coverage")))
    result = slipway("evidence", "add", "checkout--1.1.0", "covrage", "--from", "https://ci.example/x")
    assert result.exit_code != 0 and "its gates read coverage" in " ".join(result.output.split())


def test_the_plan_says_what_gates_ask_and_what_that_takes(slipway: Slipway, tmp_path: Path) -> None:
    asked = gates(
        "coverage: {line: 80%}", "kql: {query: A}", "webhook: {url: 'https://changes.example/ask', secret: k}"
    )
    switch = "    rollout: {blue-green: {gates: [{defender: {}}]}}\n"
    file = tmp_path / "shop.yaml"
    file.write_text(a_pipeline(a_written_stage("dev", asked + switch)), encoding="utf-8")
    page = " ".join(slipway("plan", str(file)).stdout.split())
    assert "gates coverage: line 80 %; reads coverage; waits 1 h kql: rows of a query: none" in page
    assert "before users defender: max critical 0; waits 1 h" in page
    assert "On the workspace of SLIPWAY_WORKSPACE Slipway's identity may ask any table" in page
    assert "changes.example must be among SLIPWAY_EVIDENCE_HOSTS" in page and "Defender for Cloud has found" in page
