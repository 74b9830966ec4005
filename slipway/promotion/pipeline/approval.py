"""`approval:` of a stage, and of a switch: the human yes."""

from typing import Annotated, ClassVar

from pydantic import BeforeValidator

from slipway.promotion.pipeline.section import Section, key
from slipway.promotion.pipeline.units import DURATION_SCHEMA, between
from slipway.promotion.pipeline.vocabulary import Approver, choice, choice_schema
from slipway.promotion.plan import ApprovalPolicy

ApprovalWindow = Annotated[float, BeforeValidator(between("1s", "30d")), DURATION_SCHEMA]
Excluded = Annotated[str, BeforeValidator(choice("author")), choice_schema("author")]


class Approval(Section):
    """The human yes before a stage starts, or before its switch."""

    called: ClassVar[str] = "an approval"
    not_running: ClassVar[tuple[str, ...]] = ("remind_every",)

    approvers: list[Approver] = key("Who may approve: role:<name> or group:<name>.", min_length=1, max_length=20)
    at_least: int = key("How many different people must approve.", 1, ge=1, le=20, strict=True)
    excluded: list[Excluded] = key(
        "Who may not approve although a role allows it: author.", [], alias="not", max_length=1
    )
    within: ApprovalWindow = key("How long the approval may take before it expires; at most 30d.", "24h")

    @property
    def policy(self) -> ApprovalPolicy:
        """As the plan has it."""
        return ApprovalPolicy(
            approvers=tuple(self.approvers),
            at_least=self.at_least,
            not_author="author" in self.excluded,
            within_s=self.within,
        )
