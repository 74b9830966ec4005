"""A ring's region is asked again whenever users are to be moved, and what has waited for it is looked at once more."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from slipway.promotion.blue_green_plan import BlueGreenPlan
from slipway.promotion.rings import RegionGate, RingPlan
from tests.promotion.builders import a_build
from tests.workflow import test_front_door, test_ramp
from tests.workflow.front_door_world import FrontDoorWorld
from tests.workflow.ramp_world import RampingWorld
from tests.workflow.test_rings import FIRST, GATE, SECOND, SITES, live, on, reaches, rings, told, when_verified_live
from tests.workflow.virtual import Workflow, stage_state
from tests.workflow.world import Sides, an_account

LONG = replace(GATE, within_s=43_200)
SWITCHED = {"rollout": "blue-green", "blue_green": BlueGreenPlan(keep_s=3600.0), "watch_s": 3600.0}
ALONE = RingPlan("production", "production", "weu", 1, 1, gate=RegionGate("/s/hub", "westeurope", within_s=7200))
OFFLINE = an_account(write="northeurope", westeurope="Offline")


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(RampingWorld({name: Sides() for name in SITES})) as workflow:
        yield workflow


@pytest.mark.parametrize("rollout", [SWITCHED, {}], ids=["blue-green", "all at once"])
async def test_what_fell_ill_while_it_waited_for_its_region_meets_no_user(
    flow: Workflow, rollout: dict[str, Any]
) -> None:
    flow.world.account = an_account(westeurope="Updating")
    one, *_ = rings(gate=LONG, retry_within_s=0, **rollout)
    id = await flow.promote(a_build("2.0.0"), one)
    await reaches(flow, FIRST, "waiting for the region")
    ready = flow.clock.now() + timedelta(hours=5)
    await flow.until(lambda: flow.clock.now() >= ready)
    flow.world.sick_idle.add("2.0.0")
    flow.world.account = an_account()
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "UNHEALTHY")
    assert "right before the switch" in output["words"]
    assert "rolling-out" not in told(flow, FIRST) and live(flow) == on()


async def test_one_that_is_well_goes_on_and_its_region_is_read_after_that_look(flow: Workflow) -> None:
    flow.world.account = an_account(westeurope="Updating")
    one, *_ = rings(gate=LONG)
    id = await flow.promote(a_build("2.0.0"), one)
    await reaches(flow, FIRST, "waiting for the region")
    flow.world.account = an_account()
    moved_again = False

    async def moves(activity: str, order: dict[str, Any]) -> None:
        nonlocal moved_again
        if not moved_again and told(flow, FIRST)[-1:] == ["verifying-again"]:
            moved_again, flow.world.account = True, an_account(northeurope="Offline")

    flow.world.meanwhile = moves
    await flow.until(lambda: moved_again and told(flow, FIRST)[-1] == "waiting-for-the-region")
    assert live(flow) == on()
    flow.world.account = an_account()
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert told(flow, FIRST).count("verifying-again") == 2


async def test_of_a_ring_in_parts_the_part_that_has_waited_is_looked_at(flow: Workflow) -> None:
    """What was switched before stands on the live side: its idle side has the old release."""
    one, two, _ = rings(gate=LONG, retry_within_s=0)

    async def fail_over() -> None:
        flow.world.account = an_account(northeurope="Offline")

    when_verified_live(flow, "weu", fail_over)
    id = await flow.promote(a_build("2.0.0"), one, replace(two, max_parallel=2))
    await reaches(flow, SECOND, "waiting for the region")
    flow.world.account = an_account()
    assert (await flow.until_ended(id))["outcome"] == "passed"
    again = [step for step in flow.world.rows[f"stage:{SECOND}"]["doc"]["steps"] if step["name"] == "health again"]
    assert [step["target"] for step in again] == ["sdc"] and live(flow) == on("tenants", "weu", "neu", "sdc")


async def through_front_door(flow: Workflow) -> str:
    """A canary in a region, until all users have returned and Front Door settles before the swap."""
    assert isinstance(flow.world, FrontDoorWorld)
    flow.world.now = flow.clock.now
    id = await flow.promote(a_build("2.0.0"), test_front_door.production(ring=ALONE))
    changes = flow.world.changes
    await flow.until(lambda: changes[-1:] == [0.0])
    return id


async def test_users_behind_a_front_door_are_not_swapped_in_the_middle_of_a_failover() -> None:
    async with Workflow(FrontDoorWorld({"weu": Sides()})) as flow:
        id = await through_front_door(flow)
        flow.world.account = OFFLINE
        await flow.until(lambda: stage_state(flow.world, "production") == "waiting for the region")
        assert flow.world.sites["weu"].live == "1.0.0"
        flow.world.account = an_account()
        assert (await flow.until_ended(id))["outcome"] == "passed"
        assert flow.world.sites["weu"].live == "2.0.0"
        assert flow.world.actions().count("production/ramping") == 1, "its ramp is over"


async def test_a_region_that_does_not_come_back_before_the_swap_ends_the_ring() -> None:
    async with Workflow(FrontDoorWorld({"weu": Sides()})) as flow:
        id = await through_front_door(flow)
        flow.world.account = OFFLINE
        output = await flow.until_ended(id)
        assert (output["outcome"], output["code"]) == ("not enough evidence", "REGION_NOT_READY")
        assert (flow.world.sites["weu"].live, flow.world.sites["weu"].idle_stopped) == ("1.0.0", True)


@pytest.mark.parametrize("for_ever", [False, True], ids=["for a while", "for ever"])
async def test_a_ramp_whose_region_cannot_be_read_holds_and_is_withdrawn_in_the_end(for_ever: bool) -> None:
    async with Workflow(RampingWorld({name: Sides() for name in test_ramp.SITES})) as flow:
        id = await flow.promote(a_build("2.0.0"), test_ramp.production(ring=ALONE))
        await flow.until(lambda: max(flow.world.shares.values(), default=0.0) > 0)  # type: ignore[attr-defined]
        flow.world.account_refused = True
        await flow.until(lambda: "production/ramp.region-unread" in actions(flow))
        since = flow.clock.now()
        policy = test_ramp.PLAN.policy
        patience = timedelta(seconds=policy.tick_s * policy.blind_ticks)
        await flow.until(lambda: flow.clock.now() >= since + patience * 0.8)
        assert stage_state(flow.world, "production") == "ramping"
        assert max(flow.world.shares.values()) < 1  # type: ignore[attr-defined]
        flow.world.account_refused = for_ever
        output = await flow.until_ended(id)
        if not for_ever:
            assert output["outcome"] == "passed"
            return
        assert (output["outcome"], output["code"]) == ("not enough evidence", "REGION_UNREAD")
        assert "the release is not blamed" in output["words"] and flow.clock.now() - since < 2 * patience
        assert set(live(flow).values()) == {"1.0.0"}


async def test_a_look_that_comes_to_nothing_has_not_read_the_region_either() -> None:
    async with Workflow(RampingWorld({name: Sides() for name in test_ramp.SITES})) as flow:
        id = await flow.promote(a_build("2.0.0"), test_ramp.production(ring=ALONE))
        await flow.until(lambda: max(flow.world.shares.values(), default=0.0) > 0)  # type: ignore[attr-defined]
        flow.world.away["look_at_ramp"] = 100_000
        output = await flow.until_ended(id)
        assert (output["outcome"], output["code"]) == ("not enough evidence", "REGION_UNREAD")


def actions(flow: Workflow) -> list[str]:
    return [f"{each.get('stage')}/{each['action']}" for each in flow.world.records]
