"""The ledger and the comparison with the previous release, through whole promotions, whatever dies on the way."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from slipway.promotion.plan import LoadTest
from tests.promotion.builders import a_build, a_stage, later
from tests.workflow.model import Model
from tests.workflow.must_hold import check_the_end
from tests.workflow.virtual import Workflow, stage_state
from tests.workflow.world import Sides, World

LOAD = LoadTest("peak", rate_per_s=60, duration_s=4, path="/", p95_ms=300, error_rate=0.02, against="previous")

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(World({"checkout-dev": Sides()}, polls=0)) as workflow:
        yield workflow


@pytest.fixture
async def model(tmp_path: Path) -> AsyncIterator[Model]:
    async with Model(str(tmp_path / "hub.sqlite")) as made:
        yield made


async def released(flow: Workflow, version: str, load: LoadTest = LOAD, **more: Any) -> dict[str, Any]:
    """The promotion's end."""
    minutes = int(version.split(".")[1])
    build = a_build(version, finished_at=later(minutes=minutes))
    id = await flow.promote(build, a_stage("dev", loads=(load,), **more), token=version)
    return await flow.until_ended(id)


def told(flow: Workflow) -> list[tuple[str, str]]:
    return [(each["version"], each["state"]) for each in flow.world.ledger("dev")]


def load_step(flow: Workflow) -> dict[str, Any]:
    steps: list[dict[str, Any]] = flow.world.rows["stage:dev"]["doc"]["steps"]
    return next(step for step in steps if step["name"] == "load peak")


async def test_a_slower_release_is_stopped_and_the_ledger_does_not_know_it(flow: Workflow) -> None:
    flow.world.latency_ms = {"1.2.0": 90.0}
    assert (await released(flow, "1.1.0"))["outcome"] == "passed"
    assert load_step(flow)["words"].endswith("nothing to compare with yet")
    slower = await released(flow, "1.2.0")
    assert (slower["outcome"], slower["code"]) == ("failed", "LOAD_SLOWER_THAN_PREVIOUS")
    assert "p95 102 ms, 4.6 × the 22 ms of 1.1.0 (at least " in slower["words"]
    assert told(flow) == [("1.1.0", "proven")]
    assert (await released(flow, "1.3.0"))["outcome"] == "passed"
    assert load_step(flow)["words"].endswith("p95 22 ms; 1.1.0: p95 22 ms")
    assert told(flow) == [("1.3.0", "proven"), ("1.1.0", "replaced")]


async def test_limits_are_judged_before_any_comparison(flow: Workflow) -> None:
    flow.world.latency_ms = {"1.2.0": 900.0}
    await released(flow, "1.1.0")
    assert (await released(flow, "1.2.0"))["code"] == "LOAD_LATENCY"


async def test_a_release_that_was_undone_while_it_baked_is_no_measure_for_the_next(flow: Workflow) -> None:
    flow.world.latency_ms = {"1.2.0": 1.0, "1.1.0": 40.0, "1.3.0": 40.0}
    await released(flow, "1.1.0")
    flow.world.sick_live = {"1.2.0"}
    assert (await released(flow, "1.2.0"))["code"] == "UNHEALTHY"
    assert told(flow) == [("1.2.0", "undone"), ("1.1.0", "proven")]
    undone = flow.world.ledger("dev")[0]
    assert (undone["by"], undone["code"]) == ("slipway", "UNHEALTHY") and "503" in undone["words"]
    assert (await released(flow, "1.3.0"))["outcome"] == "passed", "as fast as 1.1.0, slower than 1.2.0"


async def test_a_second_attempt_is_measured_anew(flow: Workflow) -> None:
    await released(flow, "1.1.0")
    flow.world.latency_ms = {"1.2.0": 90.0}
    id = await flow.promote(
        a_build("1.2.0", finished_at=later(minutes=2)), a_stage("dev", loads=(LOAD,), retry_within_s=3600), token="2"
    )
    await flow.until(lambda: stage_state(flow.world, "dev") == "failed")
    flow.world.latency_ms = {}
    await flow.command(id, "retry")
    assert (await flow.until_ended(id))["outcome"] == "passed"
    flow.world.latency_ms = {"1.3.0": 90.0}
    assert (await released(flow, "1.3.0"))["code"] == "LOAD_SLOWER_THAN_PREVIOUS", "by the second attempt's measure"


