"""What Traffic Manager knows of the health of its endpoints.

Nothing runs in the background: whoever asks has an endpoint looked at that is due, and one look counts for all that
have been due since the last one. So real and virtual time are the same.
"""

from dataclasses import dataclass
from datetime import datetime

import aiohttp

from slipway.local.azure.clock import Now

PROBE = {"User-Agent": "Azure Traffic Manager Endpoint Monitor"}
TIMEOUT_S = 10.0
CHECKING, ONLINE, DEGRADED, DISABLED = "CheckingEndpoint", "Online", "Degraded", "Disabled"


@dataclass
class Probed:
    """`failures` in a row; `at` is the last look."""

    status: str = CHECKING
    failures: int = 0
    at: datetime | None = None


class Health:
    """Of the endpoints of one profile, which are probed every `interval_s`: `tolerated` failures in a row are borne."""

    def __init__(self, http: aiohttp.ClientSession, path: str, interval_s: float, tolerated: int, now: Now) -> None:
        self._http = http
        self._path = path
        self._interval_s = interval_s
        self._tolerated = tolerated
        self._now = now
        self._probed: dict[str, Probed] = {}

    def last(self, endpoint: str, enabled: bool) -> str:
        """What is known of an endpoint without a new look."""
        if not enabled:
            self._probed.pop(endpoint, None)  # and begins anew when it is enabled again
            return DISABLED
        return self._probed.setdefault(endpoint, Probed()).status

    async def status(self, endpoint: str, port: int, enabled: bool) -> str:
        """`endpointMonitorStatus`."""
        self.last(endpoint, enabled)
        probed = self._probed.get(endpoint)
        if not enabled or probed is None:
            return DISABLED
        now = self._now()
        since_s = (now - probed.at).total_seconds() if probed.at else self._interval_s
        if since_s < self._interval_s:
            return probed.status
        probed.at = now
        if await self._answers(port):
            probed.failures, probed.status = 0, ONLINE
        else:
            probed.failures += max(1, int(since_s / self._interval_s)) if self._interval_s else 1
            if probed.failures > self._tolerated:
                probed.status = DEGRADED
        return probed.status

    async def _answers(self, port: int) -> bool:
        """Only 200 is healthy."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        try:
            url = f"http://127.0.0.1:{port}{self._path}"
            async with self._http.get(url, timeout=timeout, headers=PROBE, allow_redirects=False) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False
