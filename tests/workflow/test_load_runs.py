"""A load that Azure drives opens and shuts the way as one of our own does, and is compared with the release before."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.promotion.load_runs.plan import IGNORED, LoadRunPlan
from slipway.promotion.plan import LoadTest, StagePlan, Target
from tests.promotion.builders import a_build, a_stage
from tests.workflow.virtual import Workflow, stage_state
from tests.workflow.world import Sides, World

RESOURCE = "/subscriptions/1/resourceGroups/shop/providers/Microsoft.LoadTestService/loadTests/loads"
PEAK = LoadTest("peak", 0.0, 0.0, "/", p95_ms=300, run=LoadRunPlan(RESOURCE, "peak"))
OURS = LoadTest("ours", rate_per_s=40, duration_s=4, path="/", p95_ms=300)
REGIONS = tuple(Target(name, "app-service", f"/sites/{name}", "staging") for name in ("weu", "neu"))


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(World({name: Sides() for name in ("weu", "neu")}, polls=3)) as workflow:
        yield workflow


def staging(*loads: LoadTest) -> StagePlan:
    return a_stage("staging", targets=REGIONS, loads=loads)


def steps(flow: Workflow) -> dict[str, str]:
    shown = flow.world.rows["stage:staging"]["doc"]["steps"]
    return {f"{step['name']} {step['target']}": step["state"] for step in shown}


async def test_both_drivers_stand_side_by_side_and_each_target_has_a_run_of_its_own(flow: Workflow) -> None:
    id = await flow.promote(a_build("1.2.0"), staging(OURS, PEAK))
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert {name: state for name, state in steps(flow).items() if name.startswith("load")} == dict.fromkeys(
        ("load ours weu", "load ours neu", "load peak weu", "load peak neu"), "passed"
    )
    runs = [each for each in flow.world.effects if ":load-peak-" in each]
    assert len(runs) == 2 and set(flow.world.effects.values()) == {1}


@pytest.mark.parametrize(
    ("test", "code"),
    [
        (PEAK, "LOAD_CRITERIA"),
        (replace(PEAK, error_rate=0.01), "LOAD_ERROR_RATE"),
        (replace(PEAK, p95_ms=5), "LOAD_LATENCY"),
    ],
)
async def test_criteria_and_thresholds_stop_a_bad_release(flow: Workflow, test: LoadTest, code: str) -> None:
    flow.world.bad_load = {"1.2.0"}
    output = await flow.until_ended(await flow.promote(a_build("1.2.0"), staging(test)))
    assert (output["outcome"], output["code"]) == ("failed", code)
    assert {site.live for site in flow.world.sites.values()} == {"1.0.0"}


async def test_criteria_that_are_ignored_let_it_pass(flow: Workflow) -> None:
    flow.world.bad_load = {"1.2.0"}
    test = replace(PEAK, run=LoadRunPlan(RESOURCE, "peak", criteria=IGNORED))
    output = await flow.until_ended(await flow.promote(a_build("1.2.0"), staging(test)))
    assert output["outcome"] == "passed"


async def test_a_run_that_azure_cannot_carry_out_is_begun_anew_and_blames_nobody(flow: Workflow) -> None:
    flow.world.failing_runs = 1
    stage = a_stage("staging", targets=REGIONS[:1], loads=(PEAK,))
    assert (await flow.until_ended(await flow.promote(a_build("1.2.0"), stage)))["outcome"] == "passed"
    runs = [each for each in flow.world.effects if ":load-peak-" in each]
    assert len(runs) == 2, "another run, under another id"
    flow.world.failing_runs = 9
    output = await flow.until_ended(await flow.promote(a_build("1.3.0"), stage))
    assert (output["outcome"], output["code"]) == ("broken", "LOAD_RUN_FAILED")
    assert flow.world.sites["weu"].live == "1.2.0"


async def test_an_abort_stops_the_runs(flow: Workflow) -> None:
    flow.world.polls = 50
    id = await flow.promote(a_build("1.2.0"), staging(PEAK))
    await flow.until(lambda: stage_state(flow.world, "staging") == "verifying")
    await flow.abort(id)
    output = await flow.until_ended(id)
    assert output["outcome"] == "cancelled"
    assert len(set(flow.world.stopped_runs)) == 2


async def test_a_host_that_dies_in_the_middle_follows_the_same_run(tmp_path: Path) -> None:
    world = World({name: Sides() for name in ("weu", "neu")}, polls=20)
    async with Workflow(world, state=str(tmp_path / "state.sqlite")) as flow:
        id = await flow.promote(a_build("1.2.0"), staging(PEAK))
        await flow.until(lambda: stage_state(world, "staging") == "verifying")
        await flow.restart()
        assert (await flow.until_ended(id))["outcome"] == "passed"
    assert len([each for each in world.effects if ":load-peak-" in each]) == 2, "one of each target"


async def test_a_slower_release_is_stopped_by_the_comparison_alone(flow: Workflow) -> None:
    stage = a_stage("staging", targets=REGIONS[:1], loads=(replace(PEAK, against="previous"),))
    flow.world.latency_ms = {"1.1.0": 60.0, "1.2.0": 61.0, "1.3.0": 120.0}
    for version in ("1.1.0", "1.2.0"):
        output = await flow.until_ended(await flow.promote(a_build(version), stage))
        assert output["outcome"] == "passed", output
    output = await flow.until_ended(await flow.promote(a_build("1.3.0"), stage))
    assert (output["outcome"], output["code"]) == ("failed", "LOAD_SLOWER_THAN_PREVIOUS")
    assert "of 1.2.0" in output["words"] and flow.world.sites["weu"].live == "1.2.0"