async def test_a_comparison_that_cannot_be_made_holds_nothing_against_the_release(flow: Workflow) -> None:
    flow.world.away["compare_loads"] = 25
    assert (await released(flow, "1.1.0"))["outcome"] == "passed"
    assert told(flow) == [("1.1.0", "proven")]


async def test_the_ledger_names_who_rolled_a_release_back(model: Model) -> None:
    for minutes, version in enumerate(("1.1.0", "1.2.0")):
        build = await model.submit(version, ["dev"], finished=minutes)
        await model.wait(600)
    assert await model.roll_back(build, "dev", by="Alice Adams", reason="customers complain")
    await check_the_end(model)
    taken_back, back = model.world.ledger("dev")
    assert (taken_back["version"], taken_back["state"], taken_back["by"]) == ("1.2.0", "rolled back", "Alice Adams")
    assert "customers complain" in taken_back["words"]
    assert (back["state"], back["back_since"]) == ("proven", taken_back["until"])


async def test_a_switch_whose_generation_begins_again_is_one_release(model: Model) -> None:
    build = await model.submit("1.1.0", ["dev"])
    await model.until(build, "rolling out")
    model.world.away["mirror_environment"] = 25
    await model.wait(3600)
    await check_the_end(model)
    assert [each["version"] for each in model.world.ledger("dev")] == ["1.1.0"]


STATES = ["deploying", "verifying", "rolling out", "verifying live", "baking"]


@pytest.mark.parametrize("state", STATES)
async def test_a_stage_that_is_terminated_leaves_a_true_ledger(model: Model, state: str) -> None:
    await model.submit("1.1.0", ["dev"], load=True)
    await model.wait(3600)
    build = await model.submit("1.2.0", ["dev"], finished=1, load=True)
    await model.until(build, state)
    await model.terminate(f"{build}:dev")
    await check_the_end(model)
    assert model.world.ledger("dev")[-1]["state"] == "proven"


async def test_a_stage_that_is_terminated_just_after_it_gave_its_lock_back_leaves_a_true_ledger(model: Model) -> None:
    build = await model.submit("1.1.0", ["dev"])
    await model.until(build, "baking")
    model.world.away["mirror_environment"] = 20
    await model.wait(120)
    assert (await model.flow.lock("dev"))["live"]["proven"], "said, and not copied yet"
    assert model.world.ledger("dev")[0]["state"] == "unproven"
    await model.terminate(f"{build}:dev")
    await check_the_end(model)
    assert model.world.ledger("dev")[0]["state"] == "proven"


@pytest.mark.parametrize("turns", range(0, 600, 100))
async def test_a_host_that_is_killed_anywhere_leaves_a_true_ledger(model: Model, turns: int) -> None:
    build = await model.submit("1.1.0", ["dev"], load=True)
    await model.until(build, "verifying")
    await model.turns(turns)
    await model.restart()
    await model.wait(25)
    await model.turns(turns)
    await model.restart()
    await check_the_end(model)
    assert [(each["version"], each["state"]) for each in model.world.ledger("dev")] == [("1.1.0", "proven")]


async def test_a_rollback_that_is_done_is_not_taken_for_lost(model: Model) -> None:
    build = await model.submit("1.1.0", ["dev"])
    await model.wait(600)
    await model.roll_back(build, "dev")
    await check_the_end(model)
    said = [each["action"] for each in model.world.records if ":back:" in each["id"]]
    assert said.count("stage.rolled-back") == 1
    assert ":sweep" not in model.world.of(build).rows["stage:dev"]["doc"]["instance"]


async def test_of_two_rollbacks_at_once_the_second_finds_nothing_to_do_and_that_is_no_breakdown(model: Model) -> None:
    build = await model.submit("1.1.0", ["dev"])
    await model.wait(600)
    assert [await model.roll_back(build, "dev") for _ in range(2)] == [True, True]
    await check_the_end(model)
    assert model.world.sites["checkout-dev"].live == "1.0.0"
    said = [each["action"] for each in model.world.records if ":back:" in each["id"]]
    assert [each for each in said if each in ("stage.rolled-back", "stage.cancelled", "stage.broken")] == [
        "stage.rolled-back",
        "stage.cancelled",
    ]
