"""A promotion deploys what it found when it began, whatever happens to tags meanwhile."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from slipway.promotion.groups import GroupPlan
from slipway.promotion.job_plan import JobPlan, JobTest, Migration
from slipway.promotion.outcomes import Answer, broken, failed, running
from slipway.promotion.promotion_run import PromotionRun
from slipway.promotion.stage_run import StageRun
from tests.promotion.builders import ALICE, a_build, a_policy, a_stage, a_vote
from tests.workflow.virtual import Workflow, a_run, stage_state
from tests.workflow.world import Order, Sides, World

TAG = "https://artifacts/1.1.0.zip"  # where the plans of these tests have their packages
SITES = "checkout-dev", "checkout-test"
PIPELINE = a_stage("dev"), a_stage("test", ("dev",), approval=a_policy())


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(World({name: Sides() for name in SITES})) as workflow:
        yield workflow


def record(flow: Workflow, action: str) -> Order:
    (found,) = [each for each in flow.world.records if each["action"] == action]
    return found


async def test_a_tag_that_moves_between_stages_changes_nothing(flow: Workflow) -> None:
    flow.world.registry[TAG] = f"{TAG}?versionid=first"
    id = await flow.promote(a_build("1.1.0"), *PIPELINE)
    await flow.until(lambda: stage_state(flow.world, "test") == "waiting for approval")
    flow.world.registry[TAG] = f"{TAG}?versionid=second"
    await flow.vote(id, "test", a_vote(ALICE, at=flow.clock.now()))
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert flow.world.deployed == {name: [f"{TAG}?versionid=first"] for name in SITES}
    started = record(flow, "promotion.started")
    assert started["words"].endswith(f"{TAG} is the version first")
    assert started["evidence"]["artifacts"][0]["at"] == f"{TAG}?versionid=first"
    assert flow.world.rows["promotion"]["doc"]["pins"] == {TAG: f"{TAG}?versionid=first"}


@pytest.mark.parametrize(
    "answer", [failed("DIGEST_MISMATCH", "somebody has moved the tag"), broken("AZURE_DENIED", "it needs AcrPull")]
)
async def test_what_cannot_be_pinned_is_not_deployed(flow: Workflow, answer: Any) -> None:
    flow.world.unpinnable = answer
    output = await flow.until_ended(await flow.promote(a_build("1.1.0"), *PIPELINE))
    assert output == {"outcome": answer.state, "code": answer.code, "words": answer.words}
    assert not flow.world.effects and not flow.world.deployed
    assert flow.world.actions() == ["promotion.started", f"promotion.{answer.state}"]


async def test_while_a_registry_is_away_a_promotion_waits_and_says_so(flow: Workflow) -> None:
    words = "shop.azurecr.io/checkout:1.1.0 cannot be pinned: Azure is not available"
    flow.world.unpinnable = running({"since": "2026-11-24T12:00:00Z"}, 10.0, words)
    id = await flow.promote(a_build("1.1.0"), *PIPELINE)
    began = flow.clock.now()
    await flow.until(lambda: flow.clock.now() > began + timedelta(hours=1))
    assert record(flow, "promotion.started")["words"].endswith(f"it waits: {words}")
    assert (await flow.status(id))["customStatus"]["waits_for"] == words
    assert len(flow.history(id)) < 200 and not flow.world.deployed
    flow.world.unpinnable = None
    flow.world.registry[TAG] = f"{TAG}?versionid=first"
    await flow.until(lambda: stage_state(flow.world, "test") == "waiting for approval")
    assert record(flow, "promotion.pinned")["words"] == f"what is deployed is known: {TAG} is the version first"
    assert flow.world.deployed["checkout-dev"] == [f"{TAG}?versionid=first"]


async def test_pauses_between_tries_grow_to_a_minute_and_stay_there(flow: Workflow) -> None:
    asked: list[datetime] = []

    def answered(order: Order) -> Answer:
        asked.append(flow.clock.now())
        return running({"since": "then"}, 17.0, "throttled")

    flow.world._pin_artifacts = answered  # type: ignore[method-assign]
    await flow.promote(a_build("1.1.0"), *PIPELINE)
    began = flow.clock.now()
    await flow.until(lambda: flow.clock.now() > began + timedelta(hours=1))
    gaps = [(after - before).total_seconds() for before, after in pairwise(asked)]
    assert 17 <= gaps[0] < 20 and 34 <= gaps[1] < 37, "as Azure wants, then longer"
    assert min(gaps[2:]) >= 60 and max(gaps[2:]) < 65, "over several generations"


@pytest.mark.parametrize("after_s", [10.0, 3600.0])
async def test_a_promotion_that_waits_for_a_registry_can_be_aborted(flow: Workflow, after_s: float) -> None:
    flow.world.unpinnable = running({}, after_s, "away")
    id = await flow.promote(a_build("1.1.0"), *PIPELINE)
    await flow.abort(id)
    began = flow.clock.now()
    assert (await flow.until_ended(id))["outcome"] == "cancelled"
    assert flow.clock.now() < began + timedelta(minutes=2)


def test_all_artifacts_of_a_build_are_one_unit() -> None:
    """Of a group those of its members, and of a target that takes several each of them."""
    group = GroupPlan(members={"web": "web", "api": "api"}, packages={"web": "r/charts/web:{version} r/web:{version}"})
    stage = a_stage(group=group)
    targets = tuple(type(stage.targets[0])(name, "app-service", f"/sites/{name}", "staging") for name in ("web", "api"))
    uat = JobTest("uat", JobPlan("/jobs/uat", "r/{service}-uat:{version}"))
    stage = a_stage(group=group, targets=targets, tests=(uat,), migration=Migration(JobPlan("/jobs/own")))
    run = a_run(a_build("7", members={"web": "1.2", "api": "3.4"}, digest="sha256:0"), stage)
    deployed = "r/charts/web:1.2", "r/web:1.2", "https://artifacts/7.zip"
    assert run.artifacts == (*deployed, "r/web-uat:1.2", "r/api-uat:3.4")
    pinned = PromotionRun.load({**run.dump(), "pins": {"r/web:1.2": "r/web:1.2@sha256:1"}})
    assert run.digest_to_find == "", "that of a group is of its members' versions"
    there = StageRun.load(pinned.stage_input(pinned.plan.stages[0], "i"))
    assert there.package_of("web") == "r/charts/web:1.2 r/web:1.2@sha256:1"
    assert there.package_of("api") == "https://artifacts/7.zip"
