"""The built-in load driver: a short open-loop load over HTTP, from a thread and loop of its own.

Request n is due at n / rate, whatever became of those before it, and its latency counts from then. How late
the driver itself sent each one is measured too: a driver that lags has measured itself (load_judgement).
"""

import asyncio
import gc
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slipway.promotion.histogram import nearest_rank
from slipway.promotion.load_judgement import DRIVER_RATE_PER_S, LoadMeasurement, measurement
from slipway.settings import Settings, settings

if TYPE_CHECKING:
    from aiohttp import ClientSession

TURNED_AWAY = (401, 403)
LONGEST_S = 30.0  # one activity's share; longer loads are several of them


def drive(
    url: str,
    rate_per_s: float,
    duration_s: float,
    timeout_s: float,
    settings_: Settings | None = None,
    *,
    headers: Mapping[str, str] | None = None,
) -> LoadMeasurement:
    """Send GETs to `url` at a steady rate and wait for the last answer, at most `timeout_s` after it was due.

    Each request is a new client's and brings no cookie: those of a router or balancer would keep all of them on the
    side, or the instance, that answered the first.
    An error is a status of 500 or above, 401 or 403 (a load that is turned away at the door measures the door),
    a lost connection or a time-out; redirects are answers. Raises
    ValueError for a rate above 200/s or a duration above 30 s: that is more than one driver can be true to.
    """
    if not 0 < rate_per_s <= DRIVER_RATE_PER_S or not 0 < duration_s <= LONGEST_S:
        raise ValueError(f"one driver cannot send {rate_per_s}/s for {duration_s} s")
    tls = _tls(settings_ or settings())

    def driving() -> LoadMeasurement:
        return asyncio.run(_drive(url, rate_per_s, duration_s, timeout_s, tls, headers))

    with ThreadPoolExecutor(1, thread_name_prefix="load") as own_thread:
        return own_thread.submit(driving).result()


@dataclass
class _Tally:
    """What became of each request, in the order in which they were due."""

    latencies_ms: list[float | None]
    errors: list[bool]
    lags_ms: list[float] = field(default_factory=list)


async def _drive(
    url: str,
    rate_per_s: float,
    duration_s: float,
    timeout_s: float,
    tls: ssl.SSLContext,
    headers: Mapping[str, str] | None,
) -> LoadMeasurement:
    import aiohttp

    loop = asyncio.get_running_loop()
    due = max(1, round(rate_per_s * duration_s))
    tally = _Tally([None] * due, [True] * due)
    connector = aiohttp.TCPConnector(limit=0, ssl=tls)
    new_clients = aiohttp.ClientSession(connector=connector, headers=headers, cookie_jar=aiohttp.DummyCookieJar())
    async with new_clients as session, asyncio.TaskGroup() as under_way:
        gc.collect()  # rather now than in the middle of it
        start = loop.time() + 0.02
        for n in range(due):
            scheduled = start + n / rate_per_s
            if (ahead := scheduled - loop.time()) > 0:
                await asyncio.sleep(ahead)
            under_way.create_task(_request(session, url, n, scheduled, timeout_s, tally))
    lags = sorted(tally.lags_ms)
    lag_p99_ms = round(lags[nearest_rank(0.99, len(lags)) - 1], 3)
    return measurement(tally.latencies_ms, tally.errors, lag_p99_ms, duration_s)


async def _request(
    session: "ClientSession", url: str, n: int, scheduled: float, timeout_s: float, tally: _Tally
) -> None:
    import aiohttp

    loop = asyncio.get_running_loop()
    tally.lags_ms.append((loop.time() - scheduled) * 1000)
    try:
        async with asyncio.timeout_at(scheduled + timeout_s):
            async with session.get(url, allow_redirects=False) as response:
                await response.read()
    except (aiohttp.ClientError, TimeoutError, OSError):
        return  # never answered, and an error
    tally.latencies_ms[n] = (loop.time() - scheduled) * 1000
    tally.errors[n] = response.status >= 500 or response.status in TURNED_AWAY


def _tls(settings_: Settings) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(settings_.ca_file) if settings_.ca_file else None)
