"""Whether a release is slower, or fails more often, than the one before it in the same test of Azure Load Testing.

It speaks against a release only on proof, as `load_comparison` does and beyond the same margins. That one compares
histograms, which Azure does not give; here there are buckets of time, each with its mean and its p95. So:

- Both runs are laid beside each other from the moment at which the load is under way, and each bucket is compared with
  the one at its place: what the load's profile does to both is no difference.
- Buckets beside each other are no independent measurements (a machine that is slow stays slow for a while). The
  differences of logarithms are averaged in six batches of time, and these are what counts: Student's bound with five
  degrees of freedom, 99 % (batch means: Law and Kelton, "Simulation Modeling and Analysis", section 9.5).
- The same release does not measure the same twice: 3.7 % for each run, as there, joined as squares.

Assumed: batches long enough to be all but independent, and differences of their means that are about normal.
Errors are counted for the whole run, by the same interval as there, each run for as many requests as the unevenness of
its buckets leaves.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from slipway.promotion.load_comparison import (
    LEAST_MS,
    RUN_NOISE,
    TELLS_A_RATIO,
    WORSE_BY_AT_MOST,
    ErrorChange,
    LatencyChange,
    Z,
    error_change,
)
from slipway.promotion.load_judgement import milliseconds
from slipway.promotion.load_runs.measured import Course, RunMeasurement
from slipway.promotion.outcomes import Answer, failed, not_enough_evidence, passed
from slipway.promotion.plan import LoadTest

BATCHES = 6
T = 3.365  # one-sided, 99 %, of five degrees of freedom
LEAST_S = 60.0  # of both runs, side by side
SAME_LENGTH = 0.8  # of the longer run


@dataclass(frozen=True)
class KeptRun:
    """A run that a release of `version` came through before it was proven."""

    version: str
    test: LoadTest
    measured: RunMeasurement

    @property
    def in_time(self) -> bool:
        """Whether its course is known, so that it can be a measure for others."""
        return bool(self.measured.course.requests)

    def dump(self) -> dict[str, Any]:
        return {"version": self.version, "test": asdict(self.test), "measured": self.measured.dump()}

    @classmethod
    def load(cls, data: dict[str, Any]) -> "KeptRun":
        return cls(data["version"], LoadTest.load(data["test"]), RunMeasurement.load(data["measured"]))


def compare_run(test: LoadTest, measured: RunMeasurement, previous: KeptRun | None) -> Answer:
    """`passed`, `failed` (LOAD_MORE_ERRORS_THAN_PREVIOUS, LOAD_SLOWER_THAN_PREVIOUS) or `not enough evidence`
    (LOAD_TOO_FEW_TO_COMPARE). With nothing to compare with it has passed, and says so.

    The result's `previous` holds what was compared, as that of `compare_load`; mean and p95 are those of a usual
    bucket.
    """
    if previous is None:
        return passed("nothing to compare with yet")
    if other := _another_load(test, measured, previous):
        return passed(f"nothing to compare with: {previous.version} was measured under another load ({other})")
    if not previous.in_time:
        return passed(f"nothing to compare with: Azure never told how the load of {previous.version} went")
    new, old, version = measured, previous.measured, previous.version
    errors = _errors(new, old)
    sides = _side_by_side(new.course, old.course)
    latencies = {name: _latency(*_series(name, new, old, sides)) for name in ("mean", "p95")}
    compared: dict[str, Any] = {"version": version, "requests": old.requests, "error_rate": asdict(errors)}
    compared |= {f"{name}_ms": asdict(each) for name, each in latencies.items() if each}
    worse = [errors.words(version)] if errors.worse else []
    worse += [each.words(name, version) for name, each in latencies.items() if each and each.worse]
    if worse:
        code = "LOAD_MORE_ERRORS_THAN_PREVIOUS" if errors.worse else "LOAD_SLOWER_THAN_PREVIOUS"
        return failed(code, "; ".join(worse), previous=compared)
    blind = [name for name, each in latencies.items() if each is None or not each.tells]
    if blind:
        words = f"the run cannot show whether {' and '.join(blind)} doubled since {version}: let it last longer"
        return not_enough_evidence("LOAD_TOO_FEW_TO_COMPARE", words, previous=compared)
    p95 = latencies["p95"]
    return passed(f"{version}: p95 {milliseconds(p95.was if p95 else None)}", previous=compared)


def _another_load(test: LoadTest, measured: RunMeasurement, previous: KeptRun) -> str:
    """How the load differs from that of the run before, in words; empty when it is the same."""
    now, was, old = test.run, previous.test.run, previous.measured
    if now is None or was is None or (now.resource.lower(), now.test) != (was.resource.lower(), was.test):
        return "another test"
    if now.env != was.env:
        return "its variables differ"
    if (measured.users, measured.engines) != (old.users, old.engines):
        return f"{old.users} users of {old.engines} engines, now {measured.users} of {measured.engines}"
    if measured.transactions != old.transactions:
        return "its requests have other names"
    if measured.course.bucket_s != old.course.bucket_s and measured.course.requests and old.course.requests:
        return "it lasted for another time"
    lengths = sorted(len(each.course.requests[each.course.steady]) for each in (measured, old))
    return "it lasted for another time" if lengths[0] and lengths[0] < SAME_LENGTH * lengths[1] else ""


def _side_by_side(new: Course, old: Course) -> tuple[slice, slice]:
    """Equally many steady buckets of both."""
    ours, theirs = new.steady, old.steady
    length = min(ours.stop - ours.start, theirs.stop - theirs.start)
    return slice(ours.start, ours.start + length), slice(theirs.start, theirs.start + length)


def _series(
    name: str, new: RunMeasurement, old: RunMeasurement, sides: tuple[slice, slice]
) -> tuple[list[float], list[float], float]:
    """Logarithms of the latencies of both runs, bucket beside bucket, where both have one; and a bucket's seconds."""
    pairs = zip(getattr(new.course, f"{name}_ms")[sides[0]], getattr(old.course, f"{name}_ms")[sides[1]], strict=True)
    both = [(math.log(now), math.log(was)) for now, was in pairs if now > 0 and was > 0]
    return [now for now, _ in both], [was for _, was in both], new.course.bucket_s


