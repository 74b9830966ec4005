"""What the judge answers at a tick."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Action(StrEnum):
    """`withdraw`: traffic back to the baseline because the judge is blind; the version is not blamed."""

    ADVANCE = "advance"
    WAIT = "wait"
    WITHDRAW = "withdraw"
    ROLLBACK = "rollback"


@dataclass(frozen=True)
class MetricEvidence:
    """One metric's numbers.

    `ratio` is the canary's bad rate over the baseline's; None while the baseline has none, or nothing is known.
    `at_least` holds with confidence 1 - false_rollback, `at_most` with 90 %, both at all looks together; None when
    nothing can be said. Counts are of warm ticks unless only cold ones are there.
    """

    name: str
    ratio: float | None
    at_least: float | None
    at_most: float | None
    canary_requests: int
    canary_bad: int
    baseline_requests: int
    baseline_bad: int
    e_value: float
    share: float
    dispersion: float

    @property
    def excess(self) -> float:
        """Bad requests of the canary beyond what the baseline would have had."""
        if self.baseline_requests == 0:
            return 0.0
        return self.canary_bad - self.baseline_bad * self.canary_requests / self.baseline_requests


@dataclass(frozen=True)
class Receipt:
    """Everything a verdict rests on, as numbers and words.

    `threshold` is the e-value that proves harm. `changed_by` says what would have changed the verdict.
    `weakened_by` says why the promise is weaker than usual, if it is. `budget` counts bad requests.
    """

    tick: int
    now: int
    step: int
    weight: float
    e_value: float
    threshold: float
    blind: int
    missing: tuple[int, ...]
    excess: float
    budget: float
    excess_rate_at_worst: float
    requests_per_tick: float
    metrics: tuple[MetricEvidence, ...]
    changed_by: tuple[str, ...] = ()
    weakened_by: tuple[str, ...] = ()

    @property
    def worst(self) -> MetricEvidence:
        """The metric that speaks loudest against the release."""
        return max(self.metrics, key=lambda metric: metric.share * metric.e_value)

    @property
    def confidence(self) -> float:
        """Of `at_least`, in per cent."""
        return 100 * (1 - 1 / self.threshold)

    def dump(self) -> dict[str, Any]:
        """Plain JSON."""
        data = asdict(self)
        return {key: list(value) if isinstance(value, tuple) else value for key, value in data.items()}


@dataclass(frozen=True)
class Verdict:
    """`action` with its reason: `code` for programs, `words` for people.

    `step` is the index into the policy's steps after this verdict and `weight` its share of the traffic, 0 after a
    rollback or withdrawal. `missing_requests` of the canary are needed before it can advance, which takes
    `missing_s` seconds at this traffic; None: never at this traffic, or requests are not what is missing (then
    `missing_requests` is 0).
    """

    action: Action
    code: str
    words: str
    step: int
    weight: float
    receipt: Receipt
    missing_requests: int = 0
    missing_s: float | None = None

    @property
    def e_value(self) -> float:
        return self.receipt.e_value

    @property
    def metrics(self) -> tuple[MetricEvidence, ...]:
        return self.receipt.metrics
