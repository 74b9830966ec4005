"""Groups with all that a stage has besides: a blue-green switch that people approve, an old side that is kept, a retry,
rings."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from slipway.promotion.blue_green_plan import BlueGreenPlan
from slipway.promotion.groups import GroupPlan
from slipway.promotion.plan import StagePlan, Target
from slipway.promotion.reach import reach_among
from slipway.promotion.rings import ROLL_BACK_ALL, RingPlan
from tests.promotion.builders import a_build, a_policy, a_stage, a_vote, later
from tests.workflow.groups import (
    AFTER,
    BEFORE,
    PRODUCTION,
    a_group,
    a_group_stage,
    a_member_stage,
    a_world,
    check_free,
    live,
    locks,
)
from tests.workflow.test_groups import reaches, rolled_back, states_of
from tests.workflow.virtual import Workflow, stage_state
from tests.workflow.world import Sides, World

KEPT_S = 3600.0


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(a_world()) as workflow:
        yield workflow


def switched(asks: bool = False, **changes: Any) -> StagePlan:
    policy = a_policy(within_s=8 * 3600) if asks else None
    given = {"bake_s": 300.0, "watch_s": KEPT_S, "switch_approval": policy, **changes}
    return a_group_stage(rollout="blue-green", blue_green=BlueGreenPlan(keep_s=KEPT_S), **given)


async def test_people_say_yes_once_for_all_members_and_their_locks_are_held_meanwhile(flow: Workflow) -> None:
    id = await flow.promote(a_group(), switched(asks=True))
    await reaches(flow, "waiting for approval")
    assert live(flow.world) == BEFORE
    assert {lock["holder"]["promotion"] for lock in (await locks(flow)).values()} == {id}
    row = flow.world.rows[f"stage:{PRODUCTION}"]["doc"]
    assert {target["name"]: target["idle"] for target in row["targets"]} == AFTER
    assert all(target["preview"] for target in row["targets"])
    await flow.vote(id, PRODUCTION, a_vote())
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert live(flow.world) == AFTER
    await check_free(flow)


async def test_a_newer_group_takes_the_place_of_one_that_people_are_asked_about(flow: Workflow) -> None:
    stage = switched(asks=True, on_newer_build="supersede")
    older = await flow.promote(a_group("2026.48"), stage)
    await reaches(flow, "waiting for approval")
    newer = await flow.promote(a_group("2026.49", finished_at=later(hours=1)), stage)
    assert (await flow.until_ended(older))["code"] == "SUPERSEDED"
    await flow.until(lambda: states_of(flow, newer) == "waiting for approval")
    await flow.vote(newer, PRODUCTION, replace(a_vote(), at=flow.clock.now()))
    assert (await flow.until_ended(newer))["outcome"] == "passed"
    await check_free(flow)


async def test_counters_that_speak_against_one_member_take_all_back(flow: Workflow) -> None:
    id = await flow.promote(a_group(), switched())
    await reaches(flow, "baking")
    flow.world.speaks = [["counters", "web: the platform counts 30 × 5xx in 40 requests"]]
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "COUNTERS_FAILED")
    assert live(flow.world) == BEFORE
    await check_free(flow)


async def test_the_old_sides_of_all_are_kept_then_stopped_and_still_gone_back_to(flow: Workflow) -> None:
    stage = switched()
    id = await flow.promote(a_group(), stage)
    await flow.until_ended(id)
    found = await locks(flow)
    assert {reach_among(lock, found).how for lock in found.values()} == {"seconds"}
    await flow.until(lambda: all(site.idle_stopped for site in flow.world.sites.values()))
    await flow.until(lambda: "watch.over" in [each["action"] for each in flow.world.records])
    await flow.engine.until_idle()
    found = await locks(flow)
    assert {reach_among(lock, found).how for lock in found.values()} == {"minutes"}
    assert not any(lock["watch"] for lock in found.values())
    assert (await rolled_back(flow, id, stage))["outcome"] == "rolled back"
    assert live(flow.world) == BEFORE
    await check_free(flow)


async def test_a_member_that_is_released_by_itself_ends_the_groups_watch(flow: Workflow) -> None:
    id = await flow.promote(a_group(), a_group_stage(watch_s=86_400))
    await flow.until_ended(id)
    own = await flow.promote(a_build("1.5.0", service="api", finished_at=later(hours=1)), a_member_stage("api"))
    assert (await flow.until_ended(own))["outcome"] == "passed"
    await flow.until(lambda: not flow.engine._store.live_instances())
    assert not any(lock["watch"] or lock.get("aside") for lock in (await locks(flow)).values())
    assert live(flow.world) == {**AFTER, "api": "1.5.0"}
    assert flow.clock.now() < later(hours=2)


async def test_a_group_that_failed_may_be_tried_again_and_takes_all_locks_anew(flow: Workflow) -> None:
    flow.world.sick_idle.add(AFTER["web"])
    id = await flow.promote(a_group(), a_group_stage(retry_within_s=3600))
    await reaches(flow, "failed")
    await check_free(flow)
    flow.world.sick_idle.clear()
    await flow.command(id, "retry")
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert live(flow.world) == AFTER
    await check_free(flow)


async def test_with_roll_back_all_a_bad_ring_of_a_group_takes_the_groups_of_earlier_rings_back() -> None:
    sites = {f"{member}-{ring}": Sides(live=BEFORE[member]) for ring in ("neu", "weu") for member in BEFORE}
    stages: list[StagePlan] = []
    for number, ring in enumerate(("neu", "weu"), 1):
        names = [f"{member}-{ring}" for member in BEFORE]
        group = GroupPlan(((names[0],), tuple(names[1:])), {name: name.partition("-")[0] for name in names})
        of = RingPlan("production", "production", ring, number, 2, tuple(each.name for each in stages), ROLL_BACK_ALL)
        targets = tuple(Target(name, "container-apps", f"/apps/{name}", "") for name in names)
        needs = tuple(each.name for each in stages)
        stages.append(a_stage(f"production-{ring}", needs, targets=targets, group=group, ring=of, bake_s=120))
    async with Workflow(World(sites)) as flow:
        id = await flow.promote(a_group(), *stages)
        await flow.until(lambda: stage_state(flow.world, "production-weu") == "baking")
        assert (await locks(flow, "api", environment="production-neu"))["api"]["live"]["version"] == AFTER["api"]
        flow.world.sick_live.add(AFTER["worker"])
        output = await flow.until_ended(id)
        assert output["words"].endswith("production-neu went back, too")
        assert {name: site.live for name, site in sites.items()} == {name: BEFORE[name[:-4]] for name in sites}
        for stage in stages:
            await check_free(flow, environment=stage.environment)
