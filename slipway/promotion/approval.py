"""The approval decision: m of n, by role or group, not the author, until a deadline."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from slipway.promotion.errors import Forbidden, Refused
from slipway.promotion.outcomes import iso, moment
from slipway.promotion.plan import ApprovalPolicy
from slipway.promotion.stored import known

APPROVE, REJECT = "approve", "reject"
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
    """One person's yes or no. `author_oid` is who wrote the build, as known when the vote was cast."""

    person: Person
    decision: str
    at: datetime
    author_oid: str | None
    reason: str = ""

    def dump(self) -> dict[str, Any]:
        return {**asdict(self), "at": iso(self.at), "person": self.person.dump()}

    @classmethod
    def load(cls, data: dict[str, Any]) -> "Vote":
        return cls(**{**known(cls, data), "person": Person.load(data["person"]), "at": moment(data["at"])})


def admit(vote: Vote, policy: ApprovalPolicy, earlier: list[Vote], deadline: datetime) -> None:
    """Let a vote count, or raise `Refused` (too late, twice) or `Forbidden` (no right to it)."""
    person = vote.person
    if not any(person.has(claim) for claim in policy.approvers):
        raise Forbidden("NOT_AN_APPROVER", f"{person.name} is none of {', '.join(policy.approvers)}")
    if policy.not_author and vote.decision == APPROVE:
        if vote.author_oid is None:
            raise Forbidden(
                "AUTHOR_UNKNOWN",
                "the build's author maps to no known person, so nobody can be told apart from the author; "
                "add the author's name to the people file",
            )
        if vote.author_oid == person.oid:
            raise Forbidden("IS_AUTHOR", f"{person.name} wrote this build; somebody else must approve it")
    if is_late(vote.at, deadline):
        raise Refused("EXPIRED", f"the approval ended at {iso(deadline)}")
    if any(other.person.oid == person.oid for other in earlier):
        raise Refused("ALREADY_VOTED", f"{person.name} has already voted on this stage")


def is_late(at: datetime, deadline: datetime) -> bool:
    """Whether a vote counts no more."""
    return at > deadline


def decision_of(policy: ApprovalPolicy, votes: list[Vote]) -> str | None:
    """`rejected` at the first no, `approved` at the m-th yes, None while it is open."""
    if any(vote.decision == REJECT for vote in votes):
        return REJECTED
    if len({vote.person.oid for vote in votes}) >= policy.at_least:
        return APPROVED
    return None
