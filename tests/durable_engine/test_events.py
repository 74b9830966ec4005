"""External events: names, order, what is carried into the next generation and what is not; and the waiter pattern."""

from datetime import timedelta

import azure.durable_functions as df
import pytest

from tests.durable_engine.harness import World

M15 = timedelta(minutes=15)


def listeners() -> df.DFApp:
    app = df.DFApp()

    @app.orchestration_trigger("context")
    def listens(context):
        return (yield context.wait_for_external_event(context.get_input()))

    @app.orchestration_trigger("context")
    def listens_later(context):
        yield context.create_timer(context.current_utc_datetime + timedelta(minutes=1))
        return (yield context.wait_for_external_event("go"))

    @app.orchestration_trigger("context")
    def newest_first(context):
        older, newer = context.wait_for_external_event("go"), context.wait_for_external_event("go")
        winner = yield context.task_any([older, newer])
        return "newer" if winner is newer else "older"

    @app.orchestration_trigger("context")
    def gives_up_once(context):
        """The first wait is abandoned when its timer wins; the second must get the event."""
        answer = context.wait_for_external_event("go")
        reminder = context.create_timer(context.current_utc_datetime + M15)
        assert (yield context.task_any([answer, reminder])) is reminder
        yield context.wait_for_external_event("go")
        return (yield context.call_activity("echo", "answered after all"))

    @app.orchestration_trigger("context")
    def waits_in_rounds(context):
        n = context.get_input()
        if n == 3:
            return "three rounds"
        told = yield context.wait_for_external_event("go")
        context.continue_as_new(n + 1)
        return told

    @app.orchestration_trigger("context")
    def asks_first(context):
        told = context.get_input()
        told.append((yield context.call_activity("echo", len(told))))
        told.append((yield context.wait_for_external_event("go")))
        if len(told) >= 6:
            return told
        context.continue_as_new(told)
        return None

    @app.orchestration_trigger("context")
    def spins(context):
        nudge = context.wait_for_external_event("nudge")
        timer = context.create_timer(context.current_utc_datetime + M15)
        if (yield context.task_any([nudge, timer])) is nudge:
            timer.cancel()
        context.continue_as_new(None)

    @app.activity_trigger("x")
    def echo(x):
        return x

    return app


async def test_an_event_is_delivered_as_the_clients_json_text():
    async with World(listeners) as world:
        await world.start("listens", "go")
        await world.settle()
        await world.raise_event("one", "go", {"n": 1})
        await world.settle()
        assert await world.output() == '{"n": 1}'


async def test_an_event_that_comes_before_the_wait_is_kept_for_it():
    async with World(listeners) as world:
        await world.start("listens_later")
        await world.raise_event("one", "go", "early")
        await world.run()
        assert await world.output() == '"early"'


@pytest.mark.filterwarnings("ignore:Potential duplicate")
async def test_an_event_in_another_case_is_consumed_but_never_reaches_the_code():
    async with World(listeners) as world:
        await world.start("listens", "Approve")
        await world.settle()
        await world.raise_event("one", "approve", "lost")
        await world.settle()
        assert await world.runtime_status() == "Running"


async def test_the_newest_of_two_waits_gets_the_event():
    async with World(listeners) as world:
        await world.start("newest_first")
        await world.settle()
        await world.raise_event("one", "go")
        await world.settle()
        assert await world.output() == "newer"


async def test_an_abandoned_wait_does_not_swallow_the_event_of_a_newer_one():
    async with World(listeners) as world:
        await world.start("gives_up_once")
        await world.advance(timedelta(minutes=20))
        await world.raise_event("one", "go")
        await world.settle()
        assert await world.output() == "answered after all"


async def test_events_that_come_after_continue_as_new_in_one_batch_are_carried_over():
    async with World(listeners) as world:
        await world.start("waits_in_rounds", 0)
        await world.settle()
        for n in range(3):
            await world.raise_event("one", "go", n)
        await world.settle()
        assert await world.output() == "three rounds"


