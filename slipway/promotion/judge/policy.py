"""What a pipeline's `canary` block asks of the judge."""

import math
from dataclasses import dataclass

from slipway.promotion.errors import SlipwayError

FAILURES = "failures"
LATENCY_QUANTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
SHARES = {FAILURES: 0.80, "p50": 0.05, "p95": 0.10, "p99": 0.05}  # of the false-rollback budget
OWN_SHARE = 0.20  # of the budget for the users' own metrics together; the others are scaled down by it
MOST_OWN_METRICS = 5  # keeps the state under 16 KB
LONGEST_NAME = 64  # characters of a metric's name, for the same reason
RAMPS = ("adaptive", "careful", "fixed")
MOST_DELAY_TICKS = 240
MOST_BLIND_TICKS = 100
USUAL_PATIENCE = {"adaptive": 5, "careful": 10, "fixed": 10}


class PolicyInvalid(SlipwayError):
    """A policy that makes no sense."""


@dataclass(frozen=True)
class Policy:
    """How a ramp goes and what it may cost. Raises PolicyInvalid for what makes no sense.

    `steps` are shares of traffic, rising to 1. Margins are shares: 0.10 tolerates up to 10 % worse than the
    baseline. `false_rollback` is the chance (0..1) that a healthy release is rolled back in a whole ramp.
    `budget` counts bad requests that a step may cost at worst; None means five minutes of the service's usual
    failures. `patience_ticks` calm ticks at a weight are enough to go one step on without a proof.
    """

    steps: tuple[float, ...] = (0.05, 0.10, 0.25, 0.50, 1.0)
    ramp: str = "adaptive"
    tick_s: float = 60.0
    delay_ticks: int = 0
    warm_up_s: float = 120.0
    error_margin: float = 0.10
    latency_margin: float = 0.10
    false_rollback: float = 0.01
    budget: float | None = None
    patience_ticks: int | None = None
    blind_ticks: int = 10
    own_metrics: tuple[str, ...] = ()
    bake_ticks: int = 30

    def __post_init__(self) -> None:
        _check_steps(self.steps)
        if self.ramp not in RAMPS:
            raise PolicyInvalid("RAMP_UNKNOWN", f"a ramp is one of {', '.join(RAMPS)}, not {self.ramp!r}")
        if not 0 < self.false_rollback < 0.5:
            words = f"false_rollback must be above 0 and below 0.5, not {self.false_rollback}"
            raise PolicyInvalid("FALSE_ROLLBACK_INVALID", f"{words}: without a doubt allowed nothing is ever proven")
        for name, margin in (("error", self.error_margin), ("latency", self.latency_margin)):
            if not 0 <= margin <= 10:
                raise PolicyInvalid("MARGIN_INVALID", f"the {name} margin must be between 0 and 10, not {margin}")
        for name, value in (("tick_s", self.tick_s), ("blind_ticks", self.blind_ticks), ("bake", self.bake_ticks)):
            if not (math.isfinite(value) and value > 0):
                raise PolicyInvalid("TIME_INVALID", f"{name} must be above 0, not {value}")
        if not (0 <= self.delay_ticks <= MOST_DELAY_TICKS and 0 <= self.warm_up_s < math.inf):
            words = f"delay and warm-up must not be negative, and the delay at most {MOST_DELAY_TICKS} ticks"
            raise PolicyInvalid("TIME_INVALID", words)
        if self.blind_ticks > MOST_BLIND_TICKS:
            words = f"a judge that is blind for more than {MOST_BLIND_TICKS} ticks is none: {self.blind_ticks}"
            raise PolicyInvalid("TIME_INVALID", words)
        if self.budget is not None and not 0 <= self.budget < math.inf:
            raise PolicyInvalid("BUDGET_INVALID", f"the budget counts bad requests, {self.budget} is no such number")
        if self.patience_ticks is not None and self.patience_ticks < 2:
            raise PolicyInvalid("PATIENCE_INVALID", f"patience must be two ticks or more, not {self.patience_ticks}")
        _check_own(self.own_metrics)

    @property
    def patience(self) -> int:
        """Calm ticks at a weight after which the ramp goes one step on."""
        return USUAL_PATIENCE[self.ramp] if self.patience_ticks is None else self.patience_ticks

    @property
    def warm_up_ticks(self) -> int:
        """How many ticks an instance is cold at its start."""
        return math.ceil(self.warm_up_s / self.tick_s)

    @property
    def cold_ticks(self) -> int:
        """Cold ticks at a weight that a ramp takes: the warm-up, and beyond it and the warm ones as many as it may be
        blind."""
        return self.warm_up_ticks + self.blind_ticks

    @property
    def threshold(self) -> float:
        """The e-value at which harm counts as proven."""
        return 1 / self.false_rollback

    @property
    def last(self) -> int:
        """The index of 100 %."""
        return len(self.steps) - 1

    def shares(self) -> dict[str, float]:
        """How the metrics share the false-rollback budget; together 1."""
        if not self.own_metrics:
            return dict(SHARES)
        scaled = {name: share * (1 - OWN_SHARE) for name, share in SHARES.items()}
        return {**scaled, **{name: OWN_SHARE / len(self.own_metrics) for name in self.own_metrics}}

    def tolerated(self, metric: str) -> float:
        """The ratio of bad rates, canary to baseline, up to which a release is tolerable.

        A latency's margin is in its cut already (`latency.py`), so the usual 10 % on its counts is left.
        """
        return 1.10 if metric in LATENCY_QUANTILES else 1 + self.error_margin


def _check_steps(steps: tuple[float, ...]) -> None:
    if not steps:
        raise PolicyInvalid("STEPS_INVALID", "a ramp needs at least one step")
    if steps[-1] != 1.0:
        raise PolicyInvalid("STEPS_INVALID", f"the last step must be 100 %, not {steps[-1]:.0%}")
    if not all(low < high for low, high in zip((0.0, *steps), steps, strict=False)):
        raise PolicyInvalid("STEPS_INVALID", "steps are shares of traffic that rise from above 0 to 1")


def _check_own(names: tuple[str, ...]) -> None:
    if len(set(names)) != len(names) or set(names) & set(SHARES) or not all(names):
        raise PolicyInvalid("METRICS_INVALID", f"metrics need names of their own: {', '.join(names)}")
    if not all(len(name) <= LONGEST_NAME and name.isascii() and name.isprintable() for name in names):
        raise PolicyInvalid("METRICS_INVALID", f"a metric's name has {LONGEST_NAME} printable ASCII characters at most")
    if len(names) > MOST_OWN_METRICS:
        words = f"{len(names)} metrics of your own; {MOST_OWN_METRICS} is the most, each makes all others slower"
        raise PolicyInvalid("METRICS_INVALID", words)
