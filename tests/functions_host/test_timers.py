"""Timer triggers on a virtual clock."""

import asyncio
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import azure.functions as func

from tests.functions_host.in_process import START, hosted

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class Diary:
    """What a timer's function has seen: past_due, and the schedule's status."""

    def __init__(self) -> None:
        self.runs: list[bool] = []
        self.statuses: list[dict[str, Any]] = []

    def app(self, schedule: str = "0 0 * * * *", **options: Any) -> func.FunctionApp:
        app = func.FunctionApp()

        @app.timer_trigger(arg_name="tick", schedule=schedule, **options)
        def ticks(tick: func.TimerRequest, context: func.Context) -> None:
            assert context.function_name == "ticks"
            self.runs.append(tick.past_due)
            self.statuses.append(tick.schedule_status)

        return app


async def test_function_runs_at_the_times_of_its_schedule() -> None:
    diary = Diary()
    async with hosted(diary.app("0 */15 8-9 * * *")) as it:
        assert diary.runs == [], "not at the start"
        assert it.host.next_due() == START + 15 * MINUTE
        await it.time.advance_to(START + HOUR)
        assert diary.runs == [False] * 3
        await it.time.advance_to(START + 24 * HOUR)
        assert len(diary.runs) == 3 + 5


async def test_schedule_may_be_a_setting() -> None:
    diary = Diary()
    async with hosted(diary.app("%NIGHTLY%"), settings={"NIGHTLY": "0 0 2 * * *"}) as it:
        assert it.host.next_due() == START + 17 * HOUR


async def test_function_sees_when_it_ran_and_will_run() -> None:
    diary = Diary()
    async with hosted(diary.app()) as it:
        await it.time.advance_to(START + 2 * HOUR)
    first, second = diary.statuses
    assert first["Last"].startswith("0001-01-01")
    assert first["Next"] == (START + HOUR).isoformat()
    assert (second["Last"], second["Next"]) == ((START + HOUR).isoformat(), (START + 2 * HOUR).isoformat())


async def test_runs_missed_while_the_host_was_away_are_made_up_for_by_one(tmp_path: Path) -> None:
    before, after = Diary(), Diary()
    async with hosted(before.app(), tmp_path / "state.sqlite") as it:
        await it.time.advance_to(START + HOUR)
    async with hosted(after.app(), tmp_path / "state.sqlite", start=START + 4.5 * HOUR) as it:
        await it.time.settle()
        assert after.runs == [True]
        await it.time.advance_to(START + 6 * HOUR)
        assert after.runs == [True, False, False]


async def test_first_run_is_not_missed_either(tmp_path: Path) -> None:
    async with hosted(Diary().app(), tmp_path / "state.sqlite"):
        pass
    diary = Diary()
    async with hosted(diary.app(), tmp_path / "state.sqlite", start=START + 2.5 * HOUR) as it:
        await it.time.settle()
    assert diary.runs == [True]


async def test_nothing_is_missed_when_the_host_comes_back_in_time_or_does_not_monitor(tmp_path: Path) -> None:
    for options in ({}, {"use_monitor": False}, {"schedule": "*/20 * * * * *"}):
        state = tmp_path / f"{len(options)}{'schedule' in options}.sqlite"
        before, after = Diary(), Diary()
        async with hosted(before.app(**options), state) as it:
            await it.time.advance_to(START + HOUR)
        away = 0.5 * HOUR if not options else 5.5 * HOUR
        async with hosted(after.app(**options), state, start=START + HOUR + away) as it:
            await it.time.settle()
        assert after.runs == [], options
        assert before.runs, options


async def test_another_schedule_than_before_has_missed_nothing(tmp_path: Path) -> None:
    async with hosted(Diary().app("0 0 * * * *"), tmp_path / "state.sqlite"):
        pass
    diary = Diary()
    async with hosted(diary.app("0 30 * * * *"), tmp_path / "state.sqlite", start=START + 5 * HOUR) as it:
        await it.time.settle()
        assert diary.runs == []
        assert it.host.next_due() == START + 5.5 * HOUR


