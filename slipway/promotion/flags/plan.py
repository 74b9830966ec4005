"""A stage's feature flag, compiled: which one, who has it first, and what is noted on it."""

from dataclasses import dataclass, field
from typing import Any

from slipway.promotion.flags.comparison_plan import ComparisonPlan
from slipway.promotion.flags.document import FlagTesters
from slipway.promotion.plain import plain
from slipway.promotion.stored import known

FLAG_OFF, ROLL_BACK = "flag-off", "roll-back"
KIND = "app-configuration-flag"


@dataclass(frozen=True)
class FlagPlan:
    """`name` and `label` of the setting. Testers have the flag as soon as the release is live, which is verified by
    requests to `path` with the first of them in the header `header`. `owner` and `expires_s` (from now on) are noted on
    a flag that has none. When it ends badly the flag goes off and the release stays, or goes back, too (`on_harm`).
    A user counts as bad whose request failed, or took more than `slow_ms` (0: however long). With `compare` the ramp
    ends at a share at which the two variants are compared, and the better one is kept.
    """

    name: str
    label: str = ""
    testers: FlagTesters = field(default_factory=FlagTesters)
    header: str = "x-user"
    path: str = "/"
    owner: str = ""
    expires_s: float = 7_776_000.0
    on_harm: str = FLAG_OFF
    slow_ms: float = 0.0
    compare: ComparisonPlan | None = None

    @property
    def where(self) -> str:
        return f"{self.name} ({self.label})" if self.label else self.name

    @classmethod
    def load(cls, data: dict[str, Any]) -> "FlagPlan":
        testers = {key: tuple(names) for key, names in known(FlagTesters, data.get("testers", {})).items()}
        compare = ComparisonPlan.load(data["compare"]) if data.get("compare") else None
        return cls(**{**known(cls, data), "testers": FlagTesters(**testers), "compare": compare})


def place_of(label: str, name: str) -> str:
    """Where a flag is, as one text: who waits for word of it is found by that."""
    return f"flags/{label}/{name}"


def flag_order(flag: FlagPlan) -> dict[str, Any]:
    """The flag as an activity is told it."""
    return dict(plain(flag))
