"""Approvals over HTTP: sealed to content, by quotas, with comments and take-backs, by people in another's place."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.promotion.approval_policy import Quota
from slipway.promotion.outcomes import iso
from slipway.promotion.plain import plain
from slipway.promotion.seal import Seal
from slipway.settings import settings
from tests.app_host import ALICE_OID, AppHost, a_principal, eventually
from tests.conftest import PEOPLE
from tests.promotion.builders import a_policy
from tests.triggers.conftest import ALICE, BOB, ERIN, Underway, audited

pytestmark = pytest.mark.usefixtures("configured")

CAROL_OID = "33333333-3333-4333-8333-333333333333"
CAROL = a_principal("Carol Chen", CAROL_OID, ("reader", "approver", "qa"))
DAVE = a_principal("Dave Diaz", "44444444-4444-4444-8444-444444444444", ("admin",))
ALICE_WITHOUT = a_principal("Alice Adams", roles=("reader", "approver"))
MORE = a_principal("Mona Moore", "99999999-9999-4999-8999-999999999999", ("reader", "approver", "release-manager"))
SEEN, CHANGED = Seal(build="b" * 64, configuration="c" * 64), Seal(build="b" * 64, configuration="d" * 64)


@pytest.fixture
def lend(app: AppHost) -> Iterator[Callable[..., Any]]:
    """Delegations of Alice's to Carol, ended when the test is over: they are everybody's."""
    made: list[str] = []

    def lent(who: dict[str, str] = ALICE, **changes: Any) -> Any:
        reply = app.http("POST", "/api/delegations", who, {"to": "carol", "for": "8h", **changes})
        made.extend([reply.json["id"]] if reply.status == 201 else [])
        return reply

    yield lent
    for id in made:
        app.http("DELETE", f"/api/delegations/{id}", DAVE)


# the seal


def test_a_vote_for_what_was_seen_counts_and_one_for_anything_else_is_refused(it: Underway) -> None:
    it.ask(seal=SEEN)
    assert it.approval["seal"] == {"digest": SEEN.digest, "parts": SEEN.parts}
    assert it.vote(seal=CHANGED.digest).problem == (409, "SEAL_CHANGED"), "another build's digest, say"
    assert it.records[-1] == ("approval.refused", "SEAL_CHANGED")
    assert it.vote(seal=SEEN.digest).json["decision"] == "approved"
    assert it.approval["votes"][0]["seal"] == SEEN.digest


def test_a_seal_that_is_none_is_no_body(it: Underway) -> None:
    it.ask(seal=SEEN)
    assert it.vote(seal="sha256:1").problem == (422, "INVALID_BODY")


def test_a_vote_that_names_no_seal_is_kept_with_the_one_that_stands(it: Underway) -> None:
    it.ask(seal=SEEN)
    assert it.vote().status == 200
    assert it.approval["votes"][0]["seal"] == SEEN.digest


# who may, and what is missing


def test_who_is_missing_is_shown_and_nobody_is_counted_where_nobody_is_missing(it: Underway) -> None:
    it.ask(at_least=2, each=(Quota("role:qa"),))
    assert it.vote(ALICE).json["words"] == "1 of 2 approvals; open: 1 of role:qa"
    assert it.vote(MORE).problem == (409, "SLOTS_FILLED")
    shown = it.approval
    assert (shown["missing"], shown["decision"]) == ("1 of role:qa", None)
    assert [slot["by"] for slot in shown["slots"]] == ["", "Alice Adams"]
    assert it.vote(CAROL).json["decision"] == "approved"
    assert [slot["by"] for slot in it.approval["slots"]] == ["Carol Chen", "Alice Adams"]


def test_who_lost_the_role_since_they_signed_in_anew_does_not_approve(it: Underway) -> None:
    it.ask()
    assert it.vote(ALICE_WITHOUT).problem == (403, "NOT_AN_APPROVER")
    assert it.vote(ALICE_WITHOUT, seal="").problem == (403, "NOT_AN_APPROVER")


def test_a_vote_may_be_taken_back_before_the_decision_and_not_after(it: Underway) -> None:
    it.ask(at_least=2)
    it.vote(ALICE)
    assert it.vote(ALICE, decision="take-back").json["words"].startswith("taken back; 0 of 2 approvals")
    assert it.approval["votes"] == []
    assert it.vote(ALICE, decision="take-back").problem == (409, "NOT_VOTED")
    it.vote(ALICE)
    it.vote(MORE)
    assert it.vote(ALICE, decision="take-back").problem == (409, "ALREADY_DECIDED")
    said = [action for action, _ in it.records]
    assert said.count("approval.approve") == 3 and said.count("approval.take-back") == 3, (
        "what was said stays on record"
    )


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_comment_that_is_wanted_is_refused_when_missing(it: Underway, reason: str) -> None:
    it.ask(comment="required")
    assert it.vote(reason=reason).problem == (409, "COMMENT_REQUIRED")
    assert it.vote(reason="the load test holds").json["decision"] == "approved"


def test_who_approved_another_stage_does_not_approve_this_one_and_its_seal_is_none_here(it: Underway) -> None:
    deadline = iso(datetime.now(UTC) + timedelta(hours=1))
    for stage, seal, barred in (("test", CHANGED, ()), ("production", SEEN, ("test",))):
        it.show(stage)
        policy = plain(a_policy(not_approvers_of=barred))
        given = {"stage": stage, "policy": policy, "waiter": f"{it.id}:{stage}:approval:1", "seal": seal.dump()}
        it.app.signal("decisions", it.id, "ask_approval", given | {"deadline": deadline})
    eventually(lambda: it.approval)
    assert it.vote(ALICE, stage="test", seal=SEEN.digest).problem == (409, "SEAL_CHANGED")
    assert it.vote(ALICE, stage="test", seal=CHANGED.digest).json["decision"] == "approved"
    assert it.vote(ALICE).problem == (403, "APPROVED_BEFORE")
    assert it.vote(MORE).json["decision"] == "approved"


# in another's place


def test_a_delegate_approves_and_both_are_named(it: Underway, lend: Callable[..., Any]) -> None:
    it.ask()
    assert it.vote(CAROL).problem == (403, "NOT_AN_APPROVER")
    assert (
        lend(reason="on holiday").json["words"].startswith("Alice Adams lets Carol Chen approve in their place until")
    )
    assert it.vote(CAROL).json["decision"] == "approved"
    (vote,) = it.approval["votes"]
    assert (vote["name"], vote["delegator"]) == ("Carol Chen", "Alice Adams")
    assert it.approval["slots"][0]["by"] == "Carol Chen for Alice Adams"


@pytest.mark.parametrize(
    "scope",
    [{"environment": "staging"}, {"service": "payments"}, {"environment": "production", "service": "payments"}],
)
def test_a_delegation_for_elsewhere_is_none_here(it: Underway, lend: Callable[..., Any], scope: dict[str, str]) -> None:
    it.ask()
    assert lend(**scope).status == 201
    assert it.vote(CAROL).problem == (403, "NOT_AN_APPROVER")


def test_a_delegation_for_here_counts(it: Underway, lend: Callable[..., Any]) -> None:
    it.ask()
    assert lend(environment="production", service="checkout").status == 201
    assert it.vote(CAROL).json["decision"] == "approved"


def test_an_author_approves_by_nobody(it: Underway, lend: Callable[..., Any]) -> None:
    it.ask()
    lend(BOB)
    assert it.vote(CAROL).problem == (403, "IS_AUTHOR"), "the build is Bob's, and Carol votes in Bob's place"


def test_what_was_lent_is_not_lent_on(it: Underway, app: AppHost, lend: Callable[..., Any]) -> None:
    it.ask()
    lend()
    frank = a_principal("Frank Falk", "66666666-6666-4666-8666-666666666666", ("reader", "approver"))
    onward = lend(CAROL, to="66666666-6666-4666-8666-666666666666")
    assert onward.status == 201
    assert it.vote(frank).problem == (403, "NOT_AN_APPROVER")


def test_a_delegation_is_worth_what_the_delegator_still_is(
    it: Underway, lend: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alice's role was taken away in the file of people; what she had lent went with it."""
    it.ask()
    lend()
    people = yaml.safe_load(Path(PEOPLE).read_text())
    alice = next(each for each in people["people"] if each["oid"] == ALICE_OID)
    alice["roles"] = ["reader", "approver"]
    changed = tmp_path / "people.yaml"
    changed.write_text(yaml.safe_dump(people))
    monkeypatch.setenv("SLIPWAY_PEOPLE", str(changed))
    settings.cache_clear()
    assert it.vote(CAROL).problem == (403, "NOT_AN_APPROVER")


