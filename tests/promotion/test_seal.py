"""What an approval is sealed to: every part of it, and when it does not hold any more."""

from dataclasses import fields, replace
from typing import Any

import pytest

from slipway.promotion.approval import START
from slipway.promotion.approval_policy import Quota
from slipway.promotion.consent import Consent, Voter, consent_of, void_for
from slipway.promotion.outcomes import iso
from slipway.promotion.plain import plain
from slipway.promotion.plan import load_stage
from slipway.promotion.release_parts.configuration import KeptConfiguration
from slipway.promotion.seal import PARTS, Seal, broken, changed, part_of
from slipway.promotion.sealed_content import seal_of
from slipway.promotion.stage_parts import Site
from slipway.promotion.stage_run import StageRun
from tests.promotion.builders import ALICE, BOB, CAROL, NOON, a_build, a_policy, a_stage, a_vote, later

SEEN = {"configuration": "c", "flags": "f"}
PASSED = {"outcome": "passed", "digest": "sha256:1", "asked_at": "then"}


def a_run(**changes: Any) -> StageRun:
    build = a_build(digest="sha256:0", schema={"from": 3, "to": 5})
    run = StageRun("checkout--1.1.0", "checkout--1.1.0:dev", a_stage("dev", approval=a_policy()), build, "https://a/1")
    return replace(
        run, gate_answers={"sarif": PASSED}, sites={"weu": Site("a", "b", "1.0", "", planned="p")}, **changes
    )


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("build", {"build": a_build(digest="sha256:9", schema={"from": 3, "to": 5})}),
        ("build", {"artifact": "https://a/2"}),
        ("build", {"pins": {"app:1": "app@sha256:2"}}),
        ("pipeline", {"plan": a_stage("dev", approval=a_policy(), bake_s=60)}),
        ("pipeline", {"plan": a_stage("dev", approval=a_policy(at_least=2))}),
        ("schema", {"build": a_build(digest="sha256:0", schema={"from": 3, "to": 6})}),
        ("configuration", {"configuration": KeptConfiguration("1.1.0", fingerprint="other")}),
        ("evidence", {"gate_answers": {"sarif": {**PASSED, "digest": "sha256:2"}}}),
        ("evidence", {"gate_answers": {"sarif": {**PASSED, "outcome": "failed"}}}),
        ("evidence", {"gate_answers": {}}),
        ("changes", {"sites": {"weu": Site("a", "b", "1.0", "", planned="other")}}),
    ],
)
def test_each_part_of_what_is_approved_breaks_the_seal_and_is_named(part: str, changes: dict[str, Any]) -> None:
    before = seal_of(a_run(), SEEN)
    assert broken(before, seal_of(a_run(), SEEN)) == ()
    assert broken(before, seal_of(replace(a_run(), **changes), SEEN)) == (part,)


@pytest.mark.parametrize("part", ["configuration", "flags"])
def test_what_lies_outside_breaks_it_too(part: str) -> None:
    assert broken(seal_of(a_run(), SEEN), seal_of(a_run(), {**SEEN, part: "other"})) == (part,)
    assert broken(seal_of(a_run(), SEEN), seal_of(a_run(), {**SEEN, part: ""})) == (part,), "it is gone"


def test_evidence_that_is_asked_for_again_and_says_the_same_breaks_nothing() -> None:
    again = replace(a_run(), gate_answers={"sarif": {**PASSED, "asked_at": "now"}})
    assert broken(seal_of(a_run(), SEEN), seal_of(again, SEEN)) == ()


def test_what_nobody_could_know_when_people_were_asked_breaks_nothing() -> None:
    asked = seal_of(replace(a_run(), sites={}, gate_answers={}), SEEN)
    assert broken(asked, seal_of(a_run(), SEEN)) == ()
    assert changed(asked, seal_of(a_run(), SEEN)) == ("evidence", "changes")


