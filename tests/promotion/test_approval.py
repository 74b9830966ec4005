import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.promotion.approval import APPROVED, REJECT, REJECTED, Person, admit, decision_of
from slipway.promotion.errors import Forbidden, Refused
from tests.promotion.builders import ALICE, BOB, CAROL, a_policy, a_vote, later

DEADLINE = later(hours=8)


def test_one_release_manager_is_enough_for_a_policy_of_one() -> None:
    admit(a_vote(ALICE), a_policy(), [], DEADLINE)
    assert decision_of(a_policy(), [a_vote(ALICE)]) == APPROVED


def test_two_of_two_needs_two_people() -> None:
    policy = a_policy(at_least=2)
    assert decision_of(policy, [a_vote(ALICE)]) is None
    assert decision_of(policy, [a_vote(ALICE), a_vote(BOB)]) == APPROVED


def test_one_no_outweighs_every_yes() -> None:
    assert decision_of(a_policy(at_least=3), [a_vote(ALICE), a_vote(BOB, REJECT)]) == REJECTED


def test_a_group_of_the_policy_may_approve() -> None:
    admit(a_vote(ALICE), a_policy(approvers=("group:team-checkout",)), [], DEADLINE)
    with pytest.raises(Forbidden, match="NOT_AN_APPROVER"):
        admit(a_vote(BOB), a_policy(approvers=("group:team-checkout",)), [], DEADLINE)


def test_a_role_outside_the_policy_is_refused() -> None:
    with pytest.raises(Forbidden, match="NOT_AN_APPROVER"):
        admit(a_vote(CAROL), a_policy(), [], DEADLINE)


def test_the_author_may_not_approve_but_may_reject() -> None:
    with pytest.raises(Forbidden, match="IS_AUTHOR"):
        admit(a_vote(BOB, author_oid=BOB.oid), a_policy(), [], DEADLINE)
    admit(a_vote(BOB, REJECT, author_oid=BOB.oid), a_policy(), [], DEADLINE)


def test_an_author_whom_nobody_knows_closes_the_approval() -> None:
    with pytest.raises(Forbidden, match="AUTHOR_UNKNOWN"):
        admit(a_vote(ALICE, author_oid=None), a_policy(), [], DEADLINE)
    admit(a_vote(ALICE, author_oid=None), a_policy(not_author=False), [], DEADLINE)


def test_a_vote_after_the_deadline_is_too_late() -> None:
    with pytest.raises(Refused, match="EXPIRED"):
        admit(a_vote(at=later(hours=8, seconds=1)), a_policy(), [], DEADLINE)
    admit(a_vote(at=DEADLINE), a_policy(), [], DEADLINE)


def test_nobody_votes_twice() -> None:
    with pytest.raises(Refused, match="ALREADY_VOTED"):
        admit(a_vote(ALICE, REJECT), a_policy(), [a_vote(ALICE)], DEADLINE)


@given(st.lists(st.integers(0, 6), max_size=12), st.integers(1, 5))
def test_never_approved_by_fewer_different_people_than_asked(people: list[int], at_least: int) -> None:
    votes = [a_vote(Person(f"oid-{each}", f"P{each}", roles=("release-manager",))) for each in people]
    decided = decision_of(a_policy(at_least=at_least), votes)
    assert (decided == APPROVED) == (len(set(people)) >= at_least)
