"""`policies/*.yaml` of the organisation as it is written: one pydantic model for each mapping."""

import re
from datetime import date
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from slipway.promotion.kinds.targets import TARGETS
from slipway.promotion.pipeline.approval import AUTHOR, ApprovalAge
from slipway.promotion.pipeline.calendar import BusinessHours, FreezeWindow, ReleaseRate
from slipway.promotion.pipeline.findings import quoted
from slipway.promotion.pipeline.models import MOST_FREEZES, BakeTime, WatchTime
from slipway.promotion.pipeline.section import Section, key
from slipway.promotion.pipeline.units import Weight, refusal
from slipway.promotion.pipeline.vocabulary import Approver, Name, Owner, choice, choice_schema
from slipway.promotion.policies.gate_sections import WantedGates
from slipway.promotion.policies.policy import ApprovalWanted, Exemption, Policy, Wanted
from slipway.promotion.under_policies import CANCEL, HOLD

MOST_POLICIES = 200
MOST_PATTERNS = 50
ROLLOUTS = ("all-at-once", "blue-green", "canary", "flag")
REQUIRED = "required"
_PATTERN = re.compile(r"[a-z0-9*](?:[a-z0-9*-]{0,98}[a-z0-9*])?\Z")
_MOST_STARS = 5


def _pattern(text: str) -> str:
    if _PATTERN.match(text) and text.count("*") <= _MOST_STARS:
        return text
    words = f"{quoted(text)} is no pattern of names: small letters, digits and hyphens, and at most {_MOST_STARS} *"
    raise refusal("INVALID_NAME", words)


def _day(text: Any) -> Any:
    try:
        if not isinstance(text, str) or len(text) != 10:
            raise ValueError
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise refusal("INVALID_TIME", f"{quoted(text)} is no day such as 2027-01-31") from None


