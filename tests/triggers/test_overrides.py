"""An emergency override over HTTP: who may ask, who may confirm, what is shown and on record."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from slipway.adapters.read_model import write_row
from slipway.promotion.gates.plan import GatePlan
from tests.app_host import ALICE_OID, Reply, a_principal
from tests.triggers.conftest import ALICE, BOB, ERIN, Underway

pytestmark = pytest.mark.usefixtures("configured")

MONA = a_principal("Mona Moore", "99999999-9999-4999-8999-999999999999", ("reader", "approver", "release-manager"))


@pytest.fixture
def gated(it: Underway) -> Underway:
    """Its production has a gate on findings."""
    gates = (GatePlan("sarif", "sarif", {"new": 0}, "sarif"),)
    plans = tuple(replace(plan, gates=gates) if plan.name == "production" else plan for plan in it.run.plan.stages)
    run = replace(it.run, plan=replace(it.run.plan, stages=plans))
    write_row(run.id, "promotion", 2, run.row())
    return Underway(it.app, run)


def ask(it: Underway, who: dict[str, str] = ALICE, stage: str = "production", **body: Any) -> Reply:
    given = {"gates": ["sarif"], "reason": "the till is down", **body}
    return it.app.http("POST", f"/api/promotions/{it.id}/stages/{stage}/override", who, given)


def confirm(it: Underway, id: str, who: dict[str, str] = MONA, **body: Any) -> Reply:
    path = f"/api/promotions/{it.id}/stages/production/override/confirm"
    return it.app.http("POST", path, who, {"id": id, **body})


def override_of(it: Underway) -> Any:
    stages = it.app.http("GET", f"/api/promotions/{it.id}", ERIN).json["stages"]
    return next(each for each in stages if each["name"] == "production")["override"]


def test_two_people_override_and_both_are_shown_and_on_record(gated: Underway) -> None:
    assert override_of(gated) is None
    asked = ask(gated)
    assert asked.status == 200 and "another person has to confirm" in asked.json["words"]
    assert override_of(gated)["confirmed_by"] == ""
    agreed = confirm(gated, asked.json["id"])
    assert agreed.json["words"].startswith("skipped by Alice Adams and Mona Moore: the till is down")
    shown = override_of(gated)
    assert (shown["by"], shown["confirmed_by"], shown["gates"]) == ("Alice Adams", "Mona Moore", ["sarif"])
    assert gated.records == [("override.asked", ""), ("override.confirmed", "")]


@pytest.mark.parametrize(
    ("who", "problem"),
    [(ALICE, "SAME_PERSON"), (BOB, "IS_AUTHOR"), (ERIN, "FORBIDDEN")],
    ids=["who asked", "the author", "a reader"],
)
def test_who_may_not_confirm_is_refused_and_on_record(gated: Underway, who: dict[str, str], problem: str) -> None:
    assert confirm(gated, ask(gated).json["id"], who).problem == (403, problem)
    assert gated.records[-1] == ("override.refused", problem) and override_of(gated)["confirmed_by"] == ""


@pytest.mark.parametrize("who", [MONA, ERIN], ids=["approver", "reader"])
def test_who_may_not_ask_is_refused_and_on_record(gated: Underway, who: dict[str, str]) -> None:
    assert ask(gated, who).problem == (403, "FORBIDDEN")
    assert gated.records == [("override.asked", ""), ("override.refused", "FORBIDDEN")]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"gates": ["coverage"]}, (404, "UNKNOWN_GATE")),
        ({"gates": ["health"]}, (404, "UNKNOWN_GATE")),
        ({"gates": []}, (422, "INVALID_BODY")),
        ({"gates": ["x"] * 21}, (422, "INVALID_BODY")),
        ({"reason": " "}, (422, "INVALID_BODY")),
        ({"for": "25h"}, (422, "INVALID_BODY")),
        ({"for": "0s"}, (422, "INVALID_BODY")),
        ({"stage": "test"}, (404, "UNKNOWN_GATE")),
        ({"stage": "moon"}, (404, "UNKNOWN_STAGE")),
    ],
)
def test_what_cannot_be_overridden_is_refused(gated: Underway, body: dict[str, Any], problem: tuple[int, str]) -> None:
    assert ask(gated, **body).problem == problem


def test_what_was_read_is_what_is_confirmed(gated: Underway) -> None:
    first = ask(gated, command="one").json["id"]
    second = ask(gated, command="two", reason="something else").json["id"]
    assert confirm(gated, first).problem == (409, "NO_OVERRIDE")
    assert confirm(gated, second).status == 200
    assert confirm(gated, second, command="again").problem == (409, "ALREADY_CONFIRMED")


def test_a_role_of_another_environment_overrides_nothing_here(gated: Underway) -> None:
    asked = ask(gated).json["id"]
    grace = a_principal("Grace", "77777777-7777-4777-8777-777777777777", ("approver@test", "operator@test", "reader"))
    assert ask(gated, grace).problem == (403, "FORBIDDEN")
    assert confirm(gated, asked, grace).problem == (403, "FORBIDDEN")


# the lane of hotfixes


@pytest.fixture
def laned(begin: Callable[..., Underway]) -> Underway:
    """A hotfix, whose production lets one skip its gate on findings."""
    it = begin(hotfix="the till is down")
    gates = (GatePlan("sarif", "sarif", {"new": 0}, "sarif"), GatePlan("coverage", "coverage", {}, "coverage"))
    more = {"gates": gates, "hotfix_skips": ("sarif",)}
    plans = tuple(replace(plan, **more) if plan.name == "production" else plan for plan in it.run.plan.stages)
    run = replace(it.run, plan=replace(it.run.plan, stages=plans), submitted_by=ALICE_OID)
    write_row(run.id, "promotion", 2, run.row())
    return Underway(it.app, run)


def test_a_hotfix_skips_what_its_stage_names_with_a_second_person(laned: Underway) -> None:
    assert confirm(laned, "hotfix").status == 200
    shown = override_of(laned)
    assert (shown["gates"], shown["confirmed_by"]) == (["sarif"], "Mona Moore")
    assert shown["reason"] == "hotfix, the till is down"
    assert confirm(laned, "hotfix", command="again").problem == (409, "ALREADY_CONFIRMED")


@pytest.mark.parametrize(
    ("who", "problem"),
    [(ALICE, "SAME_PERSON"), (BOB, "IS_AUTHOR"), (ERIN, "FORBIDDEN")],
    ids=["submitter", "author", "r"],
)
def test_a_hotfix_is_confirmed_by_a_second_person(laned: Underway, who: dict[str, str], problem: str) -> None:
    assert confirm(laned, "hotfix", who).problem == (403, problem)
    assert override_of(laned) is None


def test_what_is_no_hotfix_has_no_lane(gated: Underway) -> None:
    assert confirm(gated, "hotfix").problem == (409, "NO_OVERRIDE")
