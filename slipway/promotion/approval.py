"""The approval decision: who may vote, and when there are enough, for a policy and until a deadline."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from slipway.promotion.errors import Forbidden, Refused
from slipway.promotion.outcomes import iso, moment
from slipway.promotion.plan import ApprovalPolicy
from slipway.promotion.quorum import in_words, missing, slots
from slipway.promotion.stored import known

APPROVE, REJECT, TAKE_BACK = "approve", "reject", "take-back"
START, SWITCH = "start", "switch"  # what is approved: that the stage begins, or that it switches
APPROVED, REJECTED, EXPIRED, WITHDRAWN = "approved", "rejected", "expired", "withdrawn"


@dataclass(frozen=True)
class Person:
    """Who acts: the tenant's object id, the name to show, and the claims that grant rights. `application`: it is a
    workload's identity, and nobody. `groups_left_out`: there are more groups than the token could name."""

    oid: str
    name: str
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    application: bool = False
    groups_left_out: bool = False

    def has(self, claim: str) -> bool:
        """Whether this person holds `role:x` or `group:x`."""
        kind, _, name = claim.partition(":")
        return name in {"role": self.roles, "group": self.groups}.get(kind, ())

    def dump(self) -> dict[str, Any]:
        """What is kept of a person."""
        return {"oid": self.oid, "name": self.name, "roles": self.roles, "groups": self.groups}

    @classmethod
    def load(cls, data: dict[str, Any]) -> "Person":
        return cls(data["oid"], data["name"], tuple(data["roles"]), tuple(data["groups"]))


@dataclass(frozen=True)
class Vote:
    """One person's yes or no. `author_oid` is who wrote the build, as known when the vote was cast; `seal` the digest
    of what it was given for. Of a delegated vote `delegator` is the one whose claims count."""

    person: Person
    decision: str
    at: datetime
    author_oid: str | None
    reason: str = ""
    seal: str = ""
    delegator: Person | None = None

    @property
    def holder(self) -> Person:
        """Whose claims count."""
        return self.delegator or self.person

    @property
    def people(self) -> tuple[Person, ...]:
        """Who has no further vote: who cast it, and for whom."""
        return (self.person, self.delegator) if self.delegator else (self.person,)

    @property
    def called(self) -> str:
        """`Bob for Alice`."""
        return " for ".join(person.name for person in self.people)

    def dump(self) -> dict[str, Any]:
        dumped = {**asdict(self), "at": iso(self.at), "person": self.person.dump()}
        if self.delegator:
            dumped["delegator"] = self.delegator.dump()
        return {key: value for key, value in dumped.items() if value or key not in ("seal", "delegator")}

    @classmethod
    def load(cls, data: dict[str, Any]) -> "Vote":
        delegator = Person.load(data["delegator"]) if data.get("delegator") else None
        loaded = {"person": Person.load(data["person"]), "at": moment(data["at"]), "delegator": delegator}
        return cls(**{**known(cls, data), **loaded})


@dataclass(frozen=True)
class Asked:
    """An approval as it stands: its policy and deadline, the votes so far, whether others have `joined` by an
    escalation, and by stage who has approved what must not be approved by the same people (object ids)."""

    policy: ApprovalPolicy
    deadline: datetime
    votes: tuple[Vote, ...] = ()
    joined: bool = False
    barred: Sequence[tuple[str, Collection[str]]] = ()

    @property
    def slots(self) -> tuple[tuple[str, ...], ...]:
        return slots(self.policy, self.joined)

    @property
    def claims(self) -> tuple[str, ...]:
        """All that somebody may hold to be asked."""
        return tuple(dict.fromkeys(claim for slot in self.slots for claim in slot))

    @property
    def holders(self) -> list[Person]:
        """Whose yes there is."""
        return [vote.holder for vote in self.votes if vote.decision == APPROVE]

    @property
    def missing(self) -> list[tuple[str, ...]]:
        """The slots that are open."""
        return missing(self.slots, self.holders)

    @property
    def decision(self) -> str | None:
        """`rejected` at the first no, `approved` when every slot is filled, None while it is open."""
        if any(vote.decision == REJECT for vote in self.votes):
            return REJECTED
        return None if self.missing else APPROVED


_OTHERS_MAY = ("NOT_AN_APPROVER", "SLOTS_FILLED")


def admitted(cast: Vote, asked: Asked, delegators: Iterable[Person] = ()) -> Vote:
    """The vote as it counts: by the person's own claims, else by those of the first of the `delegators` whose claims
    admit it. Raises what `admit` raises."""
    try:
        admit(cast, asked)
        return cast
    except Refused as refusal:
        if refusal.code not in _OTHERS_MAY:
            raise
        own = refusal
    for delegator in delegators:
        delegated = replace(cast, delegator=delegator)
        try:
            admit(delegated, asked)
            return delegated
        except Refused as refusal:
            own = refusal if own.code in _OTHERS_MAY else own
    raise own


def admit(vote: Vote, asked: Asked) -> None:
    """Let a vote count, or raise `Refused` (too late, twice, without a comment, nothing is left for it) or `Forbidden`
    (no right to it)."""
    person, policy = vote.holder, asked.policy
    if not any(person.has(claim) for claim in asked.claims):
        raise Forbidden("NOT_AN_APPROVER", f"{person.name} is none of {', '.join(asked.claims)}")
    if vote.decision == APPROVE:
        _check_duties(vote, asked)
    if is_late(vote.at, asked.deadline):
        raise Refused("EXPIRED", f"the approval ended at {iso(asked.deadline)}")
    for other in asked.votes:
        if both := {each.oid for each in other.people} & {each.oid for each in vote.people}:
            name = next(each.name for each in vote.people if each.oid in both)
            by = f" ({other.called})" if other.delegator or vote.delegator else ""
            raise Refused("ALREADY_VOTED", f"{name} has already voted on this stage{by}")
    if policy.wants_comment(vote.decision) and not vote.reason.strip():
        raise Refused("COMMENT_REQUIRED", f"this approval wants to hear why: {vote.decision} it with a reason")
    if vote.decision == APPROVE and len(missing(asked.slots, [*asked.holders, person])) == len(asked.missing):
        raise Refused(
            "SLOTS_FILLED", f"{person.name} is not needed any more: what is open is {in_words(asked.missing)}"
        )


def _check_duties(vote: Vote, asked: Asked) -> None:
    """Who wrote the build, or approved what must not be approved by the same people, neither approves nor has it
    approved for them."""
    if asked.policy.not_author:
        if vote.author_oid is None:
            raise Forbidden(
                "AUTHOR_UNKNOWN",
                "the build's author maps to no known person, so nobody can be told apart from the author; "
                "add the author's name to the people file",
            )
        for person in vote.people:
            if vote.author_oid == person.oid:
                raise Forbidden("IS_AUTHOR", f"{person.name} wrote this build; somebody else must approve it")
    for stage, people in asked.barred:
        for person in vote.people:
            if person.oid in people:
                words = f"{person.name} has approved {stage}; somebody else must approve this"
                raise Forbidden("APPROVED_BEFORE", words)


def is_late(at: datetime, deadline: datetime) -> bool:
    """Whether a vote counts no more."""
    return at > deadline
