"""A link that leads to one approval: what it says, and whether it may be used here. Pure.

A link is never an identity: whoever uses it signs in as for any other vote, and votes by their own right. It spares the
search, and it carries what was seen when it was made, so it is void when that changes.
"""

from dataclasses import astuple, dataclass, fields
from datetime import datetime

from slipway.promotion.errors import Forbidden, Refused
from slipway.promotion.ids import is_promotion_id
from slipway.promotion.outcomes import moment

FORGED, EXPIRED, USED, ELSEWHERE, NOT_YOURS = (
    "LINK_FORGED",
    "LINK_EXPIRED",
    "LINK_USED",
    "LINK_FOR_ANOTHER",
    "LINK_OF_ANOTHER",
)


@dataclass(frozen=True)
class ApprovalLink:
    """`asked` is the orchestration that asks: one for each time that people are asked. `decision` and `to` (an object
    id) are empty where the link is for either answer, or for anybody who may vote."""

    id: str
    promotion: str
    stage: str
    gate: str
    asked: str
    seal: str
    decision: str
    to: str
    until: str

    @property
    def told(self) -> list[str]:
        """As a token carries it."""
        return list(astuple(self))

    @classmethod
    def read(cls, told: object) -> "ApprovalLink":
        """From what a token carries. Raises ValueError."""
        if (
            not isinstance(told, list)
            or len(told) != len(fields(cls))
            or not all(isinstance(each, str) for each in told)
        ):
            raise ValueError("is no link")
        link = cls(*told)
        if not is_promotion_id(link.promotion) or not link.id.isalnum():
            raise ValueError("is no link")
        return link


def check(link: ApprovalLink, promotion: str, stage: str, decision: str, person: str, at: datetime) -> None:
    """Let it be used for that vote of that person (an object id), or raise Refused or Forbidden."""
    if (link.promotion, link.stage) != (promotion, stage):
        raise Forbidden(ELSEWHERE, f"this link is for stage {link.stage} of {link.promotion}")
    if link.decision not in ("", decision):
        raise Forbidden(ELSEWHERE, f"this link is to {link.decision}, and for nothing else")
    if link.to not in ("", person):
        raise Forbidden(NOT_YOURS, "this link was made for somebody else")
    if at >= moment(link.until):
        raise Refused(EXPIRED, f"this link was good until {link.until}; the approval itself is where it was")
