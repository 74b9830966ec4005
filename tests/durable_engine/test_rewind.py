"""Rewind: a failed instance goes on from before its failure, and its failed children with it."""

from datetime import timedelta

import azure.durable_functions as df

from tests.durable_engine.harness import World


def kitchen() -> df.DFApp:
    app = df.DFApp()
    app.broken = {"oven"}
    app.done = []

    @app.activity_trigger("thing")
    def use(thing: str) -> str:
        app.done.append(thing)
        if thing in app.broken:
            raise RuntimeError(f"the {thing} is cold")
        return thing

    @app.orchestration_trigger("context")
    def bakes(context):
        used = yield context.call_activity("use", "bowl")
        yield context.create_timer(context.current_utc_datetime + timedelta(minutes=10))
        return [used, (yield context.call_activity("use", "oven"))]

    @app.orchestration_trigger("context")
    def bakes_for(context):
        return (yield context.call_sub_orchestrator("bakes", instance_id="child"))

    @app.orchestration_trigger("context")
    def cleans_up(context):
        try:
            yield context.call_activity("use", "oven")
        except Exception:
            yield context.call_activity("use", "sink")
            yield context.call_entity(df.EntityId("book", "complaints"), "add")
            raise
        return (yield context.call_entity(df.EntityId("book", "praise"), "add"))

    @app.orchestration_trigger("context")
    def insists(context):
        return (yield context.call_activity_with_retry("use", df.RetryOptions(5_000, 3), "oven"))

    @app.orchestration_trigger("context")
    def all_at_once(context):
        things = ("bowl", "oven", "spoon")
        return (yield context.task_all([context.call_activity("use", thing) for thing in things]))

    @app.orchestration_trigger("context")
    def stumbles(context):
        yield context.call_activity("use", "bowl")
        if "oven" in app.broken:
            raise ValueError("no oven")
        return "well"

    @app.orchestration_trigger("context")
    def naps(context):
        yield context.create_timer(context.current_utc_datetime + timedelta(minutes=10))

    @app.entity_trigger("context")
    def book(context):
        context.set_state((context.get_state(int) or 0) + 1)
        context.set_result(context.get_state(int))

    return app


async def mended(app: df.DFApp, world: World, orchestration: str) -> None:
    """The orchestration has failed, the oven is mended, and the instance was rewound and ran on."""
    await world.start(orchestration)
    await world.run()
    await world.failure()
    app.broken.clear()
    app.done.clear()
    assert (await world.call("POST", "instances/one/rewind", reason="the oven is mended")).status == 202
    assert await world.runtime_status() == "Running"
    await world.run()


async def test_only_what_failed_is_done_again() -> None:
    app = kitchen()
    async with World(app) as world:
        await mended(app, world, "bakes")
        assert await world.output() == ["bowl", "oven"]
        assert app.done == ["oven"]


async def test_a_failed_child_is_rewound_with_its_parent() -> None:
    app = kitchen()
    async with World(app) as world:
        await mended(app, world, "bakes_for")
        assert await world.output() == await world.output("child") == ["bowl", "oven"]
        assert app.done == ["oven"]


async def test_what_was_done_because_of_the_failure_is_forgotten() -> None:
    app = kitchen()
    async with World(app) as world:
        await mended(app, world, "cleans_up")
        assert await world.output() == 1
        assert app.done == ["oven"]
        assert await world.entity("book", "praise") == await world.entity("book", "complaints") == 1


async def test_retries_are_counted_anew() -> None:
    app = kitchen()
    async with World(app) as world:
        await mended(app, world, "insists")
        assert await world.output() == "oven"
        assert app.done == ["oven"]


async def test_what_went_well_beside_the_failure_stays() -> None:
    app = kitchen()
    async with World(app) as world:
        await mended(app, world, "all_at_once")
        assert await world.output() == ["bowl", "oven", "spoon"]
        assert app.done == ["oven"]


async def test_code_that_failed_by_itself_runs_again_on_the_whole_history() -> None:
    app = kitchen()
    async with World(app) as world:
        await mended(app, world, "stumbles")
        assert await world.output() == "well"
        assert app.done == []


async def test_a_rewound_instance_may_fail_again_and_outlives_a_restart(tmp_path) -> None:
    app, later = kitchen(), kitchen()
    async with World(app, tmp_path / "state.sqlite") as world:
        await world.start("bakes")
        await world.run()
        for _ in range(2):
            await world.call("POST", "instances/one/rewind", reason="try")
            await world.settle()
            assert await world.runtime_status() == "Failed"
        app.broken.clear()
        await world.call("POST", "instances/one/rewind", reason="and killed before anything came of it")
    later.broken.clear()
    async with World(later, tmp_path / "state.sqlite") as again:
        await again.run()
        assert await again.output() == ["bowl", "oven"]


async def test_only_failed_instances_are_rewound() -> None:
    app = kitchen()
    app.broken.clear()
    async with World(app) as world:
        await world.start("naps")
        await world.settle()
        assert (await world.call("POST", "instances/one/rewind", reason="")).status == 500
        await world.run()
        assert (await world.call("POST", "instances/one/rewind", reason="")).status == 410
        assert (await world.call("POST", "instances/nobody/rewind", reason="")).status == 404
        client = await world.client()
        app.broken.add("oven")
        await client.start_new("insists", "two")
        await world.run()
        app.broken.clear()
        await client.rewind("two", "by the SDK's client")
        await world.run()
        assert await world.output("two") == "oven"
