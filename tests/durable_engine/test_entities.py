"""Entities: state, batches, answers, errors, deletion."""

import azure.durable_functions as df

from tests.durable_engine.harness import World


def counters() -> df.DFApp:
    app = df.DFApp()
    app.batches = []
    app.broken = 0

    @app.entity_trigger("context")
    def Counter(context):
        value = context.get_state(lambda: 0)
        match context.operation_name:
            case "add":
                context.set_state(value + context.get_input())
                context.set_result(value + context.get_input())
            case "get":
                context.set_result(value)
            case "quiet":
                pass
            case "half":
                context.set_state(value + 100)
                raise ValueError("half done")
            case "delete":
                context.destruct_on_exit()
            case other:
                raise ValueError(f"no operation {other}")

    @app.entity_trigger("context", entity_name="flaky")
    def flaky_entity(context):
        if app.broken > 0:
            app.broken -= 1
            context.set_state({1, 2})  # no JSON: the call as a whole fails
        else:
            context.set_state(context.get_input())

    @app.orchestration_trigger("context")
    def counts(context):
        entity = df.EntityId("Counter", "Shop")
        told = []
        for n in context.get_input():
            told.append((yield context.call_entity(entity, "add", n)))
        context.signal_entity(entity, "add", 1000)
        told.append((yield context.call_entity(entity, "get")))
        return told

    @app.orchestration_trigger("context")
    def batch(context):
        entity = df.EntityId("Counter", "b")
        calls = [context.call_entity(entity, "add", 5)]
        calls += [context.call_entity(entity, name) for name in ("quiet", "get")]
        return (yield context.task_all(calls))

    @app.orchestration_trigger("context")
    def catches(context):
        entity = df.EntityId("counter", "e")
        try:
            yield context.call_entity(entity, "half")
        except Exception as problem:  # noqa: BLE001  the SDK raises it bare
            return [str(problem), (yield context.call_entity(entity, "get"))]

    @app.orchestration_trigger("context")
    def leaves_signals(context):
        for n in (1, 2, 3):
            context.signal_entity(df.EntityId("counter", "late"), "add", n)
        return "gone"
        yield

    @app.orchestration_trigger("context")
    def calls_unknown(context):
        yield context.call_entity(df.EntityId("nobody", "x"), "get")

    return app


async def test_an_orchestration_calls_and_signals_an_entity():
    async with World(counters) as world:
        await world.start("counts", [1, 2, 3])
        await world.settle()
        assert await world.output() == [1, 3, 6, 1006]
        assert await world.entity("counter", "Shop") == 1006
        assert await world.entity("counter", "shop") is None, "a key keeps its case"


async def test_an_operation_without_a_result_answers_the_previous_one_of_its_batch():
    async with World(counters) as world:
        await world.start("batch")
        await world.settle()
        assert await world.output() == [5, 5, 5]


async def test_an_error_reaches_the_caller_and_what_was_set_before_it_stays():
    async with World(counters) as world:
        await world.start("catches")
        await world.settle()
        assert await world.output() == ["half done", 100]


async def test_signals_of_an_orchestration_that_returns_at_once_arrive_in_order():
    async with World(counters) as world:
        await world.start("leaves_signals")
        await world.settle()
        assert await world.output() == "gone"
        assert await world.entity("counter", "late") == 6


async def test_a_hundred_orchestrations_count_to_the_same_sum():
    async with World(counters) as world:
        for n in range(100):
            await world.start("counts", [1, 1], f"c{n}")
        await world.settle()
        assert await world.entity("counter", "Shop") == 100 * 1002


async def test_a_deleted_entity_starts_anew():
    async with World(counters) as world:
        await world.signal("counter", "k", "add", 5)
        await world.settle()
        assert await world.entity("counter", "k") == 5
        await world.signal("counter", "k", "delete")
        await world.settle()
        assert await world.entity("counter", "k") is None
        await world.signal("counter", "k", "add", 2)
        await world.settle()
        assert await world.entity("counter", "k") == 2


async def test_a_client_signal_without_input_is_a_failed_operation_not_a_lost_batch():
    async with World(counters) as world:
        await world.signal("counter", "k", "add")
        await world.signal("counter", "k", "add", 3)
        await world.settle()
        assert await world.entity("counter", "k") == 3


async def test_a_batch_whose_call_fails_as_a_whole_is_tried_again():
    app = counters()
    async with World(app) as world:
        app.broken = 3
        await world.signal("flaky", "k", "set", {"n": 1})
        await world.settle()
        assert await world.entity("flaky", "k") is None
        await world.run()
        assert await world.entity("flaky", "k") == {"n": 1}


async def test_an_unknown_entity_fails_its_caller():
    async with World(counters) as world:
        await world.start("calls_unknown")
        await world.settle()
        assert "The function 'nobody' doesn't exist" in await world.failure()
