"""`rollout: {canary: …}` of a stage: the ramp of `docs/judge.md`.

What depends on the stage around it is checked in `canary_checks`.
"""

import math
from typing import Annotated, ClassVar, Self

from pydantic import BeforeValidator, model_validator

from slipway.promotion import canary_plan as plan
from slipway.promotion.canary_plan import CanaryPlan
from slipway.promotion.judge.policy import RAMPS, Policy
from slipway.promotion.pipeline.gates import MOST_GATES, Gate
from slipway.promotion.pipeline.router import OnDoubt, Router
from slipway.promotion.pipeline.section import Section, key
from slipway.promotion.pipeline.steps import check_delay, check_doubt, check_holds, check_steps
from slipway.promotion.pipeline.telemetry import Telemetry
from slipway.promotion.pipeline.units import DURATION_SCHEMA, Margin, Rate, Share, Weight, between, refusal
from slipway.promotion.pipeline.vocabulary import HttpPath, choice, choice_schema

MOST_STEPS = 20

Tick = Annotated[float, BeforeValidator(between("1s", "1h")), DURATION_SCHEMA]
WarmUp = Annotated[float, BeforeValidator(between("0s", "1h")), DURATION_SCHEMA]
Within = Annotated[float, BeforeValidator(between("1m", "30d")), DURATION_SCHEMA]
ProvenWithin = Annotated[float, BeforeValidator(between("0s", "90d")), DURATION_SCHEMA]
Ramp = Annotated[str, BeforeValidator(choice(*RAMPS)), choice_schema(*RAMPS)]
_WRITTEN = {"roll-back": plan.ROLL_BACK}  # where the pipeline's word is not the plan's
_ON_HARM = ("roll-back", plan.STAY)
_AT_DEADLINE = (plan.WITHDRAW, plan.PROMOTE, plan.STAY)
_ON_SIGNAL = ("roll-back", plan.WAIT, plan.IGNORE)
OnHarm = Annotated[str, BeforeValidator(choice(*_ON_HARM)), choice_schema(*_ON_HARM)]
AtDeadline = Annotated[str, BeforeValidator(choice(*_AT_DEADLINE)), choice_schema(*_AT_DEADLINE)]
OnSignal = Annotated[str, BeforeValidator(choice(*_ON_SIGNAL)), choice_schema(*_ON_SIGNAL)]


class Signals(Section):
    """What is done when something speaks against the release between two ticks."""

    called: ClassVar[str] = "signals"

    probe: OnSignal = key("A health probe of the release fails.", "roll-back")
    counters: OnSignal = key("The platform's counters show it failing.", "roll-back")
    alert: OnSignal = key("An alert of Azure Monitor fires on a target.", "wait")


class TopUp(Section):
    """Marked synthetic requests to the release, where users send too few."""

    called: ClassVar[str] = "a top-up"

    rate: Rate = key("Requests per second, such as 1/s.")
    path: HttpPath = key("Path that is requested.", "/")

    @model_validator(mode="after")
    def _is_small(self) -> Self:
        if self.rate > plan.MOST_TOP_UP_PER_S:
            raise refusal("TOO_MUCH_LOAD", f"a top-up is at most {plan.MOST_TOP_UP_PER_S:g}/s")
        return self


class Limit(Section):
    """How much worse than the baseline a release may be."""

    called: ClassVar[str] = "a limit"

    worse_by_at_most: Margin = key("Tolerated beyond the baseline, such as 10%.", "10%")


class Judge(Section):
    """What the judge tolerates, and how seldom it may be wrong about a healthy release."""

    called: ClassVar[str] = "a judge"

    error_rate: Limit = key("Failures.", {})
    latency: Limit = key("Latencies at p50, p95 and p99.", {})
    saturation: OnDoubt = key("CPU or memory far beyond what the live release needs: wait, or ignore.", "wait")
    false_rollback: Share = key("How often a healthy release may be rolled back, at most; up to 20%.", "1%")

    @model_validator(mode="after")
    def _can_judge(self) -> Self:
        check_doubt(self.false_rollback)
        return self


