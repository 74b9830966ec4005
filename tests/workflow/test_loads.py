"""Every load test of a stage counts, on every target."""

from collections.abc import AsyncIterator

import pytest

from slipway.promotion.plan import LoadTest, Target
from tests.promotion.builders import a_build, a_stage
from tests.workflow.virtual import Workflow
from tests.workflow.world import Sides, World

# The world answers each request in 22 ms.
MET = LoadTest("met", rate_per_s=40, duration_s=4, path="/", p95_ms=300)
ALSO_MET = LoadTest("also-met", rate_per_s=20, duration_s=2, path="/basket", p99_ms=500, error_rate=0.01)
MISSED = LoadTest("missed", rate_per_s=40, duration_s=4, path="/search", p95_ms=5)
REGIONS = tuple(Target(name, "app-service", f"/sites/{name}", "staging") for name in ("weu", "neu"))


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(World({name: Sides() for name in ("weu", "neu")}, polls=0)) as workflow:
        yield workflow


@pytest.mark.parametrize("loads", [(MISSED,), (MISSED, MET), (MET, MISSED), (MET, MISSED, ALSO_MET)])
async def test_one_load_test_that_is_missed_stops_the_release_wherever_it_stands(
    flow: Workflow, loads: tuple[LoadTest, ...]
) -> None:
    id = await flow.promote(a_build("1.2.0"), a_stage("production", targets=REGIONS, loads=loads))
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "LOAD_LATENCY")
    assert {site.live for site in flow.world.sites.values()} == {"1.0.0"}
    shown = {
        (step["name"], step["target"]): step["state"] for step in flow.world.rows["stage:production"]["doc"]["steps"]
    }
    for load in loads:
        states = {shown[f"load {load.name}", target.name] for target in REGIONS}
        assert states == {"failed" if load is MISSED else "passed"}, load.name


async def test_a_load_that_only_the_second_target_misses_stops_both(flow: Workflow) -> None:
    errors = LoadTest("errors", rate_per_s=40, duration_s=4, path="/", error_rate=0.02)
    flow.world.sites["neu"].idle = "1.1.0"
    order: list[str] = []

    async def only_neu(activity: str, asked: dict[str, object]) -> None:
        if activity == "drive_load":
            order.append(str(asked["url"]))
            flow.world.bad_load = {"1.2.0"} if "neu" in str(asked["url"]) else set()

    flow.world.meanwhile = only_neu
    id = await flow.promote(a_build("1.2.0"), a_stage("production", targets=REGIONS, loads=(MET, errors)))
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "LOAD_ERROR_RATE")
    assert "neu: error rate" in output["words"]
    assert {site.live for site in flow.world.sites.values()} == {"1.0.0"}
    assert len(order) == 4
