"""What a pipeline says of one gate, compiled."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.promotion.stored import known


@dataclass(frozen=True)
class GatePlan:
    """One gate of a stage or of a switch: `kind` says who judges (`kinds.py`), `settings` by which limits, in the units
    that the kind names. `evidence` is the name under which the build brings what it reads; empty where the gate asks
    somebody itself. Evidence older than `max_age_s` counts for nothing; 0 is any age. A stage waits `within_s` for
    it to pass.
    """

    name: str
    kind: str
    settings: dict[str, Any] = field(default_factory=dict, hash=False)
    evidence: str = ""
    max_age_s: float = 0.0
    within_s: float = 3600.0

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> "GatePlan":
        return cls(**known(cls, data))
