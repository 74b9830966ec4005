"""Failures of activities, children and orchestrators, retries, and what is refused."""

from datetime import timedelta

import azure.durable_functions as df
import pytest

from slipway.local.functions.durable.history import Kind
from slipway.local.functions.durable.store import Store
from tests.durable_engine.harness import START, World


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
