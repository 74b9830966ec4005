import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.promotion.approval import APPROVED, REJECT, REJECTED, Asked, Person, Vote, admit, admitted
from slipway.promotion.approval_policy import ON_APPROVE, ON_REJECT, REQUIRED, Escalation, Quota
from slipway.promotion.errors import Forbidden, Refused
from slipway.promotion.plan import ApprovalPolicy
from tests.promotion.builders import ALICE, BOB, CAROL, a_policy, a_vote, later

DEADLINE = later(hours=8)
QA_AND_SECURITY = a_policy(approvers=(), each=(Quota("role:qa"), Quota("role:security")))
SAM = Person("oid-sam", "Sam", roles=("approver", "security"))
BOTH = Person("oid-both", "Both", roles=("approver", "qa", "security"), groups=("owners",))


def asked(*votes: Vote, policy: ApprovalPolicy | None = None, **more: object) -> Asked:
    return Asked(policy or a_policy(), DEADLINE, votes, **more)  # type: ignore[arg-type]


def test_one_release_manager_is_enough_for_a_policy_of_one() -> None:
    admit(a_vote(ALICE), asked())
    assert asked(a_vote(ALICE)).decision == APPROVED


def test_two_of_two_needs_two_people() -> None:
    policy = a_policy(at_least=2)
    assert asked(a_vote(ALICE), policy=policy).decision is None
    assert asked(a_vote(ALICE), a_vote(BOB), policy=policy).decision == APPROVED


def test_one_no_outweighs_every_yes() -> None:
    assert asked(a_vote(ALICE), a_vote(BOB, REJECT), policy=a_policy(at_least=3)).decision == REJECTED


def test_a_group_of_the_policy_may_approve() -> None:
    policy = a_policy(approvers=("group:team-checkout",))
    admit(a_vote(ALICE), asked(policy=policy))
    with pytest.raises(Forbidden, match="NOT_AN_APPROVER"):
        admit(a_vote(BOB), asked(policy=policy))


def test_a_role_outside_the_policy_is_refused() -> None:
    with pytest.raises(Forbidden, match="NOT_AN_APPROVER"):
        admit(a_vote(CAROL), asked())


def test_the_author_may_not_approve_but_may_reject() -> None:
    with pytest.raises(Forbidden, match="IS_AUTHOR"):
        admit(a_vote(BOB, author_oid=BOB.oid), asked())
    admit(a_vote(BOB, REJECT, author_oid=BOB.oid), asked())


def test_an_author_whom_nobody_knows_closes_the_approval() -> None:
    with pytest.raises(Forbidden, match="AUTHOR_UNKNOWN"):
        admit(a_vote(ALICE, author_oid=None), asked())
    admit(a_vote(ALICE, author_oid=None), asked(policy=a_policy(not_author=False)))


def test_a_vote_after_the_deadline_is_too_late() -> None:
    with pytest.raises(Refused, match="EXPIRED"):
        admit(a_vote(at=later(hours=8, seconds=1)), asked())
    admit(a_vote(at=DEADLINE), asked())


def test_nobody_votes_twice() -> None:
    with pytest.raises(Refused, match="ALREADY_VOTED"):
        admit(a_vote(ALICE, REJECT), asked(a_vote(ALICE), policy=a_policy(at_least=2)))


# of each


def test_each_role_that_is_asked_for_must_say_yes() -> None:
    assert asked(a_vote(CAROL), policy=QA_AND_SECURITY).missing == [("role:security",)]
    assert asked(a_vote(CAROL), a_vote(SAM), policy=QA_AND_SECURITY).decision == APPROVED


def test_nobody_counts_for_two_roles() -> None:
    assert asked(a_vote(BOTH), policy=QA_AND_SECURITY).decision is None


