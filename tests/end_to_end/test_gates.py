"""Gates on the whole laptop system: evidence with the build, a bad one before production, and one that comes late; and
the organisation's policies, which want such gates."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.system import SELDOM_S, Promotion, System, a_message, stage_of, start

PIPELINE = Path(__file__).with_name("gated.yaml")


WANTED = """policies:
  - name: proven-code
    why: What reaches users has been tested and looked at.
    owner: team-risk
    requires: {gates: {coverage: {line: 70%}, sarif: {max: {error: 1}}}, bake: 1s}
"""


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one file of the organisation's policies."""
    file = tmp_path_factory.mktemp("policies") / "risk.yaml"
    file.write_text(WANTED)
    return file


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, policies: Path) -> Iterator[System]:
    state = tmp_path_factory.mktemp("gates")
    with start(state, PIPELINE, policies=policies.parent, container_apps=[]) as laptop:
        yield System(laptop)


def lcov(hit: int, of: int = 10) -> dict[str, Any]:
    lines = "".join(f"DA:{n},{int(n <= hit)}\n" for n in range(1, of + 1))
    return {"inline": f"TN:\nSF:app.py\n{lines}LF:{of}\nLH:{hit}\nend_of_record\n"}


def sarif(*lines: int) -> dict[str, Any]:
    """Findings of one rule, at these lines."""
    place = {"artifactLocation": {"uri": "app.py"}}
    results = [
        {
            "ruleId": "sql-injection",
            "level": "error",
            "message": {"text": "a query is made of what users send"},
            "partialFingerprints": {"primaryLocationLineHash": f"hash-{line}"},
            "locations": [{"physicalLocation": {**place, "region": {"startLine": line}}}],
        }
        for line in lines
    ]
    run = {"tool": {"driver": {"name": "scanner"}}, "results": results}
    return {"inline": {"version": "2.1.0", "runs": [run]}}


def sent(system: System, version: str, **evidence: dict[str, Any]) -> str:
    system.send(a_message(version) | {"evidence": evidence})
    return f"checkout--{version}"


def over(seen: Promotion) -> bool:
    return stage_of(seen, "production")["state"] in ("passed", "failed", "broken", "cancelled", "not enough evidence")


def ended(system: System, id: str) -> dict[str, Any]:
    return stage_of(system.until(id, over, every_s=SELDOM_S), "production")


def gate(stage: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in stage["gates"] if each["name"] == name)
    return found


@pytest.mark.timeout(120)
def test_evidence_lets_a_build_through_stops_one_and_is_supplied_for_one(system: System) -> None:
    good = ended(system, sent(system, "1.1.0", coverage=lcov(8), sarif=sarif(3)))
    assert good["state"] == "passed", good
    assert gate(good, "coverage")["digest"].startswith("sha256:") and gate(good, "incident")["outcome"] == "passed"

    low = ended(system, sent(system, "1.2.0", coverage=lcov(5), sarif=sarif(3)))
    assert low["state"] == "failed" and gate(low, "coverage")["outcome"] == "failed", low
    assert "50" in low["words"] and low["targets"][0]["live"] in ("", "1.1.0")

    new = ended(system, sent(system, "1.3.0", coverage=lcov(8), sarif=sarif(9)))
    assert new["state"] == "failed" and gate(new, "sarif")["outcome"] == "failed", new

    late = sent(system, "1.4.0", sarif=sarif(3))
    seen = system.until(late, lambda each: bool(stage_of(each, "production")["waits_for"]), every_s=SELDOM_S)
    waits = stage_of(seen, "production")
    assert waits["state"] == "checking gates" and f"slipway evidence add {late} coverage" in waits["waits_for"]
    (reason,) = [each for each in waits["may_promote"]["reasons"] if each["code"] == "GATE_NOT_PASSED"]
    assert reason["ended_by"] == f"slipway evidence add {late} coverage --file FILE"
    refused = system.call("POST", f"/api/promotions/{late}/evidence", json={"name": "covrage", **lcov(8)})
    assert (refused.status_code, refused.json()["code"]) == (404, "UNKNOWN_EVIDENCE")
    given = system.call("POST", f"/api/promotions/{late}/evidence", json={"name": "coverage", **lcov(8)})
    assert given.status_code == 200, given.text
    assert ended(system, late)["state"] == "passed"
    audit = system.get(f"/api/promotions/{late}/audit")
    told = [(each["action"], each["evidence"].get("gate", "")) for each in audit["records"]]
    assert ("evidence.supplied", "") in told and ("stage.gate-passed", "coverage") in told and audit["intact"]


@pytest.mark.timeout(120)
def test_policies_hold_at_intake_before_a_stage_and_are_on_record(system: System, policies: Path) -> None:
    good = {"coverage": lcov(8), "sarif": sarif(3)}
    met = sent(system, "1.5.0", **good)
    assert ended(system, met)["state"] == "passed"
    records = system.get(f"/api/promotions/{met}/audit")["records"]
    (held,) = [each["evidence"] for each in records if each["action"] == "stage.policies-met"]
    assert held["policies"] == ["proven-code"] and held["digest"]
    assert system.get("/api/policies")["policies"][0]["name"] == "proven-code"

    policies.write_text("policies: [")
    waiting = sent(system, "1.6.0", **good)
    seen = system.until(waiting, lambda each: bool(stage_of(each, "production")["waits_for"]), every_s=SELDOM_S)
    assert "YAML_SYNTAX" in stage_of(seen, "production")["waits_for"]
    assert system.get("/api/policies")["findings"][0]["code"] == "YAML_SYNTAX"
    system.call("POST", f"/api/promotions/{waiting}/commands", json={"command": "abort", "reason": "the end of a test"})

    policies.write_text(WANTED.replace("bake: 1s", "bake: 1h"))
    refused = system.call("POST", "/api/builds", json=a_message("1.7.0"))
    assert (refused.status_code, refused.json()["code"]) == (422, "POLICY_UNMET")
    assert refused.json()["detail"].endswith("To comply, write in the stage: bake: 1h")
