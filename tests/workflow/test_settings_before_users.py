"""Settings that change after they were fixed: seen before users meet the release, and before it counts as proven."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from slipway.promotion.canary_plan import CanaryPlan
from tests.promotion.builders import a_build
from tests.workflow.release_world import ReleaseWorld
from tests.workflow.test_flag_ramp import LABEL, NAME, PLAN
from tests.workflow.test_releases import ON, SITES, flag, live, production, released, world
from tests.workflow.virtual import Workflow, stage_state
from tests.workflow.world import Sides

CANARY: CanaryPlan = replace(PLAN, flag=None)


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(ReleaseWorld({name: Sides() for name in SITES})) as workflow:
        yield workflow


def edits_at(flow: Workflow, activity: str, version: str = "2.0.0", gone: bool = False) -> None:
    """Somebody changes a setting of that version, or takes all away, just before the activity's first call for it."""

    async def edits(called: str, order: dict[str, Any]) -> None:
        if called == activity and order.get("version") == version:
            flow.world.meanwhile = None
            settings = world(flow).settings.kept
            settings[version] = {} if gone else {**settings[version], "checkout:limit": "9"}

    flow.world.meanwhile = edits


@pytest.mark.parametrize("gone", [False, True])
@pytest.mark.parametrize("rollout", ["all-at-once", "canary", "flag"])
async def test_settings_that_changed_since_they_were_fixed_stop_the_release_before_any_user_meets_it(
    flow: Workflow, rollout: str, gone: bool
) -> None:
    await released(flow, "1.0.0", production())
    edits_at(flow, "check_health", gone=gone)
    ramp = {"canary": {"canary": CANARY, "flag": PLAN}.get(rollout), "rollout": rollout}
    output = await flow.until_ended(await flow.promote(a_build("2.0.0"), production(**ramp)))
    assert (output["outcome"], output["code"]) == ("broken", "CONFIGURATION_CHANGED")
    assert "right before users meet the release" in output["words"]
    assert ("no setting has the label" if gone else "checkout:limit") in output["words"]
    assert live(flow) == {"1.0.0"} and not any(world(flow).most.values()), "nobody has met it"
    assert not (await flow.lock("production"))["rejected"]


async def test_settings_that_change_before_the_first_user_has_the_flag_take_its_release_back(flow: Workflow) -> None:
    await released(flow, "1.0.0", production())
    edits_at(flow, "check_testers")
    output = await flow.until_ended(await flow.promote(a_build("2.0.0"), production(canary=PLAN, rollout="flag")))
    assert (output["outcome"], output["code"]) == ("broken", "CONFIGURATION_CHANGED")
    assert live(flow) == {"1.0.0"} and world(flow).flags.kept[NAME, LABEL].share == 0


async def test_settings_that_change_while_the_release_bakes_take_it_back_before_it_counts_as_proven(
    flow: Workflow,
) -> None:
    await released(flow, "1.0.0", production())
    id = await flow.promote(a_build("2.0.0"), production(flags=(ON,), bake_s=600))
    await flow.until(lambda: stage_state(flow.world, "production") == "baking")
    world(flow).settings.kept["2.0.0"]["checkout:limit"] = "9"
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("broken", "CONFIGURATION_CHANGED")
    assert "before the release counts as proven: 2.0.0 is not what was verified any more" in output["words"]
    assert live(flow) == {"1.0.0"} and not flag(flow, "banner")["enabled"]


async def test_a_store_that_is_away_is_waited_for_before_the_switch(flow: Workflow) -> None:
    await released(flow, "1.0.0", production())
    world(flow).away["look_at_configuration"] = 4
    await released(flow, "2.0.0", production())


async def test_a_store_that_stays_away_ends_it_before_any_user_meets_it(flow: Workflow) -> None:
    await released(flow, "1.0.0", production())
    world(flow).put_off["look_at_configuration"] = 60.0
    output = await flow.until_ended(await flow.promote(a_build("2.0.0"), production()))
    assert (output["outcome"], output["code"]) == ("broken", "TIMED_OUT") and live(flow) == {"1.0.0"}


async def test_a_store_that_is_away_after_the_bake_says_nothing_against_the_release(flow: Workflow) -> None:
    await released(flow, "1.0.0", production())
    id = await flow.promote(a_build("2.0.0"), production(bake_s=600))
    await flow.until(lambda: stage_state(flow.world, "production") == "baking")
    world(flow).put_off["look_at_configuration"] = 60.0
    assert (await flow.until_ended(id))["outcome"] == "passed" and live(flow) == {"2.0.0"}