def test_who_could_be_either_makes_room_for_who_can_only_be_one() -> None:
    """Whatever the order in which they came: first come, first placed would leave the second without a slot."""
    for only in (CAROL, SAM):
        admit(a_vote(only), asked(a_vote(BOTH), policy=QA_AND_SECURITY))
        assert asked(a_vote(BOTH), a_vote(only), policy=QA_AND_SECURITY).decision == APPROVED


def test_a_yes_that_fills_nothing_is_refused_and_says_what_is_open() -> None:
    another = Person("oid-dora", "Dora", roles=("qa",))
    with pytest.raises(Refused, match=r"SLOTS_FILLED.*what is open is 1 of role:security"):
        admit(a_vote(another), asked(a_vote(CAROL), policy=QA_AND_SECURITY))
    admit(a_vote(another, REJECT), asked(a_vote(CAROL), policy=QA_AND_SECURITY))


def test_quotas_are_among_those_who_are_asked_for_at_all() -> None:
    policy = a_policy(at_least=2, each=(Quota("role:qa"),))
    assert (policy.needed, policy.who) == (2, "2 of role:release-manager or role:qa, of them 1 of role:qa")
    assert asked(a_vote(ALICE), policy=policy).missing == [("role:qa",)]
    assert asked(a_vote(ALICE), a_vote(CAROL), policy=policy).decision == APPROVED


# separation of duties


def test_who_approved_another_stage_may_not_approve_this_one() -> None:
    barred = [("staging", {ALICE.oid})]
    with pytest.raises(Forbidden, match=r"APPROVED_BEFORE.*staging"):
        admit(a_vote(ALICE), asked(barred=barred))
    admit(a_vote(ALICE, REJECT), asked(barred=barred))
    admit(a_vote(BOB), asked(barred=barred))


@pytest.mark.parametrize(
    ("comment", "approve", "reject"), [(REQUIRED, True, True), (ON_APPROVE, True, False), (ON_REJECT, False, True)]
)
def test_a_comment_is_wanted_where_the_policy_says_so(comment: str, approve: bool, reject: bool) -> None:
    for decision, wanted in (("approve", approve), ("reject", reject)):
        cast, policy = a_vote(ALICE, decision, reason=" "), a_policy(comment=comment)
        if wanted:
            with pytest.raises(Refused, match="COMMENT_REQUIRED"):
                admit(cast, asked(policy=policy))
        else:
            admit(cast, asked(policy=policy))
        admit(a_vote(ALICE, decision, reason="seen in staging"), asked(policy=policy))


# delegation


def test_a_delegate_votes_by_the_delegators_claims_and_both_are_named() -> None:
    counted = admitted(a_vote(CAROL), asked(), [ALICE])
    assert (counted.person, counted.delegator, counted.called) == (CAROL, ALICE, "Carol for Alice")
    assert Vote.load(counted.dump()) == counted


def test_the_own_claims_come_first() -> None:
    assert admitted(a_vote(BOB), asked(), [ALICE]).delegator is None


def test_neither_delegate_nor_delegator_may_be_the_author() -> None:
    for author in (ALICE, CAROL):
        with pytest.raises(Forbidden, match=f"IS_AUTHOR: {author.name}"):
            admitted(a_vote(CAROL, author_oid=author.oid), asked(), [ALICE])


def test_a_delegated_vote_is_the_delegators_only_one() -> None:
    two = a_policy(at_least=2)
    given_for_alice = admitted(a_vote(CAROL), asked(policy=two), [ALICE])
    with pytest.raises(Refused, match="ALREADY_VOTED: Alice"):
        admit(a_vote(ALICE), asked(given_for_alice, policy=two))
    with pytest.raises(Refused, match="ALREADY_VOTED: Alice"):
        admitted(a_vote(CAROL), asked(a_vote(ALICE), policy=two), [ALICE])
    with pytest.raises(Refused, match="ALREADY_VOTED: Carol"):
        admitted(a_vote(CAROL), asked(given_for_alice, policy=two), [BOB])


