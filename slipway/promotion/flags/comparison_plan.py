"""A flag's comparison, compiled: two variants, by which success they are compared, and which is kept on a tie."""

from dataclasses import dataclass
from typing import Any

from slipway.promotion.stored import known

CONTROL, TREATMENT, PERSON = "control", "treatment", "person"


@dataclass(frozen=True)
class ComparisonPlan:
    """At `share` of the users the variants are compared by those who tell `event`, or are answered `request` well,
    every `every_s`; from `at_least_s` on, until `within_s`. Where it is sure that the difference is below `better_by`
    (0..1, relative), there is none; then, and when time is over, `on_tie` is kept. The variants' names are for people,
    and are held against the flag's own."""

    share: float
    event: str = ""
    request: str = ""
    better_by: float = 0.02
    within_s: float = 1_209_600.0
    at_least_s: float = 86_400.0
    every_s: float = 3_600.0
    false_winner: float = 0.05
    on_tie: str = CONTROL
    control: str = ""
    treatment: str = ""

    @property
    def success(self) -> str:
        return self.event or self.request

    def name_of(self, variant: str) -> str:
        """`treatment (fast)`: a variant as people know it."""
        named = self.control if variant == CONTROL else self.treatment
        return f"{variant} ({named})" if named else variant

    @classmethod
    def load(cls, data: dict[str, Any]) -> "ComparisonPlan":
        return cls(**known(cls, data))
