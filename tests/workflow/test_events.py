"""What a promotion tells as it goes, in the words of CDEvents: once each, and in the order of what users met."""

import json
from collections.abc import AsyncIterator

import pytest

from slipway.promotion.event_catalogue import type_of
from slipway.promotion.events import messages
from slipway.promotion.stage_phases import LOCK
from slipway.promotion.stage_run import StageRun
from tests.promotion.builders import a_build, a_stage
from tests.workflow.virtual import Workflow, stage_state
from tests.workflow.world import Sides, World


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(World({"checkout-dev": Sides()})) as workflow:
        yield workflow


def told(flow: Workflow) -> list[tuple[str, str]]:
    """Predicates of CDEvents with the version of their artifact; each id once, every type of ours in the catalogue."""
    found, seen = [], set()
    for record in flow.world.records:
        assert type_of(record["action"]), record["action"]
        for message in messages(record):
            if message.properties["format"] == "cdevents" and message.id not in seen:
                document = json.loads(message.body)["data"]
                artifact = document["subject"]["content"].get("artifactId", "")
                version = artifact.partition("@")[2].partition("?")[0]
                found.append((document["context"]["type"].split(".", 2)[2].rsplit(".", 3)[0], version))
            seen.add(message.id)
    return found


async def test_a_good_build_upgrades_the_service_and_is_published_once_it_is_proven(flow: Workflow) -> None:
    await flow.until_ended(await flow.promote(a_build("1.1.0"), a_stage("dev", bake_s=60)))
    assert told(flow) == [
        ("pipelinerun.started", ""),
        ("service.upgraded", "1.1.0"),
        ("service.published", ""),
        ("pipelinerun.finished", ""),
    ]


async def test_a_release_that_turns_bad_while_it_bakes_is_rolled_back_to_the_one_before(flow: Workflow) -> None:
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", bake_s=600))
    await flow.until(lambda: stage_state(flow.world, "dev") == "baking")
    flow.world.sick_live = {"1.2.0"}
    await flow.until_ended(id)
    assert told(flow)[1:3] == [("service.upgraded", "1.2.0"), ("service.rolledback", "1.0.0")]


async def test_a_release_that_no_user_ever_met_is_neither_upgraded_nor_rolled_back(flow: Workflow) -> None:
    flow.world.sick_idle = {"1.2.0"}
    await flow.until_ended(await flow.promote(a_build("1.2.0"), a_stage("dev")))
    assert [predicate for predicate, _ in told(flow)] == ["pipelinerun.started", "pipelinerun.finished"]


async def test_a_release_that_a_person_takes_back_is_rolled_back(flow: Workflow) -> None:
    plan = a_stage("dev")
    id = await flow.promote(a_build("1.1.0"), plan)
    await flow.until_ended(id)
    run = StageRun(id, f"{id}:dev:back:k1", plan, a_build("1.1.0"), "", phase=LOCK, goes_back=True, asked_by="Alice")
    await flow.post(f"orchestrators/stage/{run.instance}", json.dumps(run.dump()))
    await flow.until(lambda: any(each["action"] == "stage.rolled-back" for each in flow.world.records))
    assert told(flow)[-1] == ("service.rolledback", "1.0.0")
