"""Orchestrations as people write them: chains, fans, people who answer or don't, monitors, children, failures."""

from datetime import timedelta

import azure.durable_functions as df
import pytest

from tests.durable_engine.harness import START, World


def shop() -> df.DFApp:
    app = df.DFApp()

    @app.orchestration_trigger("context")
    def chain(context):
        told = []
        for city in context.get_input()["cities"]:
            told.append((yield context.call_activity("greet", city)))
        return told

    @app.orchestration_trigger("context")
    def fan(context):
        sizes = yield context.task_all([context.call_activity("measure", word) for word in context.get_input()])
        return sum(sizes)

    @app.orchestration_trigger("context")
    def approval(context):
        answer = context.wait_for_external_event("answer")
        deadline = context.create_timer(context.current_utc_datetime + timedelta(hours=8))
        context.set_custom_status({"waiting": "answer"})
        if (yield context.task_any([answer, deadline])) is deadline:
            return "expired"
        deadline.cancel()
        return f"answered {answer.result}"

    @app.orchestration_trigger("context")
    def monitor(context):
        seen = context.get_input()
        if seen == 1:
            context.set_custom_status({"first": "tick"})
        yield context.create_timer(context.current_utc_datetime + timedelta(minutes=10))
        if seen == 30:
            return {"ticks": seen, "at": context.current_utc_datetime.isoformat()}
        context.continue_as_new(seen + 1)
        return None

    @app.orchestration_trigger("context")
    def family(context):
        children = [context.call_sub_orchestrator("monitor", n, f"{context.instance_id}:{n}") for n in (1, 28, 30)]
        return (yield context.task_all(children))

    @app.activity_trigger("city")
    def greet(city: str) -> str:
        return f"Hello {city}!"

    @app.activity_trigger("word")
    async def measure(word: str) -> int:
        return len(word)

    return app


async def test_a_chain_of_activities_passes_results_along():
    async with World(shop) as world:
        await world.start("chain", {"cities": ["Tokyo", "Seattle", "Łódź"]})
        await world.run()
        assert await world.output() == ["Hello Tokyo!", "Hello Seattle!", "Hello Łódź!"]


async def test_a_fan_out_comes_together_and_an_async_activity_counts_like_any():
    async with World(shop) as world:
        await world.start("FAN", [f"w{n}" for n in range(200)])
        await world.run()
        assert await world.output() == sum(len(f"w{n}") for n in range(200))


async def test_a_person_answers_in_time():
    async with World(shop) as world:
        await world.start("approval")
        await world.advance(timedelta(hours=7))
        assert (await world.status())["customStatus"] == {"waiting": "answer"}
        assert await world.raise_event("one", "answer", {"by": "alice"}) == 202
        await world.settle()
        assert await world.output() == 'answered {"by": "alice"}'
        assert world.engine.next_due() is None, "the cancelled deadline is still set"


async def test_a_person_answers_too_late():
    async with World(shop) as world:
        await world.start("approval")
        await world.advance(timedelta(hours=8, seconds=1))
        assert await world.output() == "expired"
        assert await world.raise_event("one", "answer", "yes") == 410


async def test_an_eternal_monitor_goes_on_for_as_many_generations_as_it_likes():
    async with World(shop) as world:
        await world.start("monitor", 1)
        await world.run()
        output = await world.output()
        assert output["ticks"] == 30
        assert (await world.status())["customStatus"] == {"first": "tick"}, "a custom status outlives its generation"
        assert START + timedelta(hours=5) <= world.clock.now() <= START + timedelta(hours=5, milliseconds=1)


async def test_parents_get_the_last_value_of_children_that_continue_as_new():
    async with World(shop) as world:
        await world.start("family")
        await world.run()
        assert [child["ticks"] for child in await world.output()] == [30, 30, 30]
        assert await world.runtime_status("one:28") == "Completed"


