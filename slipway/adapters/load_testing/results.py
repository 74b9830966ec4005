"""What a run measured, read from its statistics and from its metrics (namespace LoadTestRunMetrics)."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from slipway.adapters.load_testing.client import asked, client_of
from slipway.adapters.load_testing.runs import ONCE, Run
from slipway.promotion.load_runs.measured import FAILED, NOT_APPLICABLE, PASSED, Course, RunMeasurement
from slipway.promotion.load_runs.plan import LoadRunPlan
from slipway.promotion.outcomes import iso, moment
from slipway.settings import Settings

NAMESPACE, TOTAL = "LoadTestRunMetrics", "Total"
# Azure offers short buckets for short runs only: the first that is long enough.
BUCKETS = ((300.0, 5.0, "PT5S"), (600.0, 10.0, "PT10S"), (4 * 3600.0, 60.0, "PT1M"), (float("inf"), 300.0, "PT5M"))
# Series of a course, and which metric in which aggregation each one is.
SERIES = {
    "requests": ("TotalRequests", "Total"),
    "errors": ("Errors", "Total"),
    "mean_ms": ("ResponseTime", "Average"),
    "p95_ms": ("ResponseTime", "Percentile95"),
}
IS_WHOLE = 0.9  # of the requests that the statistics count


def statistics(run: Run) -> Mapping[str, Any] | None:
    """The totals over all requests; None while Azure has none."""
    told = run.body.get("testRunStatistics")
    total = told.get(TOTAL) if isinstance(told, dict) else None
    return total if isinstance(total, dict) and total.get("sampleCount") else None


def measurement(run: Run, total: Mapping[str, Any], course: Course) -> RunMeasurement:
    """All that a run says. Raises ValueError and the like for numbers that are none, or are missing."""
    body = run.body
    result = str(body.get("testResult") or NOT_APPLICABLE)
    load = body.get("loadTestConfiguration") or {}
    latencies = {"mean_ms": "mean", "p50_ms": "median", "p90_ms": "pct1", "p95_ms": "pct2", "p99_ms": "pct3"}
    return RunMeasurement(
        run=run.id,
        requests=int(_number(total.get("sampleCount"))),
        errors=int(_number(total.get("errorCount"))),
        **{name: round(_number(total.get(f"{told}ResTime")), 3) for name, told in latencies.items()},
        users=int(body.get("virtualUsers") or 0),
        engines=int(load.get("engineInstances") or 0),
        transactions=tuple(sorted(set(body["testRunStatistics"]) - {TOTAL})),
        criteria=result if result in (PASSED, FAILED) else NOT_APPLICABLE,
        unmet=tuple(_unmet(body)),
        page=str(body.get("portalUrl") or ""),
        course=course,
    )


def read_course(settings: Settings, plan: LoadRunPlan, run: Run) -> Course:
    """The run in buckets of time. Raises AzureProblem, and ValueError and the like for an answer in another form."""
    begins, ends = moment(str(run.body["startDateTime"])), moment(str(run.body["endDateTime"]))
    lasted_s = (ends - begins).total_seconds()
    bucket_s, interval = next((bucket_s, name) for longest_s, bucket_s, name in BUCKETS if lasted_s <= longest_s)
    span = f"{iso(begins)}/{iso(ends + timedelta(seconds=bucket_s))}"
    client = client_of(settings, plan.resource)

    def read(metric: str, aggregation: str) -> dict[int, float]:
        asks = partial(client.list_metrics, metric_namespace=NAMESPACE, time_interval=span, interval=interval, **ONCE)
        series = asked(lambda: list(asks(run.id, metric_name=metric, aggregation=aggregation)))
        return _by_bucket(series, metric, begins, bucket_s)

    found = {name: read(*of) for name, of in SERIES.items()}
    counts = [bucket for bucket, count in found["requests"].items() if count > 0]
    if not counts:
        return Course()
    row = range(min(counts), max(counts) + 1)
    values = {name: tuple(round(told.get(bucket, 0.0), 2) for bucket in row) for name, told in found.items()}
    return Course(bucket_s, **values)


def is_whole(course: Course, total: Mapping[str, Any]) -> bool:
    """Whether the metrics have nearly all requests of the statistics: they come later."""
    return sum(course.requests) >= IS_WHOLE * float(total.get("sampleCount") or 0)


def _by_bucket(series: Sequence[Mapping[str, Any]], metric: str, begins: datetime, bucket_s: float) -> dict[int, float]:
    """Values by the number of their bucket. Counts of several series add up; of latencies of several, nobody can tell
    the percentile of all, so there are none."""
    if metric == "ResponseTime" and len(series) > 1:
        return {}
    values: dict[int, float] = {}
    for point in (point for each in series for point in each.get("data") or ()):
        if point.get("value") is not None:
            bucket = int((moment(str(point["timestamp"])) - begins).total_seconds() // bucket_s)
            values[bucket] = values.get(bucket, 0.0) + _number(point["value"])
    return values


def _number(told: Any) -> float:
    """A count or a time. One that is missing must not count as 0, which is within every threshold."""
    number = float(told)
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"{told} is neither a count nor a time")
    return number


def _unmet(body: Mapping[str, Any]) -> Iterable[str]:
    """The criteria that were not met, in words, such as `p95 of response_time_ms > 300 (412)`."""
    criteria = (body.get("passFailCriteria") or {}).get("passFailMetrics") or {}
    for each in criteria.values():
        if str(each.get("result") or "").lower() == "failed":
            metric = each.get("clientMetric") or each.get("clientmetric")  # Azure writes both
            request = f" of {each['requestName']}" if each.get("requestName") else ""
            limit = f"{each.get('condition', '>')} {each.get('value')}"
            yield f"{each.get('aggregate')} of {metric}{request} {limit} ({each.get('actualValue')})"
