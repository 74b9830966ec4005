"""A host in virtual time that takes another program along: it is told of each time before the host goes there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import azure.functions as func
import pytest
from aiohttp import web

from slipway.local.functions.tells_time import NotTold, TellsTime
from tests.functions_host.in_process import START, hosted

HOUR = timedelta(hours=1)


class Follower:
    """The other program. `now` is its time, which never goes back; `up`: whether it answers."""

    def __init__(self) -> None:
        self.now = START - HOUR
        self.up = True
        self.url = ""

    async def hear(self, request: web.Request) -> web.Response:
        if not self.up:
            return web.Response(status=500)
        told = datetime.fromisoformat((await request.json())["now"])
        late, self.now = told < self.now, max(self.now, told)
        return web.json_response({"now": self.now.isoformat()}, status=409 if late else 200)

    def told(self) -> TellsTime:
        return TellsTime(self.url, give_up_after_s=0.1)


@asynccontextmanager
async def following() -> AsyncIterator[Follower]:
    follower, application = Follower(), web.Application()
    application.add_routes([web.post("/time", follower.hear)])
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    follower.url = f"http://127.0.0.1:{runner.addresses[0][1]}/time"
    try:
        yield follower
    finally:
        await runner.cleanup()


def hourly(follower: Follower, seen: list[datetime]) -> func.FunctionApp:
    """An app that notes each hour what time it is for the other one."""
    app = func.FunctionApp()

    @app.timer_trigger(arg_name="tick", schedule="0 0 * * * *")
    def ticks(tick: func.TimerRequest) -> None:
        seen.append(follower.now)

    return app


async def test_the_other_one_is_there_before_anything_happens_here() -> None:
    seen: list[datetime] = []
    async with following() as follower, hosted(hourly(follower, seen), tells=follower.told()) as it:
        assert follower.now == START, "from the beginning"
        await it.time.advance_to(START + 2.5 * HOUR)
        assert seen == [START + HOUR, START + 2 * HOUR]
        assert follower.now == it.clock.now() == START + 2.5 * HOUR


async def test_time_stands_while_the_other_one_does_not_answer() -> None:
    seen: list[datetime] = []
    async with following() as follower, hosted(hourly(follower, seen), tells=follower.told()) as it:
        follower.up = False
        with pytest.raises(NotTold, match="answers 500"):
            await it.time.advance_to(START + 2 * HOUR)
        async with aiohttp.ClientSession() as http, http.post(f"{it.url}/admin/clock", json={"advance": 60}) as answer:
            assert (answer.status, "answers 500" in (await answer.json())["Message"]) == (503, True)
        assert (seen, it.clock.now()) == ([], START)
        follower.up = True
        await it.time.advance_to(START + 2 * HOUR)
        assert seen == [START + HOUR, START + 2 * HOUR]


async def test_nobody_at_that_address_is_said_after_a_while() -> None:
    async with following() as follower:
        nowhere = follower.url
    with pytest.raises(NotTold, match="does not answer"):
        await TellsTime(nowhere, give_up_after_s=0.1).tell(START)


async def test_after_a_restart_the_later_time_holds_for_both(tmp_path: Path) -> None:
    state, seen = tmp_path / "state.sqlite", list[datetime]()
    async with following() as follower:
        async with hosted(hourly(follower, seen), state, tells=follower.told()) as it:
            await it.time.advance_to(START + 0.5 * HOUR)
        follower.now = START + 0.75 * HOUR  # it was told, and the host ended before it went there itself
        async with hosted(hourly(follower, seen), state, tells=follower.told()) as it:
            assert it.clock.now() == START + 0.75 * HOUR
        follower.now = START  # it lost its time
        async with hosted(hourly(follower, seen), state, tells=follower.told()) as it:
            assert it.clock.now() == follower.now == START + 0.75 * HOUR
