"""`slipway policies`, and what `lint` and `plan` say of them: files alone, no server."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Slipway

ROOT = Path(__file__).parents[2]
EXAMPLE, CHECKOUT = ROOT / "examples" / "policies", ROOT / "pipelines" / "checkout.yaml"
STRICT = """policies:
  - name: two-people
    why: One person errs.
    owner: team-risk
    applies_to: {environments: [production]}
    requires: {approval: {at_least: 2}}
"""


@pytest.fixture
def offline(slipway: Slipway, monkeypatch: pytest.MonkeyPatch) -> Slipway:
    monkeypatch.setenv("SLIPWAY_URL", "http://127.0.0.1:1")
    return slipway


@pytest.fixture
def strict(tmp_path: Path) -> Path:
    """A checkout of the organisation's: `pipelines` and, beside it, `policies`. Its pipeline."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "risk.yaml").write_text(STRICT)
    (tmp_path / "pipelines").mkdir()
    pipeline = tmp_path / "pipelines" / "checkout.yaml"
    pipeline.write_text(CHECKOUT.read_text())
    return pipeline


def test_lint_holds_pipelines_against_the_folder_beside_theirs(offline: Slipway, strict: Path) -> None:
    result = offline("lint", "pipelines/checkout.yaml")
    assert result.exit_code == 7
    assert "POLICY_UNMET stage production: the policy two-people (" in result.stdout
    assert "it needs 2 approvals, and asks for 1" in result.stdout
    assert "write in the stage: approval: {at_least: 2}" in result.stdout
    strict.write_text(strict.read_text().replace("at_least: 1", "at_least: 2"))
    assert offline("lint", "pipelines/checkout.yaml").exit_code == 0


def test_lint_says_what_is_wrong_with_the_policies_too(offline: Slipway, strict: Path) -> None:
    (strict.parent.parent / "policies" / "risk.yaml").write_text(STRICT.replace("requires", "require"))
    result = offline("lint", "pipelines/checkout.yaml", "--json")
    codes = {finding["code"] for finding in json.loads(result.stdout)["findings"]}
    assert result.exit_code == 7 and codes == {"UNKNOWN_KEY", "MISSING_KEY"}
    assert offline("plan", "pipelines/checkout.yaml").exit_code == 7


def test_the_shipped_pipelines_meet_the_example(offline: Slipway) -> None:
    files = [str(path) for path in sorted((ROOT / "pipelines").glob("*.yaml"))]
    assert offline("lint", "--policies", str(EXAMPLE), *files).exit_code == 0


def test_a_plan_shows_what_each_policy_demands_and_how_it_is_met(offline: Slipway, strict: Path) -> None:
    page = " ".join(offline("plan", "checkout").stdout.split())
    assert "two-people wants approval: {at_least: 2}: NOT MET: it needs 2 approvals" in page
    page = " ".join(offline("plan", "--policies", str(EXAMPLE), "checkout").stdout.split())
    assert "few-users-first wants rollout: [canary, blue-green], first_step: 10%: met (" in page


def test_policies_are_explained_one_by_one(offline: Slipway) -> None:
    page = " ".join(offline("policies", "--policies", str(EXAMPLE)).stdout.split())
    assert "for environments production, production-*, services *" in page
    assert "because No change reaches users on the word of its author alone." in page
    assert "catalog: exempt until 2027-06-30" in page and "nobody is exempt" in page
    document = json.loads(offline("policies", "--policies", str(EXAMPLE), "--json").stdout)
    assert document["policies"][0]["requires"] == {"approval": {"at_least": 1, "not": ["author"]}}


def test_policies_of_a_service_say_which_hold_where_and_what_is_missing(offline: Slipway, strict: Path) -> None:
    result = offline("policies", "--service", "checkout")
    assert result.exit_code == 7 and "to comply, write in the stage: approval: {at_least: 2}" in result.stdout
    document = json.loads(offline("policies", "--service", "checkout", "--json").stdout)
    assert [(each["stage"], each["policies"]) for each in document["stages"]][-1] == ("production", ["two-people"])
    assert document["stages"][-1]["unmet"][0]["comply"] == "approval: {at_least: 2}"


def test_without_policies_it_says_how_to_name_them(offline: Slipway) -> None:
    result = offline("policies")
    assert result.exit_code == 2 and "name their folder with --policies" in result.stderr
