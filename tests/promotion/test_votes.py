"""Approvals as the decisions keep them: opened, voted on, escalated, closed, opened anew."""

from dataclasses import asdict, replace
from typing import Any

from slipway.promotion import decisions
from slipway.promotion.approval import REJECT, TAKE_BACK, Person, Vote
from slipway.promotion.approval_policy import Escalation
from slipway.promotion.outcomes import iso
from slipway.promotion.plan import ApprovalPolicy
from slipway.promotion.seal import Seal
from tests.promotion.builders import ALICE, BOB, CAROL, a_policy, a_vote, later

DIRECTOR = Person("oid-dora", "Dora", roles=("director",))
ESCALATES = a_policy(escalation=Escalation(("role:director",), 3600))
FIRST, SECOND = Seal(build="b", configuration="c"), Seal(build="b", configuration="d", flags="f")


class Decisions:
    """A promotion's, asked one thing after the other."""

    def __init__(self) -> None:
        self.state, self.said = decisions.empty(), 0

    def ask(self, operation: str, **given: Any) -> dict[str, Any]:
        self.state, answer = decisions.apply(self.state, operation, given)
        return answer

    def open(self, waiter: str = "w1", stage: str = "prod", policy: ApprovalPolicy | None = None, **more: Any) -> Any:
        asked = {"policy": asdict(policy or a_policy()), "deadline": iso(later(hours=1)), "waiter": waiter, **more}
        return self.ask("ask_approval", stage=stage, **asked)

    def vote(self, vote: Vote, stage: str = "prod", **more: Any) -> dict[str, Any]:
        self.said += 1
        return self.ask("vote", **{"command": f"k{self.said}", "stage": stage, "vote": vote.dump(), **more})


def test_a_vote_after_the_first_deadline_finds_those_who_join_whether_that_was_told_or_not() -> None:
    it = Decisions()
    it.open(policy=ESCALATES)
    late = a_vote(DIRECTOR, at=later(hours=1, seconds=1))
    assert it.vote(replace(late, at=later(minutes=59)))["code"] == "NOT_AN_APPROVER"
    assert it.vote(late)["decision"] == "approved"
    assert it.ask("close", stage="prod", **{"as": "expired"})["decision"] == "approved"


def test_an_approval_escalates_once_and_whoever_comes_after_its_own_time_is_late() -> None:
    it = Decisions()
    it.open(policy=ESCALATES)
    first = it.ask("close", stage="prod", **{"as": "expired"})
    assert (first["do"], first["deadline"], first["decision"]) == ("wait", iso(later(hours=2)), None)
    assert it.vote(a_vote(ALICE, at=later(hours=2, seconds=1)))["code"] == "EXPIRED"
    last = it.ask("close", stage="prod", **{"as": "expired"})
    assert (last["do"], last["decision"]) == ("end", "expired")


def test_one_that_is_withdrawn_does_not_escalate() -> None:
    it = Decisions()
    it.open(policy=ESCALATES)
    assert it.ask("close", stage="prod", **{"as": "withdrawn"})["decision"] == "withdrawn"


def test_what_is_asked_anew_has_no_votes_and_knows_what_was_seen_before() -> None:
    it = Decisions()
    it.open(seal=FIRST.dump(), policy=a_policy(at_least=2))
    it.vote(a_vote(ALICE))
    standing = it.open("w2", seal=SECOND.dump(), policy=a_policy(at_least=2))
    assert (standing["votes"], standing["seal"]["digest"]) == ([], SECOND.digest)
    refused = it.vote(a_vote(ALICE), seal=FIRST.digest)
    assert (refused["code"], refused["words"].partition(" changed")[0]) == ("SEAL_CHANGED", "configuration, flags")
    assert it.vote(a_vote(ALICE), seal=SECOND.digest)["status"] == 200


def test_who_approved_the_start_may_be_kept_from_the_switch_of_the_same_stage() -> None:
    it, switch = Decisions(), a_policy(not_approvers_of=("prod",))
    it.open()
    it.vote(a_vote(ALICE))
    it.open("w2", gate="switch", asks_twice=True, policy=switch)
    assert it.vote(a_vote(ALICE), gate="switch")["code"] == "APPROVED_BEFORE"
    assert it.vote(a_vote(BOB), gate="switch")["decision"] == "approved"


def test_a_delegated_approval_bars_both_elsewhere() -> None:
    it = Decisions()
    it.open(stage="staging")
    it.vote(a_vote(CAROL), "staging", delegators=[ALICE.dump()])
    it.open("w2", policy=a_policy(approvers=("role:release-manager", "role:qa"), not_approvers_of=("staging",)))
    assert [it.vote(a_vote(each)).get("code") for each in (CAROL, ALICE, BOB)] == ["APPROVED_BEFORE"] * 2 + [None]


def test_who_voted_by_a_delegate_may_take_that_back() -> None:
    it = Decisions()
    it.open(policy=a_policy(at_least=2))
    it.vote(a_vote(CAROL), delegators=[ALICE.dump()])
    assert it.vote(a_vote(ALICE))["code"] == "ALREADY_VOTED"
    assert it.vote(a_vote(ALICE, TAKE_BACK))["votes"] == 0
    assert it.vote(a_vote(ALICE))["votes"] == 1


def test_a_no_decides_whatever_is_missing_and_is_not_taken_back() -> None:
    it = Decisions()
    it.open(policy=a_policy(at_least=3))
    assert it.vote(a_vote(ALICE, REJECT))["decision"] == "rejected"
    assert it.vote(a_vote(ALICE, TAKE_BACK))["code"] == "ALREADY_DECIDED"


def test_an_approval_that_an_older_slipway_opened_goes_on() -> None:
    """It has no seal, and its policy says less."""
    it = Decisions()
    policy = {"approvers": ["role:release-manager"], "at_least": 1, "not_author": True, "within_s": 3600.0}
    it.state["stages"]["prod"] = {
        "asked": "w1",
        "policy": policy,
        "deadline": iso(later(hours=1)),
        "votes": [],
        "decision": None,
    }
    assert "seal" not in it.open()
    assert it.vote(a_vote(ALICE))["decision"] == "approved"
