"""Tests of a verification, as jobs, through the real orchestrators in virtual time."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from slipway.promotion.job_plan import JobPlan, JobTest
from slipway.promotion.plan import StagePlan, Target
from tests.promotion.builders import a_build, a_stage
from tests.workflow.job_world import LOG, JobWorld
from tests.workflow.virtual import Workflow
from tests.workflow.world import Sides

SITES = ("weu", "neu")
UAT = JobTest("uat", JobPlan("/jobs/uat", "registry.example/uat:{version}", {"BROWSER": "firefox"}), ("--quick",))


def staging(*tests: JobTest, sites: tuple[str, ...] = SITES, **changes: Any) -> StagePlan:
    targets = tuple(Target(name, "app-service", f"/sites/{name}", "staging") for name in sites)
    return a_stage("staging", targets=targets, tests=tests, **changes)


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(JobWorld({name: Sides() for name in SITES})) as workflow:
        yield workflow


def world(flow: Workflow) -> JobWorld:
    assert isinstance(flow.world, JobWorld)
    return flow.world


def steps(flow: Workflow) -> list[tuple[str, str, str]]:
    doc = flow.world.rows["stage:staging"]["doc"]
    return [(each["name"], each["target"], each["state"]) for each in doc["steps"] if each["name"].startswith("tests")]


async def test_tests_run_against_each_idle_side_with_its_address(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), staging(UAT))
    assert (await flow.until_ended(id))["outcome"] == "passed"
    told = [run.env for run in world(flow).ran_of("uat")]
    assert [each["TARGET_URL"] for each in told] == ["http://weu-idle", "http://neu-idle"]
    assert [each["TARGET_NAME"] for each in told] == list(SITES)
    assert {each["SLIPWAY_VERSION"] for each in told} == {"2.0.0"} and told[0]["BROWSER"] == "firefox"
    assert {(run.image, run.args) for run in world(flow).ran_of("uat")} == {
        ("registry.example/uat:2.0.0", ("--quick",))
    }
    assert steps(flow) == [("tests uat", "weu", "passed"), ("tests uat", "neu", "passed")]


async def test_tests_of_the_stage_run_once_with_all_addresses(flow: Workflow) -> None:
    once = JobTest("tests", JobPlan("/jobs/dast"), once=True)
    id = await flow.promote(a_build("2.0.0"), staging(once, UAT))
    assert (await flow.until_ended(id))["outcome"] == "passed"
    (run,) = world(flow).ran_of("dast")
    assert run.env["TARGET_URLS"] == "http://weu-idle http://neu-idle"
    assert run.image == "", "the job's own"
    assert ("tests", "weu", "passed") in steps(flow) and len(steps(flow)) == 3


async def test_tests_that_fail_speak_against_the_release_with_their_log(flow: Workflow) -> None:
    world(flow).failing["uat"] = 1
    id = await flow.promote(a_build("2.0.0"), staging(UAT))
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "TESTS_FAILED")
    assert "weu: uat-1 exited with 3" in output["words"]
    assert {site.live for site in flow.world.sites.values()} == {"1.0.0"}
    shown = {each["target"]: each.get("log") for each in flow.world.rows["stage:staging"]["doc"]["steps"]
             if each["name"] == "tests uat"}  # fmt: skip
    assert shown == {"weu": LOG, "neu": None}
    told = next(each for each in flow.world.records if each["action"] == "stage.failed")
    assert told["evidence"]["logs"] == {"tests uat weu": LOG}
    assert len(world(flow).ran_of("uat")) == 2, "what failed is not tried again"


async def test_tests_that_cannot_start_are_tried_again_and_do_not_blame_the_release(flow: Workflow) -> None:
    world(flow).unstartable["uat"] = 2  # of both targets
    id = await flow.promote(a_build("2.0.0"), staging(UAT))
    assert (await flow.until_ended(id))["outcome"] == "passed"
    world(flow).unstartable["uat"] = 99
    never = await flow.promote(a_build("2.1.0"), staging(UAT))
    output = await flow.until_ended(never)
    assert (output["outcome"], output["code"]) == ("broken", "JOB_NOT_RUN")
    assert len(world(flow).ran_of("uat")) == 4 + 6, "three times for each target"


async def test_tests_that_never_end_are_told_so(flow: Workflow) -> None:
    """The adapter stops them at their own deadline; here nothing does, and the operation ends all the same."""
    world(flow).endless.add("uat")
    id = await flow.promote(a_build("2.0.0"), staging(UAT, sites=("weu",)))
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("broken", "TIMED_OUT")


async def test_many_targets_with_tests_stay_within_twenty_operations_at_a_time(flow: Workflow) -> None:
    sites = tuple(f"w{n}" for n in range(20))
    flow.world.sites |= {name: Sides() for name in sites}
    tests = [UAT, JobTest("dast", JobPlan("/jobs/dast")), JobTest("contract", JobPlan("/jobs/pact"), once=True)]
    id = await flow.promote(a_build("2.0.0"), staging(*tests, sites=sites))
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert [len(world(flow).ran_of(name)) for name in ("uat", "dast", "pact")] == [20, 20, 1]
