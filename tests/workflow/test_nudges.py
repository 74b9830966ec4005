"""Whoever waits for a change is woken by it; without, it would wait for its timer of up to 15 minutes."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from slipway.promotion.outcomes import moment
from tests.promotion.builders import ALICE, a_build, a_policy, a_stage, a_vote, later
from tests.workflow.virtual import Workflow, raise_nudge, stage_state
from tests.workflow.world import Sides, World

A_MOMENT = timedelta(seconds=5)


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    names = ("checkout-dev", "checkout-test", "checkout-staging")
    async with Workflow(World({name: Sides() for name in names}, polls=0)) as workflow:
        yield workflow


def gap(flow: Workflow, before: str, after: str) -> timedelta:
    """How long it took from one record to another."""
    at = {action: moment(each["at"]) for action, each in zip(flow.world.actions(), flow.world.records, strict=True)}
    return at[after] - at[before]


async def test_a_stage_begins_as_soon_as_the_one_it_needs_has_passed(flow: Workflow) -> None:
    stages = a_stage("dev", bake_s=120), a_stage("test", ("dev",)), a_stage("staging", ("test",))
    id = await flow.promote(a_build("1.1.0"), *stages)
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert gap(flow, "dev/passed", "test/deploying") < A_MOMENT
    assert gap(flow, "test/passed", "staging/deploying") < A_MOMENT


async def test_a_stage_is_cancelled_as_soon_as_the_one_it_needs_has_failed(flow: Workflow) -> None:
    flow.world.crashing = {"1.1.0"}
    id = await flow.promote(a_build("1.1.0"), a_stage("dev"), a_stage("test", ("dev",)))
    assert (await flow.until_ended(id))["outcome"] == "failed"
    assert gap(flow, "dev/failed", "test/cancelled") < A_MOMENT


async def test_the_next_build_gets_the_lock_as_soon_as_it_is_free(flow: Workflow) -> None:
    await flow.promote(a_build("1.1.0"), a_stage("dev", bake_s=120))
    await flow.until(lambda: stage_state(flow.world, "dev") == "baking")
    await flow.promote(a_build("1.2.0", finished_at=later(minutes=1)), a_stage("dev"), token="t2")
    await flow.until(lambda: flow.world.sites["checkout-dev"].live == "1.2.0")
    assert flow.clock.now() < later(seconds=120) + 3 * A_MOMENT


async def test_the_next_build_gets_the_lock_as_soon_as_the_first_is_undone(flow: Workflow) -> None:
    await flow.promote(a_build("1.1.0"), a_stage("dev", bake_s=300))
    await flow.until(lambda: stage_state(flow.world, "dev") == "baking")
    await flow.promote(a_build("1.2.0", finished_at=later(minutes=1)), a_stage("dev"), token="t2")
    flow.world.sick_live = {"1.1.0"}
    await flow.until(lambda: flow.world.sites["checkout-dev"].live == "1.2.0")
    assert flow.clock.now() < later(seconds=60), "at the next look of the bake"


async def test_a_build_that_waits_for_people_goes_as_soon_as_a_newer_one_comes(flow: Workflow) -> None:
    stage = a_stage("dev", approval=a_policy(), on_newer_build="supersede")
    older = await flow.promote(a_build("1.1.0"), stage)
    await flow.promote(a_build("1.2.0", finished_at=later(minutes=1)), stage, token="t2")
    status = await flow.status(older)
    assert status["runtimeStatus"] == "Completed", "no timer had to fire"
    assert status["output"]["code"] == "SUPERSEDED"


async def test_a_nudge_too_many_too_early_or_for_nothing_changes_nothing(flow: Workflow) -> None:
    id = await flow.promote(a_build("1.1.0"), a_stage("dev", approval=a_policy()), a_stage("test", ("dev",)))
    for waiter in (f"{id}:dev:approval:1", f"{id}:test", f"{id}:dev", id, "nobody"):
        for _ in range(3):
            await raise_nudge(flow.engine, waiter)
            await flow.engine.until_idle()
    assert stage_state(flow.world, "dev") == "waiting for approval" and stage_state(flow.world, "test") == ""
    await flow.vote(id, "dev", a_vote(ALICE, at=flow.clock.now()))
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert set(flow.world.effects.values()) == {1}