def test_a_seal_travels_and_has_the_same_digest_for_the_same_content_alone() -> None:
    seal = seal_of(a_run(), SEEN)
    assert Seal.load(seal.dump()) == seal
    assert len({replace(seal, **{each.name: "other"}).digest for each in fields(Seal)} | {seal.digest}) == 9
    assert tuple(each.name for each in fields(Seal)) == PARTS


def test_a_plan_keeps_its_digest_when_a_newer_slipway_knows_more_of_a_stage() -> None:
    plan = plain(a_stage("dev", approval=a_policy()))
    newer = {**plan, "gates": (), "freeze": None, "limit_s": 0.0, "notes": {}, "more": {"of": [], "it": False}}
    assert part_of(plan) == part_of(newer) == part_of(plain(load_stage(plan)))
    assert part_of({"a": 1}) != part_of({"a": 2}) != part_of({})


def test_a_stage_keeps_a_yes_over_its_generations_and_an_older_one_has_none() -> None:
    answer = {"votes": [a_vote(ALICE).dump()], "seal": seal_of(a_run(), SEEN).dump()}
    run = replace(a_run(), consents={START: consent_of(a_policy(), answer)}, voided=2)
    assert StageRun.load(run.dump()) == run
    older = {key: value for key, value in run.dump().items() if key not in ("consents", "voided", "gate_answers")}
    assert (StageRun.load(older).consents, StageRun.load(older).voided) == ({}, 0)


# the people


def a_consent(*people: Any, **changes: Any) -> Consent:
    votes = [a_vote(each).dump() for each in people]
    return replace(consent_of(a_policy(**changes), {"votes": votes, "seal": Seal(build="b").dump()}))


def test_a_consent_knows_the_claims_that_counted_and_when_it_was_complete() -> None:
    late = a_vote(BOB, at=later(hours=1)).dump()
    consent = consent_of(a_policy(at_least=2), {"votes": [a_vote(ALICE).dump(), late]})
    assert consent.voters == (
        Voter(ALICE.oid, "Alice", ("role:release-manager",)),
        Voter(BOB.oid, "Bob", ("role:release-manager",)),
    )
    assert consent.at == iso(later(hours=1))


def test_of_a_delegated_vote_the_delegators_claims_are_asked_for() -> None:
    vote = replace(a_vote(CAROL), delegator=ALICE).dump()
    assert [voter.oid for voter in consent_of(a_policy(), {"votes": [vote]}).voters] == [ALICE.oid]


@pytest.mark.parametrize(
    ("taken", "void"),
    [
        ({}, ()),
        ({ALICE.oid: ["group:team-checkout"]}, ()),
        ({ALICE.oid: ["role:release-manager"]}, ("approvers",)),
        ({"oid-somebody": ["role:release-manager"]}, ()),
    ],
)
def test_an_approval_without_those_who_gave_it_is_void(taken: dict[str, list[str]], void: tuple[str, ...]) -> None:
    assert void_for(a_consent(ALICE), a_policy(), Seal(build="b"), NOON, taken) == void


def test_those_who_are_left_may_be_enough() -> None:
    policy = a_policy(approvers=("role:release-manager", "group:team-checkout"), each=(Quota("group:team-checkout"),))
    consent = a_consent(ALICE, **{"approvers": policy.approvers, "each": policy.each})
    lost = {ALICE.oid: ["role:release-manager"]}
    assert void_for(consent, policy, Seal(build="b"), NOON, lost) == (), "the group alone is enough"


def test_an_approval_ages_from_the_last_yes_and_all_that_speaks_against_it_is_said() -> None:
    policy = a_policy(max_age_s=3600)
    assert void_for(a_consent(ALICE), policy, Seal(build="b"), later(hours=1), {}) == ()
    assert void_for(a_consent(ALICE), policy, Seal(build="x"), later(hours=1, seconds=1), {}) == ("build", "age")
