"""What a stage keeps of people's yes, to ask later whether it still holds. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from slipway.promotion.approval_policy import ApprovalPolicy
from slipway.promotion.outcomes import moment
from slipway.promotion.quorum import missing, slots
from slipway.promotion.seal import Seal, broken
from slipway.promotion.stored import known

AGE, APPROVERS = "age", "approvers"  # beside the parts of a seal, what an approval can be void for


@dataclass(frozen=True)
class Voter:
    """Whose claims counted for a yes: `claims` are those of the policy that this person held then."""

    oid: str
    name: str
    claims: tuple[str, ...]

    def has(self, claim: str) -> bool:
        return claim in self.claims

    def without(self, taken: Iterable[str]) -> "Voter":
        return Voter(self.oid, self.name, tuple(claim for claim in self.claims if claim not in taken))


@dataclass(frozen=True)
class Consent:
    """People's yes: `at` is when it was complete, `seal` what it was given for, `voters` whose it was, and `escalated`
    says that others had joined. `at` is empty where nobody was asked."""

    at: str = ""
    seal: Seal = field(default_factory=Seal)
    voters: tuple[Voter, ...] = ()
    escalated: bool = False

    def dump(self) -> dict[str, Any]:
        return {**asdict(self), "seal": self.seal.dump()}

    @classmethod
    def load(cls, data: dict[str, Any] | None) -> "Consent":
        if not data:
            return cls()
        voters = tuple(Voter(each["oid"], each["name"], tuple(each["claims"])) for each in data.get("voters", ()))
        return cls(**{**known(cls, data), "seal": Seal.load(data.get("seal")), "voters": voters})


def consent_of(policy: ApprovalPolicy, answer: Mapping[str, Any]) -> Consent:
    """From the answer of the approval: its votes, all of them yes."""
    escalated = bool(answer.get("escalated_at"))
    asked = {claim for slot in slots(policy, escalated) for claim in slot}
    votes = answer["votes"]
    voters = tuple(_voter(vote.get("delegator") or vote["person"], asked) for vote in votes)
    at = max((vote["at"] for vote in votes), key=moment, default="")
    return Consent(at, Seal.load(answer.get("seal")), voters, escalated)


def void_for(
    consent: Consent, policy: ApprovalPolicy, now: Seal, at: datetime, taken: Mapping[str, list[str]]
) -> tuple[str, ...]:
    """Why an approval does not hold any more: the parts of its seal that changed, its age, or approvers whose claims
    were taken away since (`taken`, by object id) without whom there are too few. Empty while it holds."""
    found = list(broken(consent.seal, now))
    left = [voter.without(taken.get(voter.oid, ())) for voter in consent.voters]
    if taken and missing(slots(policy, consent.escalated), left):
        found.append(APPROVERS)
    if policy.max_age_s and (at - moment(consent.at)).total_seconds() > policy.max_age_s:
        found.append(AGE)
    return tuple(found)


def _voter(person: Mapping[str, Any], asked: set[str]) -> Voter:
    held = [f"role:{each}" for each in person["roles"]] + [f"group:{each}" for each in person["groups"]]
    return Voter(person["oid"], person["name"], tuple(claim for claim in held if claim in asked))
