"""Orchestrations as people write them: chains, fans, people who answer or don't, monitors, children, failures."""

from datetime import timedelta

import azure.durable_functions as df
import pytest

from slipway.local.functions.durable.history import Kind
from slipway.local.functions.durable.store import Store
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


def failing() -> df.DFApp:
    app = df.DFApp()
    app.attempts = 0
    app.seen = {}

    @app.activity_trigger("message")
    def fail(message: str):
        raise ValueError(message)

    @app.activity_trigger("times")
    def fail_times(times: int) -> int:
        app.attempts += 1
        if app.attempts <= times:
            raise RuntimeError(f"attempt {app.attempts}")
        return app.attempts

    @app.orchestration_trigger("context")
    def careless(context):
        return (yield context.call_activity("fail", "no disk"))

    @app.orchestration_trigger("context")
    def careful(context):
        told = []
        for call in (
            context.call_activity("fail", "no disk"),
            context.call_sub_orchestrator("careless"),
        ):
            try:
                yield call
            except Exception as problem:  # noqa: BLE001  the SDK raises it bare
                told.append(str(problem))
        return told

    @app.orchestration_trigger("context")
    def stubborn(context):
        options = df.RetryOptions(5_000, 3)
        return (yield context.call_activity_with_retry("fail_times", options, context.get_input()))

    @app.activity_trigger("order")
    def fail_by_name(order: dict) -> str:
        seen = app.seen[order["name"]] = app.seen.get(order["name"], 0) + 1
        if seen < order["good"]:
            raise RuntimeError(order["name"])
        return f"{order['name']} {seen}"

    @app.orchestration_trigger("context")
    def stubborn_fan(context):
        options = df.RetryOptions(5_000, 3)
        orders = [{"name": name, "good": good} for name, good in (("a", 3), ("b", 1), ("c", 2))]
        told = yield context.task_all([context.call_activity_with_retry("fail_by_name", options, o) for o in orders])
        try:
            yield context.call_activity_with_retry("fail_by_name", df.RetryOptions(1, 1), {"name": "d", "good": 2})
        except Exception:  # noqa: BLE001  the SDK raises it bare
            told.append("gave up")
        return told

    @app.orchestration_trigger("context")
    def stubborn_parent(context):
        try:
            yield context.call_sub_orchestrator_with_retry("careless", df.RetryOptions(60_000, 2))
        except Exception as problem:  # noqa: BLE001  the SDK raises it bare
            return str(problem)

    @app.orchestration_trigger("context")
    def mistaken(context):
        try:
            yield {"activity": context.call_activity, "sub": context.call_sub_orchestrator}[context.get_input()]("nope")
        except Exception:  # noqa: BLE001  the SDK raises it bare
            return "caught"

    @app.orchestration_trigger("context")
    def caller(context):
        return (yield context.call_http("GET", "https://example.test/"))

    @app.orchestration_trigger("context")
    def boaster(context):
        context.set_custom_status({"text": "x" * context.get_input()})
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=1))

    @app.orchestration_trigger("context")
    def ouroboros(context):
        yield context.call_sub_orchestrator("careless", None, context.instance_id)

    return app


async def test_a_failed_activity_fails_the_orchestration_in_the_extensions_words():
    async with World(failing, backend="storage") as world:
        await world.start("careless")
        await world.run()
        words = await world.failure()
        assert words.startswith(
            "Orchestrator function 'careless' failed: Activity function 'fail' failed:  ValueError: no disk \n "
        )


async def test_failures_of_activities_and_children_can_be_caught():
    async with World(failing, backend="storage") as world:
        await world.start("careful")
        await world.run()
        activity, child = await world.output()
        assert activity.startswith("Activity function 'fail' failed:  ValueError: no disk \n {")
        assert child.startswith("Orchestrator function 'careless' failed: Activity function 'fail' failed: ")


async def test_an_activity_is_tried_again_after_the_interval():
    async with World(failing) as world:
        await world.start("stubborn", 2)
        await world.run()
        assert await world.output() == 3
        passed = world.clock.now() - START
        assert timedelta(seconds=10) <= passed < timedelta(seconds=10.1)


async def test_after_the_last_attempt_the_last_failure_counts():
    async with World(failing, backend="storage") as world:
        await world.start("stubborn", 99)
        await world.run()
        assert "RuntimeError: attempt 3" in await world.failure()
        assert world.clock.now() - START < timedelta(seconds=10.1), "nobody waits after the last failure"


async def test_attempts_and_the_timers_between_them_take_numbers_as_in_the_extension(tmp_path):
    async with World(failing, tmp_path / "state.sqlite") as world:
        await world.start("stubborn", 99)
        await world.run()
    episodes = Store(tmp_path / "state.sqlite").history("one")
    numbered = [event for episode in episodes for event in episode if event.id >= 0]
    assert [(event.kind, event.id) for event in numbered] == [
        (Kind.TASK_SCHEDULED, 0),
        (Kind.TIMER_CREATED, 1),
        (Kind.TASK_SCHEDULED, 2),
        (Kind.TIMER_CREATED, 3),
        (Kind.TASK_SCHEDULED, 4),
        (Kind.TIMER_CREATED, 5),  # after the last failure: due at once, the SDK waits for it
    ]
    pauses = [event.fire_at - event.at for event in numbered if event.kind is Kind.TIMER_CREATED]
    assert pauses == [timedelta(seconds=5), timedelta(seconds=5), timedelta(0)]


async def test_tries_in_a_fan_do_not_disturb_each_other():
    async with World(failing) as world:
        await world.start("stubborn_fan")
        await world.run()
        assert await world.output() == ["a 3", "b 1", "c 2", "gave up"]
        assert world.clock.now() - START < timedelta(seconds=10.1)


async def test_a_sub_orchestration_is_tried_again_too():
    async with World(failing, backend="storage") as world:
        await world.start("stubborn_parent")
        await world.run()
        assert "no disk" in await world.output()
        assert world.clock.now() - START >= timedelta(minutes=1)


@pytest.mark.parametrize(("kind", "article"), [("activity", "an activity"), ("sub", "an orchestrator")])
async def test_calling_an_unknown_function_fails_the_orchestrator_itself(kind, article):
    async with World(failing) as world:
        await world.start("mistaken", kind)
        await world.run()
        words = f"failed: The function 'nope' doesn't exist, is disabled, or is not {article} function."
        assert words in await world.failure()


async def test_call_http_is_refused_by_name():
    async with World(failing) as world:
        await world.start("caller")
        await world.run()
        assert "does not support call_http" in await world.failure()


async def test_a_custom_status_beyond_16_kb_of_utf16_fails_the_instance():
    async with World(failing) as world:
        await world.start("boaster", 8_000, "fits")
        await world.start("boaster", 9_000, "too-large")
        await world.run()
        assert await world.runtime_status("fits") == "Completed"
        assert "must not exceed 16 KB. The current payload size is 17 KB." in await world.failure("too-large")


async def test_a_child_may_not_have_its_parents_id():
    async with World(failing) as world:
        await world.start("ouroboros")
        await world.run()
        assert "must be different than the instance ID of a parent" in await world.failure()


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