def _latency(new: Sequence[float], old: Sequence[float], bucket_s: float) -> LatencyChange | None:
    """How a latency has changed, from its logarithms; None when there are too few to tell anything."""
    if len(new) < BATCHES or len(new) * bucket_s < LEAST_S:
        return None
    batches = _batch_means([now - was for now, was in zip(new, old, strict=True)])
    point = sum(batches) / BATCHES
    variance = sum((batch - point) ** 2 for batch in batches) / (BATCHES - 1)
    unsure = math.hypot(T * math.sqrt(variance / BATCHES), Z * math.sqrt(2) * RUN_NOISE)
    was, at_least = math.exp(sum(old) / len(old)), math.exp(point - unsure)
    worse = at_least > max(WORSE_BY_AT_MOST, (was + LEAST_MS) / was)
    tells = was <= LEAST_MS or WORSE_BY_AT_MOST * math.exp(unsure) <= TELLS_A_RATIO
    return LatencyChange(was, was * math.exp(point), at_least, worse, tells)


def _batch_means(values: Sequence[float]) -> list[float]:
    edges = [len(values) * n // BATCHES for n in range(BATCHES + 1)]
    return [sum(values[begin:end]) / (end - begin) for begin, end in pairwise(edges)]


def _errors(new: RunMeasurement, old: RunMeasurement) -> ErrorChange:
    worth = [each.requests / each.course.failures.dispersion() for each in (new, old)]
    return error_change(old.error_rate, new.error_rate, worth[1], worth[0])
