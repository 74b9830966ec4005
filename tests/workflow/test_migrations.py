"""A database that is expanded before a release and contracted after the old one is gone, in virtual time."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from slipway.promotion.blue_green_plan import BlueGreenPlan
from slipway.promotion.build import Build
from slipway.promotion.job_plan import JobPlan, Migration
from slipway.promotion.outcomes import Answer, moment, passed
from slipway.promotion.plan import StagePlan, Target
from slipway.promotion.reach import MINUTES, NONE, SECONDS, reach_of
from slipway.promotion.stage_parts import Ending, Site
from slipway.promotion.stage_phases import UNDO
from slipway.promotion.stage_run import StageRun
from tests.promotion.builders import a_build, a_stage, later
from tests.workflow.job_world import JobWorld
from tests.workflow.test_blue_green import rolled_back, until_told
from tests.workflow.test_lost_watch import OneLock, ended
from tests.workflow.test_ramp import SITES, live
from tests.workflow.virtual import Workflow, stage_state
from tests.workflow.world import Sides
from triggers.looking_after import Janitor

KEPT_S = 3600.0
MIGRATION = Migration(JobPlan("/jobs/migrate", "registry.example/migrate:{version}"), ("expand",), ("contract",))
OLD = {"from": 12, "to": 13}
NEW = {"from": 13, "to": 15, "expand": 13, "contract": 14}


def production(migration: Migration | None = MIGRATION, keep_s: float = KEPT_S, **changes: Any) -> StagePlan:
    targets = tuple(Target(name, "app-service", f"/sites/{name}", "staging") for name in SITES)
    given = {"watch_s": keep_s, "rollout": "blue-green", "blue_green": BlueGreenPlan(keep_s=keep_s), "bake_s": 60.0}
    return a_stage("production", targets=targets, migration=migration, **{**given, **changes})


def a_world(**changes: Any) -> JobWorld:
    """What was live there before Slipway came."""
    return JobWorld({name: Sides(live="0.9.0") for name in SITES}, **changes)


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(a_world()) as workflow:
        yield workflow


def world(flow: Workflow) -> JobWorld:
    assert isinstance(flow.world, JobWorld)
    return flow.world


def build(version: str, schema: dict[str, int] | None = None, minutes: int = 0) -> Build:
    return a_build(version, schema=schema or {}, finished_at=later(minutes=minutes))


async def released(flow: Workflow, built: Build, plan: StagePlan | None = None) -> dict[str, Any]:
    id = await flow.promote(built, plan or production())
    return await flow.until_ended(id)


async def old_is_live(flow: Workflow, schema: dict[str, int] | None = None) -> None:
    assert (await released(flow, build("1.0.0", schema or OLD)))["outcome"] == "passed"


def done(flow: Workflow) -> list[str]:
    return [each["action"].partition(".")[2] for each in flow.world.records]


async def schema(flow: Workflow) -> dict[str, Any]:
    found: dict[str, Any] = (await flow.lock("production")).get("schema") or {}
    return {key: found[key] for key in ("version", "towards") if key in found}


async def test_it_is_expanded_before_the_deployment_and_contracted_when_the_old_side_is_gone(flow: Workflow) -> None:
    await old_is_live(flow)
    assert world(flow).ran == [], "1.0.0 brings no change"
    assert (await released(flow, build("2.0.0", NEW, 1)))["outcome"] == "passed"
    assert await schema(flow) == {"version": 13} and world(flow).database == 13
    order = [each for each in done(flow) if each in ("migrating", "migrated", "deploying", "rolling-out")]
    assert order[-4:] == ["migrating", "migrated", "deploying", "rolling-out"]
    lock = await flow.lock("production")
    assert reach_of(lock).how == SECONDS and lock["live"]["schema"] == NEW and lock["releases"][0]["database"] == 13
    step = next(each for each in flow.world.rows["stage:production"]["doc"]["steps"] if each["name"] == "expand")
    assert (step["target"], step["state"]) == ("migrate", "passed")

    over = await until_told(flow, "watch.contracted")
    assert "contracted to 14" in over["words"] and world(flow).database == 14
    await until_told(flow, "watch.over") if "over" not in done(flow) else None
    lock = await flow.lock("production")
    assert await schema(flow) == {"version": 14} and lock["releases"][0]["database"] == 14
    reach = reach_of(lock)
    assert (reach.how, reach.version) == (NONE, "1.0.0")
    assert reach.words == "the database is at 14, and 1.0.0 runs on 12 to 13"
    assert [run.args for run in (*world(flow).ran_of("expand"), *world(flow).ran_of("contract"))] == [
        ("expand",),
        ("contract",),
    ]
    assert all(run.alone and run.image == "registry.example/migrate:2.0.0" for _, run, _ in world(flow).ran)


async def test_after_a_contract_nothing_goes_back_to_code_that_cannot_read_it(flow: Workflow) -> None:
    await old_is_live(flow)
    id = await flow.promote(build("2.0.0", NEW, 1), production())
    await flow.until_ended(id)
    await until_told(flow, "watch.contracted")
    await rolled_back(flow, id, production())
    told = next(each for each in flow.world.records if each["action"] == "stage.broken")
    assert told["evidence"]["code"] == "SCHEMA_OUT_OF_RANGE" and "runs on 12 to 13" in told["words"]
    assert live(flow) == {"2.0.0"}
    lock = await flow.lock("production")
    assert (lock["holder"], lock["broken"], lock["live"]["version"]) == (None, None, "2.0.0")


async def test_before_the_contract_the_way_back_is_open(flow: Workflow) -> None:
    await old_is_live(flow)
    id = await flow.promote(build("2.0.0", NEW, 1), production())
    await flow.until_ended(id)
    await rolled_back(flow, id, production())
    assert live(flow) == {"1.0.0"} and await schema(flow) == {"version": 13}, "the schema is never taken back"
    assert "contracting" not in done(flow)


async def test_a_migration_that_fails_half_way_stops_the_stage_before_anything_is_deployed(flow: Workflow) -> None:
    await old_is_live(flow)
    world(flow).failing["expand"] = 1
    plan = production(retry_within_s=3600.0)
    id = await flow.promote(build("2.0.0", NEW, 1), plan)
    await flow.until(lambda: stage_state(flow.world, "production") == "failed")
    row = flow.world.rows["stage:production"]["doc"]
    assert row["code"] == "MIGRATION_FAILED" and "expand-1 exited with 3" in row["words"]
    assert row["words"].endswith("the database stays as its migration left it, and nothing else had been changed")
    assert "nothing deployed" in row["words"] and live(flow) == {"1.0.0"}
    assert not [each for each in flow.world.effects if ":2.0.0:" in each and "deploy" in each]
    assert await schema(flow) == {"towards": 13}, "how far it came is not known"
    lock = await flow.lock("production")
    assert (lock["holder"], lock["broken"]) == (None, None)

    await flow.command(id, "retry", stage="production")
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert len(world(flow).ran_of("expand")) == 2 and await schema(flow) == {"version": 13}


async def test_a_retry_runs_the_migration_again_though_its_first_try_is_remembered() -> None:
    async with Workflow(a_world(keeps_receipts=True)) as flow:
        world(flow).failing["expand"] = 1
        id = await flow.promote(build("2.0.0", NEW), production(retry_within_s=3600.0))
        await flow.until(lambda: stage_state(flow.world, "production") == "failed")
        await flow.command(id, "retry", stage="production")
        assert (await flow.until_ended(id))["outcome"] == "passed"
        assert len(world(flow).ran_of("expand")) == 2


async def test_an_abort_before_the_migration_begins_none(flow: Workflow) -> None:
    async def aborted(activity: str, order: dict[str, Any]) -> None:
        if activity == "mirror_environment" and not flow.world.of("checkout--2.0.0").aborted:
            await flow.abort_at_this_moment("checkout--2.0.0")

    flow.world.meanwhile = aborted
    output = await released(flow, build("2.0.0", NEW))
    assert output["code"] == "ABORTED" and world(flow).ran == [] and await schema(flow) == {}
    assert "nothing had been changed" in output["words"]


async def test_a_migration_that_cannot_start_is_broken_by_the_same_name(flow: Workflow) -> None:
    world(flow).unstartable["expand"] = 1
    output = await released(flow, build("2.0.0", NEW))
    assert (output["outcome"], output["code"]) == ("broken", "MIGRATION_FAILED")
    assert live(flow) == {"0.9.0"}


async def test_a_build_that_does_not_run_on_the_database_is_turned_away(flow: Workflow) -> None:
    await old_is_live(flow)
    await released(flow, build("2.0.0", NEW, 1))
    output = await released(flow, build("1.1.0", {"from": 11, "to": 12}, 2))
    assert (output["outcome"], output["code"]) == ("cancelled", "SCHEMA_OUT_OF_RANGE")
    assert output["words"].endswith("the database is at 13, and 1.1.0 runs on 11 to 12")
    assert live(flow) == {"2.0.0"} and (await flow.lock("production"))["queue"] == []


async def test_an_expansion_that_the_live_release_does_not_bear_is_not_begun(flow: Workflow) -> None:
    await old_is_live(flow, {"from": 12, "to": 12})
    output = await released(flow, build("2.0.0", NEW, 1))
    assert output["code"] == "SCHEMA_OUT_OF_RANGE" and "there would be no way back" in output["words"]
    assert world(flow).ran == [] and await schema(flow) == {}


async def test_the_next_build_finds_the_database_there_and_expands_nothing(flow: Workflow) -> None:
    await released(flow, build("2.0.0", NEW))
    again = {"from": 13, "to": 15, "expand": 13}
    assert (await released(flow, build("2.1.0", again, 1)))["outcome"] == "passed"
    assert len(world(flow).ran_of("expand")) == 1 and "not-migrated" in done(flow)
    await flow.until(lambda: done(flow).count("over") == 1)
    assert world(flow).ran_of("contract") == [], "2.1.0 brings no contract, and 2.0.0 did not stay"


async def test_builds_that_declare_nothing_have_no_limits_and_their_image_decides(flow: Workflow) -> None:
    for n, version in enumerate(("1.0.0", "1.1.0")):
        assert (await released(flow, build(version, minutes=n)))["outcome"] == "passed"
    assert len(world(flow).ran_of("expand")) == 2 and await schema(flow) == {}
    await flow.until(lambda: "over" in done(flow))
    assert world(flow).ran_of("contract") == [], "nothing is contracted that no build has declared"
    assert reach_of(await flow.lock("production")).how == MINUTES


async def test_a_contract_that_fails_calls_a_person_and_closes_the_way_back(flow: Workflow) -> None:
    await old_is_live(flow)
    await released(flow, build("2.0.0", NEW, 1))
    world(flow).failing["contract"] = 1
    told = await until_told(flow, "watch.contract-failed")
    assert told["evidence"]["calls"] and "a person must look" in told["words"]
    await flow.until(lambda: "over" in done(flow))
    assert await schema(flow) == {"version": 13, "towards": 14}
    words = "the database is at 13 or 14, nobody knows which, and 1.0.0 runs on 12 to 13"
    assert reach_of(await flow.lock("production")).words == words


async def test_a_contract_that_failed_counts_until_one_has_ended_well(flow: Workflow) -> None:
    """A build that expands to less comes between, and is no proof of how far it came."""
    await old_is_live(flow)
    await released(flow, build("2.0.0", NEW, 1))
    world(flow).failing["contract"] = 1
    await flow.until(lambda: "over" in done(flow))
    assert (await released(flow, build("2.1.0", {"from": 13, "to": 15, "expand": 13}, 2)))["outcome"] == "passed"
    assert len(world(flow).ran_of("expand")) == 1 and await schema(flow) == {"version": 13, "towards": 14}
    output = await released(flow, build("2.2.0", {"from": 12, "to": 13}, 3))
    assert output["code"] == "SCHEMA_OUT_OF_RANGE" and live(flow) == {"2.1.0"}
    await released(flow, build("2.3.0", {"from": 13, "to": 15, "contract": 14}, 4))
    await until_told(flow, "watch.contracted")
    assert await schema(flow) == {"version": 14}, "the next release that declares it runs it again"


async def meanwhile_comes(flow: Workflow, built: Build, when: Callable[[str, dict[str, Any]], bool]) -> str:
    """Have the build come once while an activity is at work, and go as far as it can there. Returns its promotion."""
    come: list[str] = []

    async def comes(activity: str, order: dict[str, Any]) -> None:
        if not come and when(activity, order):
            come.append(built.version)
            await flow.begin(built, production())
            await asyncio.sleep(0.3)  # the engine's other workers act meanwhile, in real time

    flow.world.meanwhile = comes
    return f"checkout--{built.version}"


def contracts(activity: str, order: dict[str, Any]) -> bool:
    return activity == "run_job" and order["run"]["env"].get("SLIPWAY_STEP") == "contract"


def says_it_is_over(activity: str, order: dict[str, Any]) -> bool:
    return activity == "record" and order["action"] == "watch.over"


async def test_a_build_that_comes_while_a_contract_runs_waits_for_its_end(flow: Workflow) -> None:
    await old_is_live(flow)
    await released(flow, build("2.0.0", NEW, 1))
    id = await meanwhile_comes(flow, build("3.0.0", {"from": 14, "to": 15, "expand": 15}, 2), contracts)
    world(flow).failing["expand"] = 1
    await flow.until(lambda: flow.world.of(id).ended)
    waited = next(each for each in flow.world.records if each["action"] == "stage.waiting-for-the-lock")
    assert waited["words"] == "waits for the lock, behind the contract of the database to 14 by checkout--2.0.0"
    order = [each for each in done(flow) if each in ("contracting", "contracted", "migrating")]
    assert order[-3:] == ["contracting", "contracted", "migrating"]
    assert await schema(flow) == {"version": 14, "towards": 15}, "how far its own expansion came is not known"
    (since, until) = ("watch.contracted", "stage.migrating")
    at = {each["action"]: moment(each["at"]) for each in flow.world.records}
    assert at[until] - at[since] < timedelta(seconds=10), "it is woken"


async def test_a_build_waits_for_a_contract_for_as_long_as_that_may_take(flow: Workflow) -> None:
    plan = production(replace(MIGRATION, runs=replace(MIGRATION.runs, within_s=30.0)))
    assert plan.migration
    await old_is_live(flow)
    await released(flow, build("2.0.0", NEW, 1), plan)
    world(flow).endless.add("contract")
    await until_told(flow, "watch.contracting")
    begun, may_take = flow.clock.now(), timedelta(seconds=plan.migration.within_s)
    await flow.until(lambda: flow.clock.now() >= begun + may_take - timedelta(seconds=20))
    id = await flow.promote(build("3.0.0", {"from": 14, "to": 15, "expand": 15}, 2), plan)
    assert [each["action"] for each in flow.world.records if each["promotion"] == id][
        -1
    ] == "stage.waiting-for-the-lock"
    world(flow).endless.clear()
    assert (await flow.until_ended(id))["outcome"] == "passed" and await schema(flow) == {"version": 15}


async def test_nothing_is_expanded_by_who_has_lost_the_lock(flow: Workflow) -> None:
    await old_is_live(flow)

    async def taken_over(activity: str, order: dict[str, Any]) -> None:
        holder = (await flow.lock("production"))["holder"] or {}
        if holder.get("promotion") == "checkout--2.0.0" and holder["holder"] != "heir":
            given = json.dumps({**holder, "by": "heir"})
            await flow.post("entities/environment/production--checkout", given, {"op": "take_over"})
            await asyncio.sleep(0.3)

    flow.world.meanwhile = taken_over
    output = await released(flow, build("2.0.0", NEW, 1))
    assert output["outcome"] == "cancelled" and "another has the lock by now" in output["words"]
    assert world(flow).ran_of("expand") == [] and live(flow) == {"1.0.0"}
    assert "schema" not in await flow.lock("production"), "and nothing is on its way"


async def test_no_contract_begins_under_a_build_that_was_let_in_before_it(flow: Workflow) -> None:
    await old_is_live(flow)
    await released(flow, build("2.0.0", NEW, 1))
    id = await meanwhile_comes(flow, build("3.0.0", {"from": 12, "to": 15, "expand": 15}, 2), says_it_is_over)
    assert (await flow.until_ended(id))["outcome"] == "passed"
    told = await until_told(flow, "watch.not-contracted")
    assert told["words"] == "the database is not contracted to 14: another release has the environment"
    assert world(flow).ran_of("contract") == [] and await schema(flow) == {"version": 15}
    assert live(flow) == {"3.0.0"}


async def test_a_watch_that_is_ended_from_outside_in_its_contract_calls_a_person(flow: Workflow) -> None:
    await old_is_live(flow)
    await released(flow, build("2.0.0", NEW, 1))
    world(flow).endless.add("contract")
    await until_told(flow, "watch.contracting")
    watch = (await flow.lock("production"))["watch"]
    assert flow.clock.now() >= moment(watch["until"])
    runtime = await ended(flow, watch["id"], "terminate")
    await Janitor(runtime, OneLock(flow)).look(flow.clock.now())
    told = await until_told(flow, "watch.contract-failed")
    assert told["evidence"]["calls"] and "was ended from outside" in told["words"], "a person looks how far it came"
    await flow.engine.until_idle()
    assert await schema(flow) == {"version": 13, "towards": 14}
    assert (await released(flow, build("2.1.0", {"from": 13, "to": 15}, 2)))["outcome"] == "passed", (
        "nobody waits for it"
    )


async def test_nothing_is_contracted_while_the_old_side_still_stands(flow: Workflow) -> None:
    def left_alone(order: dict[str, Any]) -> Answer:
        return passed("somebody has given it a weight, and it is left as it is", stopped=False)

    await old_is_live(flow)
    await released(flow, build("2.0.0", NEW, 1))
    flow.world._stop_old_side = left_alone  # type: ignore[method-assign]
    told = await until_told(flow, "watch.not-contracted")
    assert "still stands" in told["words"] and world(flow).ran_of("contract") == []
    assert await schema(flow) == {"version": 13} and reach_of(await flow.lock("production")).how == SECONDS


async def test_a_release_that_is_promoted_again_is_contracted_once_the_one_before_both_is_stopped(
    flow: Workflow,
) -> None:
    await old_is_live(flow)
    await released(flow, build("2.0.0", NEW, 1))
    assert (await released(flow, replace(build("2.0.0", NEW, 5), run=2)))["outcome"] == "passed"
    assert {site.idle for site in flow.world.sites.values()} == {"1.0.0"}
    await until_told(flow, "watch.contracted")
    assert all(site.idle_stopped for site in flow.world.sites.values())
    assert reach_of(await flow.lock("production")).how == NONE


async def test_nothing_is_contracted_while_one_of_two_regions_still_stands(flow: Workflow) -> None:
    await old_is_live(flow)
    await released(flow, build("2.0.0", NEW, 1))
    flow.world.sites[SITES[0]].idle = "0.9.1"  # by hand: it is left as it is
    told = await until_told(flow, "watch.not-contracted")
    assert "the side of the release before still stands" in told["words"] and world(flow).ran_of("contract") == []
    assert [site.idle_stopped for site in flow.world.sites.values()].count(True) == len(SITES) - 1


async def test_a_stage_without_blue_green_stops_the_old_side_too_before_it_contracts(flow: Workflow) -> None:
    plan = production(rollout="all-at-once", blue_green=None)
    await released(flow, build("1.0.0", OLD), plan)
    await released(flow, build("2.0.0", NEW, 1), plan)
    await until_told(flow, "watch.contracted")
    assert all(site.idle_stopped for site in flow.world.sites.values())


async def test_what_harms_on_watch_is_not_taken_back_to_code_that_cannot_read_the_schema(flow: Workflow) -> None:
    """Somebody else has moved the database on: a person is called, and nothing is switched."""
    await old_is_live(flow)
    id = await flow.promote(build("2.0.0", NEW, 1), production())
    await flow.until_ended(id)
    lock = await flow.lock("production")
    given = {"by_watch": lock["watch"]["id"], "towards": 15, "promotion": id}
    given |= {"at": lock["live"]["at"], "until": lock["live"]["at"]}
    await flow.signal("environment", "production--checkout", "migrates", given)
    flow.world.sick_live.add("2.0.0")
    told = await until_told(flow, "watch.unseen")
    assert told["evidence"] == {"calls": True, "code": "SCHEMA_OUT_OF_RANGE"}
    assert "was not taken back" in told["words"] and live(flow) == {"2.0.0"}


async def test_an_undo_that_would_lead_beyond_the_schema_leaves_what_is_live_to_a_person(flow: Workflow) -> None:
    """No stage comes there by itself: its lock grants nothing that would lead there."""
    sites = {name: Site(f"http://{name}", f"http://{name}-idle", "1.0.0", "1.0.0") for name in SITES}
    run = StageRun("p", "p:production:9", production(), build("2.0.0", NEW), "", phase=UNDO, switched=True, fence=1)
    run = replace(run, sites=sites, live_before="1.0.0", ending=Ending("failed", "UNHEALTHY", "it answers 503"))
    run = replace(run, database={"version": 14, "live": OLD})
    await flow.post(f"orchestrators/stage/{run.instance}", json.dumps(run.dump()))
    told = await until_told(flow, "stage.broken")
    assert told["evidence"]["code"] == "SCHEMA_OUT_OF_RANGE"
    assert told["words"] == "it answers 503; it stays live, because the database is at 14, and 1.0.0 runs on 12 to 13"
    assert not [each for each in flow.world.effects if "swap" in each]


async def test_an_abort_while_it_is_expanded_lets_it_end_and_deploys_nothing(flow: Workflow) -> None:
    await old_is_live(flow)

    async def aborted(activity: str, order: dict[str, Any]) -> None:
        if activity == "run_job" and not flow.world.of(order["promotion"]).aborted:
            await flow.abort_at_this_moment(order["promotion"])

    flow.world.meanwhile = aborted
    output = await released(flow, build("2.0.0", NEW, 1))
    assert (output["outcome"], output["code"]) == ("cancelled", "ABORTED")
    assert await schema(flow) == {"version": 13} and live(flow) == {"1.0.0"}, "a whole migration, and no deployment"
    assert "the database stays as its migration left it" in output["words"]
