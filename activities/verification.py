"""Activities that verify a release: health check and load."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from activities.answering import Order, answering, unless_aborted
from activities.secret_headers import with_headers
from slipway.adapters import clock
from slipway.adapters.http_probe import probe, status_of
from slipway.promotion.load_judgement import LoadMeasurement
from slipway.promotion.outcomes import Answer, broken, failed, iso, moment, passed, running
from slipway.promotion.plan import HealthCheck, load_headers

bp = df.Blueprint()

ROUND_S = 20.0
LOAD_ROUND_S = 30.0
LOAD_TIMEOUT_S = 10.0
SIDE_BY_SIDE = 8


@bp.activity_trigger(input_name="order", activity="check_health")
@answering
@unless_aborted
def check_health(order: Order) -> Answer:
    """Probe until enough good answers came in a row from the right version, or the window is over.

    One call probes for at most 20 s, or once where the clock stands and nothing is well; `handle` carries the streak
    and the window's end to the next. Where nothing has answered at all, and nothing does `beside` it either (the
    release of before), the platform is at fault.
    """
    check = HealthCheck.load(order["health"])
    return with_headers(check.headers, lambda headers: _probed(order, check, headers))


def _probed(order: Order, check: HealthCheck, headers: Mapping[str, str]) -> Answer:
    address = order["address"]
    handle: dict[str, Any] = order.get("handle") or {
        "until": iso(clock.now() + timedelta(seconds=check.within_s)),
        "streak": 0,
        "probes": 0,
        "answered": False,
    }
    until, streak, probes = moment(handle["until"]), handle["streak"], handle["probes"]
    answered = handle.get("answered", True)  # a handle of before this was asked
    round_ends = time.monotonic() + ROUND_S
    while True:
        urls, looked_at = (address + check.path, address + check.version_path), clock.now()
        seen = probe(*urls, order["version"], check.timeout_s, headers=headers)
        streak, probes = (streak + 1 if seen.ok else 0), probes + 1
        answered = answered or seen.status > 0
        if streak >= check.successes:
            words = f"{streak} good answers in a row from {order['version']}"
            return passed(words, latency_ms=round(seen.latency_ms, 1), probes=probes)
        if clock.now() >= until:
            words = f"no {check.successes} good answers in a row within {check.within_s:g} s: {seen.words or 'too few'}"
            if not answered and (silent := _silent(order.get("beside", ""), check, headers)):
                return broken("TARGET_SILENT", f"{words}; nor does the release before: {silent}")
            return failed("UNHEALTHY", words, probes=probes, status=seen.status, version=seen.version)
        kept = {"until": handle["until"], "streak": streak, "probes": probes, "answered": answered}
        stands = clock.now() == looked_at  # it then moves between two calls alone, however long we sleep
        if time.monotonic() >= round_ends or (stands and not streak):
            return running(kept, check.interval_s)
        time.sleep(check.interval_s)


def _silent(address: str, check: HealthCheck, headers: Mapping[str, str]) -> str:
    """Why nothing answers there, in words; empty when something does, or there is nothing to ask."""
    return status_of(address + check.path, check.timeout_s, headers=headers)[1] if address else ""


@bp.activity_trigger(input_name="order", activity="look_at_live")
@answering
@unless_aborted
def look_at_live(order: Order) -> Answer:
    """One probe at each of `addresses` (by target), for `version`, or `versions` (by target) where they differ. Result:
    `well`, the targets that gave a good answer."""
    check, version, addresses = HealthCheck.load(order["health"]), order["version"], order["addresses"]
    versions = order.get("versions", {})

    def looked(headers: Mapping[str, str]) -> Answer:
        def is_well(target: str) -> bool:
            urls = addresses[target] + check.path, addresses[target] + check.version_path
            return probe(*urls, versions.get(target, version), check.timeout_s, headers=headers).ok

        with ThreadPoolExecutor(min(SIDE_BY_SIDE, len(addresses))) as threads:
            well = list(threads.map(is_well, addresses))
        return passed(well=[name for name, good in zip(addresses, well, strict=True) if good])

    return with_headers(check.headers, looked)


@bp.activity_trigger(input_name="order", activity="drive_load")
@answering
@unless_aborted
def drive_load(order: Order) -> Answer:
    """Drive load for at most 30 s; `handle` carries what was measured so far to the next call.

    Its result is a `LoadMeasurement` as JSON: what it means is judged over all drivers together.
    """
    return with_headers(load_headers(order), lambda headers: _driven(order, headers))


def _driven(order: Order, headers: Mapping[str, str]) -> Answer:
    from slipway.adapters.http_load import drive

    handle: dict[str, Any] = order.get("handle") or {"driven_s": 0.0}
    length_s = min(LOAD_ROUND_S, order["duration_s"] - handle["driven_s"])
    measured = drive(order["url"], order["rate_per_s"], length_s, LOAD_TIMEOUT_S, headers=headers)
    if "measured" in handle:
        measured = LoadMeasurement.load(handle["measured"]).merge(measured)
    driven_s = handle["driven_s"] + length_s
    if driven_s + 0.001 < order["duration_s"]:
        return running({"driven_s": driven_s, "measured": measured.dump()}, 0.0)
    return passed(f"{measured.sent} requests sent", **measured.dump())
