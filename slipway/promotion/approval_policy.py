"""Who must say yes: how many, of which roles and groups, who may not, until when, and what comes then. Pure data."""

from dataclasses import dataclass
from typing import Any

from slipway.promotion.stored import known

OPTIONAL, REQUIRED, ON_APPROVE, ON_REJECT = "optional", "required", "on-approve", "on-reject"
COMMENTS = (OPTIONAL, REQUIRED, ON_APPROVE, ON_REJECT)
REJECT_THEN, ESCALATE_THEN = "reject", "escalate"


@dataclass(frozen=True)
class Quota:
    """`at_least` of those who approve hold the claim `of` (`role:x`, `group:x`)."""

    of: str
    at_least: int = 1


@dataclass(frozen=True)
class Escalation:
    """Who joins when nobody has decided in time, once, and how long all of them have from then on."""

    approvers: tuple[str, ...]
    within_s: float


@dataclass(frozen=True)
class ApprovalPolicy:
    """Who may approve (`role:x`, `group:x`), how many of them, whether the author may, and until when.

    `each` says how many of them must hold which claim; they are among the `at_least`, which may be more. Who approved
    one of the stages `not_approvers_of` may not approve here. `comment`: which votes must say why. Nobody decided in
    time: with an `escalation` others join, once; without, it has expired. `remind_every_s` and `max_age_s` (how long
    an approval holds while the stage waits behind a lock or a freeze) are off at 0.
    """

    approvers: tuple[str, ...]
    at_least: int
    not_author: bool
    within_s: float
    each: tuple[Quota, ...] = ()
    not_approvers_of: tuple[str, ...] = ()
    comment: str = OPTIONAL
    escalation: Escalation | None = None
    remind_every_s: float = 0.0
    max_age_s: float = 0.0

    @property
    def claims(self) -> tuple[str, ...]:
        """All that somebody may hold to be asked, before an escalation."""
        return tuple(dict.fromkeys([*self.approvers, *(quota.of for quota in self.each)]))

    @property
    def needed(self) -> int:
        """How many people must approve."""
        return max(self.at_least, sum(quota.at_least for quota in self.each))

    @property
    def who(self) -> str:
        """`2 of role:release-manager or group:owners, of them 1 of role:qa`."""
        quotas = [f"{quota.at_least} of {quota.of}" for quota in self.each]
        among = sum(quota.at_least for quota in self.each)
        if quotas and among >= self.needed:
            return " and ".join(quotas)
        of_them = f", of them {' and '.join(quotas)}" if quotas else ""
        return f"{self.needed} of {' or '.join(self.claims)}{of_them}"

    @property
    def whom_not(self) -> str:
        """`not the author, not who approved staging`; empty where all of them may."""
        stages = [f"not who approved {stage}" for stage in self.not_approvers_of]
        return ", ".join([*(["not the author"] if self.not_author else []), *stages])

    @property
    def asked(self) -> str:
        """`1 of role:release-manager, not the author`."""
        return ", ".join(filter(None, (self.who, self.whom_not)))

    def wants_comment(self, decision: str) -> bool:
        """Whether a vote of that kind (`approve`, `reject`) must say why."""
        return self.comment in (REQUIRED, f"on-{decision}")


def load_policy(data: dict[str, Any]) -> ApprovalPolicy:
    """An approval's policy from its JSON; an older one knows less."""
    escalation = data.get("escalation")
    return ApprovalPolicy(
        **{
            **known(ApprovalPolicy, data),
            "approvers": tuple(data["approvers"]),
            "each": tuple(Quota(**known(Quota, quota)) for quota in data.get("each", ())),
            "not_approvers_of": tuple(data.get("not_approvers_of", ())),
            "escalation": Escalation(tuple(escalation["approvers"]), escalation["within_s"]) if escalation else None,
        }
    )
