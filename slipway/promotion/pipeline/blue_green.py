"""`rollout: {blue-green: …}` of a stage: an approval before the switch, the judge after it, the old side kept ready."""

import math
from typing import Annotated, ClassVar, Self

from pydantic import BeforeValidator, StrictBool, model_validator

from slipway.promotion import canary_plan as plan
from slipway.promotion.blue_green_plan import BlueGreenPlan
from slipway.promotion.canary_plan import CanaryPlan
from slipway.promotion.judge.policy import Policy
from slipway.promotion.pipeline.approval import Approval
from slipway.promotion.pipeline.canary import Judge, OnSignal, Tick
from slipway.promotion.pipeline.gates import MOST_GATES, Gate
from slipway.promotion.pipeline.section import Section, key
from slipway.promotion.pipeline.steps import check_delay
from slipway.promotion.pipeline.telemetry import Telemetry
from slipway.promotion.pipeline.units import DURATION_SCHEMA, between, refusal

KeepTime = Annotated[float, BeforeValidator(between("1s", "30d")), DURATION_SCHEMA]
_WRITTEN = {"roll-back": plan.ROLL_BACK}


class SwitchSignals(Section):
    """What is done in the bake when something beside the health probe speaks against the release."""

    called: ClassVar[str] = "signals after a switch"

    counters: OnSignal = key("The platform's counters show it failing.", "roll-back")
    alert: OnSignal = key("An alert of Azure Monitor fires on a target.", "wait")


class BlueGreen(Section):
    """A switch: the release is verified on the idle side, gets all the traffic at once, and is watched."""

    called: ClassVar[str] = "a blue-green rollout"

    gates: list[Gate] = key("What must be proven before the switch.", [], max_length=MOST_GATES)
    approval: Approval | None = key("Who must say yes after the idle side was verified, before the switch.", None)
    preview: StrictBool = key("Whether people find the idle side's address in status, plan and approval.", True)
    keep: KeepTime = key("How long after its bake the old side stays ready for a switch back; at most 30d.", "24h")
    telemetry: Telemetry | None = key("Where the judge's numbers come from; without it nothing is judged.", None)
    judge: Judge | None = key("What the judge tolerates; needs telemetry.", None)
    tick: Tick = key("How often it is judged; 1s to 1h.", "1m")
    signals: SwitchSignals = key("What is done when counters or alerts speak against it in the bake.", {})

    @model_validator(mode="after")
    def _has_what_it_judges_by(self) -> Self:
        if self.judge is not None and self.telemetry is None:
            raise refusal("MISSING_KEY", "a judge without telemetry sees nothing: give telemetry, {} for its defaults")
        return self

    @model_validator(mode="after")
    def _is_seen_in_time(self) -> Self:
        if self.telemetry:
            check_delay(self.telemetry.delay, self.tick)
        return self

    def plan(self, service: str, bake_s: float) -> BlueGreenPlan:
        """The compiled block; `bake_s` is the stage's."""
        signals = {name: _WRITTEN.get(word, word) for name, word in self.signals.model_dump().items()}
        return BlueGreenPlan(self.preview, self.keep, self._judged(service, bake_s), **signals)

    def _judged(self, service: str, bake_s: float) -> CanaryPlan | None:
        """As a canary's, of which the ramp is left out."""
        if self.telemetry is None:
            return None
        judge = self.judge or Judge()
        policy = Policy(
            tick_s=self.tick,
            delay_ticks=math.ceil(self.telemetry.delay / self.tick),
            error_margin=judge.error_rate.worse_by_at_most,
            latency_margin=judge.latency.worse_by_at_most,
            false_rollback=judge.false_rollback,
            own_metrics=tuple(self.telemetry.metrics),
            bake_ticks=math.ceil(bake_s / self.tick) if bake_s > 0 else Policy.bake_ticks,
        )
        return CanaryPlan(policy=policy, source=self.telemetry.source(service))


class BlueGreenRollout(Section):
    """A rollout with settings: blue-green."""

    called: ClassVar[str] = "a rollout"

    blue_green: BlueGreen = key("The switch; {} takes the defaults.", alias="blue-green")
