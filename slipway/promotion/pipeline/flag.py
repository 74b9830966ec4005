"""`rollout: {flag: …}` of a stage: the release goes live dark, then a feature flag is given to more and more users."""

import math
import re
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from slipway.promotion import canary_plan as plan
from slipway.promotion.canary_plan import CanaryPlan, Signals
from slipway.promotion.flags.document import FlagTesters
from slipway.promotion.flags.plan import FLAG_OFF, ROLL_BACK, FlagPlan
from slipway.promotion.judge.policy import RAMPS, Policy
from slipway.promotion.pipeline.compare import Compare
from slipway.promotion.pipeline.findings import quoted
from slipway.promotion.pipeline.headers import HeaderName
from slipway.promotion.pipeline.section import Section, key
from slipway.promotion.pipeline.steps import check_delay, check_doubt, check_holds, check_steps
from slipway.promotion.pipeline.telemetry import Delay, Role, Workspace
from slipway.promotion.pipeline.units import DURATION_SCHEMA, Latency, Margin, Share, Weight, between, refusal
from slipway.promotion.pipeline.vocabulary import HttpPath, choice, choice_schema
from slipway.promotion.telemetry import Source

MOST_STEPS = 20
MOST_TESTERS = 100
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_ON_HARM = (FLAG_OFF, ROLL_BACK, plan.STAY)
_AT_DEADLINE = (plan.WITHDRAW, plan.PROMOTE, plan.STAY)
_ON_ALERT = ("roll-back", plan.WAIT, plan.IGNORE)


def _flag(text: str) -> str:
    if _NAME.match(text):
        return text
    words = f"{quoted(text)} is not the name of a flag: up to 100 letters, digits, dots, hyphens and underscores"
    raise refusal("INVALID_NAME", words)


def _label(text: str) -> str:
    if _LABEL.match(text):
        return text
    raise refusal("INVALID_NAME", f"{quoted(text)} is not a label: letters, digits, dots, hyphens and underscores")


FlagName = Annotated[
    str, AfterValidator(_flag), WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"})
]
Label = Annotated[
    str, AfterValidator(_label), WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"})
]
Tester = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Tick = Annotated[float, BeforeValidator(between("1s", "1h")), DURATION_SCHEMA]
Settle = Annotated[float, BeforeValidator(between("0s", "1h")), DURATION_SCHEMA]
Within = Annotated[float, BeforeValidator(between("1m", "30d")), DURATION_SCHEMA]
Expires = Annotated[float, BeforeValidator(between("1d", "730d")), DURATION_SCHEMA]
Ramp = Annotated[str, BeforeValidator(choice(*RAMPS)), choice_schema(*RAMPS)]
OnHarm = Annotated[str, BeforeValidator(choice(*_ON_HARM)), choice_schema(*_ON_HARM)]
AtDeadline = Annotated[str, BeforeValidator(choice(*_AT_DEADLINE)), choice_schema(*_AT_DEADLINE)]
OnAlert = Annotated[str, BeforeValidator(choice(*_ON_ALERT)), choice_schema(*_ON_ALERT)]


class Testers(Section):
    """Who has the flag first: as soon as the release is live, before any other user."""

    called: ClassVar[str] = "testers"
    __test__: ClassVar[bool] = False

    users: list[Tester] = key("Users, as the application names them to the flag.", [], max_length=MOST_TESTERS)
    groups: list[Tester] = key("Groups, as a whole.", [], max_length=MOST_TESTERS)
    header: HeaderName = key("The header in which verification names the first of the users.", "x-user")
    path: HttpPath = key("The path that it asks for: one that does what the flag changes.", "/")


class UserTelemetry(Section):
    """Where it is seen which users had the flag, and whose requests failed."""

    called: ClassVar[str] = "telemetry"

    workspace: Workspace | None = key("Id of the Log Analytics workspace; else the setting SLIPWAY_WORKSPACE.", None)
    role: Role | None = key("The service's name in the telemetry (AppRoleName); else the service.", None)
    delay: Delay = key("How long after its end a tick's telemetry is complete; at most 1h.", "0s")
    slow: Latency | None = key("A user whose request takes longer counts as one whose request failed.", None)


class UserLimit(Section):
    """How much worse than without the flag it may be with it."""

    called: ClassVar[str] = "a limit"

    worse_by_at_most: Margin = key("Tolerated beyond the users without the flag, such as 10%.", "10%")


class UserJudge(Section):
    """What the judge tolerates, and how seldom it may be wrong about a harmless flag."""

    called: ClassVar[str] = "a judge"

    error_rate: UserLimit = key("Users with a request that failed.", {})
    false_rollback: Share = key("How often a harmless flag may be switched off, at most; up to 20%.", "1%")

    @model_validator(mode="after")
    def _can_judge(self) -> Self:
        check_doubt(self.false_rollback)
        return self


