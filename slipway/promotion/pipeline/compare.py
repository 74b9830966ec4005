"""`compare` of a flag: its two variants held against each other by the users who succeed, and the better one kept."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Self

from pydantic import BeforeValidator, Field, model_validator

from slipway.promotion.flags.comparison_plan import CONTROL, PERSON, TREATMENT, ComparisonPlan
from slipway.promotion.pipeline.findings import quoted
from slipway.promotion.pipeline.section import Section, key
from slipway.promotion.pipeline.units import DURATION_SCHEMA, Margin, Share, Weight, between, refusal
from slipway.promotion.pipeline.vocabulary import choice, choice_schema

MOST_FALSE_WINNERS = 0.20
_ON_TIE = (CONTROL, TREATMENT, PERSON)

Told = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Every = Annotated[float, BeforeValidator(between("1m", "1d")), DURATION_SCHEMA]
Within = Annotated[float, BeforeValidator(between("10m", "60d")), DURATION_SCHEMA]
AtLeast = Annotated[float, BeforeValidator(between("0s", "30d")), DURATION_SCHEMA]
OnTie = Annotated[str, BeforeValidator(choice(*_ON_TIE)), choice_schema(*_ON_TIE)]


class Success(Section):
    """What a user does who succeeds: what the variants are compared by."""

    called: ClassVar[str] = "a success"

    event: Told | None = key("The name of a custom event (AppEvents) that the application tells of the user.", None)
    request: Told | None = key("Or the name of a request (AppRequests) that answered the user well.", None)

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.event is None) == (self.request is None):
            raise refusal("CONFLICTING_KEYS", "a success is one `event`, or one `request`")
        return self


class Variants(Section):
    """The names that the flag has for its variants; checked before anything is deployed."""

    called: ClassVar[str] = "variants"

    control: Told | None = key("What users have without the flag (`default_when_enabled`).", None)
    treatment: Told | None = key("What they have with it.", None)

    @model_validator(mode="after")
    def _are_two(self) -> Self:
        if self.control is not None and self.control == self.treatment:
            raise refusal("CONFLICTING_KEYS", f"{quoted(self.control)} is both of the variants that are compared")
        return self


class Compare(Section):
    """A/B: the ramp ends at a share; there the variants are compared, and the better one becomes everybody's."""

    called: ClassVar[str] = "a comparison"

    success: Success = key("What the variants are compared by.")
    variants: Variants = key("The names of the flag's variants.", {})
    share: Weight = key("The users who get the treatment while variants are compared.", "50%")
    better_by: Margin = key("Relative; NO_DIFFERENCE once it is sure that whatever there is is smaller.", "2%")
    within: Within = key("How long it may take to decide, from when users meet the share; 10m to 60d.", "14d")
    at_least: AtLeast = key("How long nothing is decided but harm: whole days and weeks differ.", "1d")
    every: Every = key("How often it is looked at; 1m to 1d.", "1h")
    false_winner: Share = key("How often a winner may be named where there is no difference, at most; up to 20%.", "5%")
    on_tie: OnTie = key("What is kept when there is no such difference, or time is over.", CONTROL)

    @model_validator(mode="after")
    def _can_compare(self) -> Self:
        if not 0 < self.false_winner <= MOST_FALSE_WINNERS:
            words = "false_winner is above 0% and at most 20%: without any doubt allowed there is never a winner"
            raise refusal("OUT_OF_RANGE", words)
        if not 0 < self.better_by <= 1:
            raise refusal("OUT_OF_RANGE", "better_by is above 0% and at most 100%")
        if not 0.01 <= self.share <= 0.99:
            raise refusal("OUT_OF_RANGE", "users of both variants are compared: share is 1% to 99%")
        if self.every > self.within or self.at_least > self.within:
            raise refusal("OUT_OF_RANGE", "a comparison that ends within that time is never looked at, or decided")
        return self

    def check_ramp(self, hold_at: Sequence[float], tick_s: float) -> None:
        """Raises PydanticCustomError for a ramp that does not lead to it."""
        if late := [point for point in hold_at if point >= self.share]:
            words = f"the ramp ends at {100 * self.share:g}%, where variants are compared: it holds at no {late[0]:.0%}"
            raise refusal("HOLD_AT_NO_STEP", words)
        if self.every < tick_s:
            raise refusal("OUT_OF_RANGE", "a comparison is looked at once a tick at most: every is a tick or more")

    def steps(self, steps: Sequence[float]) -> tuple[float, ...]:
        """The ramp's, until the share at which variants are compared."""
        return (*(step for step in steps if step < self.share), self.share, 1.0)

    def plan(self) -> ComparisonPlan:
        """The compiled block."""
        return ComparisonPlan(
            share=self.share,
            event=self.success.event or "",
            request=self.success.request or "",
            better_by=self.better_by,
            within_s=self.within,
            at_least_s=self.at_least,
            every_s=self.every,
            false_winner=self.false_winner,
            on_tie=self.on_tie,
            control=self.variants.control or "",
            treatment=self.variants.treatment or "",
        )
