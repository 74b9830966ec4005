"""Versions of orchestrations: which one an instance has, and which ones a host takes."""

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import azure.durable_functions as df
import pytest

from slipway.local.functions.durable.engine import Versioning
from slipway.local.functions.durable.versions import FailureStrategy, MatchStrategy, compare
from tests.durable_engine.harness import World


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.0", "1.1"),
        ("1.9", "1.10"),
        ("1.0.9", "1.1.0"),
        ("1.0", "1.0.0"),
        (" 1.0 ", "1.1"),
        (None, "0.1"),
        ("", "a"),
        ("10", "9"),
        ("1.x", "1.y"),
        ("2025-01-01", "2025-02-01"),
        ("1.0.0", "v1.0"),
        ("1.0.0.0.0", "1.0.0.0.1"),
        ("10.99999999999", "9.0"),
    ],
)
def test_a_newer_version_is_newer_both_ways(older: str | None, newer: str) -> None:
    assert compare(older, newer) < 0 < compare(newer, older)
    assert compare(newer, newer) == 0


@pytest.mark.parametrize(("one", "other"), [(None, ""), ("1.0", "01.0"), ("Beta", "bETA"), (None, "  ")])
def test_versions_that_are_the_same(one: str | None, other: str) -> None:
    assert compare(one, other) == compare(other, one) == 0


@pytest.mark.parametrize(
    ("match", "mine", "its", "refused"),
    [
        ("CurrentOrOlder", "2.0", "2.0", False),
        ("CurrentOrOlder", "2.0", "1.9", False),
        ("CurrentOrOlder", "2.0", None, False),
        ("CurrentOrOlder", "2.0", "2.1", True),
        ("CurrentOrOlder", None, "0.1", True),
        ("Strict", "2.0", "2.0", False),
        ("Strict", "2.0", "1.9", True),
        ("Strict", "2.0", None, True),
        ("Strict", "Beta", "beta", True),
        ("Strict", None, "", False),
        ("None", "2.0", "3.0", False),
    ],
)
def test_which_instances_a_host_takes(match: MatchStrategy, mine: str | None, its: str | None, refused: bool) -> None:
    assert Versioning(mine, match).refuses(its) is refused


def family() -> df.DFApp:
    app = df.DFApp()

    @app.orchestration_trigger("context")
    def tells(context):
        return context.version

    @app.orchestration_trigger("context")
    def parent(context):
        children = [context.call_sub_orchestrator("tells"), context.call_sub_orchestrator("tells", version="0.5")]
        told = yield context.task_all(children)
        return [context.version, *told]

    @app.orchestration_trigger("context")
    def waits(context):
        seen = [*(context.get_input() or []), context.version]
        yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        if len(seen) < 3:
            context.continue_as_new(seen)
            return None
        told = yield context.call_sub_orchestrator("tells")
        return [*seen, told]

    @app.orchestration_trigger("context")
    def listens(context):
        said = yield context.wait_for_external_event("go")
        return [context.version, json.loads(said)]

    @app.orchestration_trigger("context")
    def guards(context):
        try:
            return (yield context.call_sub_orchestrator("listens", instance_id="child", version="2.0"))
        except Exception as problem:  # noqa: BLE001  the SDK raises it bare
            return f"child: {problem}"

    return app


def host_of(version: str | None, failure: FailureStrategy = "Reject") -> Callable[..., World]:
    def make(state: Path | str = ":memory:") -> World:
        return World(family, state, versioning=Versioning(version, failure=failure))

    return make


async def test_instances_get_the_hosts_version_and_children_too_unless_the_call_says_another() -> None:
    async with host_of("1.0")() as world:
        await world.start("parent")
        await world.settle()
        assert await world.output() == ["1.0", "1.0", "0.5"]
        client = await world.client()
        await client.start_new("parent", "old", version="0.7")
        await world.settle()
        assert await world.output("old") == ["0.7", "1.0", "0.5"], "not the parent's"


async def test_a_version_stays_for_life_and_what_is_started_gets_the_new_hosts(tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite"
    async with host_of(None)(state) as old:
        await old.start("waits")
        await old.settle()
    async with host_of("1.0")(state) as new:
        await new.run()
        assert await new.output() == [None, None, None, "1.0"]
        assert (await new.call("POST", "instances/one/restart", restartWithNewInstanceId="false")).status == 202
        await new.run()
        assert await new.output() == [None, None, "1.0", "1.0"], "a restart is a new start, with the newest input"


async def test_an_older_host_leaves_newer_instances_as_they_are(tmp_path: Path, caplog) -> None:
    state = tmp_path / "state.sqlite"
    async with host_of("2.0")(state) as new:
        await new.start("listens", instance="begun")
        await new.settle()
    async with host_of("1.0")(state) as old:
        with caplog.at_level(logging.WARNING):
            assert (await old.call("POST", "orchestrators/listens/fresh", version="2.0")).status == 202
            for _ in range(2):
                await old.settle()
                assert await old.raise_event("begun", "go", "first") == 202
        await old.settle()
        assert [await old.runtime_status(each) for each in ("begun", "fresh")] == ["Running", "Pending"]
        said = [record.message for record in caplog.records if "it waits for a host that takes it" in record.message]
        assert sorted(said) == [
            f"orchestration {each} has version 2.0, this host 1.0 (CurrentOrOlder): it waits for a host that takes it"
            for each in ("begun", "fresh")
        ]
        await old.start("listens", instance="its-own")
        await old.settle()
        await old.raise_event("its-own", "go", "mine")
        await old.settle()
        assert await old.output("its-own") == ["1.0", "mine"]
    async with host_of("2.1")(state) as newest:
        await newest.settle()
        assert await newest.output("begun") == ["2.0", "first"]
        await newest.raise_event("fresh", "go", "second")
        await newest.settle()
        assert await newest.output("fresh") == ["2.0", "second"]


async def test_timers_and_suspensions_of_a_refused_instance_wait_too(tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite"
    async with host_of("2.0")(state) as new:
        await new.start("waits")
        await new.settle()
        began = new.clock.now()
    async with host_of("1.0")(state) as old:
        await old.advance(timedelta(days=2))
        assert await old.runtime_status() == "Running"
        await old.call("POST", "instances/one/suspend", reason="")
        await old.call("POST", "instances/one/resume", reason="")
        await old.settle()
        assert await old.runtime_status() == "Running"
        later = old.clock.now()
    async with host_of("2.0")(state) as again:
        again.clock.advance_to(later)
        await again.run()
        assert await again.output() == ["2.0"] * 4
        assert later - began == timedelta(days=2)


async def test_a_host_may_fail_what_it_does_not_take_and_the_parent_hears_so() -> None:
    async with host_of("1.0", "Fail")() as world:
        await world.start("guards")
        await world.settle()
        assert await world.failure("child") == "Orchestration version did not comply with Worker Versioning"
        assert await world.output() == "child: " + " \n ".join(
            ["Orchestration version did not comply with Worker Versioning"] * 2
        )