async def test_an_unclaimed_event_from_before_continue_as_new_is_dropped():
    async with World(listeners) as world:
        await world.start("asks_first", [])
        await world.raise_event("one", "other", "nobody waits for it")
        await world.settle()
        for n in range(3):
            await world.raise_event("one", "go", n)
            await world.settle()
        assert await world.output() == [0, "0", 2, "1", 4, "2"]


@pytest.mark.filterwarnings("ignore:Potential duplicate")
async def test_a_generation_that_begins_with_the_wait_spins_on_its_used_nudge():
    async with World(listeners) as world:
        await world.start("spins")
        await world.settle()
        await world.raise_event("one", "nudge")
        with pytest.raises(TimeoutError, match=r"still at work after 0\.5 s: one"):
            await world.settle(timeout=0.5)


def gate() -> df.DFApp:
    """The waiter: every generation asks first, then waits once for a nudge or one timer."""
    app = df.DFApp()
    app.asked = 0

    @app.orchestration_trigger("context")
    def waiter(context):
        entity = df.EntityId("door", "front")
        answer = yield context.call_entity(entity, "ask", {"waiter": context.instance_id})
        if answer["open"]:
            return context.current_utc_datetime.isoformat()
        nudge = context.wait_for_external_event("nudge")
        timer = context.create_timer(context.current_utc_datetime + M15)
        if (yield context.task_any([nudge, timer])) is not timer:
            timer.cancel()
        context.continue_as_new(context.get_input())
        return None

    @app.entity_trigger("context")
    def door(context):
        state = context.get_state(lambda: {"open": False})
        if context.operation_name == "ask":
            app.asked += 1
            context.set_result(state)
        else:
            context.set_state({"open": True})
            context.set_result(None)

    return app


async def opened_after(world: World, *, nudges: int, at: timedelta) -> timedelta:
    """Opens the door `at`, nudges so often; returns how long the waiter took from then."""
    await world.start("waiter")
    await world.advance(at)
    await world.signal("door", "front", "open")
    await world.settle()
    for _ in range(nudges):
        await world.raise_event("one", "nudge")
    opened = world.clock.now()
    await world.run()
    await world.output()
    return world.clock.now() - opened


async def test_a_nudge_ends_the_wait_at_once():
    async with World(gate) as world:
        assert await opened_after(world, nudges=1, at=timedelta(minutes=7)) == timedelta(0)


async def test_a_double_nudge_does_no_harm():
    async with World(gate) as world:
        assert await opened_after(world, nudges=2, at=timedelta(minutes=7)) == timedelta(0)


async def test_a_lost_nudge_costs_at_most_the_timer():
    async with World(gate) as world:
        assert await opened_after(world, nudges=0, at=timedelta(minutes=7)) <= M15


async def test_nudges_without_a_change_only_ask_again():
    app = gate()
    async with World(app) as world:
        await world.start("waiter")
        await world.settle()
        for _ in range(10):
            await world.raise_event("one", "nudge")
            await world.settle()
        assert await world.runtime_status() == "Running"
        assert 11 <= app.asked <= 21, "one superfluous generation a nudge at most"
        await world.signal("door", "front", "open")
        await world.run()
        await world.output()


async def test_a_nudge_before_the_first_episode_is_not_needed():
    async with World(gate) as world:
        await world.start("waiter")
        await world.raise_event("one", "nudge")
        await world.signal("door", "front", "open")
        await world.run(timedelta(minutes=16))
        await world.output()


@pytest.mark.parametrize("timer_first", [True, False])
async def test_a_nudge_at_the_very_instant_of_the_timer(timer_first):
    async with World(gate) as world:
        await world.start("waiter")
        await world.settle()
        await world.signal("door", "front", "open")
        await world.settle()
        due = world.engine.next_due()
        assert due is not None
        if timer_first:
            world.clock.advance_to(due)
            await world.raise_event("one", "nudge")
        else:
            await world.raise_event("one", "nudge")
            world.clock.advance_to(due)
        await world.settle()
        await world.output()
        assert world.engine.next_due() is None
