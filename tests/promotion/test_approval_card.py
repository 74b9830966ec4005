"""The card that people read before they approve: golden, short, and without what others could smuggle in."""

from dataclasses import replace
from typing import Any

from slipway.promotion import lock
from slipway.promotion.approval import SWITCH
from slipway.promotion.approval_card import MOST_LETTERS, MOST_LINES, Known, card_of
from slipway.promotion.build import Build
from slipway.promotion.gates.plan import GatePlan
from slipway.promotion.job_plan import Migration
from slipway.promotion.may_promote import MayPromote, Reason
from slipway.promotion.outcomes import iso
from slipway.promotion.plain import plain
from slipway.promotion.plan import LoadTest, PromotionPlan, StagePlan
from slipway.promotion.promotion_run import PromotionRun
from slipway.promotion.release_parts.configuration import ConfigurationPlan
from slipway.promotion.release_parts.flag_wish import FlagWish
from slipway.promotion.seal import Seal
from slipway.promotion.stage_parts import Site, Step
from slipway.promotion.stage_row import stage_row
from slipway.promotion.stage_run import StageRun
from tests.promotion.builders import ALICE, NOON, a_build, a_policy, a_stage, a_vote, later

SEAL = Seal(build="b" * 64, pipeline="c" * 64)
TEST = a_stage("test", loads=(LoadTest("peak", 50, 60, "/"),))
PROD = a_stage(
    "prod",
    ("test",),
    approval=a_policy(at_least=2),
    gates=(GatePlan("coverage", "coverage", {"line": 0.8}, "coverage"), GatePlan("sarif", "sarif", {}, "sarif")),
    configuration=ConfigurationPlan("{version}"),
    flags=(FlagWish("new-search"),),
)
LIVE = {"version": "1.0.0", "commit": "facade1", "proven": True, "promotion": "checkout--1.0.0", "schema": {}}
LOCK = {**lock.empty(), "live": LIVE, "previous": [{**LIVE, "version": "0.9.0"}]}


def known(
    prod: StagePlan = PROD, build: Build | None = None, asked: dict[str, Any] | None = None, **more: Any
) -> Known:
    plan = PromotionPlan("checkout", "team", "d", "a", (TEST, prod))
    run = PromotionRun("checkout--1.1.0", "t", build or a_build(), plan, iso(NOON))
    loaded = Step("load peak", "checkout-test", "o", "passed", words="p95 41 ms of 300 ms, 0 of 3,000 failed")
    at_test = StageRun(run.id, "i", TEST, run.build, "a", steps=(loaded,), phase="bake", ended_at=iso(later(minutes=5)))
    said = {"outcome": "passed", "words": "coverage 91.2 % of lines, 80 % wanted", "produced_at": iso(NOON)}
    at_prod = StageRun(run.id, "j", prod, run.build, "a", gate_answers={"coverage": said}, phase="approval")
    rows = {"promotion": run.row(), "stage:prod": stage_row(at_prod), "stage:test": stage_row(at_test)}
    rows["stage:test"] |= {"state": "passed"}
    votes = [a_vote(ALICE, reason="the load holds").dump()]
    policy = plain(prod.approval)
    question = {"policy": policy, "deadline": iso(later(hours=8)), "votes": votes, "decision": None, "asked": "w"}
    stages = {"prod": {**question, "seal": SEAL.dump(), **(asked or {})}}
    return replace(Known(rows, {"stages": stages}, LOCK, iso(later(hours=1))), **more)


def text(**given: Any) -> str:
    card = card_of("prod", known(**given))
    assert card is not None
    return card.text


