"""The organisation's policies at intake, in the activities that ask them, and over HTTP."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from slipway.promotion.errors import BuildRejected
from slipway.promotion.plain import plain
from slipway.promotion.plan import PromotionPlan, StagePlan
from slipway.settings import settings
from tests.app_host import AppHost
from tests.conftest import PIPELINES
from tests.triggers.conftest import ERIN, a_message
from triggers.intake import match

pytestmark = pytest.mark.usefixtures("configured")

TEXT = (PIPELINES / "checkout.yaml").read_text()
Have = Callable[[str], Path]


def rule(requires: str = "retain_previous: 1h", more: str = "") -> str:
    return f"""policies:
  - name: a-way-back
    why: What harms late must have one.
    owner: team-risk
    applies_to: {{environments: [production]}}
    requires: {{{requires}}}
    {more}
"""


@pytest.fixture
def have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Have:
    """The organisation has this file of policies from now on."""

    def write(text: str) -> Path:
        (tmp_path / "organisation.yaml").write_text(text)
        monkeypatch.setenv("SLIPWAY_POLICIES", str(tmp_path))
        settings.cache_clear()
        return tmp_path

    return write


def plan() -> PromotionPlan:
    return match(a_message("9.9.9")).plan


def production() -> StagePlan:
    return plan().stage("production")


def check(app: AppHost, stage: StagePlan) -> Any:
    order = {"promotion": "checkout--9.9.9", "stage": plain(stage), "service": "checkout", "owner": "team-checkout"}
    return app.activity("check_policies", order)


def test_a_build_whose_pipeline_is_weaker_is_not_taken_in_and_hears_how_to_comply(have: Have) -> None:
    have(rule())
    with pytest.raises(BuildRejected) as rejected:
        match(a_message("9.9.9"))
    assert rejected.value.code == "POLICY_UNMET"
    assert "the policy a-way-back (organisation.yaml:2, owner team-risk) is not met" in rejected.value.words
    assert rejected.value.words.endswith("To comply, write in the stage: retain_previous: 1h")
    line = int(rejected.value.words.split(":")[1])
    assert TEXT.splitlines()[line - 1].strip() == "- name: production"


def test_a_plan_says_that_there_are_policies_and_by_which_it_was_frozen(have: Have) -> None:
    assert all(stage.policies is None for stage in plan().stages)
    have(rule("retain_previous: 0s, approval: {at_least: 1}"))
    under = production().policies
    assert under is not None and under.owner == "team-checkout" and under.digest.startswith("sha256:")
    assert PromotionPlan.load(plan().dump()) == plan()
    old = plan().dump()
    for stage in old["stages"]:
        del stage["policies"]
    assert all(stage.policies is None for stage in PromotionPlan.load(old).stages)


@pytest.mark.parametrize("wrong", ["policies: [", "", "policies:\n  - name: x\n"])
def test_policies_that_cannot_be_read_let_a_build_wait_inside_and_start_nothing(
    app: AppHost, have: Have, wrong: str
) -> None:
    have(wrong)
    assert production().policies is not None, "it is taken in, and asked again at each stage"
    answer = check(app, production())
    assert (answer.state, answer.code) == ("broken", "POLICIES_INVALID") and "organisation.yaml:" in answer.words


def test_a_folder_that_is_not_there_or_empty_is_not_the_same_as_no_policies(
    app: AppHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, code in ((tmp_path / "nowhere", "NO_FOLDER"), (tmp_path, "NO_POLICIES")):
        monkeypatch.setenv("SLIPWAY_POLICIES", str(folder))
        settings.cache_clear()
        answer = check(app, production())
        assert answer.code == "POLICIES_INVALID" and code in answer.words


def test_the_activity_reads_what_holds_now_and_says_what_becomes_of_the_build(app: AppHost, have: Have) -> None:
    test, stage = plan().stage("test"), replace(production(), bake_s=1.0)
    have(rule("bake: 1s"))
    met = check(app, stage)
    assert met.state == "passed" and met.result["policies"] == ["a-way-back"] and met.result["digest"]
    have(rule("bake: 1h", "on_change: cancel"))
    unmet = check(app, stage)
    assert (unmet.state, unmet.code, unmet.result["do"]) == ("failed", "POLICY_UNMET", "cancel")
    assert "it bakes for at least 3600 s" in unmet.words
    assert check(app, test).result["policies"] == [], "it is not for that environment"


def test_an_approval_is_sealed_to_the_rules_and_not_to_their_wording(app: AppHost, have: Have) -> None:
    asked = {"stage": plain(production()), "service": "checkout", "owner": "team-checkout"}

    def seen() -> Any:
        return app.activity("look_at_sealed", {"promotion": "checkout--9.9.9", "policies": asked}).result["policies"]

    have(rule("bake: 1s"))
    first = seen()
    have("# a word more\n" + rule("bake: 1s"))
    assert seen() == first
    have(rule("bake: 2s"))
    assert seen() not in (first, "")
    have("policies: [")
    assert seen() == "POLICIES_INVALID"


def test_policies_and_exceptions_are_shown_with_what_counts(app: AppHost, have: Have) -> None:
    nothing = app.http("GET", "/api/policies", ERIN).json
    assert nothing == {"digest": "", "policies": [], "exceptions": [], "findings": []}
    today = datetime.now(UTC).date()
    exempt = "".join(
        f"  - {{policy: a-way-back, service: checkout, until: {day}, reason: A demo., approved_by: Ann}}\n"
        for day in (today - timedelta(days=1), today)
    )
    have(rule() + "exceptions:\n" + exempt)
    shown = app.http("GET", "/api/policies", ERIN).json
    (policy,) = shown["policies"]
    assert (policy["name"], policy["requires"], policy["line"]) == ("a-way-back", {"retain_previous": "1h"}, 2)
    assert policy["environments"] == ["production"] and policy["in_force"]
    assert [each["counts"] for each in shown["exceptions"]] == [False, True]
    have("policies: [")
    broken = app.http("GET", "/api/policies", ERIN).json
    assert broken["policies"] == [] and broken["findings"][0]["code"] == "YAML_SYNTAX"


def test_lint_and_plan_over_http_say_what_the_policies_want(app: AppHost, have: Have) -> None:
    have(rule())
    (finding,) = app.http("POST", "/api/pipelines/lint", ERIN, {"pipeline": TEXT, "file": "c.yaml"}).json["findings"]
    assert finding["code"] == "POLICY_UNMET" and finding["file"] == "c.yaml"
    asked = {"service": "checkout", "pipeline": TEXT}
    assert app.http("POST", "/api/pipelines/plan", ERIN, asked).problem == (422, "POLICY_UNMET")
    met = TEXT.replace("  - name: production\n", "  - name: production\n    retain_previous: 1h\n")
    assert app.http("POST", "/api/pipelines/lint", ERIN, {"pipeline": met}).json == {"findings": []}
    shown = app.http("POST", "/api/pipelines/plan", ERIN, asked | {"pipeline": met})
    assert shown.status == 200 and json.dumps(shown.json["stages"][-1]["policies"])
