"""Health probes in real time: each origin of each group is asked, and the last answers are kept."""

import asyncio
import statistics
from collections import defaultdict, deque
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import aiohttp

from slipway.local.azure.front_door.edge import Edge, Origin, OriginGroup

LOOK_EVERY_S = 0.1
MOST_SAMPLES = 255
TIMEOUT_S = 5.0
PROBE = {"User-Agent": "Edge Health Probe", "x-fd-healthprobe": "1"}


class Sample(NamedTuple):
    well: bool
    took_ms: float


class Probes:
    """Of one profile. `edge` is what its edges know now; `told` says what somebody said of an origin's health. What has
    not been looked at yet counts as healthy: an edge that starts does not turn everybody away."""

    def __init__(
        self, http: aiohttp.ClientSession, edge: Callable[[], Edge], told: Callable[[Origin], bool | None]
    ) -> None:
        self._http = http
        self._edge = edge
        self._told = told
        self._samples: dict[str, deque[Sample]] = defaultdict(lambda: deque(maxlen=MOST_SAMPLES))
        self._due: dict[str, float] = {}
        self._running: dict[str, asyncio.Task[None]] = {}

    def well(self, group: OriginGroup, origin: Origin) -> bool:
        last = list(self._samples[origin.path])[-group.sample_size :]
        return len(last) - sum(each.well for each in last) <= group.sample_size - group.required

    def latency_ms(self, group: OriginGroup, origin: Origin) -> float:
        """The median of the last good probes; before the first one, that of the fastest origin."""
        known = {each.path: self._median_ms(group, each) for each in group.origins}
        found = known[origin.path]
        return found if found is not None else min((each for each in known.values() if each is not None), default=0.0)

    async def run(self) -> None:
        """Looks after the origins until it is cancelled."""
        try:
            while True:
                self._begin_what_is_due()
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            running = list(self._running.values())
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def _median_ms(self, group: OriginGroup, origin: Origin) -> float | None:
        last = list(self._samples[origin.path])[-group.sample_size :]
        good = [each.took_ms for each in last if each.well]
        return statistics.median(good) if good else None

    def _begin_what_is_due(self) -> None:
        now = asyncio.get_running_loop().time()
        probed = [group for group in self._edge().groups.values() if group.interval_s]
        for group in probed:
            for origin in group.origins:
                if origin.enabled and now >= self._due.get(origin.path, 0.0) and origin.path not in self._running:
                    self._due[origin.path] = now + group.interval_s
                    self._running[origin.path] = task = asyncio.create_task(self._probe(group, origin))
                    task.add_done_callback(partial(self._forget, origin.path))
                elif not origin.enabled:
                    self._samples.pop(origin.path, None)

    def _forget(self, path: str, _: asyncio.Task[None]) -> None:
        del self._running[path]

    async def _probe(self, group: OriginGroup, origin: Origin) -> None:
        """Only 200 is healthy."""
        clock = asyncio.get_running_loop()
        began = clock.time()
        try:
            url = f"http://127.0.0.1:{origin.host.partition(':')[2]}{group.probe_path}"
            timeout = aiohttp.ClientTimeout(total=min(TIMEOUT_S, group.interval_s))
            async with self._http.request(group.probe_method, url, timeout=timeout, headers=PROBE) as answer:
                found = answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            found = False
        told = self._told(origin)
        well = found if told is None else told
        self._samples[origin.path].append(Sample(well, (clock.time() - began) * 1000))
