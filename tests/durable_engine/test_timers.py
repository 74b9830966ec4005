"""Timers that are cancelled, that belong to an older generation, that fire together."""

from datetime import timedelta

import azure.durable_functions as df

from tests.durable_engine.harness import START, World


def clocks() -> df.DFApp:
    app = df.DFApp()

    @app.orchestration_trigger("context")
    def sleeps(context):
        for seconds in context.get_input():
            yield context.create_timer(context.current_utc_datetime + timedelta(seconds=seconds))
        return context.current_utc_datetime.isoformat()

    @app.orchestration_trigger("context")
    def renews(context):
        """Each generation's timer has the number 0, and is cancelled by an event."""
        n = context.get_input()
        yield context.call_activity("echo", n)
        go = context.wait_for_external_event(f"go{n}")
        timer = context.create_timer(context.current_utc_datetime + timedelta(minutes=10))
        if (yield context.task_any([go, timer])) is timer:
            return f"timer of generation {n} at {context.current_utc_datetime:%H:%M}"
        timer.cancel()
        context.continue_as_new(n + 1)
        return None

    @app.orchestration_trigger("context")
    def rounds(context):
        """In every round a new timer with the same deadline, beside a new wait."""
        deadline = context.current_utc_datetime + timedelta(hours=1)
        seen = 0
        while True:
            event = context.wait_for_external_event("tick")
            timer = context.create_timer(deadline)
            if (yield context.task_any([event, timer])) is timer:
                return seen
            timer.cancel()
            seen += 1

    @app.orchestration_trigger("context")
    def cancels_late(context):
        timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=1))
        yield timer
        timer.cancel()

    @app.activity_trigger("x")
    def echo(x):
        return x

    return app


async def test_timers_fire_at_their_time_in_their_order():
    async with World(clocks) as world:
        for n in range(20):
            await world.start("sleeps", [100 - n, n, 7], f"s{n:02}")
        await world.run()
        ends = [await world.output(f"s{n:02}") for n in range(20)]
        assert all(end.startswith("2026-01-05T09:01:47") for end in ends)


async def test_a_year_passes_in_one_timer():
    async with World(clocks) as world:
        await world.start("sleeps", [365 * 86_400])
        await world.advance(timedelta(days=364))
        assert await world.runtime_status() == "Running"
        await world.advance(timedelta(days=1, seconds=1))
        assert (await world.output()).startswith("2027-01-05T09:00:00")


async def test_a_timer_of_an_older_generation_never_ends_the_wait_of_a_newer_one():
    async with World(clocks) as world:
        await world.start("renews", 0)
        await world.advance(timedelta(minutes=9))
        await world.raise_event("one", "go0")
        await world.advance(timedelta(minutes=2))
        assert await world.runtime_status() == "Running"
        await world.run()
        assert await world.output() == "timer of generation 1 at 09:19"


async def test_a_timer_that_fires_while_its_generation_is_ending_is_thrown_away():
    async with World(clocks) as world:
        await world.start("renews", 0)
        await world.settle()
        await world.raise_event("one", "go0")  # both are in the inbox when the episode begins
        world.clock.advance_to(START + timedelta(minutes=10, seconds=1))
        await world.settle()
        assert await world.runtime_status() == "Running"
        await world.run()
        assert await world.output() == "timer of generation 1 at 09:20"


async def test_rounds_of_new_timers_keep_one_deadline():
    async with World(clocks) as world:
        await world.start("rounds")
        for _ in range(5):
            await world.advance(timedelta(minutes=10))
            await world.raise_event("one", "tick")
            await world.settle()
        await world.run()
        assert await world.output() == 5
        assert world.clock.now() - START < timedelta(hours=1, seconds=1)


async def test_cancelling_a_timer_that_has_fired_fails_the_instance():
    async with World(clocks) as world:
        await world.start("cancels_late")
        await world.run()
        assert "Cannot cancel a completed task." in await world.failure()
