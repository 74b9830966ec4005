"""All rings of a stage taken back by a person's one word, in virtual time."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from slipway.promotion.stage_phases import LOCK
from slipway.promotion.stage_run import StageRun
from tests.promotion.builders import a_build
from tests.workflow.test_rings import FIRST, SECOND, SITES, THIRD, live, reaches, rings
from tests.workflow.virtual import Workflow
from tests.workflow.world import Sides, World


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(World({name: Sides() for name in SITES})) as workflow:
        yield workflow


async def all_taken_back(flow: Workflow, by: str) -> None:
    """A release passes all rings, and a person takes it back by one word, as the trigger does it."""
    plans = rings()
    id = await flow.promote(a_build("2.0.0"), *plans)
    assert (await flow.until_ended(id))["outcome"] == "passed"
    back = StageRun(id, f"{id}:{THIRD}:back:1", plans[2], a_build("2.0.0"), "", phase=LOCK, goes_back=True, whole=True)
    back = replace(back, asked_by=by, reason="orders are lost")
    await flow.post(f"orchestrators/stage/{back.instance}", json.dumps(back.dump()))
    await reaches(flow, THIRD, "rolled back")


async def test_a_person_takes_all_rings_back_by_one_word_the_last_one_first(flow: Workflow) -> None:
    await all_taken_back(flow, "Alice Adams")
    assert flow.world.rows[f"stage:{THIRD}"]["doc"]["words"].endswith(f"{SECOND}, {FIRST} went back, too")
    assert set(live(flow).values()) == {"1.0.0"}
    taken = [each for each in flow.world.records if each["action"] == "stage.rolled-back"]
    assert [each["stage"] for each in taken] == [SECOND, FIRST, THIRD], "a ring's own record comes when all is done"
    assert all("all rings of production: orders are lost" in each["words"] for each in taken[:2])
    for name in (FIRST, SECOND, THIRD):
        assert (await flow.lock(name))["releases"][0]["by"] == "Alice Adams", "whose word it was is on record"