async def test_run_on_startup_runs_at_the_start_and_then_by_the_schedule() -> None:
    diary = Diary()
    async with hosted(diary.app(run_on_startup=True)) as it:
        await it.time.settle()
        assert diary.runs == [False]
        await it.time.advance_to(START + HOUR)
        assert diary.runs == [False, False]


async def test_one_run_at_a_time_and_what_passed_meanwhile_becomes_one_run() -> None:
    app = func.FunctionApp()
    within, go_on, most, runs = threading.Semaphore(0), threading.Semaphore(0), [0], []

    @app.timer_trigger(arg_name="tick", schedule="0 * * * * *")
    def slow(tick: func.TimerRequest) -> None:
        most[0] += 1
        assert most[0] == 1
        runs.append(tick.past_due)
        within.release()
        go_on.acquire(timeout=30)
        most[0] -= 1

    async with hosted(app) as it:
        it.clock.advance_to(START + MINUTE)
        await asyncio.to_thread(within.acquire, True, 5)
        for minutes in range(2, 10):
            it.clock.advance_to(START + minutes * MINUTE)
            await asyncio.sleep(0)
        go_on.release()
        await asyncio.to_thread(within.acquire, True, 5)
        go_on.release()
        await it.time.settle()
        assert runs == [False, False]
        assert it.host.next_due() == START + 10 * MINUTE


async def test_failing_function_runs_again_at_its_next_time() -> None:
    app, runs = func.FunctionApp(), []

    @app.timer_trigger(arg_name="tick", schedule="0 0 * * * *")
    async def fails(tick: func.TimerRequest) -> None:
        runs.append(tick.past_due)
        raise ValueError("no broom")

    async with hosted(app) as it:
        await it.time.advance_to(START + 3 * HOUR)
    assert runs == [False] * 3


async def test_timer_is_run_by_hand_without_touching_its_schedule() -> None:
    diary = Diary()
    app = diary.app()

    @app.route(route="hello")
    def hello(req: func.HttpRequest) -> str:
        return "hello"

    async with hosted(app) as it, aiohttp.ClientSession(it.url) as client:
        assert (await client.post("/admin/functions/ticks", json={"input": ""})).status == 202
        await it.time.settle()
        assert diary.runs == [False]
        assert it.host.next_due() == START + HOUR
        assert (await client.post("/admin/functions/nobody", json={})).status == 404
        refused = await client.post("/admin/functions/hello", json={})
        assert (refused.status, (await refused.json())["Message"]) == (
            400,
            "function 'hello' has no timer trigger, or is disabled: this host runs only timers by hand",
        )


async def test_disabled_timer_never_runs() -> None:
    diary = Diary()
    async with hosted(diary.app(), settings={"AzureWebJobs.ticks.Disabled": "1"}) as it:
        await it.time.advance_to(START + 5 * HOUR)
    assert diary.runs == []


async def test_clock_is_looked_at_and_moved_over_http() -> None:
    diary = Diary()
    async with hosted(diary.app()) as it, aiohttp.ClientSession(it.url) as client:

        async def move(**how: object) -> tuple[int, dict[str, Any]]:
            answer = await client.post("/admin/clock", json=how)
            return answer.status, await answer.json()

        seen = await (await client.get("/admin/clock")).json()
        assert seen == {"now": START.isoformat(), "nextDue": (START + HOUR).isoformat(), "virtual": True}
        status, seen = await move(advance=5400)
        assert (status, seen["now"], seen["idle"]) == (200, (START + 1.5 * HOUR).isoformat(), True)
        assert diary.runs == [False]
        _, seen = await move(until="2026-01-05T12:00:00")
        assert datetime.fromisoformat(seen["now"]) == START + 3 * HOUR
        assert len(diary.runs) == 3
        _, seen = await move(run="until idle")
        assert datetime.fromisoformat(seen["now"]) == START + 3 * HOUR, "a schedule alone keeps nothing running"
        for wrong in ({}, {"advance": -1}, {"advance": 1, "run": "until idle"}, {"advance": None}, {"stop": True}):
            assert (await move(**wrong))[0] == 400, wrong
        assert (await move(advance=1e18))[0] == 409