Pattern = Annotated[str, AfterValidator(_pattern), WithJsonSchema({"type": "string", "maxLength": 100})]
Patterns = Annotated[list[Pattern], Field(min_length=1, max_length=MOST_PATTERNS)]
Day = Annotated[
    str, BeforeValidator(_day), WithJsonSchema({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"})
]
Sentence = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]
Kind = Annotated[str, BeforeValidator(choice(*TARGETS)), choice_schema(*TARGETS)]
RolloutName = Annotated[str, BeforeValidator(choice(*ROLLOUTS)), choice_schema(*ROLLOUTS)]
Excluded = Annotated[str, BeforeValidator(choice(AUTHOR)), choice_schema(AUTHOR)]
Comment = Annotated[str, BeforeValidator(choice(REQUIRED)), choice_schema(REQUIRED)]
OnChange = Annotated[str, BeforeValidator(choice(HOLD, CANCEL)), choice_schema(HOLD, CANCEL)]


class AppliesTo(Section):
    """Which stages of which services a policy is for; all that is given must fit."""

    called: ClassVar[str] = "applies_to"

    environments: Patterns = key("Environments, as production or prod-*.", ["*"])
    not_environments: list[Pattern] = key("Environments that it is not for.", [], max_length=MOST_PATTERNS)
    services: Patterns = key("Services, as checkout or shop-*.", ["*"])
    owners: list[Owner] = key("Teams that own the service; all when left out.", [], max_length=MOST_PATTERNS)
    kinds: list[Kind] = key("Kinds of target, of which a stage has one; all when left out.", [], max_length=20)


class RequiredApproval(Section):
    """The weakest approval that will do."""

    called: ClassVar[str] = "a required approval"

    at_least: int = key("How many different people must approve.", 1, ge=1, le=20, strict=True)
    approvers: list[Approver] = key(
        "Who alone may approve; whoever the pipeline says when left out.", [], max_length=20
    )
    excluded: list[Excluded] = key("Who may not: author.", [], alias="not", max_length=1)
    comment: Comment | None = key("required: every vote must say why.", None)
    max_age: ApprovalAge | None = key("The longest that an approval may hold.", None)

    @property
    def wanted(self) -> ApprovalWanted:
        barred, says_why = AUTHOR in self.excluded, self.comment is not None
        return ApprovalWanted(self.at_least, tuple(self.approvers), barred, says_why, self.max_age or 0.0)


class Requires(Section):
    """What a stage must have, or be stricter than."""

    called: ClassVar[str] = "requires"
    meant: ClassVar[dict[str, str]] = {"approvals": "approval", "strategy": "rollout", "freezes": "freeze"}

    approval: RequiredApproval | None = key("The human yes.", None)
    gates: WantedGates | None = key("The automatic yes, by kind.", None)
    rollout: list[RolloutName] = key("The rollouts that will do.", [], max_length=len(ROLLOUTS))
    first_step: Weight | None = key("Of a ramp: the most users that its first step may have.", None)
    bake: BakeTime | None = key("The shortest bake.", None)
    retain_previous: WatchTime | None = key("The shortest time for which the release before is kept.", None)
    freeze: list[FreezeWindow] = key("Times in which no build may enter.", [], max_length=MOST_FREEZES)
    hours: BusinessHours | None = key("The only times at which builds may enter.", None)
    rate: ReleaseRate | None = key("The most releases in a while.", None)

    @model_validator(mode="after")
    def _wants_something(self) -> Self:
        if not self.model_fields_set or self.wanted == Wanted():
            raise refusal("MISSING_KEY", f"requires nothing: give it one of {', '.join(self.keys())}")
        return self

    @property
    def wanted(self) -> Wanted:
        return Wanted(
            approval=self.approval.wanted if self.approval else None,
            gates=self.gates.plans if self.gates else (),
            rollouts=tuple(self.rollout),
            first_step=self.first_step or 0.0,
            bake_s=self.bake or 0.0,
            retain_previous_s=self.retain_previous or 0.0,
            freezes=tuple(each.window for each in self.freeze),
            hours=self.hours.hours if self.hours else None,
            rate=self.rate.rate if self.rate else None,
        )


class PolicySection(Section):
    """One rule of the organisation."""

    called: ClassVar[str] = "a policy"

    name: Name = key("Name of the policy, unique in the organisation.")
    why: Sentence = key("Why there is such a rule; whoever does not meet it reads this.")
    owner: Owner = key("Who answers for it.")
    applies_to: AppliesTo = key("For which stages; all when left out.", {})
    requires: Requires = key("What they must have.")
    never_override: bool = key("Nobody is exempt from it.", False, strict=True)
    on_change: OnChange = key("Builds taken in before the rule that do not meet it: hold or cancel.", HOLD)
    until: Day | None = key("Its last day; for ever when left out.", None)

    def policy(self, file: str, line: int, written: dict[str, Any]) -> Policy:
        """The rule as it is compared; `written` is what it requires as the file has it."""
        to = self.applies_to
        return Policy(
            self.name,
            self.why,
            self.owner,
            self.requires.wanted,
            environments=tuple(to.environments),
            not_environments=tuple(to.not_environments),
            services=tuple(to.services),
            owners=tuple(to.owners),
            kinds=tuple(to.kinds),
            never_override=self.never_override,
            on_change=self.on_change,
            until=self.until or "",
            file=file,
            line=line,
            written=written,
        )


class ExceptionSection(Section):
    """A service that need not meet a policy for a while."""

    called: ClassVar[str] = "an exception"

    policy: Name = key("Name of the policy.")
    service: Name = key("The service.")
    until: Day = key("The last day on which it counts, by UTC.")
    reason: Sentence = key("Why.")
    approved_by: Owner = key("Who has allowed it.")

    def exemption(self, file: str, line: int) -> Exemption:
        return Exemption(self.policy, self.service, self.until, self.reason, self.approved_by, file, line)


class PoliciesFile(Section):
    """A file of policies."""

    called: ClassVar[str] = "a file of policies"

    policies: list[PolicySection] = key("The rules.", [], max_length=MOST_POLICIES)
    exceptions: list[ExceptionSection] = key("Who is exempt for a while.", [], max_length=MOST_POLICIES)