def test_a_delegator_who_is_no_approver_makes_none() -> None:
    with pytest.raises(Forbidden, match="NOT_AN_APPROVER"):
        admitted(a_vote(SAM), asked(), [CAROL])


# escalation


def test_who_joins_by_an_escalation_may_be_any_of_those_who_are_missing() -> None:
    policy = a_policy(approvers=(), each=(Quota("role:security", 2),), escalation=Escalation(("role:director",), 3600))
    dora = Person("oid-dora", "Dora", roles=("director",))
    with pytest.raises(Forbidden, match="NOT_AN_APPROVER"):
        admit(a_vote(dora), asked(policy=policy))
    admit(a_vote(dora), asked(policy=policy, joined=True))
    assert asked(a_vote(dora), a_vote(SAM), policy=policy, joined=True).decision == APPROVED


# whatever people and policies


CLAIMS = st.sampled_from(["a", "b", "c", "d"])
PEOPLE = st.lists(st.sets(CLAIMS, max_size=3), max_size=7)
QUOTAS = st.dictionaries(CLAIMS.map("role:{}".format), st.integers(1, 2), max_size=3)


@given(PEOPLE, QUOTAS, st.integers(1, 4))
def test_approved_exactly_when_some_way_of_counting_each_person_once_fills_every_slot(
    people: list[set[str]], quotas: dict[str, int], at_least: int
) -> None:
    policy = a_policy(
        approvers=("role:a", "role:b"), at_least=at_least, each=tuple(Quota(of, n) for of, n in quotas.items())
    )
    holders = [Person(f"oid-{n}", f"P{n}", roles=tuple(roles)) for n, roles in enumerate(people)]
    found = asked(*(a_vote(each) for each in holders), policy=policy)
    assert (found.decision == APPROVED) == _some_way(list(found.slots), holders)


@given(PEOPLE, QUOTAS, st.integers(1, 3), st.randoms())
def test_the_order_in_which_people_come_decides_nothing_and_who_is_refused_was_not_needed(
    people: list[set[str]], quotas: dict[str, int], at_least: int, draw: object
) -> None:
    policy = a_policy(approvers=("role:a",), at_least=at_least, each=tuple(Quota(of, n) for of, n in quotas.items()))
    holders = [Person(f"oid-{n}", f"P{n}", roles=tuple(roles)) for n, roles in enumerate(people)]
    whole = asked(*(a_vote(each) for each in holders), policy=policy).decision
    draw.shuffle(holders)  # type: ignore[attr-defined]
    counted: list[Vote] = []
    for each in holders:
        try:
            counted.append(admitted(a_vote(each), asked(*counted, policy=policy)))
        except Refused as refusal:
            assert refusal.code in ("NOT_AN_APPROVER", "SLOTS_FILLED")
    assert asked(*counted, policy=policy).decision == whole
    assert len({vote.person.oid for vote in counted}) == len(counted) <= policy.needed


@given(st.lists(st.integers(0, 6), max_size=12), st.integers(1, 5))
def test_never_approved_by_fewer_different_people_than_asked(people: list[int], at_least: int) -> None:
    policy, counted = a_policy(at_least=at_least), list[Vote]()
    for each in people:
        try:
            cast = a_vote(Person(f"oid-{each}", f"P{each}", roles=("release-manager",)))
            counted.append(admitted(cast, asked(*counted, policy=policy)))
        except Refused as refusal:
            assert refusal.code in ("ALREADY_VOTED", "SLOTS_FILLED")
    assert (asked(*counted, policy=policy).decision == APPROVED) == (len(set(people)) >= at_least)


def _some_way(slots: list[tuple[str, ...]], people: list[Person]) -> bool:
    """By trying all of them."""
    if not slots:
        return True
    first, *rest = slots
    return any(
        _some_way(rest, [*people[:n], *people[n + 1 :]])
        for n, each in enumerate(people)
        if any(each.has(claim) for claim in first)
    )
