"""The SDK's own client against the durable HTTP API over a socket."""

from datetime import timedelta

import azure.durable_functions as df
import azure.functions as func
import pytest
from azure.durable_functions import OrchestrationRuntimeStatus as Runtime

from tests.durable_engine.harness import START, World


def greeter() -> df.DFApp:
    app = df.DFApp()

    @app.orchestration_trigger("context")
    def greets(context):
        context.set_custom_status({"step": "waiting"})
        name = yield context.wait_for_external_event("name")
        greeting = yield context.call_activity("greet", name)
        yield context.create_timer(context.current_utc_datetime + timedelta(seconds=1))
        return {"said": greeting, "input": context.get_input(), "version": context.version}

    @app.orchestration_trigger("context")
    def fails(context):
        raise ValueError("on purpose")
        yield

    @app.orchestration_trigger("context")
    def waits(context):
        yield context.wait_for_external_event("go")

    @app.orchestration_trigger("context")
    def nudges(context):
        return (yield context.call_activity("nudge", context.get_input()))

    @app.activity_trigger("name")
    def greet(name: str) -> str:
        return f"Hello {name}"

    @app.activity_trigger("who")
    @app.durable_client_input(client_name="client")
    async def nudge(who, client):
        told = []
        for instance in who:
            try:
                await client.raise_event(instance, "go", None)
                told.append("nudged")
            except Exception as problem:  # noqa: BLE001  the SDK raises it bare
                told.append(str(problem))
        return told

    @app.entity_trigger("context")
    def note(context):
        if context.operation_name == "write":
            context.set_state(context.get_input())
        elif context.operation_name == "wipe":
            context.destruct_on_exit()

    return app


async def test_start_status_event_and_output():
    async with World(greeter) as world:
        client = await world.client()
        assert await client.start_new("greets", "g1", {"n": [1, 2]}, version="7") == "g1"
        await world.settle()
        status = await client.get_status("g1", show_input=True)
        assert status.name == "greets"
        assert status.runtime_status is Runtime.Running
        assert status.custom_status == {"step": "waiting"}
        assert status.input_ == '{"n": [1, 2]}'
        assert status.created_time == START
        await client.raise_event("g1", "name", "Ada")
        await world.run()
        status = await client.get_status("g1")
        assert status.runtime_status is Runtime.Completed
        assert status.output == {"said": 'Hello "Ada"', "input": {"n": [1, 2]}, "version": "7"}


async def test_an_instance_gets_an_id_when_none_is_given():
    async with World(greeter) as world:
        client = await world.client()
        one, two = await client.start_new("waits"), await client.start_new("waits")
        assert one != two
        assert (await client.get_status(one)).runtime_status in (Runtime.Pending, Runtime.Running)


async def test_what_cannot_be_started_is_refused_in_words():
    async with World(greeter) as world:
        client = await world.client()
        await client.start_new("waits", "w")
        with pytest.raises(Exception, match=r"An Orchestration instance with the status .* already exists"):
            await client.start_new("waits", "w")
        with pytest.raises(Exception, match="The function 'nobody' doesn't exist, is disabled"):
            await client.start_new("nobody")
        with pytest.raises(Exception, match="must not start with @"):
            await client.start_new("waits", "@w")
        with pytest.raises(Exception, match="must not exceed 100 characters"):
            await client.start_new("waits", "w" * 101)


async def test_the_history_shows_what_happened_with_results_on_request():
    async with World(greeter) as world:
        client = await world.client()
        await client.start_new("greets", "g1")
        await client.raise_event("g1", "name", "Ada")
        await world.run()
        status = await client.get_status("g1", show_history=True, show_history_output=True)
        events = status.historyEvents
        assert [event["EventType"] for event in events] == [
            "ExecutionStarted",
            "EventRaised",
            "TaskCompleted",
            "TimerFired",
            "ExecutionCompleted",
        ]
        assert events[2]["FunctionName"] == "greet"
        assert events[2]["Result"] == 'Hello "Ada"'
        assert events[-1]["OrchestrationStatus"] == "Completed"
        without = await client.get_status("g1", show_history=True)
        assert not any("Result" in event for event in without.historyEvents)


async def test_failed_and_unknown_instances():
    async with World(greeter) as world:
        client = await world.client()
        await client.start_new("fails", "f1")
        await world.settle()
        status = await client.get_status("f1")
        assert status.runtime_status is Runtime.Failed
        assert status.output == "Orchestrator function 'fails' failed: on purpose"
        assert not await client.get_status("nobody")
        with pytest.raises(Exception, match="No instance with ID nobody found"):
            await client.raise_event("nobody", "go")
        with pytest.raises(Exception, match="is gone"):
            await client.raise_event("f1", "go")
        with pytest.raises(Exception, match="No instance with ID 'nobody' found"):
            await client.terminate("nobody", "why")
        await client.terminate("f1", "already ended: no matter")


