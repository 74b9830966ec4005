"""Whatever breaks, the stage has a named end, the lock is free or says why not, and each effect came once."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from slipway.promotion.plan import LoadTest, Target
from tests.promotion.builders import a_build, a_stage, later
from tests.workflow.virtual import Workflow, stage_state
from tests.workflow.world import Sides, World

LOAD = LoadTest("peak", rate_per_s=40, duration_s=4, path="/", p95_ms=300, error_rate=0.02)
NEEDED = ["claim_promotion", "record", "mirror_environment", "survey_targets", "end_promotion", "compare_loads"]
REGIONS = tuple(Target(name, "app-service", f"/sites/{name}", "staging") for name in ("weu", "neu"))


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(World({name: Sides() for name in ("checkout-dev", "weu", "neu")})) as workflow:
        yield workflow


def live(flow: Workflow) -> dict[str, str]:
    return {name: site.live for name, site in flow.world.sites.items()}


@pytest.mark.parametrize("activity", ["deploy", "check_health", "drive_load", "swap"])
async def test_an_activity_that_always_breaks_down_ends_the_stage_and_frees_the_lock(
    flow: Workflow, activity: str
) -> None:
    flow.world.raising[activity] = 10_000
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", loads=(LOAD,)))
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("broken", "TIMED_OUT")
    assert "could not be run" in output["words"]
    lock = await flow.lock("dev")
    assert (lock["holder"], lock["broken"]) == (None, None)
    assert live(flow)["checkout-dev"] == "1.0.0"


@pytest.mark.parametrize("activity", [*NEEDED, "deploy", "swap", "check_health", "drive_load"])
async def test_an_activity_that_breaks_down_once_is_called_again(flow: Workflow, activity: str) -> None:
    flow.world.raising[activity] = 1
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", loads=(LOAD,)))
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert set(flow.world.effects.values()) == {1}


@pytest.mark.parametrize(
    ("how", "when", "words"),
    [
        ("denied", "before", "the targets could not be read"),
        ("denied", "after", "the targets could not be read after the swap"),
        ("breaks down", "before", "the targets could not be read for hours"),
        ("breaks down", "after", "the targets could not be read for hours"),
    ],
)
async def test_a_rollback_whose_targets_cannot_be_read_is_not_proven_and_leaves_the_lock_shut(
    flow: Workflow, how: str, when: str, words: str
) -> None:
    flow.world.sick_live = {"1.2.0"}

    async def keep_the_rollback_from_looking(activity: str, order: dict[str, object]) -> None:
        if order.get("when") == when:
            flow.world.unreadable = how == "denied"
            flow.world.raising["survey_targets"] = 10_000 if how == "breaks down" else 0

    flow.world.meanwhile = keep_the_rollback_from_looking
    id = await flow.promote(a_build("1.2.0"), a_stage("dev"))
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("broken", "ROLLBACK_FAILED")
    broken = (await flow.lock("dev"))["broken"]
    assert broken["promotion"] == id
    assert f"the rollback is not proven (TARGETS_UNREADABLE): {words}" in broken["words"]
    assert live(flow)["checkout-dev"] == ("1.2.0" if when == "before" else "1.0.0"), "which nobody has seen"


async def test_a_target_without_a_way_back_does_not_keep_the_others_from_theirs(flow: Workflow) -> None:
    flow.world.sites["neu"].live = ""
    flow.world.sick_live = {"1.2.0"}
    id = await flow.promote(a_build("1.2.0"), a_stage("production", targets=REGIONS))
    output = await flow.until_ended(id)
    assert (output["code"], live(flow)["weu"]) == ("ROLLBACK_FAILED", "1.0.0")
    assert "neu had no release before 1.2.0" in output["words"]


async def test_a_new_region_joins_a_live_environment(flow: Workflow) -> None:
    weu, neu = REGIONS
    first = await flow.promote(a_build("1.1.0"), a_stage("production", targets=(weu,)))
    await flow.until_ended(first)
    flow.world.sites["neu"].live = ""
    both = a_stage("production", targets=(weu, neu))
    second = await flow.promote(a_build("1.2.0", finished_at=later(minutes=1)), both, token="t2")
    assert (await flow.until_ended(second))["outcome"] == "passed"
    assert (live(flow)["weu"], live(flow)["neu"]) == ("1.2.0", "1.2.0")


async def test_a_check_that_breaks_while_baking_is_not_held_against_the_release(flow: Workflow) -> None:
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", bake_s=600))
    await flow.until(lambda: stage_state(flow.world, "dev") == "baking")
    flow.world.broken_checks = True
    await flow.until(lambda: flow.clock.now() > later(minutes=15))
    assert live(flow)["checkout-dev"] == "1.2.0", "still watched, a while beyond the bake"
    flow.world.broken_checks = False
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def terminated(flow: Workflow, instance: str) -> None:
    assert (await flow.post(f"instances/{instance}/terminate", "", {"reason": "by hand"})).status == 202


async def test_a_deployment_that_is_ended_from_outside_ends_its_stage_with_a_code_of_its_own(flow: Workflow) -> None:
    flow.world.stuck = {"checkout-dev"}
    id = await flow.promote(a_build("1.2.0"), a_stage("dev"))
    (step,) = flow.world.rows["stage:dev"]["doc"]["steps"]
    await terminated(flow, step["operation"])
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("broken", "OPERATION_LOST")
    assert f"the operation {step['operation']}, or one beside it, was ended from outside" in output["words"]
    assert not (await flow.lock("dev"))["broken"], "nothing was live yet"


async def test_a_rollback_that_is_ended_from_outside_is_not_proven_and_leaves_the_lock_shut(flow: Workflow) -> None:
    flow.world.sick_live = {"1.2.0"}
    id = await flow.promote(a_build("1.2.0"), a_stage("dev"))
    await flow.until(lambda: stage_state(flow.world, "dev") == "rolling back")
    await terminated(flow, f"{id}:dev:rollback:1")
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("broken", "ROLLBACK_FAILED")
    assert "the rollback is not proven (ROLLBACK_LOST)" in (await flow.lock("dev"))["broken"]["words"]


async def test_a_release_that_cannot_be_seen_for_long_is_withdrawn_without_blame(flow: Workflow) -> None:
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", bake_s=600))
    await flow.until(lambda: stage_state(flow.world, "dev") == "baking")
    flow.world.broken_checks = True
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("not enough evidence", "BLIND")
    assert live(flow)["checkout-dev"] == "1.0.0"


async def test_the_drivers_of_a_test_run_together_and_histories_stay_small(tmp_path: object) -> None:
    """Twenty targets, each under a load of ten drivers: 220 operations, never more than 20 at once."""
    names = [f"t{n}" for n in range(20)]
    heavy = LoadTest("peak", rate_per_s=2000, duration_s=4, path="/", error_rate=0.02)
    targets = tuple(Target(name, "app-service", f"/sites/{name}", "staging") for name in names)
    async with Workflow(World({name: Sides() for name in names}, polls=0)) as flow:
        longest = 0
        together: dict[str, set[str]] = {}

        async def measure(activity: str, order: dict[str, Any]) -> None:
            nonlocal longest
            if activity == "record":
                instance = order["id"].rpartition(":")[0]
                longest = max(longest, sum(len(each) for each in flow.history(instance)))
            if activity == "drive_load":
                together.setdefault(order["url"], set()).add(str(flow.clock.now()))

        flow.world.meanwhile = measure
        id = await flow.promote(a_build("1.2.0"), a_stage("dev", targets=targets, loads=(heavy,)))
        assert (await flow.until_ended(id))["outcome"] == "passed"
        assert len(together) == 20 and all(len(moments) == 1 for moments in together.values())
        assert 0 < longest < 200


@pytest.mark.parametrize(
    ("theirs", "code", "words"),
    [
        ("0.9.9", "ROLLBACK_FAILED", "checkout-dev answers 0.9.9"),
        ("1.0.0", "UNHEALTHY", "dev is still on 1.0.0"),
    ],
    ids=["to something else", "back to the release before"],
)
async def test_a_live_version_that_somebody_else_changes_is_noticed_and_not_touched(
    flow: Workflow, theirs: str, code: str, words: str
) -> None:
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", bake_s=600))
    await flow.until(lambda: stage_state(flow.world, "dev") == "baking")
    flow.world.sites["checkout-dev"].live = theirs
    output = await flow.until_ended(id)
    assert output["code"] == code and words in output["words"]
    assert f"{theirs} answers, not 1.2.0" in output["words"]
    assert live(flow)["checkout-dev"] == theirs
    assert bool((await flow.lock("dev"))["broken"]) == (theirs != "1.0.0"), "where nobody knows, a person looks"


async def test_what_somebody_else_put_there_before_is_named_as_drift_and_is_what_a_failure_returns_to(
    flow: Workflow,
) -> None:
    await flow.until_ended(await flow.promote(a_build("1.1.0"), a_stage("dev")))
    flow.world.sites["checkout-dev"].live = "1.1.0-hotfix"
    flow.world.sick_live = {"1.2.0"}
    id = await flow.promote(a_build("1.2.0", finished_at=later(minutes=1)), a_stage("dev"), token="t2")
    assert (await flow.until_ended(id))["outcome"] == "failed"
    said = [each["words"] for each in flow.world.records if each["action"] == "stage.deploying"]
    assert "found 1.1.0-hotfix live where Slipway had put 1.1.0" in said[-1]
    assert live(flow)["checkout-dev"] == "1.1.0-hotfix"
