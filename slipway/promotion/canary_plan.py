"""A stage's canary, compiled: what the judge is asked, where it looks, and what the ramp does beyond that."""

from dataclasses import dataclass, field
from typing import Any

from slipway.promotion.flags.plan import FlagPlan
from slipway.promotion.front_door import FrontDoor
from slipway.promotion.judge.policy import Policy
from slipway.promotion.stored import known
from slipway.promotion.telemetry import Source

MOST_TOP_UP_PER_S = 60.0  # a look sends what is due until the next one in a third of that time, by one driver
ROLL_BACK, STAY, WAIT, IGNORE = "roll back", "stay", "wait", "ignore"
WITHDRAW, PROMOTE = "withdraw", "promote"


@dataclass(frozen=True)
class Signals:
    """What a signal from between two ticks does, each `roll back`, `wait` (nothing advances) or `ignore`: a health
    probe of the release, the platform's counters, an alert of Azure Monitor on a target."""

    probe: str = ROLL_BACK
    counters: str = ROLL_BACK
    alert: str = WAIT


@dataclass(frozen=True)
class TopUp:
    """Marked synthetic requests, where users send too few: `rate_per_s` of them to `path`; 0 is none."""

    rate_per_s: float = 0.0
    path: str = "/"


@dataclass(frozen=True)
class CanaryPlan:
    """`hold_at` are weights (0..1) from which only a person lets the ramp go on. On proven harm it goes back, or stays
    where it is and calls a person (`on_harm`). It has `within_s` to reach 100 %; then it is withdrawn, promoted, or
    stays for a person (`at_deadline`). A release proven here within `proven_within_s` returns without a ramp.
    A share that the router was given is in effect `settle_s` later. A release far hungrier for CPU or memory than the
    live one waits, or that is not looked at (`saturation`); so does one that fewer users meet than was set (`unmet`).
    With a `flag` it is not the traffic that is divided but the users of one release, by that flag: shares are theirs.
    With a `front_door` it is that, before the target's own platform, which divides the traffic.
    """

    policy: Policy
    source: Source
    hold_at: tuple[float, ...] = ()
    on_harm: str = ROLL_BACK
    within_s: float = 86_400.0
    at_deadline: str = WITHDRAW
    proven_within_s: float = 0.0
    signals: Signals = field(default_factory=Signals)
    top_up: TopUp = field(default_factory=TopUp)
    settle_s: float = 0.0
    saturation: str = WAIT
    unmet: str = WAIT
    flag: FlagPlan | None = None
    front_door: FrontDoor | None = None

    @classmethod
    def load(cls, data: dict[str, Any]) -> "CanaryPlan":
        """From its JSON."""
        policy, source = data["policy"], data["source"]
        named = {"steps": tuple(policy["steps"]), "own_metrics": tuple(policy["own_metrics"])}
        metrics = tuple((name, query) for name, query in source["metrics"])
        return cls(
            **{
                **known(cls, data),
                "policy": Policy(**{**known(Policy, policy), **named}),
                "source": Source(**{**known(Source, source), "metrics": metrics}),
                "hold_at": tuple(data["hold_at"]),
                "signals": Signals(**known(Signals, data["signals"])),
                "top_up": TopUp(**known(TopUp, data["top_up"])),
                "flag": FlagPlan.load(data["flag"]) if data.get("flag") else None,
                "front_door": FrontDoor.load(data["front_door"]) if data.get("front_door") else None,
            }
        )
