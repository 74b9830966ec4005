"""Signals between two ticks: what the platform counted, and alerts that fire. Pure.

Counters know nothing of paths, clients that left or probes, and come by the minute. So they speak of outages only,
which need no statistics; everything finer is the judge's.
"""

from typing import NamedTuple

FEWEST_5XX = 20
OUTAGE = 0.10  # of the release's requests fail
TIMES = 5.0  # as often as those of the live release


class Count(NamedTuple):
    """Requests of one release in some minutes, and those answered with 5xx."""

    requests: int = 0
    http_5xx: int = 0

    def plus(self, other: "Count") -> "Count":
        return Count(self.requests + other.requests, self.http_5xx + other.http_5xx)


def outage(canary: Count, baseline: Count, beside: str = "the live release's") -> str:
    """What the counters have against the canary, in words; empty when it is nothing, or when that `beside` it fails as
    often."""
    if canary.http_5xx < FEWEST_5XX or canary.http_5xx < OUTAGE * canary.requests:
        return ""
    usual = baseline.http_5xx / baseline.requests if baseline.requests else 0.0
    rate = canary.http_5xx / canary.requests
    if rate < TIMES * usual:
        return ""
    counted = f"{canary.http_5xx:,} × 5xx in {canary.requests:,} requests"
    return f"the platform counts {counted}, and {usual:.1%} of {beside}"
