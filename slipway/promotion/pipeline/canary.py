"""`rollout:` of a stage: all at once, or the canary ramp of `docs/judge.md`.

A canary is read, checked and planned; promoting with it is refused until ramps run (`matching.check_it_runs`).
"""

import math
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, BeforeValidator, Discriminator, Tag, model_validator

from slipway.promotion.judge.policy import MOST_DELAY_TICKS, RAMPS, Policy
from slipway.promotion.pipeline.findings import quoted
from slipway.promotion.pipeline.section import Section, key
from slipway.promotion.pipeline.units import DURATION_SCHEMA, Margin, Share, Weight, between, refusal
from slipway.promotion.pipeline.vocabulary import choice, choice_schema

MOST_STEPS = 20
MOST_FALSE_ROLLBACKS = 0.20

Tick = Annotated[float, BeforeValidator(between("1s", "1h")), DURATION_SCHEMA]
WarmUp = Annotated[float, BeforeValidator(between("0s", "1h")), DURATION_SCHEMA]
Delay = Annotated[float, BeforeValidator(between("0s", "1h")), DURATION_SCHEMA]
Ramp = Annotated[str, BeforeValidator(choice(*RAMPS)), choice_schema(*RAMPS)]


class Telemetry(Section):
    """Where the judge's numbers come from."""

    called: ClassVar[str] = "telemetry"
    not_running: ClassVar[tuple[str, ...]] = ("query",)

    delay: Delay = key("How long after its end a tick's telemetry is complete; at most 1h.", "0s")


class Limit(Section):
    """How much worse than the baseline a release may be."""

    called: ClassVar[str] = "a limit"

    worse_by_at_most: Margin = key("Tolerated beyond the baseline, such as 10%.", "10%")


class Judge(Section):
    """What the judge tolerates, and how seldom it may be wrong about a healthy release."""

    called: ClassVar[str] = "a judge"

    error_rate: Limit = key("Failures.", {})
    latency: Limit = key("Latencies at p50, p95 and p99.", {})
    false_rollback: Share = key("How often a healthy release may be rolled back, at most; up to 20%.", "1%")

    @model_validator(mode="after")
    def _can_judge(self) -> Self:
        if not 0 < self.false_rollback <= MOST_FALSE_ROLLBACKS:
            words = "false_rollback is above 0% and at most 20%: without any doubt allowed no harm is ever proven"
            raise refusal("OUT_OF_RANGE", words)
        return self


class Canary(Section):
    """A ramp: traffic moves to the release in steps, as far as its evidence allows."""

    called: ClassVar[str] = "a canary"
    not_running: ClassVar[tuple[str, ...]] = ("router",)

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

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.steps[-1] != 1:
            raise refusal("STEPS_DO_NOT_RISE", f"the last step is 100%, not {self.steps[-1]:.6g}")
        if any(low >= high for low, high in zip([0.0, *self.steps], self.steps, strict=False)):
            raise refusal("STEPS_DO_NOT_RISE", "each step is above the one before, and the first above 0%")
        return self

    @model_validator(mode="after")
    def _is_seen_in_time(self) -> Self:
        if self.telemetry.delay > MOST_DELAY_TICKS * self.tick:
            words = (
                f"telemetry comes {self.telemetry.delay / self.tick:,.0f} ticks late; {MOST_DELAY_TICKS} are the most"
            )
            raise refusal("OUT_OF_RANGE", words)
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
            bake_ticks=math.ceil(bake_s / self.tick) if bake_s > 0 else Policy.bake_ticks,
        )


class CanaryRollout(Section):
    """A rollout with settings: a canary."""

    called: ClassVar[str] = "a rollout"

    canary: Canary = key("The ramp; {} takes the defaults.")


def _written_as(written: Any) -> str:
    """`settings` for a mapping of a canary, else `word`; no tag may be a key of the YAML."""
    has_settings = isinstance(written, BaseModel) or (isinstance(written, dict) and "canary" in written)
    return "settings" if has_settings else "word"


_WORDS = ("all-at-once",)
_choose = choice(*_WORDS, not_yet=("blue-green", "flag"), elsewhere=("canary",))


def _word(written: Any) -> Any:
    if written == "canary" or (isinstance(written, dict) and "canary" in written.values()):
        raise refusal("WRONG_TYPE", f"{quoted('canary')} has settings: write {{canary: {{}}}} for its defaults")
    return _choose(written)


Rollout = Annotated[
    Annotated[str, BeforeValidator(_word), choice_schema(*_WORDS), Tag("word")]
    | Annotated[CanaryRollout, Tag("settings")],
    Discriminator(_written_as),
]
