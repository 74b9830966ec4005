"""An open loop: requests come when they come, however slow the answers are, as those of many users do.

A closed loop, where each user waits for an answer, sends least when a release is at its worst.
"""

import asyncio
import random
from collections.abc import Sequence

import aiohttp

from slipway.local.traffic.tally import Tally

MOST_OUT = 2000
TIMEOUT_S = 10.0
USER = "x-user"


class Generator:
    """Sends `per_second` requests in the mean, at random moments (Poisson), to one of `urls` each. No cookie is kept:
    every request is another user's; or one of so many `users`, who say who they are (`x-user`)."""

    def __init__(self, urls: Sequence[str], per_second: float, seed: int | None = None, users: int = 0) -> None:
        self._urls = urls
        self._per_second = per_second
        self._random = random.Random(seed)
        self._users = users
        self._out: set[asyncio.Task[None]] = set()
        self.tally = Tally()

    async def run(self, stop: asyncio.Event, for_s: float | None = None) -> None:
        """Until `stop` is set, or that long; then what is out is waited for, and counted."""
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
        ) as http:
            await self._send(http, stop, for_s)
            await asyncio.gather(*self._out)

    async def _send(self, http: aiohttp.ClientSession, stop: asyncio.Event, for_s: float | None) -> None:
        loop = asyncio.get_running_loop()
        began = due = loop.time()
        while not stop.is_set() and (for_s is None or due - began < for_s):
            await asyncio.sleep(max(0.0, due - loop.time()))
            # After a pause of ours, all that is due by now: the rate is kept, and the delay is told.
            now = loop.time()
            self.tally.late_ms = max(self.tally.late_ms, (now - due) * 1000)
            while due <= now and (for_s is None or due - began < for_s):
                self._send_one(http)
                due += self._random.expovariate(self._per_second)

    def _send_one(self, http: aiohttp.ClientSession) -> None:
        if len(self._out) >= MOST_OUT:
            self.tally.unsent += 1
            return
        task = asyncio.create_task(self._request(http, self._random.choice(self._urls)))
        self._out.add(task)
        task.add_done_callback(self._out.discard)

    async def _request(self, http: aiohttp.ClientSession, url: str) -> None:
        try:
            async with http.get(url, allow_redirects=False, headers=self._user()) as answer:
                await answer.read()
                self.tally.answered(answer.headers.get("x-version", ""), answer.status)
        except (aiohttp.ClientError, TimeoutError):
            self.tally.not_answered()

    def _user(self) -> dict[str, str]:
        return {USER: f"user-{self._random.randrange(self._users)}"} if self._users else {}
