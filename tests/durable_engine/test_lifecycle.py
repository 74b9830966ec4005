"""What a client may do to an instance: terminate, suspend, resume, purge; and what that leaves behind."""

import asyncio
import sqlite3
import threading
from datetime import timedelta

import azure.durable_functions as df

from tests.durable_engine.harness import START, World


def works() -> df.DFApp:
    app = df.DFApp()
    app.gate = asyncio.Event()
    app.entered = 0
    app.thinking, app.thought = threading.Event(), threading.Event()

    @app.orchestration_trigger("context")
    def slow(context):
        yield context.call_activity("stuck")
        return "done"

    @app.orchestration_trigger("context")
    def thinks(context):
        app.thinking.set()
        app.thought.wait(30)
        yield context.call_activity("echo", 1)
        return "thought"

    @app.orchestration_trigger("context")
    def asks(context):
        return (yield context.call_entity(df.EntityId("sage", "s"), "ask"))

    @app.entity_trigger("context")
    def sage(context):
        app.thinking.set()
        app.thought.wait(30)
        context.set_result("42")

    @app.orchestration_trigger("context")
    def parent(context):
        try:
            return (yield context.call_sub_orchestrator("naps", 60, "child"))
        except Exception as problem:  # noqa: BLE001  the SDK raises it bare
            return f"child: {problem}"

    @app.orchestration_trigger("context")
    def naps(context):
        yield context.create_timer(context.current_utc_datetime + timedelta(minutes=context.get_input()))
        yield context.call_activity("echo", "woke")
        return context.current_utc_datetime.isoformat()

    @app.orchestration_trigger("context")
    def listens(context):
        told = []
        for _ in range(3):
            told.append((yield context.wait_for_external_event("go")))
        return told

    @app.activity_trigger("x")
    async def stuck(x):
        app.entered += 1
        await app.gate.wait()

    @app.activity_trigger("x")
    def echo(x):
        return x

    return app


async def entered(app: df.DFApp) -> None:
    async with asyncio.timeout(5):
        while not app.entered:
            await asyncio.sleep(0.001)


async def test_termination_ends_an_instance_at_once_and_drops_what_still_comes():
    app = works()
    async with World(app) as world:
        await world.start("slow")
        await entered(app)
        assert (await world.call("POST", "instances/one/terminate", reason="stop it")).status == 202
        status = await world.status()
        assert (status["runtimeStatus"], status["output"]) == ("Terminated", "stop it")
        app.gate.set()
        await world.settle()
        assert (await world.status()) == status
        for operation in ("terminate", "suspend", "resume"):
            assert (await world.call("POST", f"instances/one/{operation}", reason="again")).status == 410


async def test_an_episode_that_was_under_way_at_the_termination_has_no_effect():
    app = works()
    async with World(app) as world:
        await world.start("thinks")
        await asyncio.to_thread(app.thinking.wait, 5)
        await world.call("POST", "instances/one/terminate", reason="enough")
        app.thought.set()
        await world.settle()
        assert await world.runtime_status() == "Terminated"


async def test_an_episode_of_a_terminated_run_has_no_effect_on_the_run_that_took_its_place():
    app = works()
    async with World(app) as world:
        await world.start("thinks")
        await asyncio.to_thread(app.thinking.wait, 5)
        await world.call("POST", "instances/one/terminate", reason="enough")
        await world.start("naps", 5)
        app.thought.set()
        await world.settle()
        assert await world.runtime_status() == "Running"
        await world.run()
        assert await world.output() >= (START + timedelta(minutes=5)).isoformat()


async def test_an_entitys_answer_to_a_terminated_caller_is_dropped(tmp_path):
    app = works()
    async with World(app, tmp_path / "state.sqlite") as world:
        await world.start("asks")
        await asyncio.to_thread(app.thinking.wait, 5)
        await world.call("POST", "instances/one/terminate", reason="enough")
        app.thought.set()
        await world.settle()
        assert await world.runtime_status() == "Terminated"
    file = sqlite3.connect(tmp_path / "state.sqlite")
    assert file.execute("SELECT count(*) FROM inbox").fetchone() == (0,)
    file.close()