def test_delegations_are_listed_ended_and_on_record(app: AppHost, lend: Callable[..., Any]) -> None:
    id = lend(environment="production").json["id"]
    listed = app.http("GET", "/api/delegations", ERIN).json["delegations"]
    assert [(each["by"], each["to"], each["environment"]) for each in listed if each["id"] == id] == [
        ("Alice Adams", "Carol Chen", "production")
    ]
    assert app.http("DELETE", f"/api/delegations/{id}", MORE).problem == (403, "FORBIDDEN"), "it is not hers"
    assert app.http("DELETE", f"/api/delegations/{id}", CAROL).status == 200
    assert app.http("DELETE", f"/api/delegations/{id}", ALICE).problem == (404, "UNKNOWN_DELEGATION")
    assert id not in [each["id"] for each in app.http("GET", "/api/delegations", ERIN).json["delegations"]]
    said = [action for action, _ in audited("delegations")]
    assert said[-4:] == ["delegation.begin", "delegation.end", "delegation.refused", "delegation.end"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"to": "nobody-here"}, (404, "UNKNOWN_PERSON")),
        ({"to": "alice"}, (409, "SELF_DELEGATION")),
        ({"to": ALICE_OID}, (409, "SELF_DELEGATION")),
        ({"for": None}, (422, "INVALID_BODY")),
        ({"until": "2027-01-01T00:00:00Z"}, (422, "INVALID_BODY")),
        ({"for": None, "until": "2020-01-01T00:00:00Z"}, (422, "INVALID_BODY")),
        ({"for": None, "until": "2099-01-01T00:00:00Z"}, (422, "INVALID_BODY")),
        ({"for": "91d"}, (422, "INVALID_BODY")),
        ({"environment": "No Name"}, (422, "INVALID_BODY")),
    ],
)
def test_a_delegation_that_cannot_be_is_refused(
    lend: Callable[..., Any], changes: dict[str, Any], problem: tuple[int, str]
) -> None:
    assert lend(**changes).problem == problem


def test_who_may_not_approve_lends_nothing(lend: Callable[..., Any]) -> None:
    assert lend(ERIN).problem == (403, "FORBIDDEN")
