"""A way back that ends half-way says what it brought, and what it did not, and so does the ledger."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from orchestrators.release_parts import half_way_back
from slipway.promotion.outcomes import broken, running
from slipway.promotion.stage_run import StageRun
from tests.promotion.builders import a_build, later
from tests.workflow.release_world import ReleaseWorld
from tests.workflow.test_flag_ramp import PLAN
from tests.workflow.test_releases import (
    OFF,
    ON,
    SITES,
    begin_rollback,
    flag,
    live,
    production,
    released,
    rolled_back,
    world,
)
from tests.workflow.virtual import Workflow, stage_state
from tests.workflow.world import Order, Sides

WAITS = "(production) waits for it"
ENDS = ("stage.rolled-back", "stage.broken", "stage.cancelled")
LEFT = ["the code", f"flag old-banner {WAITS}"]


class World(ReleaseWorld):
    """`deaf`: in which survey of a way back targets cannot be read: `before` the swap, or `after`; `for hours` the
    first one has no answer at all."""

    deaf = ""

    def _survey_targets(self, order: Order) -> Any:
        if self.deaf and order.get("when") == self.deaf:
            return broken("TARGETS_UNREADABLE", "403")
        if self.deaf == "for hours" and order.get("when") == "before":
            return running({}, 1.0, "503")
        return super()._survey_targets(order)


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(World({name: Sides() for name in SITES})) as workflow:
        yield workflow


def changed(release: dict[str, Any]) -> list[str]:
    return [each["name"] for each in release["changed_flags"]]


@pytest.mark.parametrize("why", ["the swap is refused", "before", "after", "for hours"])
async def test_a_way_back_whose_code_fails_says_which_flags_it_has_moved_and_which_it_left(
    flow: Workflow, why: str
) -> None:
    plan = production(flags=(ON, OFF))
    await released(flow, "1.0.0", production())
    id = await released(flow, "2.0.0", plan)
    assert isinstance(flow.world, World)
    flow.world.deaf, flow.world.swap_back_fails = why, 99 if why == "the swap is refused" else 0
    told = await rolled_back(flow, id, plan)
    assert told["action"] == "stage.broken" and told["evidence"]["code"] == "ROLLBACK_FAILED"
    brought = told["evidence"]["brought"]
    assert (brought["put_back"], brought["left"], brought["code"]) == (["banner (production)"], LEFT, "")
    assert told["evidence"]["calls"] and "flags: banner (production) is off" in told["words"]
    assert "not brought back: the code; flag old-banner (production) waits for it" in told["words"]
    assert not flag(flow, "banner")["enabled"] and not flag(flow, "old-banner")["enabled"]
    lock = await flow.lock("production")
    assert lock["broken"] and lock["live"]["version"] == "2.0.0"
    assert changed(lock["live"]) == changed(lock["releases"][0]) == ["old-banner"]


async def test_a_way_back_that_goes_on_later_brings_what_was_left(flow: Workflow) -> None:
    plan = production(flags=(ON, OFF))
    await released(flow, "1.0.0", production())
    id = await released(flow, "2.0.0", plan)
    flow.world.swap_back_fails = 6
    await rolled_back(flow, id, plan)
    await flow.signal("environment", "production--checkout", "lift", {"id": "broken"})
    told = len(flow.world.records)
    await begin_rollback(flow, id, plan, "k2")
    await flow.until(lambda: any(each["action"] == "stage.rolled-back" for each in flow.world.records[told:]))
    assert live(flow) == {"1.0.0"}
    assert not flag(flow, "banner")["enabled"] and flag(flow, "old-banner")["enabled"]


async def test_a_stage_that_cannot_undo_its_own_switch_says_the_same_of_its_flags(flow: Workflow) -> None:
    await released(flow, "1.0.0", production())
    flow.world.sick_live.add("2.0.0")
    flow.world.swap_back_fails = 99
    output = await flow.until_ended(await flow.promote(a_build("2.0.0"), production(flags=(ON, OFF))))
    assert (output["outcome"], output["code"]) == ("broken", "ROLLBACK_FAILED")
    record = next(each for each in flow.world.records if each["action"] == "stage.broken")
    assert record["evidence"]["brought"]["left"] == LEFT
    assert changed(record["evidence"]) == changed((await flow.lock("production"))["live"]) == ["old-banner"]


async def test_traffic_that_does_not_come_back_leaves_the_flags_for_later_and_says_so(flow: Workflow) -> None:
    await released(flow, "1.0.0", production())

    async def refuses(activity: str, order: dict[str, Any]) -> None:
        if activity == "swap":
            flow.world.sick_live.add("2.0.0")
            world(flow).backs_refused = 99

    flow.world.meanwhile = refuses
    plan = production(canary=replace(PLAN, flag=None), rollout="canary", flags=(ON, OFF))
    id = await flow.promote(a_build("2.0.0"), plan)
    await flow.until(lambda: stage_state(flow.world, "production") == "ramping")
    await flow.command(id, "promote", stage="production")
    output = await flow.until_ended(id)
    assert "TRAFFIC_NOT_BACK" in output["words"] and output["code"] == "ROLLBACK_FAILED", output
    record = next(each for each in flow.world.records if each["action"] == "stage.broken")
    brought = record["evidence"]["brought"]
    assert brought["put_back"] == [] and brought["left"] == [
        "the code",
        f"flag banner {WAITS}",
        f"flag old-banner {WAITS}",
    ]
    assert (
        changed((await flow.lock("production"))["live"]) == ["banner", "old-banner"] and flag(flow, "banner")["enabled"]
    )


def test_flags_that_were_not_changed_yet_wait_for_nothing() -> None:
    run = StageRun("checkout--2.0.0", "s", production(flags=(ON, OFF)), a_build("2.0.0"), "")
    assert half_way_back(run, {}).left == ("the code",)
    heir = replace(run, swept="s")  # what the one before it has done last nobody has heard
    assert half_way_back(heir, {}).left == ("the code", f"flag banner {WAITS}", f"flag old-banner {WAITS}")


@pytest.mark.parametrize("how", ["its stage", "a person"])
async def test_a_way_back_whose_previous_release_comes_up_late_is_gone_on_with(flow: Workflow, how: str) -> None:
    """All is swapped back, but 1.0.0 answers nothing for some minutes. The same command brings back what waits."""
    await released(flow, "1.0.0", production())
    plan = production(flags=(ON, OFF), bake_s=600)
    id = await flow.promote(a_build("2.0.0", finished_at=later(minutes=1)), plan)
    await flow.until(lambda: stage_state(flow.world, "production") == "baking")

    async def cold(activity: str, order: Order) -> None:
        if live(flow) == {"1.0.0"}:
            flow.world.dead.add("1.0.0")

    if how == "a person":
        assert (await flow.until_ended(id))["outcome"] == "passed"
    flow.world.meanwhile = cold
    if how == "a person":
        await rolled_back(flow, id, plan)
    else:
        flow.world.sick_live = {"2.0.0"}
        assert (await flow.until_ended(id))["code"] == "ROLLBACK_FAILED"
    assert (await flow.lock("production"))["broken"] and not flag(flow, "old-banner")["enabled"]
    flow.world.meanwhile, flow.world.dead = None, set()
    await flow.signal("environment", "production--checkout", "lift", {"id": "broken"})
    flow.world.records.clear()
    await begin_rollback(flow, id, plan, "k2")
    await flow.until(lambda: any(each["action"] in ENDS for each in flow.world.records))
    await flow.engine.until_idle()
    told = next(each for each in flow.world.records if each["action"] in ENDS)
    assert told["action"] == "stage.rolled-back" and "still on 1.0.0" in told["words"]
    assert flag(flow, "old-banner")["enabled"] and not flag(flow, "banner")["enabled"]
    lock = await flow.lock("production")
    assert (lock["live"]["version"], lock["broken"], lock["holder"]) == ("1.0.0", None, None)
    assert next(each for each in lock["releases"] if each["version"] == "2.0.0")["state"] == "rolled back"
