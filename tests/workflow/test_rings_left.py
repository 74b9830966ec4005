"""Rings that were to go back with a later one and could not, or not whole: their locks stay broken, and a person is
called."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from slipway.promotion.blue_green_plan import BlueGreenPlan
from slipway.promotion.rings import ROLL_BACK_ALL
from tests.promotion.builders import a_build, later
from tests.workflow.test_rings import FIRST, SECOND, SITES, THIRD, live, on, reaches, rings
from tests.workflow.virtual import Workflow
from tests.workflow.world import Sides, World


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(World({name: Sides() for name in SITES})) as workflow:
        yield workflow


def calling(flow: Workflow) -> list[tuple[str, str]]:
    """Stage and code of the records that call a person."""
    return [(each["stage"], each["evidence"]["code"]) for each in flow.world.records if each["evidence"].get("calls")]


async def broken(flow: Workflow) -> list[str]:
    return [name for name in (FIRST, SECOND, THIRD) if (await flow.lock(name)).get("broken")]


async def test_a_ring_of_which_a_region_is_down_goes_back_where_it_can_be_read(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), *rings(ROLL_BACK_ALL))
    await reaches(flow, THIRD, "baking")
    flow.world.sick_live.add("2.0.0")
    flow.world.down = {"weu"}
    output = await flow.until_ended(id)
    assert live(flow) == on("weu")
    assert f"{SECOND} did not go back" in output["words"] and "weu answers nothing" in output["words"]
    assert await broken(flow) == [SECOND]
    assert calling(flow) == [(SECOND, "ROLLBACK_FAILED"), (THIRD, "UNHEALTHY")]


async def test_a_ring_with_nothing_to_return_to_leaves_its_lock_broken(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), *rings(ROLL_BACK_ALL))
    await reaches(flow, SECOND, "baking")
    flow.world.sites["tenants"].idle = "0.5.0"
    flow.world.sick_live.add("2.0.0")
    output = await flow.until_ended(id)
    assert live(flow) == on("tenants")
    assert f"{FIRST} did not go back: the idle side of tenants does not hold" in output["words"]
    assert await broken(flow) == [FIRST]
    assert calling(flow) == [(FIRST, "NOTHING_TO_RETURN_TO"), (SECOND, "UNHEALTHY")]


async def test_a_newer_build_in_an_earlier_ring_is_left_there_and_its_undo_ends_with_a_person(flow: Workflow) -> None:
    """Ring 1 has a newer build when ring 2 finds 2.0.0 bad; then that one fails, too, and 2.0.0 alone is left there."""
    first = await flow.promote(a_build("2.0.0"), *rings(ROLL_BACK_ALL))
    await reaches(flow, SECOND, "baking")
    newer = replace(rings()[0], bake_s=600.0, retry_within_s=0)
    second = await flow.begin(a_build("2.1.0", finished_at=later(minutes=1)), newer, token="t2")
    await flow.until(lambda: live(flow)["tenants"] == "2.1.0")
    flow.world.sick_live.add("2.0.0")
    output = await flow.until_ended(first)
    assert f"{FIRST} did not go back: 2.1.0, a newer build, is already live here" in output["words"]
    assert calling(flow) == [] and await broken(flow) == []
    assert [each["proven"] for each in (await flow.lock(FIRST))["previous"]] == [False]
    flow.world.sick_live.add("2.1.0")
    output = await flow.until_ended(second)
    assert output["words"].endswith("2.0.0 serves again, and is no release to stay on: ring eu failed")
    assert live(flow)["tenants"] == "2.0.0" and calling(flow) == [(FIRST, "UNHEALTHY")]
    lock = await flow.lock(FIRST)
    assert lock["broken"] and lock["releases"][0]["state"] == "undone" and lock["releases"][1]["state"] == "unproven"


async def test_a_ring_whose_old_side_was_stopped_and_has_another_release_now_leaves_its_lock_broken(
    flow: Workflow,
) -> None:
    kept = {"rollout": "blue-green", "blue_green": BlueGreenPlan(keep_s=60.0), "watch_s": 60.0}
    one, two, _ = rings(ROLL_BACK_ALL)
    id = await flow.promote(a_build("2.0.0"), replace(one, **kept), replace(two, bake_s=3600))
    await reaches(flow, SECOND, "baking")
    await flow.until(lambda: flow.world.sites["tenants"].idle_stopped)
    flow.world.sites["tenants"].idle = "somebody's"
    await flow.engine.until_idle()
    flow.world.sick_live.add("2.0.0")
    await flow.until_ended(id)
    assert live(flow) == on("tenants")
    assert await broken(flow) == [FIRST] and calling(flow)[0] == (FIRST, "NOTHING_TO_RETURN_TO")
    assert f"{FIRST}/starting-old-side" in flow.world.actions()


@pytest.mark.parametrize("when", ["rolling out", "baking"])
async def test_a_region_that_goes_down_under_a_ring_at_work_waits_for_a_lift_and_a_retry(
    flow: Workflow, when: str
) -> None:
    before = await flow.promote(a_build("1.9.0"), *rings())
    assert (await flow.until_ended(before))["outcome"] == "passed"
    id = await flow.begin(a_build("2.0.0", finished_at=later(minutes=1)), *rings(ROLL_BACK_ALL), token="t2")
    await reaches(flow, SECOND, when)
    flow.world.down = {"neu"}
    await reaches(flow, SECOND, "broken")
    row = flow.world.rows[f"stage:{SECOND}"]["doc"]
    assert row["code"] == "ROLLBACK_FAILED" and "neu answers nothing" in row["words"]
    assert live(flow)["weu"] == "1.9.0" and live(flow)["tenants"] == "2.0.0", "no earlier ring goes back for it"
    assert not (await flow.lock(SECOND))["rejected"] and await broken(flow) == [SECOND]
    flow.world.down = set()
    await flow.signal("environment", f"{SECOND}--checkout", "lift", {"id": "broken"})
    await flow.command(id, "retry")
    assert (await flow.until_ended(id))["outcome"] == "passed"