class Canary(Section):
    """A ramp: traffic moves to the release in steps, as far as its evidence allows."""

    called: ClassVar[str] = "a canary"

    gates: list[Gate] = key("What must be proven before users are moved.", [], max_length=MOST_GATES)
    router: Router = key("What divides the traffic.", {})
    steps: list[Weight] = key(
        "Shares of traffic, rising to 100%.",
        ["5%", "10%", "25%", "50%", "100%"],
        min_length=2,
        max_length=MOST_STEPS,
    )
    ramp: Ramp = key("How it advances: adaptive, careful or fixed.", "adaptive")
    tick: Tick = key("How often it is judged; 1s to 1h.", "1m")
    warm_up: WarmUp = key("Age at which an instance is judged in full; at most 1h.", "2m")
    telemetry: Telemetry = key("Where the judge's numbers come from.", {})
    judge: Judge = key("What the judge tolerates.", {})
    budget: int | None = key(
        "Bad requests a step may cost at worst; five minutes of the usual failures when left out.",
        None,
        ge=0,
        le=10**9,
        strict=True,
    )
    patience: int | None = key(
        "Calm ticks at a weight after which the ramp goes on unproven; 5, or 10 when careful or fixed.",
        None,
        ge=2,
        le=10_000,
        strict=True,
    )

    hold_at: list[Weight] = key("Steps below 100% from which only a person lets it go on.", [], max_length=MOST_STEPS)
    on_harm: OnHarm = key("On proven harm: roll-back, or stay where it is for a person to decide.", "roll-back")
    within: Within = key("How long the ramp may take to reach 100%; 1m to 30d.", "24h")
    at_deadline: AtDeadline = key("When that is over: withdraw, promote, or stay for a person to decide.", "withdraw")
    proven_within: ProvenWithin = key("A release proven here so recently returns without a ramp; 0s: never.", "0s")
    signals: Signals = key("What is done between two ticks.", {})
    top_up: TopUp | None = key("Synthetic requests beside the users'.", None)

    @model_validator(mode="after")
    def _rises(self) -> Self:
        check_steps(self.steps)
        return self

    @model_validator(mode="after")
    def _holds_at_steps(self) -> Self:
        check_holds(self.steps, self.hold_at)
        return self

    @model_validator(mode="after")
    def _is_seen_in_time(self) -> Self:
        check_delay(self.telemetry.delay, self.tick)
        return self

    def policy(self, bake_s: float = 0.0) -> Policy:
        """What the judge is asked by this block; `bake_s` is the stage's."""
        return Policy(
            steps=tuple(self.steps),
            ramp=self.ramp,
            tick_s=self.tick,
            delay_ticks=math.ceil(self.telemetry.delay / self.tick),
            warm_up_s=self.warm_up,
            error_margin=self.judge.error_rate.worse_by_at_most,
            latency_margin=self.judge.latency.worse_by_at_most,
            false_rollback=self.judge.false_rollback,
            budget=None if self.budget is None else float(self.budget),
            patience_ticks=self.patience,
            own_metrics=tuple(self.telemetry.metrics),
            bake_ticks=math.ceil(bake_s / self.tick) if bake_s > 0 else Policy.bake_ticks,
        )

    def plan(self, service: str, bake_s: float, settle_s: float) -> CanaryPlan:
        """The compiled block; `bake_s` is the stage's, `settle_s` counts where the block says none."""
        top_up = plan.TopUp(self.top_up.rate, self.top_up.path) if self.top_up else plan.TopUp()
        signals = {name: _WRITTEN.get(word, word) for name, word in self.signals.model_dump().items()}
        return CanaryPlan(
            policy=self.policy(bake_s),
            source=self.telemetry.source(service),
            hold_at=tuple(self.hold_at),
            on_harm=_WRITTEN.get(self.on_harm, self.on_harm),
            within_s=self.within,
            at_deadline=self.at_deadline,
            proven_within_s=self.proven_within,
            signals=plan.Signals(**signals),
            top_up=top_up,
            settle_s=settle_s if self.router.settle is None else self.router.settle,
            saturation=self.judge.saturation,
            unmet=self.router.unmet,
            front_door=self.router.front_door(),
        )


class CanaryRollout(Section):
    """A rollout with settings: a canary."""

    called: ClassVar[str] = "a rollout"

    canary: Canary = key("The ramp; {} takes the defaults.")
