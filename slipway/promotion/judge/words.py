"""Numbers of a verdict in the words of people."""

from slipway.promotion.judge.policy import FAILURES, LATENCY_QUANTILES
from slipway.promotion.judge.verdict import MetricEvidence


def compared(metric: MetricEvidence, confidence: float) -> str:
    """`canary fails 2.3 × as often as baseline, at least 1.4 × with 99 % confidence`."""
    subject = _subject(metric.name)
    if metric.canary_requests == 0 or metric.baseline_requests == 0:
        return f"nothing is known of {metric.name} yet"
    if metric.ratio is None:
        if metric.canary_bad == 0:
            return f"{subject} not once in {metric.canary_requests:,} requests, nor does baseline"
        return (
            f"{subject} {metric.canary_bad:,} times in {metric.canary_requests:,} requests, "
            f"baseline not once in {metric.baseline_requests:,}"
        )
    words = f"{subject} {times(metric.ratio)} as often as baseline"
    if metric.at_least is not None and metric.at_least > 1:
        return f"{words}, at least {times(metric.at_least)} with {confidence:.3g} % confidence"
    if metric.at_most is not None:
        return f"{words}, at most {times(metric.at_most)} with 90 % confidence"
    return words


def excess(so_far: float, budget: float) -> str:
    """`31 excess failures so far of a budget of 50`; a careful ramp has no budget to speak of."""
    count = max(0, round(so_far))
    failures = "excess failure" if count == 1 else "excess failures"
    return f"{count:,} {failures} so far" + (f" of a budget of {budget:,.0f}" if budget else "")


def late(by: int, delay: int) -> str:
    """`telemetry comes 2 ticks later than its delay (0 ticks)`."""
    return f"telemetry comes {_ticks(by)} later than its delay ({_ticks(delay)})"


def times(ratio: float) -> str:
    return f"{ratio:.0f} ×" if ratio >= 10 else f"{ratio:.2g} ×"


def still_needed(requests: int, seconds: float | None) -> str:
    """`about 1,200 more canary requests are needed, 4 minutes at this traffic`."""
    if seconds is None:
        return "at this traffic it will never be enough"
    return f"about {requests:,} more canary requests are needed, {lasting(seconds)} at this traffic"


def lasting(seconds: float) -> str:
    """`40 s`, `14 minutes`, `3 hours`, `5 days`."""
    for size, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{max(1.0, seconds):.0f} s"


def _ticks(count: int) -> str:
    return "1 tick" if count == 1 else f"{count} ticks"


def _subject(name: str) -> str:
    if name == FAILURES:
        return "canary fails"
    if name in LATENCY_QUANTILES:
        return f"canary is slower than the {name}"
    return f"canary misses {name}"
