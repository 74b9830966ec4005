"""What a load test measured, and whether the release stays within the test's thresholds.

The load is open loop: requests leave on a schedule, whether or not earlier ones were answered, and a
latency counts from the *scheduled* send time. A server that stalls therefore shows in every request
that was due meanwhile, not only in the one that it held up (the "coordinated omission" that a closed
loop suffers from).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from slipway.promotion.histogram import LatencyHistogram, nearest_rank
from slipway.promotion.outcomes import Answer, failed, not_enough_evidence, passed
from slipway.promotion.plan import LoadTest
from slipway.promotion.stored import known
from slipway.promotion.unevenness import NONE_SEEN, Unevenness, unevenness

DRIVER_RATE_PER_S = 200  # what one driver can send and still keep its schedule
DRIVER_LAG_MS = 10.0  # a driver later than this (p99) measured itself rather than the release
SENT_SHARE = 0.9  # of the requests that were due


@dataclass(frozen=True)
class LoadMeasurement:
    """What one driver saw, or several together.

    `sent` requests left, `answered` of them got any answer in time, `errors` ended as a status >= 500, a
    connection error or a time-out. `histogram` holds the latency of every answered request, from its
    scheduled send time. `lag_p99_ms` says how late the driver itself was; `duration_s` are driver-seconds.
    `slow_half`, `slow_tail` and `failures` say how unevenly the requests beyond the run's own p50 and p95, and
    those that failed, came in its course.
    """

    sent: int = 0
    answered: int = 0
    errors: int = 0
    lag_p99_ms: float = 0.0
    histogram: LatencyHistogram = field(default_factory=LatencyHistogram)
    duration_s: float = 0.0
    slow_half: Unevenness = NONE_SEEN
    slow_tail: Unevenness = NONE_SEEN
    failures: Unevenness = NONE_SEEN

    def merge(self, other: "LoadMeasurement") -> "LoadMeasurement":
        """Both together. The lag is the worse of the two: a p99 of p99s would hide a single late driver."""
        return LoadMeasurement(
            sent=self.sent + other.sent,
            answered=self.answered + other.answered,
            errors=self.errors + other.errors,
            lag_p99_ms=max(self.lag_p99_ms, other.lag_p99_ms),
            histogram=self.histogram.merge(other.histogram),
            duration_s=self.duration_s + other.duration_s,
            slow_half=self.slow_half.merge(other.slow_half),
            slow_tail=self.slow_tail.merge(other.slow_tail),
            failures=self.failures.merge(other.failures),
        )

    @property
    def error_rate(self) -> float:
        """Errors as a share (0..1) of the requests sent; 0 when none was."""
        return self.errors / self.sent if self.sent else 0.0

    def latency_ms(self, q: float) -> float | None:
        """The latency that a share `q` of all requests *sent* stays within, at most 2 % too high.

        A request that was never answered counts as slower than any answer: None when `q` falls on one,
        and when nothing was sent.
        """
        sent = max(self.sent, self.histogram.count)
        if sent == 0 or nearest_rank(q, sent) > self.histogram.count:
            return None
        return self.histogram.at_rank(nearest_rank(q, sent))

    def dump(self) -> dict[str, Any]:
        uneven = {name: asdict(getattr(self, name)) for name in _UNEVEN}
        return {**vars(self), **uneven, "histogram": self.histogram.dump()}

    @classmethod
    def load(cls, data: dict[str, Any]) -> "LoadMeasurement":
        uneven = {name: Unevenness(**known(Unevenness, data[name])) for name in _UNEVEN if name in data}
        return cls(**{**known(cls, data), **uneven, "histogram": LatencyHistogram.load(data["histogram"])})


_UNEVEN = ("slow_half", "slow_tail", "failures")


def measurement(
    latencies_ms: Sequence[float | None], errors: Sequence[bool], lag_p99_ms: float, duration_s: float
) -> LoadMeasurement:
    """What one driver saw, from its requests in the order in which they were due: latencies (None: never answered),
    and which of them were errors."""
    answered = [ms for ms in latencies_ms if ms is not None]
    histogram = LatencyHistogram()
    for ms in answered:
        histogram.record(ms)
    slow = [float("inf") if ms is None else ms for ms in latencies_ms]
    ranked = sorted(slow)
    cuts = [ranked[nearest_rank(q, len(ranked)) - 1] if ranked else 0.0 for q in (0.5, 0.95)]
    half, tail = (unevenness([ms > cut for ms in slow]) for cut in cuts)
    return LoadMeasurement(
        sent=len(slow),
        answered=len(answered),
        errors=sum(errors),
        lag_p99_ms=lag_p99_ms,
        histogram=histogram,
        duration_s=duration_s,
        slow_half=half,
        slow_tail=tail,
        failures=unevenness(errors),
    )


def judge_load(test: LoadTest, measured: LoadMeasurement) -> Answer:
    """`passed`, `failed` (LOAD_ERROR_RATE, LOAD_LATENCY) or `not enough evidence` (LOAD_DRIVER_LATE,
    LOAD_NOT_SENT, LOAD_NOT_ANSWERED). The result carries p50_ms, p95_ms, p99_ms (None:
    never answered), error_rate (0..1) and requests.

    A late driver only adds to latencies, since they count from the scheduled time, and nothing to errors.
    So its lateness excuses a latency beyond a threshold; errors, and latencies within, stand all the same.
    """
    numbers = _numbers(measured)
    due = test.rate_per_s * test.duration_s
    if measured.sent == 0 or measured.sent < SENT_SHARE * due:
        words = f"sent {measured.sent} of {due:.0f} requests that were due; at least {SENT_SHARE:.0%} are needed"
        return not_enough_evidence("LOAD_NOT_SENT", words, **numbers)
    if measured.answered == 0:
        words = f"none of {measured.sent} requests was answered at all: the way there may be broken, not the release"
        return not_enough_evidence("LOAD_NOT_ANSWERED", words, **numbers)
    errors = _errors_beyond(test, measured)
    beyond = errors + _latencies_beyond(test, measured)
    if beyond and not errors and measured.lag_p99_ms > DRIVER_LAG_MS:
        words = (
            f"the load driver itself was late (p99 {measured.lag_p99_ms:.1f} ms, "
            f"allowed {DRIVER_LAG_MS:.0f} ms), so its latencies say nothing about the release"
        )
        return not_enough_evidence("LOAD_DRIVER_LATE", words, **numbers)
    if beyond:
        return failed("LOAD_ERROR_RATE" if errors else "LOAD_LATENCY", "; ".join(beyond), **numbers)
    p95 = milliseconds(numbers["p95_ms"])
    return passed(f"{measured.sent} requests, error rate {percent(measured.error_rate)}, p95 {p95}", **numbers)


def _numbers(measured: LoadMeasurement) -> dict[str, Any]:
    quantiles = {f"p{round(q * 100)}_ms": measured.latency_ms(q) for q in (0.5, 0.95, 0.99)}
    rounded = {name: None if ms is None else round(ms, 3) for name, ms in quantiles.items()}
    return {**rounded, "error_rate": round(measured.error_rate, 6), "requests": measured.sent}


def _errors_beyond(test: LoadTest, measured: LoadMeasurement) -> list[str]:
    if test.error_rate is None or measured.error_rate <= test.error_rate:
        return []
    seen, allowed = percent(measured.error_rate), percent(test.error_rate)
    return [f"error rate {seen} of {measured.sent} requests, allowed {allowed}"]


def _latencies_beyond(test: LoadTest, measured: LoadMeasurement) -> list[str]:
    thresholds = (("p50", 0.5, test.p50_ms), ("p95", 0.95, test.p95_ms), ("p99", 0.99, test.p99_ms))
    beyond = []
    for name, q, allowed_ms in thresholds:
        seen_ms = measured.latency_ms(q)
        if allowed_ms is not None and (seen_ms is None or seen_ms > allowed_ms):
            beyond.append(f"{name} {milliseconds(seen_ms)}, allowed {milliseconds(allowed_ms)}")
    return beyond


def percent(share: float) -> str:
    """`21.3 %`, `1 %`; small shares keep a digit that is not 0."""
    percent = share * 100
    return f"{percent:.2g} %" if percent < 1 else f"{round(percent, 1):g} %"


def milliseconds(ms: float | None) -> str:
    """`231 ms`, `4.28 ms`."""
    if ms is None:
        return "no answer"
    return f"{ms:.0f} ms" if ms >= 10 else f"{ms:.3g} ms"
