"""Runs of a load test as Azure tells of them: buckets of time, of a service that has its own pace each time."""

import math
import random
from dataclasses import dataclass

from slipway.promotion.load_comparison import RUN_NOISE
from slipway.promotion.load_runs.measured import Course, RunMeasurement
from tests.promotion.load_runs import Shape


@dataclass(frozen=True)
class Weather:
    """What makes buckets differ though the release does not: the machine wanders by `wanders` (log-sd), and keeps
    `stays` of its pace from one bucket to the next; in one of twenty something stalls."""

    wanders: float = 0.10
    stays: float = 0.6
    stalls: float = 0.05


def a_course(
    draw: random.Random,
    buckets: int,
    bucket_s: float = 5.0,
    *,
    slower: float = 1.0,
    error_rate: float = 0.0,
    weather: Weather = Weather(),
) -> Course:
    """One run of a release that is `slower` so many times, under a load that ramps up and swells. Each run is off by
    3.7 % as a whole."""
    as_a_whole = slower * math.exp(draw.gauss(0, RUN_NOISE))
    pace = draw.gauss(0, weather.wanders)
    requests, errors, mean, p95 = [], [], [], []
    for n in range(buckets):
        pace = weather.stays * pace + draw.gauss(0, weather.wanders * math.sqrt(1 - weather.stays**2))
        stall = draw.expovariate(1) if draw.random() < weather.stalls else 0.0
        ms = 100 * as_a_whole * math.exp(pace) * (1 + 0.3 * math.sin(3 * n / buckets))
        sent = round(50 * bucket_s * min(1.0, (n + 1) / 3))
        requests.append(float(sent))
        errors.append(float(_count(draw, sent, error_rate * math.exp(3 * pace))))
        mean.append(ms * (1 + 0.3 * stall) * math.exp(draw.gauss(0, 0.02)))
        p95.append(2 * ms * (1 + stall) * math.exp(draw.gauss(0, 0.06)))
    return Course(bucket_s, tuple(requests), tuple(errors), tuple(mean), tuple(p95))


def a_course_of_requests(draw: random.Random, shape: Shape, buckets: int, in_each: int, slower: float = 1.0) -> Course:
    """One run of requests of that shape, on a machine that wanders by 8 %; errors there are none."""
    as_a_whole, pace = slower * math.exp(draw.gauss(0, RUN_NOISE)), 0.0
    mean, p95 = [], []
    for _ in range(buckets):
        pace = 0.6 * pace + draw.gauss(0, 0.08 * 0.8)
        times = sorted(shape(draw) * as_a_whole * math.exp(pace) for _ in range(in_each))
        mean.append(sum(times) / in_each)
        p95.append(times[math.ceil(0.95 * in_each) - 1])
    return Course(5.0, (float(in_each),) * buckets, (0.0,) * buckets, tuple(mean), tuple(p95))


def a_run(course: Course) -> RunMeasurement:
    """The run that went so."""
    total = {"requests": int(sum(course.requests)), "errors": int(sum(course.errors))}
    return RunMeasurement("slipway-1", **total, users=50, engines=1, transactions=("home",), course=course)  # type: ignore[arg-type]


def _count(draw: random.Random, n: int, share: float) -> int:
    """Of `n` requests so many that fail: about binomial."""
    expected = n * share
    return max(0, min(n, round(draw.gauss(expected, math.sqrt(expected))))) if expected > 0 else 0
