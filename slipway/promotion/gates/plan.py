"""A gate as it was compiled: what is asked of which evidence before a stage, or before its switch."""

from dataclasses import dataclass, field
from typing import Any

from slipway.promotion.stored import known


@dataclass(frozen=True)
class GatePlan:
    """`evidence` names what of the build's evidence it reads, empty when it reads none. Older evidence than `max_age_s`
    does not count; 0: any age does. `within_s` is how long a stage waits for it to pass."""

    name: str
    kind: str
    settings: dict[str, Any] = field(default_factory=dict, hash=False)
    evidence: str = ""
    max_age_s: float = 0.0
    within_s: float = 3600.0

    @classmethod
    def load(cls, data: dict[str, Any]) -> "GatePlan":
        return cls(**known(cls, data))
