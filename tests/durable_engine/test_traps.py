"""A laptop that is kinder than Azure hides bugs: what hangs, fails or is lost there does so here.

The other traps of this kind are in test_backends (words of a failed activity, naive times), test_events (names, dropped
and doubled events, generations that begin with the wait) and test_orchestrations (open timers, task_all).
"""

from datetime import timedelta, timezone

import azure.durable_functions as df
import pytest

from tests.durable_engine.harness import START, World

M1 = timedelta(minutes=1)


def trapped() -> df.DFApp:
    app = df.DFApp()

    @app.orchestration_trigger("context")
    def uses_its_deadline_again(context):
        deadline = context.create_timer(context.current_utc_datetime + M1)
        yield context.task_any([context.call_activity("echo", 1), deadline])
        yield context.task_any([context.wait_for_external_event("go"), deadline])
        return "the deadline passed"

    @app.orchestration_trigger("context")
    def takes_a_new_deadline(context):
        at = context.current_utc_datetime + M1
        first = context.create_timer(at)
        yield context.task_any([context.call_activity("echo", 1), first])
        first.cancel()
        yield context.task_any([context.wait_for_external_event("go"), context.create_timer(at)])
        return "the deadline passed"

    @app.orchestration_trigger("context")
    def hears_one_event_twice(context):
        yield context.create_timer(context.current_utc_datetime + M1)
        first = yield context.wait_for_external_event("go")
        return [first, (yield context.wait_for_external_event("go"))]

    @app.orchestration_trigger("context")
    def hears_late(context):
        yield context.create_timer(context.current_utc_datetime + M1)
        return (yield context.wait_for_external_event("go"))

    @app.orchestration_trigger("context")
    def cleans_up(context):
        try:
            yield context.call_activity("echo", 1)
            yield context.call_activity("echo", 2)
        finally:
            app.cleaned += 1

    @app.orchestration_trigger("context")
    def nests(context):
        group = context.task_all([context.call_activity("boom"), context.call_activity("echo", 1)])
        yield context.task_any([group, context.create_timer(context.current_utc_datetime + M1)])
        yield context.call_activity("echo", 2)
        yield context.wait_for_external_event("go")

    @app.orchestration_trigger("context")
    def times_in_another_zone(context):
        at = (context.current_utc_datetime + M1).astimezone(timezone(timedelta(hours=2)))
        yield context.create_timer(at)
        return context.current_utc_datetime.isoformat()

    @app.orchestration_trigger("context")
    def clears_its_status(context):
        context.set_custom_status({"state": "waiting"})
        yield context.call_activity("echo", 1)
        context.set_custom_status({})
        yield context.wait_for_external_event("go")

    @app.orchestration_trigger("context")
    def names_by_function(context):
        return (yield context.call_activity(echo_builder, 1))

    @app.orchestration_trigger("context")
    async def is_async(context):
        return 1

    @app.entity_trigger("context")
    async def is_async_too(context):
        context.set_state("set")

    @app.entity_trigger("context")
    def is_plain(context):
        context.set_state("set")

    app.cleaned = 0

    @app.activity_trigger("x")
    def echo(x):
        return x

    @app.function_name("registered")
    @app.activity_trigger("x", activity="registered")
    def echo_builder(x):
        return x

    @app.activity_trigger("x")
    def boom(x):
        raise ValueError("boom")

    return app


async def test_a_deadline_that_is_used_again_never_ends_the_second_wait():
    async with World(trapped) as world:
        await world.start("uses_its_deadline_again", None, "hangs")
        await world.start("takes_a_new_deadline", None, "ends")
        await world.advance(timedelta(hours=3))
        assert await world.runtime_status("hangs") == "Running"
        assert await world.output("ends") == "the deadline passed"


@pytest.mark.filterwarnings("ignore:Potential duplicate")
async def test_of_two_early_events_the_last_counts_and_one_event_for_two_waits_never_ends():
    async with World(trapped) as world:
        await world.start("hears_one_event_twice", None, "twice")
        await world.start("hears_late", None, "late")
        await world.raise_event("twice", "go", 1)
        for n in (1, 2):
            await world.raise_event("late", "go", n)
        await world.settle()
        await world.advance(2 * M1)
        assert await world.runtime_status("twice") == "Running", "the code has both, the extension waits for a second"
        assert await world.output("late") == "2"


async def test_what_stands_in_finally_runs_at_the_end_of_every_episode():
    app = trapped()
    async with World(app) as world:
        await world.start("cleans_up")
        await world.settle()
        assert app.cleaned > 1


@pytest.mark.filterwarnings("ignore:Potential duplicate")
async def test_a_failure_within_a_composite_within_a_composite_fails_the_instance():
    async with World(trapped) as world:
        await world.start("nests")
        await world.settle()
        status = await world.status()
        assert status["runtimeStatus"] == "Failed"
        assert "Parent Task" in str(status["output"])


async def test_a_time_in_another_zone_is_hours_off():
    async with World(trapped) as world:
        await world.start("times_in_another_zone")
        await world.advance(timedelta(minutes=5))
        assert await world.runtime_status() == "Running"
        await world.advance(timedelta(hours=2))
        assert await world.output() >= (START + timedelta(hours=2)).isoformat()


async def test_a_status_cannot_be_cleared():
    async with World(trapped) as world:
        await world.start("clears_its_status")
        await world.settle()
        assert (await world.status())["customStatus"] == {"state": "waiting"}


async def test_an_activity_that_is_named_by_its_function_is_not_found_under_its_registered_name():
    async with World(trapped) as world:
        await world.start("names_by_function")
        await world.settle()
        assert await world.runtime_status() == "Failed"
        assert "echo_builder" in str((await world.status())["output"])


async def test_an_async_orchestrator_fails():
    async with World(trapped) as world:
        await world.start("is_async")
        await world.settle()
        assert await world.runtime_status() == "Failed"


async def test_an_async_entity_silently_does_nothing():
    async with World(trapped) as world:
        await world.signal("is_async_too", "1", "set")
        await world.signal("is_plain", "1", "set")
        await world.settle()
        assert await world.entity("is_plain", "1") == "set"
        assert await world.entity("is_async_too", "1") is None
