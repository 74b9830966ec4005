"""`approval:` of a stage, and of a switch: the human yes."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema, model_validator

from slipway.promotion.approval_policy import COMMENTS, ESCALATE_THEN, OPTIONAL, REJECT_THEN, Escalation, Quota
from slipway.promotion.ids import is_name
from slipway.promotion.pipeline.findings import nearest, quoted
from slipway.promotion.pipeline.section import Section, key
from slipway.promotion.pipeline.units import DURATION_SCHEMA, between, refusal
from slipway.promotion.pipeline.vocabulary import Approver, choice, choice_schema
from slipway.promotion.plan import ApprovalPolicy

AUTHOR, APPROVER_OF = "author", "approver of "
MOST_APPROVERS = 20

ApprovalWindow = Annotated[float, BeforeValidator(between("1s", "30d")), DURATION_SCHEMA]
ReminderTime = Annotated[float, BeforeValidator(between("15m", "7d")), DURATION_SCHEMA]
ApprovalAge = Annotated[float, BeforeValidator(between("1m", "30d")), DURATION_SCHEMA]
Comment = Annotated[str, BeforeValidator(choice(*COMMENTS)), choice_schema(*COMMENTS)]
OnExpiry = Annotated[
    str, BeforeValidator(choice(REJECT_THEN, ESCALATE_THEN)), choice_schema(REJECT_THEN, ESCALATE_THEN)
]


def _excluded(written: Any) -> Any:
    if written == AUTHOR:
        return written
    if isinstance(written, str) and written.startswith(APPROVER_OF) and is_name(written.removeprefix(APPROVER_OF)):
        return written
    suggestion = nearest(written, (AUTHOR,)) if isinstance(written, str) else ""
    words = f'{quoted(written)} is not known here; it can be {AUTHOR}, or "{APPROVER_OF}" and the name of a stage'
    raise refusal("UNKNOWN_VALUE", words, suggestion or "")


Excluded = Annotated[
    str,
    BeforeValidator(_excluded),
    WithJsonSchema({"type": "string", "pattern": f"^({AUTHOR}|{APPROVER_OF}[a-z0-9]+(-[a-z0-9]+)*)$"}),
]


def _each_once(quotas: list["ApproverQuota"]) -> list["ApproverQuota"]:
    claims = [quota.of for quota in quotas]
    if twice := next((claim for claim in claims if claims.count(claim) > 1), ""):
        raise refusal("DUPLICATE_NAME", f"{quoted(twice)} stands here twice: say once how many of them")
    return quotas


class ApproverQuota(Section):
    """How many of those who approve must hold a role, or be in a group."""

    called: ClassVar[str] = "a quota of approvers"

    of: Approver = key("The role or group: role:<name> or group:<name>.")
    at_least: int = key("How many different people of it.", 1, ge=1, le=MOST_APPROVERS, strict=True)


class EscalatesTo(Section):
    """Who joins when nobody has decided in time."""

    called: ClassVar[str] = "an escalation"

    approvers: list[Approver] = key("Who may approve, too, from then on.", min_length=1, max_length=MOST_APPROVERS)
    within: ApprovalWindow = key("How long all of them have from then on; at most 30d.", "24h")


class Approval(Section):
    """The human yes before a stage starts, or before its switch."""

    called: ClassVar[str] = "an approval"

    approvers: list[Approver] | None = key(
        "Who may approve: role:<name> or group:<name>; may be left out where `each` says it.",
        None,
        min_length=1,
        max_length=MOST_APPROVERS,
    )
    at_least: int = key("How many different people must approve.", 1, ge=1, le=MOST_APPROVERS, strict=True)
    each: Annotated[list[ApproverQuota], AfterValidator(_each_once)] = key(
        "How many of them must be of which role or group; nobody counts for two.", [], max_length=MOST_APPROVERS
    )
    excluded: list[Excluded] = key(
        "Who may not approve although a role allows it: author, or approver of <another stage>.",
        [],
        alias="not",
        max_length=MOST_APPROVERS,
    )
    comment: Comment = key("Which votes must say why: optional, required, on-approve or on-reject.", OPTIONAL)
    within: ApprovalWindow = key("How long the approval may take before it expires; at most 30d.", "24h")
    on_expiry: OnExpiry = key("What comes when nobody has decided by then: reject, or escalate (once).", REJECT_THEN)
    escalation: EscalatesTo | None = key("Who joins when it escalates.", None)
    remind_every: ReminderTime | None = key("How often those who are asked are reminded; 15m to 7d.", None)
    max_age: ApprovalAge | None = key(
        "How long an approval holds while the stage waits behind a lock or a freeze; then people are asked anew.", None
    )

    @model_validator(mode="after")
    def _asks_somebody(self) -> Self:
        if not self.approvers and not self.each:
            raise refusal("MISSING_KEY", 'an approval needs "approvers" or "each"')
        if sum(quota.at_least for quota in self.each) > MOST_APPROVERS:
            raise refusal("OUT_OF_RANGE", f"at most {MOST_APPROVERS} people can be asked for")
        return self

    @model_validator(mode="after")
    def _escalates_to_somebody(self) -> Self:
        if self.on_expiry == ESCALATE_THEN and self.escalation is None:
            raise refusal("MISSING_KEY", '"escalation" is missing: say who joins when it escalates')
        if self.on_expiry == REJECT_THEN and self.escalation is not None:
            raise refusal("CANNOT_SUCCEED", 'nobody is escalated to: that needs "on_expiry: escalate"')
        return self

    @property
    def policy(self) -> ApprovalPolicy:
        """As the plan has it."""
        stages = (each.removeprefix(APPROVER_OF) for each in self.excluded if each != AUTHOR)
        to = self.escalation
        return ApprovalPolicy(
            approvers=tuple(self.approvers or ()),
            at_least=self.at_least,
            not_author=AUTHOR in self.excluded,
            within_s=self.within,
            each=tuple(Quota(quota.of, quota.at_least) for quota in self.each),
            not_approvers_of=tuple(dict.fromkeys(stages)),
            comment=self.comment,
            escalation=Escalation(tuple(to.approvers), to.within) if to else None,
            remind_every_s=self.remind_every or 0.0,
            max_age_s=self.max_age or 0.0,
        )
