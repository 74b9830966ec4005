"""What an app must bear on Durable Task Scheduler, and what on Azure Storage."""

from datetime import datetime, timedelta

import azure.durable_functions as df
import pytest

from tests.durable_engine.harness import START, World

MEGABYTE = 1024 * 1024


def app() -> df.DFApp:
    app = df.DFApp()

    @app.activity_trigger("message")
    def fail(message: str):
        raise ValueError(message)

    @app.activity_trigger("size")
    def produce(size: int) -> str:
        return "x" * size

    @app.activity_trigger("text")
    def weigh(text: str) -> int:
        return len(text)

    @app.orchestration_trigger("context")
    def careful(context):
        try:
            yield context.call_activity("fail", "no disk")
        except Exception as problem:  # noqa: BLE001  the SDK raises it bare
            return str(problem)

    @app.orchestration_trigger("context")
    def collects(context):
        try:
            return len((yield context.call_activity("produce", context.get_input())))
        except Exception as problem:  # noqa: BLE001  the SDK raises it bare
            return f"refused: {problem}"

    @app.orchestration_trigger("context")
    def hands_on(context):
        return (yield context.call_activity("weigh", "x" * context.get_input()))

    @app.orchestration_trigger("context")
    def boasts(context):
        yield context.call_activity("weigh", "")
        return "x" * context.get_input()

    @app.orchestration_trigger("context")
    def sleeps(context):
        yield context.create_timer(context.current_utc_datetime + timedelta(days=context.get_input()))
        return context.current_utc_datetime.isoformat()

    @app.orchestration_trigger("context")
    def waits_long(context):
        timer = context.create_timer(context.current_utc_datetime + timedelta(days=10))
        event = context.wait_for_external_event("go")
        first = yield context.task_any([timer, event])
        if first is event:
            timer.cancel()
        return "event" if first is event else "timer"

    @app.orchestration_trigger("context")
    def naive(context):
        yield context.create_timer(datetime(2026, 1, 20, 12, 0))
        return context.current_utc_datetime.isoformat()

    @app.orchestration_trigger("context")
    def parent(context):
        yield context.call_sub_orchestrator("careful", None, context.get_input())

    @app.orchestration_trigger("context")
    def tells_entity(context):
        yield context.call_entity(df.EntityId("note", context.get_input()), "write", "x")

    @app.entity_trigger("context")
    def note(context):
        context.set_state(context.get_input())
        context.set_result("written")

    return app


@pytest.mark.parametrize(("backend", "begins"), [("dts", "None \n None"), ("storage", "Activity function 'fail' fail")])
async def test_only_storage_tells_the_orchestrator_why_an_activity_failed(backend, begins):
    async with World(app, backend=backend) as world:
        await world.start("careful")
        await world.run()
        assert (await world.output()).startswith(begins)


async def test_the_storage_backend_waits_for_weeks_in_pieces_of_three_days():
    async with World(app, backend="storage") as world:
        await world.start("sleeps", 14)
        await world.settle()
        assert world.engine.next_due() - START < timedelta(days=3, seconds=1)
        await world.run()
        assert (await world.output()).startswith("2026-01-19T09:00:00")
        fired = [e for e in (await world.status(showHistory="true"))["historyEvents"] if e["EventType"] == "TimerFired"]
        assert len(fired) == 4, "3 + 3 + 3 + 5 days"


async def test_the_scheduler_waits_for_weeks_in_one_timer():
    async with World(app) as world:
        await world.start("sleeps", 14)
        await world.settle()
        assert world.engine.next_due() - START >= timedelta(days=14)


@pytest.mark.parametrize(("backend", "ends"), [("dts", "Completed"), ("storage", "Running")])
async def test_a_cancelled_long_timer_holds_the_instance_on_storage_only(backend, ends):
    async with World(app, backend=backend) as world:
        await world.start("waits_long")
        await world.settle()
        await world.raise_event("one", "go")
        await world.settle()
        assert await world.runtime_status() == ends


async def test_a_naive_time_means_utc_on_the_scheduler_and_fails_on_storage():
    async with World(app) as world:
        await world.start("naive")
        await world.run()
        assert (await world.output()).startswith("2026-01-20T12:00:00")
    async with World(app, backend="storage") as world:
        await world.start("naive")
        await world.run()
        assert "can't compare offset-naive and offset-aware" in await world.failure()


@pytest.mark.parametrize("instance", ["x" * 101, "größe", "tab\u00a0tab"])
async def test_the_scheduler_takes_short_ascii_ids_only(instance):
    async with World(app) as world:
        assert (await world.call("POST", f"orchestrators/careful/{instance}")).status == 400
        await world.start("parent", instance)
        await world.start("tells_entity", instance, "two")
        await world.run()
        assert "Instance ID" in await world.failure()
        assert "Instance ID" in await world.failure("two")
        assert (await world.call("POST", f"entities/note/{instance}", "1", op="write")).status == 400
    async with World(app, backend="storage") as world:
        await world.start("careful", None, instance)
        await world.start("parent", f"{instance}2")
        await world.run()
        assert await world.output(instance)
        assert await world.output() is None


async def test_a_key_counts_with_the_name_of_its_entity():
    async with World(app) as world:
        fits = "k" * (100 - len("@note@"))
        assert (await world.call("POST", f"entities/note/{fits}", "1", op="write")).status == 202
        assert (await world.call("POST", f"entities/note/{fits}k", "1", op="write")).status == 400


async def test_the_scheduler_refuses_payloads_beyond_a_megabyte():
    async with World(app) as world:
        text = "x" * MEGABYTE
        assert (await world.call("POST", "orchestrators/careful/big", text)).status == 400
        await world.start("collects", MEGABYTE, "result")
        await world.start("hands_on", MEGABYTE, "input")
        await world.start("boasts", MEGABYTE, "output")
        await world.start("waits_long", None, "event")
        await world.run(timedelta(0))
        assert await world.raise_event("event", "go", text) == 400
        assert await world.output("result") == "refused: None \n None"
        assert "input of the activity 'weigh' has 1024 KB" in await world.failure("input")
        assert "output of the orchestration has 1024 KB" in await world.failure("output")


async def test_storage_takes_payloads_of_any_size():
    async with World(app, backend="storage") as world:
        await world.start("collects", 2 * MEGABYTE, "result")
        await world.start("hands_on", 2 * MEGABYTE, "input")
        await world.start("boasts", 2 * MEGABYTE, "output")
        await world.run()
        assert await world.output("result") == 2 * MEGABYTE
        assert await world.output("input") == 2 * MEGABYTE
        assert len(await world.output("output")) == 2 * MEGABYTE
