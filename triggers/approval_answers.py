"""What the routes answer of approvals and delegations, as models."""

from typing import Annotated, Literal

from pydantic import WithJsonSchema

from slipway.promotion.approval import APPROVED, EXPIRED, REJECTED
from triggers.answer_types import Answer, Moment, MomentOrNotYet

ApprovalEnd = Annotated[str, WithJsonSchema({"type": "string", "enum": [APPROVED, REJECTED, EXPIRED, "withdrawn"]})]


class VoteCounted(Answer):
    """How the approval stands after a vote."""

    decision: Literal["approved", "rejected", "counted"]
    votes: int
    at_least: int
    words: str


class CastVote(Answer):
    """Of a delegated vote `delegator` is in whose place it was cast; else empty. `seal`: what it was given for."""

    name: str
    delegator: str
    decision: Literal["approve", "reject"]
    at: Moment
    reason: str
    seal: str


class SlotShown(Answer):
    """One of those who must say yes holds one of the claims in `of`; `by` is who does, empty while it is open."""

    of: list[str]
    by: str


class SealShown(Answer):
    """What people approve, as a digest of each part that there is, and one over all of them."""

    digest: str
    parts: dict[str, str]


class ApprovalState(Answer):
    """Who is asked, until when, and who answered. `gate`: whether the stage's start is asked for, or its switch.

    `asks` is the policy in words, `missing` who is still missing; `comment` says which votes must give a reason.
    `on_expiry`: whether others join at the `deadline`; `escalated_at`: when they did, empty if not. `seal` is what is
    approved; null of an approval that was asked before there were seals."""

    gate: Literal["start", "switch"]
    approvers: list[str]
    at_least: int
    not_author: bool
    asks: str
    comment: Literal["optional", "required", "on-approve", "on-reject"]
    deadline: Moment
    on_expiry: Literal["reject", "escalate"]
    escalated_at: MomentOrNotYet
    decision: ApprovalEnd | None
    votes: list[CastVote]
    slots: list[SlotShown]
    missing: str
    seal: SealShown | None


class ApprovalCardShown(Answer):
    """What people read before they approve. Each list is a section's lines; `text` is all of it, short enough for a
    phone. `gate`: whether the stage's start is asked for, or its switch. `seal` is the digest of what is approved,
    `covers` its parts."""

    promotion: str
    stage: str
    environment: str
    gate: Literal["start", "switch"]
    title: str
    changes: list[str]
    proven: list[str]
    warnings: list[str]
    way_back: list[str]
    asked: str
    votes: list[str]
    missing: str
    deadline: Moment
    decision: ApprovalEnd | None
    seal: str
    covers: list[str]
    text: str


class LinkMade(Answer):
    """A link to an approval, good for one vote. It is shown here alone: what is kept of it is its `id`."""

    id: str
    url: str
    until: Moment
    words: str


class DelegationShown(Answer):
    """`to` may approve in the place of `by` until then; `environment` and `service` are empty where it is anywhere."""

    id: str
    by: str
    to: str
    since: Moment
    until: Moment
    environment: str
    service: str
    reason: str
    words: str


class Delegations(Answer):
    """Those that hold now."""

    delegations: list[DelegationShown]
