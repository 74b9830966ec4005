"""What a run of Azure Load Testing measured: the totals of its requests, and their course in buckets of time.

Azure keeps no histogram that could be asked for. What there is: percentiles of the whole run, and for each bucket of
time how many requests and errors it had, and mean and 95th percentile of those that succeeded.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from slipway.promotion.stored import known
from slipway.promotion.unevenness import NONE_SEEN, Unevenness

PASSED, FAILED, NOT_APPLICABLE = "PASSED", "FAILED", "NOT_APPLICABLE"


@dataclass(frozen=True)
class Course:
    """Buckets of `bucket_s` in a row, from the first with a request on: requests, errors, and mean and p95 of the
    latencies in ms (0 where nothing succeeded)."""

    bucket_s: float = 0.0
    requests: tuple[float, ...] = ()
    errors: tuple[float, ...] = ()
    mean_ms: tuple[float, ...] = ()
    p95_ms: tuple[float, ...] = ()

    @property
    def steady(self) -> slice:
        """The buckets in which the load was under way: from the first to the last with half of the usual requests,
        without these two, which it did not fill."""
        counts = sorted(count for count in self.requests if count > 0)
        if not counts:
            return slice(0, 0)
        usual = counts[len(counts) // 2]
        full = [n for n, count in enumerate(self.requests) if count >= usual / 2]
        return slice(full[0] + 1, max(full[0] + 1, full[-1]))

    @property
    def failures(self) -> Unevenness:
        """How unevenly errors came in the course of the run."""
        sent = sum(self.requests)
        filled = [(count, failed) for count, failed in zip(self.requests, self.errors, strict=True) if count > 0]
        if len(filled) < 2 or not sent:
            return NONE_SEEN
        share = min(1.0, sum(self.errors) / sent)
        seen = sum((failed - share * count) ** 2 for count, failed in filled)
        return Unevenness(round(seen, 3), round(sent * share * (1 - share) * (1 - 1 / len(filled)), 3))

    @classmethod
    def load(cls, data: dict[str, Any]) -> "Course":
        series = ("requests", "errors", "mean_ms", "p95_ms")
        return cls(**{**known(cls, data), **{name: tuple(data.get(name, ())) for name in series}})


@dataclass(frozen=True)
class RunMeasurement:
    """A run that has ended. `criteria` says what came of the test's own ones, `unmet` names those that were not met.
    `users` and `engines` sent the load, `transactions` are the names of its requests; `page` is Azure's own of it."""

    run: str
    requests: int = 0
    errors: int = 0
    mean_ms: float = 0.0
    p50_ms: float = 0.0
    p90_ms: float = 0.0
    p95_ms: float = 0.0
    p99_ms: float = 0.0
    users: int = 0
    engines: int = 0
    transactions: tuple[str, ...] = ()
    criteria: str = NOT_APPLICABLE
    unmet: tuple[str, ...] = ()
    page: str = ""
    course: Course = field(default_factory=Course)

    @property
    def error_rate(self) -> float:
        """Errors as a share (0..1) of the requests; 0 when there was none."""
        return min(1.0, self.errors / self.requests) if self.requests else 0.0

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def load(cls, data: dict[str, Any]) -> "RunMeasurement":
        lists = {name: tuple(data.get(name, ())) for name in ("transactions", "unmet")}
        return cls(**{**known(cls, data), **lists, "course": Course.load(data.get("course", {}))})
