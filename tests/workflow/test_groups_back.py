"""The way back of groups, in words and where there is little to take back; in virtual time."""

from collections.abc import AsyncIterator

import pytest

from slipway.promotion.groups import GroupPlan
from slipway.promotion.plan import StagePlan, Target
from tests.promotion.builders import a_build, a_stage, later
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
from tests.workflow.test_groups import rolled_back, swaps
from tests.workflow.virtual import Workflow
from tests.workflow.world import Order, Sides, World


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(a_world()) as workflow:
        yield workflow


async def test_it_says_which_member_is_back_on_which_version(flow: Workflow) -> None:
    flow.world.sick_live.add(AFTER["worker"])
    output = await flow.until_ended(await flow.promote(a_group(), a_group_stage()))
    assert output["words"].endswith("production is back on api 1.4.1, web 3.0.0, worker 0.9.0")


async def test_a_target_that_answered_no_version_is_named(flow: Workflow) -> None:
    flow.world.sites["web"].live = ""
    flow.world.crashing.add(AFTER["worker"])
    output = await flow.until_ended(await flow.promote(a_group(), a_group_stage()))
    assert output["words"].endswith("production is still on api 1.4.1, worker 0.9.0; web answers no version")


async def test_so_it_is_where_a_service_has_no_members() -> None:
    targets = tuple(Target(name, "container-apps", f"/apps/{name}", "") for name in ("neu", "weu"))
    stage = a_stage(PRODUCTION, targets=targets, group=GroupPlan((("neu",), ("weu",))))
    async with Workflow(World({"neu": Sides(live=""), "weu": Sides()})) as flow:
        flow.world.crashing.add("2.0.0")
        output = await flow.until_ended(await flow.promote(a_build("2.0.0"), stage))
        assert output["words"].endswith("production is still on 1.0.0; neu answers no version")


async def all_live_by_themselves(flow: Workflow) -> str:
    """A group whose members were all released by themselves before. Returns its promotion."""
    for member, version in AFTER.items():
        await flow.until_ended(await flow.promote(a_build(version, service=member), a_member_stage(member)))
    flow.world.effects.clear()
    id = await flow.promote(a_group(finished_at=later(hours=1)), a_group_stage(watch_s=7200))
    assert (await flow.until_ended(id))["outcome"] == "passed"
    return id


async def test_a_group_that_changed_nothing_goes_back_and_its_members_stay(flow: Workflow) -> None:
    id = await all_live_by_themselves(flow)
    ended = await rolled_back(flow, id, a_group_stage())
    assert ended["outcome"] == "rolled back", ended
    assert ended["words"].endswith("production is still on api 1.4.2, web 3.0.1, worker 1.0.0")
    assert live(flow.world) == AFTER and swaps(flow) == []
    found = await locks(flow)
    assert found["suite"]["live"] is None
    assert {name: found[name]["live"]["promotion"] for name in AFTER} == {
        name: f"{name}--{version}" for name, version in AFTER.items()
    }
    await check_free(flow)


async def test_a_rollback_leaves_what_the_group_had_not_changed(flow: Workflow) -> None:
    own = await flow.promote(a_build("1.4.2", service="api"), a_member_stage("api"))
    await flow.until_ended(own)
    stage = a_group_stage()
    id = await flow.promote(a_group(finished_at=later(hours=1)), stage)
    await flow.until_ended(id)
    assert (await rolled_back(flow, id, stage))["outcome"] == "rolled back"
    assert live(flow.world) == {**BEFORE, "api": "1.4.2"}
    assert (await locks(flow, "api"))["api"]["live"]["promotion"] == own
    await check_free(flow)


async def test_harm_after_a_group_that_changed_nothing_calls_a_person(flow: Workflow) -> None:
    await all_live_by_themselves(flow)
    flow.world.sick_live.add(AFTER["web"])
    await flow.until(lambda: "stage.broken" in [each["action"] for each in flow.world.records])
    await flow.engine.until_idle()
    told = [each for each in flow.world.records if each["action"] == "stage.broken"][-1]
    assert told["evidence"]["code"] == "NOTHING_TO_RETURN_TO" and "had changed nothing" in told["words"]
    assert live(flow.world) == AFTER and swaps(flow) == []
    await check_free(flow)


async def test_a_version_that_somebody_put_there_by_hand_is_the_groups_from_then_on(flow: Workflow) -> None:
    """The target serves it already, and its lock does not know: it is told."""
    flow.world.sites["web"].live = AFTER["web"]
    id = await flow.promote(a_group(), a_group_stage())
    assert (await flow.until_ended(id))["outcome"] == "passed" and swaps(flow) == ["api:swap", "worker:swap"]
    lock = (await locks(flow, "web"))["web"]
    assert (lock["live"]["version"], lock["live"]["promotion"], lock["live"]["proven"]) == (AFTER["web"], id, True)
    assert [each["state"] for each in flow.world.ledger(PRODUCTION, "web")] == ["proven"]


async def again(flow: Workflow, stage: StagePlan) -> str:
    """The group passes, then comes once more. Returns that promotion, not over yet."""
    await flow.until_ended(await flow.promote(a_group(), stage))
    return await flow.promote(a_group(finished_at=later(hours=1), run=2), stage)


async def test_a_group_that_is_promoted_again_goes_back_whole(flow: Workflow) -> None:
    stage = a_group_stage()
    id = await again(flow, stage)
    await flow.until_ended(id)
    ended = await rolled_back(flow, id, stage)
    assert ended["outcome"] == "rolled back", ended
    assert live(flow.world) == BEFORE
    assert all(lock["live"] is None for lock in (await locks(flow)).values())
    await check_free(flow)


async def test_a_group_that_is_promoted_again_and_fails_stays_live_at_every_lock(flow: Workflow) -> None:
    id = await again(flow, a_group_stage(bake_s=120))
    await flow.until(lambda: (id, "stage.baking") in [(each["promotion"], each["action"]) for each in records(flow)])
    flow.world.sick_live.add(AFTER["web"])
    assert (await flow.until_ended(id))["outcome"] == "failed"
    assert live(flow.world) == AFTER
    for service, lock in (await locks(flow)).items():
        assert lock["live"]["version"] == {**AFTER, "suite": "2026.48"}[service]
        assert (lock["live"]["promotion"], lock["live"]["proven"]) == ("suite--2026.48", False)
    await check_free(flow)


def records(flow: Workflow) -> list[Order]:
    return flow.world.records
