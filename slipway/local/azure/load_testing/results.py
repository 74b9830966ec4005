"""A run's statistics, criteria and metrics, made of its samples as Azure Load Testing shows them."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from slipway.local.azure.clock import stamp
from slipway.local.azure.load_testing.config import CriterionConfig, LoadTestConfig
from slipway.local.azure.load_testing.store import Sample

INTERVALS_S = {"PT5S": 5, "PT10S": 10, "PT1M": 60, "PT5M": 300, "PT1H": 3600}
AGGREGATIONS = {
    "TotalRequests": ("Total",),
    "Errors": ("Total",),
    "ResponseTime": ("Average", "Percentile90", "Percentile95", "Percentile99"),
}
QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


def quantile(values: Sequence[float], q: float) -> float:
    """By nearest rank; 0 of nothing."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(q * len(ranked)) - 1)] if ranked else 0.0


def statistics(samples: Sequence[Sample], lasted_s: float) -> dict[str, Any]:
    """Of all requests (`Total`) and of the one that there is."""
    times, errors = [sample.ms for sample in samples], sum(sample.failed for sample in samples)
    shown = {
        "sampleCount": float(len(samples)),
        "errorCount": float(errors),
        "errorPct": 100.0 * errors / len(samples) if samples else 0.0,
        "meanResTime": sum(times) / len(times) if times else 0.0,
        "medianResTime": quantile(times, 0.5),
        "maxResTime": max(times, default=0.0),
        "minResTime": min(times, default=0.0),
        "pct1ResTime": quantile(times, 0.9),
        "pct2ResTime": quantile(times, 0.95),
        "pct3ResTime": quantile(times, 0.99),
        "throughput": len(samples) / lasted_s,
        "receivedKBytesPerSec": 0.0,
        "sentKBytesPerSec": 0.0,
    }
    return {name: {"transaction": name, **shown} for name in ("HTTP Request", "Total")}


def criteria(test: LoadTestConfig, samples: Sequence[Sample] | None) -> dict[str, Any]:
    """`passFailCriteria`; without samples nothing is said of them yet."""
    told = {}
    for number, each in enumerate(test.criteria, 1):
        shown = {"clientMetric": each.metric, "aggregate": each.aggregate, "condition": ">", "value": each.value}
        if samples is not None:
            actual = _actual(each, samples)
            shown |= {"actualValue": actual, "result": "failed" if actual > each.value else "passed"}
        told[f"criterion-{number}"] = {**shown, "action": "continue"}
    return {"passFailMetrics": told}


def series(
    samples: Sequence[Sample], metric: str, aggregation: str, interval: str, began: datetime
) -> list[dict[str, Any]]:
    """The metric in buckets of time; those without a request are left out. Raises KeyError and ValueError for what
    there is none of."""
    if aggregation not in AGGREGATIONS[metric]:
        raise ValueError(f"{metric} has no {aggregation}")
    bucket_s, buckets = INTERVALS_S[interval], dict[int, list[Sample]]()
    for sample in samples:
        buckets.setdefault(int(sample.at_s // bucket_s), []).append(sample)
    points = {bucket: _value(metric, aggregation, held) for bucket, held in sorted(buckets.items())}
    data = [
        {"timestamp": stamp(began + timedelta(seconds=bucket * bucket_s)), "value": value}
        for bucket, value in points.items()
        if value is not None
    ]
    return [{"data": data, "dimensionValues": []}] if data else []


def _value(metric: str, aggregation: str, samples: Sequence[Sample]) -> float | None:
    if metric == "TotalRequests":
        return float(len(samples))
    if metric == "Errors":
        return float(sum(sample.failed for sample in samples)) or None
    times = [sample.ms for sample in samples if not sample.failed]
    if not times:
        return None
    if aggregation == "Average":
        return sum(times) / len(times)
    return quantile(times, int(aggregation.removeprefix("Percentile")) / 100)


def _actual(criterion: CriterionConfig, samples: Sequence[Sample]) -> float:
    times = [sample.ms for sample in samples]
    if criterion.metric == "error":
        return 100.0 * sum(sample.failed for sample in samples) / max(1, len(samples))
    if criterion.aggregate == "avg":
        return sum(times) / max(1, len(times))
    return quantile(times, QUANTILES[criterion.aggregate])
