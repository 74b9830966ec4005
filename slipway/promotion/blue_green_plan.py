"""A stage's blue-green switch, compiled: who is asked before it, how it is judged after it, how long the way back is
kept ready."""

from dataclasses import dataclass
from typing import Any

from slipway.promotion.canary_plan import ROLL_BACK, WAIT, CanaryPlan
from slipway.promotion.stored import known


@dataclass(frozen=True)
class BlueGreenPlan:
    """`preview`: people are told the idle side's address. After its bake the old side is kept for `keep_s`, then
    stopped. `judged`: how telemetry is judged after the switch; None where there is none, and then probes and what
    platforms count are all there is. What is done when the platform's `counters` or an `alert` speak against the
    release in its bake: `roll back`, `wait` (it is not proven meanwhile, and a person is called) or `ignore`."""

    preview: bool = True
    keep_s: float = 86_400.0
    judged: CanaryPlan | None = None
    counters: str = ROLL_BACK
    alert: str = WAIT

    @classmethod
    def load(cls, data: dict[str, Any]) -> "BlueGreenPlan":
        """From its JSON."""
        judged = data.get("judged")
        return cls(**{**known(cls, data), "judged": CanaryPlan.load(judged) if judged else None})