def test_the_card_is_as_it_is_printed_here() -> None:
    assert text() == (
        "checkout 1.1.0: may it go to prod?\n"
        "changes\n"
        "- 1.0.0 (facade1) to 1.1.0 (c0ffee) by bob\n"
        "- settings under the label 1.1.0\n"
        "- flag new-search on for everybody\n"
        "proven\n"
        "- gate coverage: coverage 91.2 % of lines, 80 % wanted; evidence of 2026-11-24T12:00:00Z\n"
        "- stage test passed at 2026-11-24T12:05:00Z\n"
        "- test, load peak: p95 41 ms of 300 ms, 0 of 3,000 failed\n"
        "not proven\n"
        "- gate sarif: not asked yet\n"
        "way back\n"
        "- to 1.0.0 in seconds: swap the slots again; the previous release waits in the slot until the next "
        "deployment\n"
        "- not to 0.9.0: its place is taken by this release; promote that build again instead\n"
        "asked\n"
        "- 2 of role:release-manager, not the author; until 2026-11-24T20:00:00Z\n"
        "- Alice: yes, the load holds\n"
        "- missing: 1 of role:release-manager\n"
        f"- sealed {SEAL.digest[:12]}: build, pipeline"
    )


def test_a_stage_that_has_not_asked_has_no_card() -> None:
    assert card_of("test", known()) is None


def test_a_first_release_has_nothing_to_go_back_to() -> None:
    shown = text(lock=lock.empty())
    assert "- first release here: 1.1.0" in shown and "- to nothing: it is the first release here" in shown


def test_a_database_that_moves_on_takes_the_way_back() -> None:
    migration = Migration.load({"runs": {"job": "jobs/m"}, "expand": ["up"]})
    prod = replace(PROD, migration=migration)
    schema = {"from": 5, "to": 6, "expand": 6}
    before = {**LIVE, "schema": {"from": 4, "to": 5}}
    moved = {**LOCK, "live": before, "schema": {"version": 5}}
    shown = text(prod=prod, build=a_build(schema=schema), lock=moved)
    assert "- runs on the database's versions 5 to 6, which it brings to 6" in shown
    assert "- not to 1.0.0: the database is at 6, and 1.0.0 runs on 4 to 5" in shown


def test_what_would_still_keep_it_and_what_it_is_are_warnings() -> None:
    reasons = (
        Reason("APPROVAL_MISSING", "people are asked"),
        Reason("FROZEN", "production is frozen until Monday"),
        Reason("LIVE_NOT_PROVEN", "1.0.0 is not proven", blocks=False),
    )
    shown = text(build=a_build(hotfix="the till is down"), may=MayPromote(reasons))
    assert "- it is a hotfix: the till is down" in shown
    assert "- waits then: production is frozen until Monday" in shown
    assert "- 1.0.0 is not proven" in shown and "people are asked" not in shown


def test_before_a_switch_the_planned_changes_are_shown() -> None:
    found = known(asked={"gate": SWITCH})
    site = Site("a", "b", "1.0.0", "", changes="DELETES 1 resource; 2 to create\n- delete db")
    run = StageRun("checkout--1.1.0", "j", PROD, a_build(), "a", sites={"checkout-prod": site})
    card = card_of("prod", replace(found, rows={**found.rows, "stage:prod": stage_row(run)}))
    assert card and card.title == "checkout 1.1.0: may it meet the users of prod?"
    assert "checkout-prod: DELETES 1 resource; 2 to create" in card.changes


def test_it_fits_a_phone_whatever_others_write() -> None:
    flags = tuple(FlagWish(f"flag-{number}-{'x' * 400}") for number in range(40))
    votes = [a_vote(ALICE, reason="so\n\x1b[2Jproven\n- all of it " + "y" * 900).dump()]
    card = card_of("prod", known(replace(PROD, flags=flags), a_build(author="a\nb"), {"votes": votes}))
    assert card is not None
    assert card.changes[-1] == "and 37 more: slipway status" and len(card.changes) == MOST_LINES
    assert all(len(line) <= MOST_LETTERS and line.isprintable() for _, lines in card.sections for line in lines)
    assert "\x1b" not in card.text and "\n- all of it" not in card.text


def test_who_has_decided_is_shown_and_nobody_is_missing() -> None:
    shown = text(asked={"decision": "approved"})
    assert "- it is approved" in shown and "missing" not in shown