async def test_suspend_resume_terminate_and_purge():
    async with World(greeter) as world:
        client = await world.client()
        await client.start_new("waits", "w1")
        await world.settle()
        await client.suspend("w1", "a break")
        assert (await client.get_status("w1")).runtime_status is Runtime.Suspended
        await client.resume("w1", "go on")
        assert (await client.get_status("w1")).runtime_status is Runtime.Running
        await client.terminate("w1", "enough & over")
        status = await client.get_status("w1")
        assert (status.runtime_status, status.output) == (Runtime.Terminated, "enough & over")
        assert (await client.purge_instance_history("w1")).instances_deleted == 1
        assert (await client.purge_instance_history("w1")).instances_deleted == 0


async def test_a_restart_runs_the_same_function_on_the_same_input_again():
    async with World(greeter) as world:
        client = await world.client()
        await client.start_new("nudges", "n1", ["nobody"])
        await world.settle()
        first = await client.get_status("n1")
        again = await client.restart("n1")
        await world.settle()
        second = await client.get_status(again["id"])
        assert again["id"] != "n1"
        assert (second.name, second.input_, second.output) == (first.name, first.input_, first.output)
        assert (await client.restart("n1", restart_with_new_instance_id=False))["id"] == "n1"
        await client.start_new("waits", "w1")
        with pytest.raises(Exception, match="409"):
            await client.restart("w1", restart_with_new_instance_id=False)


async def test_lists_can_be_narrowed_and_stop_at_a_hundred():
    async with World(greeter) as world:
        client = await world.client()
        for n in range(101):
            await client.start_new("waits", f"w-{n:03}")
        await client.start_new("fails", "f-1")
        await world.settle()
        assert len(await client.get_status_all()) == 100
        prefixed = await client.get_status_by(instance_id_prefix="w-09")
        assert [status.instance_id for status in prefixed] == [f"w-09{n}" for n in range(10)]
        failed = await client.get_status_by(runtime_status=[Runtime.Failed, Runtime.Terminated])
        assert [status.instance_id for status in failed] == ["f-1"]
        assert await client.get_status_by(created_time_from=START + timedelta(hours=1)) == []
        page = await world.call("GET", "instances/", top="60")
        token = page.headers["x-ms-continuation-token"]
        assert token == "w-058"
        purged = await client.purge_instance_history_by(START - timedelta(days=1), runtime_status=[Runtime.Failed])
        assert purged.instances_deleted == 1


async def test_entities_are_signalled_and_read():
    async with World(greeter) as world:
        client = await world.client()
        entity = df.EntityId("Note", "Monday")
        assert not (await client.read_entity_state(entity)).entity_exists
        await client.signal_entity(entity, "write", {"text": "hello"})
        await world.settle()
        state = await client.read_entity_state(entity)
        assert (state.entity_exists, state.entity_state) == (True, {"text": "hello"})
        listed = await world.call("GET", "entities/note", fetchState="true")
        assert b'"key": "Monday"' in listed.body and b'"text": "hello"' in listed.body
        await client.signal_entity(entity, "wipe")
        await world.settle()
        assert not (await client.read_entity_state(entity)).entity_exists
        with pytest.raises(Exception, match="unexpected status code 400"):
            await client.signal_entity(df.EntityId("nobody", "x"), "write", 1)


async def test_an_activity_with_a_client_nudges_others():
    async with World(greeter) as world:
        client = await world.client()
        await client.start_new("waits", "w1")
        await client.start_new("nudges", "n1", ["w1", "nobody"])
        await world.settle()
        assert (await client.get_status("n1")).output == ["nudged", "No instance with ID nobody found."]
        assert (await client.get_status("w1")).runtime_status is Runtime.Completed


async def test_a_caller_can_wait_for_the_end_or_gets_the_addresses():
    async with World(greeter) as world:
        client = await world.client()
        request = func.HttpRequest("GET", "https://shop.test/api/start", body=b"")
        await client.start_new("fails", "f1")
        await client.start_new("waits", "w1")
        await world.settle()
        ended = await client.wait_for_completion_or_create_check_status_response(request, "f1", 50, 10)
        assert ended.status_code == 500
        running = await client.wait_for_completion_or_create_check_status_response(request, "w1", 20, 10)
        assert running.status_code == 202
        assert running.headers["Location"].startswith("https://shop.test/durabletask/instances/w1?")


async def test_the_webhook_delivers_an_object_where_the_client_delivers_text():
    async with World(greeter) as world:
        await world.start("greets")
        await world.call("POST", "instances/one/raiseEvent/name", {"first": "Ada"})
        await world.run()
        assert (await world.output())["said"] == "Hello {'first': 'Ada'}"
        wrong = await world.call("POST", "instances/one/raiseEvent/name")
        assert wrong.status == 400 and b"Only application/json" in wrong.body
        assert (await world.call("PUT", "instances/one")).status == 404