class Flag(Section):
    """A ramp by a feature flag: the release is live for everybody, and what is new in it for more and more users."""

    called: ClassVar[str] = "a flag"

    name: FlagName = key("The flag's name in App Configuration.")
    label: Label | None = key("Its label there; none when left out.", None)
    testers: Testers | None = key("Who has it first, and verifies it.", None)
    steps: list[Weight] = key(
        "Shares of users, rising to 100%, or to where variants are compared.",
        ["5%", "25%", "50%", "100%"],
        min_length=2,
        max_length=MOST_STEPS,
    )
    ramp: Ramp = key("How it advances: adaptive, careful or fixed.", "adaptive")
    tick: Tick = key("How often it is judged; 1s to 1h.", "1m")
    settle: Settle = key("How long applications take to read a change of the flag.", "30s")
    telemetry: UserTelemetry = key("Where the judge's numbers come from.", {})
    judge: UserJudge = key("What the judge tolerates.", {})
    budget: int | None = key(
        "Users a step may cost at worst; five minutes of the usual ones when left out.",
        None,
        ge=0,
        le=10**9,
        strict=True,
    )
    patience: int | None = key(
        "Calm ticks at a share after which the ramp goes on unproven; 5, or 10 when careful or fixed.",
        None,
        ge=2,
        le=10_000,
        strict=True,
    )
    hold_at: list[Weight] = key("Steps below 100% from which only a person lets it go on.", [], max_length=MOST_STEPS)
    on_harm: OnHarm = key("The flag goes off and the release stays; or goes back; or both stay for a person.", FLAG_OFF)
    on_alert: OnAlert = key("An alert of Azure Monitor fires on a target.", "wait")
    within: Within = key("How long the ramp may take to reach 100%; 1m to 30d.", "24h")
    at_deadline: AtDeadline = key("When that is over: withdraw, promote, or stay for a person to decide.", "withdraw")
    expires: Expires = key("Noted on a flag that Slipway touches first: how long it is needed.", "90d")
    compare: Compare | None = key("A/B: the ramp ends at a share at which both variants are compared.", None)

    @model_validator(mode="after")
    def _can_ramp(self) -> Self:
        steps = self.compare.steps(self.steps) if self.compare else tuple(self.steps)
        check_steps(steps)
        check_holds(steps, self.hold_at)
        check_delay(self.telemetry.delay, self.tick)
        if self.compare:
            self.compare.check_ramp(self.hold_at, self.tick)
        return self

    def policy(self, bake_s: float = 0.0) -> Policy:
        """What the judge is asked by this block."""
        return Policy(
            steps=self.compare.steps(self.steps) if self.compare else tuple(self.steps),
            ramp=self.ramp,
            tick_s=self.tick,
            delay_ticks=math.ceil(self.telemetry.delay / self.tick),
            warm_up_s=0.0,
            error_margin=self.judge.error_rate.worse_by_at_most,
            false_rollback=self.judge.false_rollback,
            budget=None if self.budget is None else float(self.budget),
            patience_ticks=self.patience,
            bake_ticks=math.ceil(bake_s / self.tick) if bake_s > 0 else Policy.bake_ticks,
        )

    def plan(self, service: str, owner: str, bake_s: float) -> CanaryPlan:
        """The compiled block; `bake_s` is the stage's."""
        testers = self.testers or Testers()
        telemetry = self.telemetry
        alert = plan.ROLL_BACK if self.on_alert == "roll-back" else self.on_alert
        return CanaryPlan(
            policy=self.policy(bake_s),
            source=Source(telemetry.workspace or "", telemetry.role or service),
            hold_at=tuple(self.hold_at),
            on_harm=plan.STAY if self.on_harm == plan.STAY else plan.ROLL_BACK,
            within_s=self.within,
            at_deadline=self.at_deadline,
            signals=Signals(probe=plan.IGNORE, counters=plan.IGNORE, alert=alert),
            settle_s=self.settle,
            saturation=plan.IGNORE,
            flag=FlagPlan(
                name=self.name,
                label=self.label or "",
                testers=FlagTesters(tuple(testers.users), tuple(testers.groups)),
                header=testers.header,
                path=testers.path,
                owner=owner,
                expires_s=self.expires,
                on_harm=FLAG_OFF if self.on_harm == plan.STAY else self.on_harm,
                slow_ms=telemetry.slow or 0.0,
                compare=self.compare.plan() if self.compare else None,
            ),
        )


class FlagRollout(Section):
    """A rollout with settings: a flag."""

    called: ClassVar[str] = "a rollout"

    flag: Flag = key("The flag and its ramp.")
