"""A version that is live already, promoted again, through the real orchestrators and entities in virtual time."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from slipway.promotion.stage_phases import LOCK
from slipway.promotion.stage_run import StageRun
from tests.promotion.builders import a_build, a_stage, later
from tests.workflow.groups import PRODUCTION, live, target_of
from tests.workflow.virtual import Workflow
from tests.workflow.world import Sides, World

STAGE = a_stage(PRODUCTION, bake_s=120, targets=(target_of("web"),))


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    """2.0.0 came over 1.0.0 and is proven, then 3.0.0 over that."""
    async with Workflow(World({"web": Sides(live="1.0.0")})) as workflow:
        await workflow.until_ended(await workflow.promote(a_build("2.0.0"), STAGE))
        await workflow.until_ended(await workflow.promote(a_build("3.0.0", finished_at=later(hours=1)), STAGE))
        yield workflow


async def again(flow: Workflow, run: int = 2) -> str:
    """3.0.0 once more. Returns the promotion, which bakes."""
    id = await flow.promote(a_build("3.0.0", finished_at=later(hours=run), run=run), STAGE)
    await flow.until(lambda: "stage.baking" in actions(flow, id))
    return id


def actions(flow: Workflow, promotion: str) -> list[str]:
    return [each["action"] for each in flow.world.records if each["promotion"] == promotion]


async def test_new_values_of_a_version_that_is_live_are_refused_and_it_stays_what_it_was(flow: Workflow) -> None:
    """Where the platform tells packages: nothing that a side answers would tell both apart."""
    before = await flow.lock(PRODUCTION)
    flow.world.reused.add("web")
    in_a_cluster = replace(STAGE, targets=(replace(target_of("web"), kind="aks"),))
    output = await flow.until_ended(
        await flow.promote(a_build("3.0.0", finished_at=later(hours=2), run=2), in_a_cluster)
    )
    assert output["outcome"] == "broken" and "web serves 3.0.0 already, with another chart" in output["words"]
    (refused,) = [each for each in flow.world.records if each["action"] == "stage.broken"]
    assert refused["evidence"]["code"] == "VERSION_REUSED"
    after = await flow.lock(PRODUCTION)
    assert (after["live"], after["previous"], after["holder"]) == (before["live"], before["previous"], None)
    newer = await flow.promote(a_build("3.0.1", finished_at=later(hours=3)), in_a_cluster)
    assert (await flow.until_ended(newer))["outcome"] == "passed" and live(flow.world) == {"web": "3.0.1"}


async def rolled_back(flow: Workflow, id: str) -> dict[str, Any]:
    instance = f"{id}:{PRODUCTION}:back:1"
    run = StageRun(id, instance, STAGE, a_build("3.0.0"), "", phase=LOCK, goes_back=True)
    await flow.post(f"orchestrators/stage/{instance}", json.dumps(run.dump()))
    await flow.until(lambda: bool({"stage.rolled-back", "stage.broken", "stage.cancelled"} & {*actions(flow, id)}))
    await flow.engine.until_idle()
    return dict((await flow.status(instance))["output"])


@pytest.mark.parametrize("how", ["unhealthy", "aborted"])
async def test_one_that_fails_leaves_live_what_serves_as_what_it_was(flow: Workflow, how: str) -> None:
    before = await flow.lock(PRODUCTION)
    id = await again(flow)
    if how == "aborted":
        await flow.abort(id)
    else:
        flow.world.sick_live.add("3.0.0")
    output = await flow.until_ended(id)
    assert "production is still on 3.0.0" in output["words"] and live(flow.world) == {"web": "3.0.0"}
    after = await flow.lock(PRODUCTION)
    proven = how == "aborted"  # which says nothing of the release
    assert (after["live"], after["previous"]) == ({**before["live"], "proven": proven}, before["previous"])
    assert "again" not in after, "what is over is not kept"
    newest, older = flow.world.ledger(PRODUCTION)
    assert (newest["version"], newest["state"], newest["until"]) == ("3.0.0", "proven" if proven else "unproven", "")
    assert bool(newest["proven_at"]) == proven
    assert (newest["promotion"], newest["code"]) == ("checkout--3.0.0", output["code"]), "and says that it failed since"
    assert (older["version"], older["state"], older["replaced_by"]) == ("2.0.0", "replaced", "3.0.0")


async def test_what_is_between_both_stays_behind_after_one_that_fails(flow: Workflow) -> None:
    id = await again(flow)
    flow.world.sick_live.add("3.0.0")
    await flow.until_ended(id)
    between = await flow.promote(a_build("2.5.0", finished_at=later(minutes=30)), STAGE)
    assert (await flow.until_ended(between))["code"] == "BEHIND"


async def test_its_way_back_leads_to_the_release_before_that_version(flow: Workflow) -> None:
    await flow.until_ended(await again(flow))
    id = await again(flow, run=3)
    await flow.until_ended(id)
    assert (await rolled_back(flow, id))["outcome"] == "rolled back"
    assert live(flow.world) == {"web": "2.0.0"}
    lock = await flow.lock(PRODUCTION)
    assert (lock["live"]["version"], lock["live"]["proven"]) == ("2.0.0", True)
    newest, older = flow.world.ledger(PRODUCTION)
    assert (newest["state"], older["state"], older["until"]) == ("rolled back", "proven", "")
