"""What is kept of a release, small and large, and a gate's whole answer about evidence, against the real SDK."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from slipway.adapters.azure_errors import AzureProblem
from slipway.adapters.evidence.faults import Unreachable
from slipway.adapters.evidence.judging import judged_evidence
from slipway.adapters.evidence.kept import MOST_BYTES, folded, unfolded
from slipway.promotion.build import Build
from slipway.promotion.errors import SlipwayError
from slipway.promotion.gates.answer import GateAnswer
from slipway.promotion.gates.plan import GatePlan
from slipway.promotion.outcomes import iso
from tests.gates.evidence_files import FILES, a_build, text
from tests.laptop import AzureStandin

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LARGE = {"findings": "x" * 100_000}


def test_a_small_set_travels_and_a_large_one_lies_in_a_blob(azure: AzureStandin) -> None:
    assert folded({"line": 0.8}, azure.settings) == {"line": 0.8}
    assert unfolded({"line": 0.8}, azure.settings) == {"line": 0.8} and unfolded(None, azure.settings) is None
    small = folded(LARGE, azure.settings)
    assert len(json.dumps(small)) < 100 < MOST_BYTES
    assert folded(LARGE, azure.settings) == small, "again it is the same blob"
    assert unfolded(small, azure.settings) == LARGE


@pytest.mark.parametrize("drop", ["before", "after"])
def test_an_answer_that_was_lost_leaves_it_written_once(azure: AzureStandin, drop: str) -> None:
    kept = {"findings": drop * 10_000}
    azure.fault("PUT", "comp=appendblock", drop=drop)
    assert unfolded(folded(kept, azure.settings), azure.settings) == kept


def test_a_set_that_is_gone_or_changed_is_known(azure: AzureStandin) -> None:
    from azure.storage.blob import ContainerClient

    from slipway.adapters.credentials import credential

    digest = hashlib.sha256(b"what was there").hexdigest()
    with pytest.raises(SlipwayError, match="EVIDENCE_KEPT_LOST"):
        unfolded({"blob": f"sha256:{digest}"}, azure.settings)
    folded(LARGE, azure.settings)
    endpoint = azure.settings.blobs_endpoint
    container = ContainerClient(endpoint, "evidence", credential=credential(), **azure.settings.client_options)
    container.upload_blob(f"kept/{digest}.json", b'{"findings": ""}', blob_type="AppendBlob")
    with pytest.raises(SlipwayError, match="EVIDENCE_ALTERED"):
        unfolded({"blob": f"sha256:{digest}"}, azure.settings)


def test_while_storage_is_away_it_says_so(azure: AzureStandin) -> None:
    azure.fault("PUT", "/evidence/kept/", times=10, answer={"status": 503})
    with pytest.raises(AzureProblem, match="AZURE_UNAVAILABLE"):
        folded({"findings": "y" * 10_000}, azure.settings)


def asked(azure: AzureStandin, said: Any, previous: Any = None, **of_gate: Any) -> GateAnswer:
    gate = GatePlan("scan", "sarif", {"max": {"error": 1}, "new": 0}, evidence="sarif", **of_gate)
    build: Build = a_build(evidence={"sarif": said} if said else {})
    return judged_evidence(gate, build, previous, NOW, settings_=azure.settings)


def test_a_whole_answer_names_the_digest_and_age_of_its_evidence(azure: AzureStandin) -> None:
    content = text("codeql.sarif")
    digest = hashlib.sha256((FILES / "codeql.sarif").read_bytes()).hexdigest()
    produced = iso(NOW - timedelta(hours=2))
    said = asked(azure, {"inline": content, "sha256": f"sha256:{digest}", "produced_at": produced})
    assert said.passed and (said.digest, said.produced_at) == (f"sha256:{digest}", produced)
    assert GateAnswer.load(json.loads(json.dumps(said.dump()))) == said
    again = asked(azure, {"inline": json.loads(content)}, said.kept)
    assert again.passed and again.words.endswith("0 of them new")


def test_findings_of_a_large_release_are_compared_through_their_blob(azure: AzureStandin) -> None:
    results = [{"ruleId": f"r{n}", "level": "note"} for n in range(600)]
    log = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "t"}}, "results": results}]}
    said = asked(azure, {"inline": log})
    assert set(said.kept) == {"blob"}
    more = {**log, "runs": [{**log["runs"][0], "results": [*results, {"ruleId": "s", "level": "note"}]}]}  # type: ignore[index]
    assert asked(azure, {"inline": log}, said.kept).passed
    assert asked(azure, {"inline": more}, said.kept).code == "FINDINGS_NEW"


def test_missing_evidence_keeps_the_gate_shut_and_says_how_to_supply_it(azure: AzureStandin) -> None:
    said = asked(azure, None)
    assert (said.outcome, said.code) == ("not enough evidence", "EVIDENCE_MISSING")
    assert '"evidence": {"sarif": {"url": "https://…"}}' in said.words
    assert "slipway evidence add checkout--1.1.0 sarif --file" in said.words


@pytest.mark.parametrize(
    ("hours", "code"),
    [(23, ""), (25, "EVIDENCE_STALE"), (-1, "EVIDENCE_STALE")],
    ids=["young", "old", "of tomorrow"],
)
def test_evidence_has_an_age(azure: AzureStandin, hours: int, code: str) -> None:
    produced = {"inline": text("codeql.sarif"), "produced_at": iso(NOW - timedelta(hours=hours))}
    said = asked(azure, produced, max_age_s=86_400)
    assert said.code == code
    assert not code or said.outcome == "not enough evidence"


def test_evidence_that_says_no_age_is_as_old_as_its_build(azure: AzureStandin) -> None:
    gate = GatePlan("scan", "sarif", {"max": 9}, evidence="sarif", max_age_s=3600)
    build = a_build(evidence={"sarif": {"inline": text("codeql.sarif")}}, finished_at=NOW - timedelta(hours=2))
    said = judged_evidence(gate, build, None, NOW, settings_=azure.settings)
    assert said.code == "EVIDENCE_STALE" and "produced 2.0 h ago" in said.words and "counts for 1.0 h" in said.words


@pytest.mark.parametrize(
    "said",
    [
        {"sha256": "00"},
        {"url": "https://x", "inline": "y"},
        "https://x",
        {"inline": "{}", "produced_at": "yesterday"},
        {"inline": "{}", "produced_at": "2026-11-24T12:00:00"},
    ],
)
def test_a_message_that_says_it_badly_breaks_the_check(azure: AzureStandin, said: Any) -> None:
    found = asked(azure, said)
    assert (found.outcome, found.code) == ("broken", "EVIDENCE_UNREADABLE")


def test_a_place_that_is_not_allowed_breaks_the_check_and_one_that_is_away_is_tried_again(azure: AzureStandin) -> None:
    where = {"url": "https://localhost:9/scan.sarif"}
    assert asked(azure, where).code == "EVIDENCE_NOT_ALLOWED"
    listed = replace(azure.settings, evidence_hosts="localhost:9")
    gate = GatePlan("scan", "sarif", {"max": 9}, evidence="sarif")
    with pytest.raises(Unreachable):
        judged_evidence(gate, a_build(evidence={"sarif": where}), None, NOW, settings_=listed)
