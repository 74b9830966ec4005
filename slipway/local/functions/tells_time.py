"""Telling another program what time it is going to be, before it is: so that both have one virtual time.

The other one answers `POST {"now": time}` with `{"now": time}` once it has caught up: 200, or 409 when its time is
later already, which then holds for both. What does not answer is asked again for a while; meanwhile time stands.
"""

import asyncio
import ssl
import time
from datetime import datetime
from pathlib import Path

import aiohttp
from pydantic import AwareDatetime, BaseModel, ValidationError

ASK_AGAIN_S = 0.2
ANSWERS_WITHIN_S = 60.0
GIVE_UP_AFTER_S = 30.0
LATER_ALREADY = 409


class NotTold(OSError):
    """The other program does not answer, or not with a time."""


class TimeThere(BaseModel):
    """The other program's time, as it answers it."""

    now: AwareDatetime


class TellsTime:
    """`url` is where the other program hears of time; `authority` is a CA file for https. Use within one event loop."""

    def __init__(self, url: str, authority: Path | None = None, give_up_after_s: float = GIVE_UP_AFTER_S) -> None:
        self._url = url
        self._give_up_after_s = give_up_after_s
        self._trust = ssl.create_default_context(cafile=authority) if authority else True
        self._http: aiohttp.ClientSession | None = None

    async def tell(self, moment: datetime) -> datetime:
        """The time that holds for both from now on: `moment`, or the other one's if that is later. Raises NotTold."""
        give_up_at = time.monotonic() + self._give_up_after_s
        while True:
            try:
                theirs = await self._told(moment)
            except (aiohttp.ClientError, TimeoutError) as error:
                if time.monotonic() > give_up_at:
                    raise NotTold(f"{self._url} does not answer, and time stands: {error!r}") from error
                await asyncio.sleep(ASK_AGAIN_S)
                continue
            if theirs < moment:
                raise NotTold(f"{self._url} stays at {theirs.isoformat()} and does not go on to {moment.isoformat()}")
            return theirs

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def _told(self, moment: datetime) -> datetime:
        if self._http is None:
            timeout = aiohttp.ClientTimeout(total=ANSWERS_WITHIN_S)
            self._http = aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(ssl=self._trust))
        async with self._http.post(self._url, json={"now": moment.isoformat()}) as answer:
            if not answer.ok and answer.status != LATER_ALREADY:
                raise NotTold(f"{self._url} answers {answer.status}: {(await answer.text())[:200]}")
            try:
                return TimeThere.model_validate_json(await answer.read()).now
            except ValidationError as error:
                raise NotTold(f"{self._url} answers {answer.status} without its time: {error}") from error