async def test_the_parent_of_a_terminated_child_hears_of_it():
    async with World(works) as world:
        await world.start("parent")
        await world.settle()
        await world.call("POST", "instances/child/terminate", reason="not you")
        await world.settle()
        assert await world.output() == "child: not you \n None"
        assert world.engine.next_due() is None


async def test_a_suspended_instance_does_nothing_until_it_is_resumed_and_then_catches_up():
    async with World(works) as world:
        await world.start("naps", 10)
        await world.settle()
        assert (await world.call("POST", "instances/one/suspend", reason="lunch")).status == 202
        assert (await world.call("POST", "instances/one/suspend", reason="again")).status == 500
        await world.advance(timedelta(hours=1))
        assert await world.runtime_status() == "Suspended"
        assert (await world.call("POST", "orchestrators/naps/one")).status == 409
        assert (await world.call("POST", "instances/one/resume", reason="back")).status == 202
        assert (await world.call("POST", "instances/one/resume", reason="again")).status == 500
        await world.settle()
        assert (await world.output()) >= (START + timedelta(hours=1)).isoformat()


async def test_events_raised_while_suspended_are_kept():
    async with World(works) as world:
        await world.start("listens")
        await world.raise_event("one", "go", 1)
        await world.settle()
        await world.call("POST", "instances/one/suspend", reason="")
        assert await world.raise_event("one", "go", 2) == 202
        await world.settle()
        await world.call("POST", "instances/one/resume", reason="")
        await world.settle()
        await world.raise_event("one", "go", 3)
        await world.settle()
        assert await world.output() == ["1", "2", "3"]


async def test_an_instance_may_be_suspended_before_it_has_begun():
    async with World(works) as world:
        await world.start("naps", 1)
        await world.call("POST", "instances/one/suspend", reason="")
        await world.advance(timedelta(minutes=5))
        assert await world.runtime_status() == "Suspended"
        await world.call("POST", "instances/one/resume", reason="")
        await world.run()
        await world.output()


async def test_a_purged_instance_is_unknown_and_its_work_goes_nowhere():
    app = works()
    async with World(app) as world:
        await world.start("slow")
        await entered(app)
        assert (await world.call("DELETE", "instances/one")).status == 200
        assert (await world.call("DELETE", "instances/one")).status == 404
        app.gate.set()
        await world.settle()
        assert await world.status() == {}
        assert await world.raise_event("one", "go") == 404
        await world.start("naps", 1)
        await world.run()
        await world.output()


async def test_purging_a_selection_takes_only_what_has_ended_in_that_time():
    async with World(works) as world:
        await world.start("naps", 1, "old")
        await world.run()
        await world.advance(timedelta(days=1))
        await world.start("naps", 1, "new")
        await world.start("naps", 600, "running")
        await world.advance(timedelta(minutes=2))
        morning = (START + timedelta(days=1)).isoformat()
        answer = await world.call("DELETE", "instances/", createdTimeFrom=morning)
        assert answer.body == b'{"instancesDeleted": 1}'
        assert await world.status("new") == {}
        assert await world.runtime_status("running") == "Running"
        assert await world.runtime_status("old") == "Completed"
        assert (await world.call("DELETE", "instances/")).status == 400


async def test_a_stop_with_grace_records_what_is_running_and_begins_nothing_more(tmp_path):
    app = works()
    world = World(app, tmp_path / "state.sqlite")
    await world.engine.start()
    await world.start("slow")
    await entered(app)
    stopping = asyncio.create_task(world.engine.stop(grace_s=5))
    await asyncio.sleep(0)
    app.gate.set()
    await stopping
    later = works()
    async with World(later, tmp_path / "state.sqlite") as again:
        await again.settle()
        assert await again.output() == "done"
        assert later.entered == 0
