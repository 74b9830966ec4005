"""The rows of virtual time: what the configured sites' users would have met, by who served them."""

from collections.abc import Sequence
from datetime import datetime
from zlib import crc32

from slipway.local.azure.config import TrafficConfig
from slipway.local.azure.logs.minutes import Minutes, Service, minutes_of
from slipway.local.azure.logs.phases import ServedBetween, phases_of
from slipway.local.azure.logs.store import TABLE
from slipway.local.azure.logs.traffic_model import rows_of

MOST_ITEMS = 10  # good requests that a row stands for: a day of them must be quick


def drawn_rows(
    traffic: Sequence[TrafficConfig], seed: int, served_between: ServedBetween, begins: datetime, ends: datetime
) -> str:
    """SQL for the rows of all these sites from `begins` until before `ends`; of no site those that are stored."""
    if not traffic:
        return f"SELECT * FROM {TABLE}"
    drawn: list[Minutes] = []
    for each in traffic:
        phases = list(phases_of(served_between(each.site, begins, ends), each.per_second, each.role))
        drawn += minutes_of(phases, service_of(each), seed_of(seed, each), begins, ends)
    return rows_of(drawn, MOST_ITEMS)


def service_of(traffic: TrafficConfig) -> Service:
    return Service(traffic.error_rate, traffic.noise, traffic.median_ms, traffic.spread)


def seed_of(seed: int, traffic: TrafficConfig) -> int:
    """One for each site: two of the same service must not fail in the same moments."""
    return crc32(f"{seed} {traffic.site}".encode())