def open_ends() -> df.DFApp:
    app = df.DFApp()
    app.changed = False

    @app.orchestration_trigger("context")
    def impatient(context):
        late = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        yield context.task_any([late, context.call_activity("echo", 1)])
        if context.get_input() == "cancels":
            late.cancel()
        return "early"

    @app.orchestration_trigger("context")
    def first_failure(context):
        wait = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        try:
            yield context.task_all([context.call_activity("boom"), wait])
        except Exception:  # noqa: BLE001  the SDK raises it bare
            return (yield context.call_activity("echo", "after all had ended"))

    @app.orchestration_trigger("context")
    def nothing(context):
        return (yield context.task_all([]))

    @app.orchestration_trigger("context")
    def changing(context):
        yield context.call_activity("echo", 1)
        yield context.call_activity("shout" if app.changed else "echo", 2)
        yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))

    @app.orchestration_trigger("context")
    def shrinking(context):
        if not app.changed:
            yield context.call_activity("echo", 1)
        yield context.wait_for_external_event("go")

    @app.orchestration_trigger("context")
    def ids(context):
        first = [str(context.new_guid()), context.new_uuid(), context.current_utc_datetime.isoformat()]
        yield context.call_activity("echo", 1)
        return [first, [str(context.new_guid()), context.new_uuid(), context.current_utc_datetime.isoformat()]]

    @app.orchestration_trigger("context")
    def once_told(context):
        told = [context.is_replaying]
        for n in range(3):
            yield context.call_activity("echo", n)
            told.append(context.is_replaying)
        return told

    @app.activity_trigger("x")
    def echo(x):
        return x

    @app.activity_trigger("x")
    def shout(x):
        return x

    @app.activity_trigger("x")
    def boom(x):
        raise ValueError("boom")

    return app


async def test_an_orchestration_that_has_returned_stays_running_while_a_timer_is_open():
    async with World(open_ends) as world:
        await world.start("impatient", "leaves the timer", "leaves")
        await world.start("impatient", "cancels", "cancels")
        await world.settle()
        assert await world.output("cancels") == "early"
        assert await world.runtime_status("leaves") == "Running"
        await world.advance(timedelta(hours=1, seconds=1))
        assert await world.output("leaves") == "early"


async def test_after_the_first_failure_of_a_fan_the_next_action_waits_for_all():
    async with World(open_ends) as world:
        await world.start("first_failure")
        await world.advance(timedelta(minutes=59))
        assert await world.runtime_status() == "Running"
        await world.advance(timedelta(minutes=2))
        assert await world.output() == "after all had ended"


async def test_an_empty_fan_yields_nothing():
    async with World(open_ends) as world:
        await world.start("nothing")
        await world.settle()
        assert await world.output() is None


@pytest.mark.filterwarnings("ignore:Potential duplicate")
async def test_changed_code_fails_the_instance_as_non_deterministic():
    app = open_ends()
    async with World(app) as world:
        await world.start("changing", instance="renamed")
        await world.start("shrinking", instance="shrunk")
        await world.settle()
        app.changed = True
        await world.raise_event("shrunk", "go")
        await world.run()
        assert "named 'shout' with this sequence number.  Was a change made" in await world.failure("renamed")
        assert (
            "A previous execution of this orchestration scheduled an activity task with sequence ID 0 and name 'echo' "
            "(version ''), but the current replay execution hasn't (yet?) scheduled this task. Was a change made to "
            "the orchestrator code after this instance had already started running?"
        ) in await world.failure("shrunk")


async def test_ids_and_times_differ_between_episodes_and_runs_even_when_the_clock_stands_still():
    async with World(open_ends) as world:
        seen = []
        for _ in range(3):
            await world.start("ids")
            await world.settle()
            seen += await world.output()
        assert len({item for three in seen for item in three}) == 18


async def test_only_the_newest_episode_is_not_a_replay():
    async with World(open_ends) as world:
        await world.start("once_told")
        await world.settle()
        assert await world.output() == [True, True, True, False]


async def test_an_instance_that_runs_cannot_be_started_again_but_an_ended_one_can():
    async with World(shop) as world:
        await world.start("approval")
        await world.settle()
        again = await world.call("POST", "orchestrators/approval/one")
        assert again.status == 409
        assert b"An Orchestration instance with the status Running already exists." in again.body
        await world.advance(timedelta(hours=9))
        assert await world.output() == "expired"
        await world.start("chain", {"cities": ["Oslo"]})
        await world.settle()
        assert await world.output() == ["Hello Oslo!"]
