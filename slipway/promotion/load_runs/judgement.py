"""Whether a run of Azure Load Testing stays within the pipeline's thresholds and the test's own criteria."""

from collections.abc import Iterator
from typing import Any

from slipway.promotion.load_judgement import milliseconds, percent
from slipway.promotion.load_runs.measured import FAILED, PASSED, RunMeasurement
from slipway.promotion.load_runs.plan import REQUIRED
from slipway.promotion.outcomes import Answer, failed, not_enough_evidence, passed
from slipway.promotion.plan import LoadTest


def judge_run(test: LoadTest, measured: RunMeasurement) -> Answer:
    """`passed`, `failed` (LOAD_ERROR_RATE, LOAD_LATENCY, LOAD_CRITERIA) or `not enough evidence` (LOAD_NOT_SENT,
    LOAD_NOT_ANSWERED, LOAD_NO_CRITERIA). The result carries p50_ms, p95_ms, p99_ms, error_rate (0..1), requests and
    the run.

    Azure counts what was answered badly and what was not answered at all alike. So a run in which every request failed
    does not tell whether the release is at fault or the way there.
    """
    numbers = _numbers(measured)
    if measured.requests == 0:
        return not_enough_evidence("LOAD_NOT_SENT", f"the run {measured.run} sent no request", **numbers)
    if measured.errors >= measured.requests:
        words = f"all {measured.requests} requests failed: the way there may be broken, not the release"
        return not_enough_evidence("LOAD_NOT_ANSWERED", words, **numbers)
    counts = test.run is not None and test.run.criteria == REQUIRED
    errors, latencies = list(_errors_beyond(test, measured)), list(_latencies_beyond(test, measured))
    unmet = [_unmet(measured)] if counts and measured.criteria == FAILED else []
    if errors or latencies or unmet:
        code = "LOAD_ERROR_RATE" if errors else "LOAD_LATENCY" if latencies else "LOAD_CRITERIA"
        return failed(code, "; ".join([*errors, *latencies, *unmet, f"the run is {measured.run}"]), **numbers)
    if not test.has_limits and measured.criteria != PASSED:
        words = (
            f"the test {measured.run} ran has no criteria, and the pipeline no thresholds: nothing could have failed"
        )
        return not_enough_evidence("LOAD_NO_CRITERIA", words, **numbers)
    criteria = ", its own criteria met" if counts and measured.criteria == PASSED else ""
    rate, p95 = percent(measured.error_rate), milliseconds(measured.p95_ms)
    return passed(f"{measured.requests} requests, error rate {rate}, p95 {p95}{criteria}", **numbers)


def _numbers(measured: RunMeasurement) -> dict[str, Any]:
    latencies = {name: round(getattr(measured, name), 3) for name in ("p50_ms", "p95_ms", "p99_ms")}
    rest = {"error_rate": round(measured.error_rate, 6), "requests": measured.requests, "run": measured.run}
    return {**latencies, **rest, **({"page": measured.page} if measured.page else {})}


def _errors_beyond(test: LoadTest, measured: RunMeasurement) -> Iterator[str]:
    if test.error_rate is not None and measured.error_rate > test.error_rate:
        seen, allowed = percent(measured.error_rate), percent(test.error_rate)
        yield f"error rate {seen} of {measured.requests} requests, allowed {allowed}"


def _latencies_beyond(test: LoadTest, measured: RunMeasurement) -> Iterator[str]:
    for name in ("p50", "p95", "p99"):
        seen_ms, allowed_ms = getattr(measured, f"{name}_ms"), getattr(test, f"{name}_ms")
        if allowed_ms is not None and seen_ms > allowed_ms:
            yield f"{name} {milliseconds(seen_ms)}, allowed {milliseconds(allowed_ms)}"


def _unmet(measured: RunMeasurement) -> str:
    return f"criteria of the test not met: {', '.join(measured.unmet) or 'Azure does not say which'}"
