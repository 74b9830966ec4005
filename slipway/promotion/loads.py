"""Loads of both drivers, ours and Azure Load Testing: what was measured, what it means, and what is kept of it."""

from typing import Any, TypeAlias

from slipway.promotion.load_comparison import KeptLoad, Measured, compare_load
from slipway.promotion.load_judgement import LoadMeasurement
from slipway.promotion.load_runs.comparison import KeptRun, compare_run
from slipway.promotion.load_runs.measured import RunMeasurement
from slipway.promotion.outcomes import Answer, passed
from slipway.promotion.plan import LoadTest

Kept: TypeAlias = KeptLoad | KeptRun


def kept_of(version: str, test: LoadTest, measured: dict[str, Any]) -> Kept:
    """What is kept of a load that a release of `version` came through, from its measurement as JSON."""
    if test.run is None:
        return KeptLoad(version, test, LoadMeasurement.load(measured))
    return KeptRun(version, test, RunMeasurement.load(measured))


def load_kept(data: dict[str, Any]) -> Kept:
    """The reverse of what is kept's `dump`."""
    return KeptRun.load(data) if data["test"].get("run") else KeptLoad.load(data)


def compare(now: Kept, previous: Measured | None) -> Answer:
    """As `compare_load` and `compare_run`; what the other driver measured is no measure."""
    if isinstance(now, KeptLoad) and (previous is None or isinstance(previous, KeptLoad)):
        return compare_load(now.test, now.measured, previous)
    if isinstance(now, KeptRun) and (previous is None or isinstance(previous, KeptRun)):
        return compare_run(now.test, now.measured, previous)
    return passed(f"nothing to compare with: {previous.version if previous else ''} was measured by another driver")
