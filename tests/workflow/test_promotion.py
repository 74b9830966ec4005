from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from slipway.promotion.approval import REJECT
from slipway.promotion.plan import LoadTest, StagePlan, Target
from tests.promotion.builders import ALICE, BOB, a_build, a_policy, a_stage, a_vote, later
from tests.workflow.virtual import Workflow, stage_state
from tests.workflow.world import Sides, World

LOAD = LoadTest("peak", rate_per_s=40, duration_s=4, path="/", p95_ms=300, error_rate=0.02)


def four_stages() -> tuple[StagePlan, ...]:
    """As in the shipped example: load in test, approval before production, two targets there."""
    production = tuple(Target(name, "app-service", f"/sites/{name}", "staging") for name in ("weu", "neu"))
    return (
        a_stage("dev", bake_s=60),
        a_stage("test", ("dev",), loads=(LOAD,)),
        a_stage("staging", ("test",)),
        a_stage("production", ("staging",), approval=a_policy(), targets=production, bake_s=1800),
    )


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    names = ("checkout-dev", "checkout-test", "checkout-staging", "weu", "neu")
    async with Workflow(World({name: Sides() for name in names})) as workflow:
        yield workflow


def live(flow: Workflow) -> dict[str, str]:
    return {name: site.live for name, site in flow.world.sites.items()}


async def test_a_good_build_reaches_production_after_its_approval(flow: Workflow) -> None:
    id = await flow.promote(a_build("1.1.0"), *four_stages())
    await flow.until(lambda: stage_state(flow.world, "production") == "waiting for approval")
    assert live(flow) == {
        "checkout-dev": "1.1.0",
        "checkout-test": "1.1.0",
        "checkout-staging": "1.1.0",
        "weu": "1.0.0",
        "neu": "1.0.0",
    }
    await flow.vote(id, "production", a_vote(ALICE, at=flow.clock.now()))
    output = await flow.until_ended(id)
    assert output == {"outcome": "passed", "code": "", "words": "every stage passed"}
    assert set(live(flow).values()) == {"1.1.0"}
    assert set(flow.world.effects.values()) == {1}, "each effect once"
    for environment in ("dev", "test", "staging", "production"):
        lock = await flow.lock(environment)
        assert (lock["holder"], lock["queue"], lock["live"]["version"]) == (None, [], "1.1.0")
        assert lock["live"]["proven"] is True


async def test_the_stages_run_in_the_order_of_their_needs(flow: Workflow) -> None:
    id = await flow.promote(a_build(), *four_stages())
    await flow.until(lambda: stage_state(flow.world, "production") == "waiting for approval")
    await flow.vote(id, "production", a_vote(ALICE, at=flow.clock.now()))
    await flow.until_ended(id)
    done = [action for action in flow.world.actions() if action.endswith("/passed")]
    assert done == ["dev/passed", "test/passed", "staging/passed", "production/passed"]
    of_dev = [action.removeprefix("dev/") for action in flow.world.actions() if action.startswith("dev/")]
    assert of_dev == ["deploying", "verifying", "rolling-out", "verifying-live", "baking", "passed"]


async def test_a_build_that_fails_its_load_test_never_goes_live_there(flow: Workflow) -> None:
    flow.world.bad_load = {"1.2.0-errors"}
    id = await flow.promote(a_build("1.2.0-errors"), *four_stages())
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "LOAD_ERROR_RATE")
    assert "error rate 20 % of 160 requests, allowed 2 %" in output["words"]
    assert live(flow)["checkout-dev"] == "1.2.0-errors"
    assert live(flow)["checkout-test"] == "1.0.0"
    assert flow.world.sites["checkout-test"].idle_stopped
    assert (await flow.lock("test"))["holder"] is None
    assert [stage_state(flow.world, name) for name in ("staging", "production")] == ["cancelled", "cancelled"]


async def test_a_release_that_turns_bad_after_the_swap_is_swapped_back(flow: Workflow) -> None:
    flow.world.sick_live = {"1.2.0"}
    id = await flow.promote(a_build("1.2.0"), a_stage("dev"))
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "UNHEALTHY")
    assert "dev is back on 1.0.0" in output["words"]
    assert live(flow)["checkout-dev"] == "1.0.0"
    lock = await flow.lock("dev")
    assert (lock["holder"], lock["live"], lock["broken"]) == (None, None, None)
    steps = [(step["name"], step["state"]) for step in flow.world.rows["stage:dev"]["doc"]["steps"]]
    assert steps[-2:] == [("swap back", "passed"), ("stop idle", "passed")]


async def test_a_single_bad_answer_while_it_bakes_is_checked_and_forgiven(flow: Workflow) -> None:
    flow.world.blips = 1
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", bake_s=60))
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert flow.world.blips == 0 and flow.world.sites["checkout-dev"].live == "1.2.0"


async def test_a_look_that_cannot_be_run_is_no_reason_to_go_back(flow: Workflow) -> None:
    flow.world.raising["look_at_live"] = 10_000
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", bake_s=60))
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_a_release_that_turns_bad_while_it_bakes_is_swapped_back(flow: Workflow) -> None:
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", bake_s=600))
    await flow.until(lambda: stage_state(flow.world, "dev") == "baking")
    flow.world.sick_live = {"1.2.0"}
    output = await flow.until_ended(id)
    assert (output["outcome"], live(flow)["checkout-dev"]) == ("failed", "1.0.0")
    assert flow.clock.now() < later(minutes=5), "found by the next probe, not at the end of the bake"


async def test_one_bad_target_of_two_takes_both_back(flow: Workflow) -> None:
    flow.world.sites["neu"].live = "0.9.0"
    production = four_stages()[3]
    flow.world.sick_live = {"1.2.0"}
    id = await flow.promote(a_build("1.2.0"), a_stage("production", targets=production.targets))
    await flow.until_ended(id)
    assert (live(flow)["weu"], live(flow)["neu"]) == ("1.0.0", "0.9.0")


async def test_a_rollback_that_cannot_be_proven_shuts_the_lock_and_calls_a_person(flow: Workflow) -> None:
    flow.world.sick_live = {"1.2.0"}
    flow.world.swap_back_fails = 3
    id = await flow.promote(a_build("1.2.0"), a_stage("dev"))
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("broken", "ROLLBACK_FAILED")
    assert "checkout-dev answers 1.2.0 (tried 3 times)" in output["words"]
    broken = (await flow.lock("dev"))["broken"]
    assert broken["promotion"] == id and "the rollback is not proven (PREVIOUS_NOT_LIVE)" in broken["words"]
    assert flow.world.mirrors[-1]["environment"] == "dev", "who looks at the environment sees it"
    (said,) = [each for each in flow.world.records if each["action"] == "stage.broken"]
    assert said["evidence"]["code"] == "ROLLBACK_FAILED", "audited, and published for whoever calls people"
    nobody = await flow.promote(a_build("1.3.0", finished_at=later(minutes=1)), a_stage("dev"), token="t2")
    assert (await flow.until_ended(nobody))["code"] == "LOCK_BROKEN"
    await flow.signal("environment", "dev--checkout", "lift", {"id": "broken"})
    assert not (await flow.lock("dev"))["broken"], "until a person has looked"


async def test_a_rollback_that_fails_is_tried_again(flow: Workflow) -> None:
    flow.world.sick_live = {"1.2.0"}
    flow.world.swap_back_fails = 2
    looks: list[tuple[str, datetime]] = []

    async def note(activity: str, order: dict[str, Any]) -> None:
        if activity == "survey_targets" and "when" in order:
            looks.append((order["when"], flow.clock.now()))

    flow.world.meanwhile = note
    id = await flow.promote(a_build("1.2.0"), a_stage("dev"))
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "UNHEALTHY")
    assert live(flow)["checkout-dev"] == "1.0.0"
    lock = await flow.lock("dev")
    assert (lock["holder"], lock["live"], lock["broken"]) == (None, None, None)
    assert set(flow.world.effects.values()) == {1}, "each try has an operation of its own"
    assert [when for when, _ in looks] == ["before", "after"] * 3, "three tries"
    pauses = [begins - ended for (_, ended), (_, begins) in zip(looks[1::2], looks[2::2], strict=False)]
    assert [round(pause.total_seconds()) for pause in pauses] == [30, 30], "half a minute apart"


async def test_a_package_that_crashes_on_start_fails_the_deployment(flow: Workflow) -> None:
    flow.world.crashing = {"1.2.0"}
    id = await flow.promote(a_build("1.2.0"), a_stage("dev"))
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "DEPLOYMENT_FAILED")
    assert live(flow)["checkout-dev"] == "1.0.0"


async def test_a_deployment_that_never_ends_has_a_deadline(flow: Workflow) -> None:
    flow.world.stuck = {"checkout-dev"}
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", deploy_within_s=1200))
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("broken", "TIMED_OUT")
    assert later(minutes=20) <= flow.clock.now() < later(minutes=25)
    assert (await flow.lock("dev"))["holder"] is None


async def test_what_azure_puts_off_beyond_the_deadline_does_not_begin_then(flow: Workflow) -> None:
    flow.world.put_off["deploy"] = 3600.0
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", deploy_within_s=1200))
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("broken", "TIMED_OUT")
    assert "Azure asks us to slow down" in output["words"]
    assert flow.clock.now() < later(minutes=5)
    assert flow.world.effects == {}


async def test_a_load_driver_that_was_late_itself_is_asked_again(flow: Workflow) -> None:
    flow.world.late_driver_times = 2
    id = await flow.promote(a_build("1.1.0"), a_stage("test", loads=(LOAD,)))
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_a_load_that_is_never_measured_is_not_blamed_on_the_release(flow: Workflow) -> None:
    flow.world.late_driver_times = 99
    id = await flow.promote(a_build("1.1.0"), a_stage("test", loads=(LOAD,)))
    assert (await flow.until_ended(id))["outcome"] == "not enough evidence"


async def test_a_load_above_one_driver_is_shared_and_judged_as_one(flow: Workflow) -> None:
    heavy = LoadTest("peak", rate_per_s=500, duration_s=4, path="/", error_rate=0.02)
    flow.world.bad_load = {"1.1.0"}
    id = await flow.promote(a_build("1.1.0"), a_stage("test", loads=(heavy,)))
    assert "of 2001 requests" in (await flow.until_ended(id))["words"]


async def test_a_rejected_approval_ends_the_promotion(flow: Workflow) -> None:
    id = await flow.promote(a_build(), a_stage("production", approval=a_policy(), targets=four_stages()[3].targets))
    await flow.vote(id, "production", a_vote(ALICE, REJECT, at=flow.clock.now(), reason="not today"))
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("cancelled", "REJECTED")
    assert live(flow)["weu"] == "1.0.0"


async def test_an_approval_that_nobody_gives_expires(flow: Workflow) -> None:
    id = await flow.promote(a_build(), a_stage("production", approval=a_policy(within_s=8 * 3600)))
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("cancelled", "APPROVAL_EXPIRED")
    assert later(hours=8) <= flow.clock.now() < later(hours=8, minutes=1)


async def test_two_approvals_are_two_people(flow: Workflow) -> None:
    id = await flow.promote(a_build(), a_stage("dev", approval=a_policy(at_least=2)))
    await flow.vote(id, "dev", a_vote(ALICE, at=flow.clock.now()), "c1")
    await flow.vote(id, "dev", a_vote(ALICE, at=flow.clock.now()), "c2")
    assert stage_state(flow.world, "dev") == "waiting for approval"
    await flow.vote(id, "dev", a_vote(BOB, at=flow.clock.now()), "c3")
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_a_build_waits_for_the_lock_and_goes_on_when_it_is_free(flow: Workflow) -> None:
    first = await flow.promote(a_build("1.1.0"), a_stage("dev", bake_s=1200))
    await flow.until(lambda: stage_state(flow.world, "dev") == "baking")
    second = await flow.promote(a_build("1.2.0", finished_at=later(minutes=1)), a_stage("dev"), token="t2")
    assert stage_state(flow.world, "dev") == "waiting for the lock"
    await flow.until(lambda: live(flow)["checkout-dev"] == "1.2.0")
    assert (await flow.status(first))["output"]["outcome"] == "passed"
    await flow.until(lambda: stage_state(flow.world, "dev") == "passed")
    assert (await flow.status(second))["output"]["outcome"] == "passed"


async def test_an_older_build_is_not_deployed_over_a_newer_one(flow: Workflow) -> None:
    newer = await flow.promote(a_build("1.2.0", finished_at=later(minutes=5)), a_stage("dev"))
    await flow.until_ended(newer)
    older = await flow.promote(a_build("1.1.0"), a_stage("dev"), token="t2")
    output = await flow.until_ended(older)
    assert (output["outcome"], output["code"]) == ("cancelled", "BEHIND")
    assert live(flow)["checkout-dev"] == "1.2.0"


async def test_abort_while_deploying_cancels_within_a_moment_and_undoes(flow: Workflow) -> None:
    flow.world.polls = 50
    id = await flow.promote(a_build("1.2.0"), *four_stages())
    await flow.until(lambda: stage_state(flow.world, "dev") == "deploying")
    began = flow.clock.now()
    await flow.abort(id)
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("cancelled", "ABORTED")
    assert flow.clock.now() - began < timedelta(seconds=5), "nudged, not polled"
    assert live(flow)["checkout-dev"] == "1.0.0"
    assert (await flow.lock("dev"))["holder"] is None


async def test_a_deployment_that_is_given_up_and_may_come_late_is_withdrawn(flow: Workflow) -> None:
    """Though nothing of it is to be seen on the idle side yet."""
    flow.world.polls = 50
    targets = (Target("weu", "aks", "/clusters/weu", ""), Target("neu", "app-service", "/sites/neu", "staging"))
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", targets=targets))
    await flow.until(lambda: stage_state(flow.world, "dev") == "deploying")
    await flow.abort(id)
    assert (await flow.until_ended(id))["code"] == "ABORTED"
    stops = [operation for operation in flow.world.effects if "stop-idle" in operation]
    assert [operation.split(":")[2] for operation in stops] == ["weu"]


async def test_abort_while_people_are_asked_cancels_at_once(flow: Workflow) -> None:
    id = await flow.promote(a_build(), a_stage("dev", approval=a_policy()))
    await flow.abort(id)
    assert (await flow.until_ended(id))["code"] == "ABORTED"
    assert flow.clock.now() < later(seconds=5)


async def test_abort_while_baking_swaps_back(flow: Workflow) -> None:
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", bake_s=3600))
    await flow.until(lambda: stage_state(flow.world, "dev") == "baking")
    await flow.abort(id)
    assert (await flow.until_ended(id))["code"] == "ABORTED"
    assert live(flow)["checkout-dev"] == "1.0.0"


async def test_a_second_run_of_the_same_promotion_ends_without_effect(flow: Workflow) -> None:
    id = await flow.promote(a_build("1.1.0"), a_stage("dev"))
    await flow.until_ended(id)
    effects = dict(flow.world.effects)
    await flow.promote(a_build("1.1.0"), a_stage("dev"), token="another")
    assert (await flow.status(id))["output"] == {"outcome": "another run has this promotion"}
    assert dict(flow.world.effects) == effects


async def test_a_version_that_is_live_already_is_verified_and_not_deployed(flow: Workflow) -> None:
    id = await flow.promote(a_build("1.0.0"), a_stage("dev"))
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert not flow.world.effects


async def test_a_live_side_that_says_nothing_is_not_taken_for_a_first_release(flow: Workflow) -> None:
    first = await flow.promote(a_build("1.1.0"), a_stage("dev"))
    await flow.until_ended(first)
    flow.world.sites["checkout-dev"].live = ""
    second = await flow.promote(a_build("1.2.0", finished_at=later(minutes=1)), a_stage("dev"), token="t2")
    output = await flow.until_ended(second)
    assert output["code"] == "LIVE_UNREADABLE"
    assert flow.world.sites["checkout-dev"].idle != "1.2.0"


async def test_histories_stay_small_however_long_the_wait(flow: Workflow) -> None:
    id = await flow.promote(a_build(), a_stage("production", approval=a_policy(within_s=7 * 24 * 3600)))
    await flow.until(lambda: flow.clock.now() > later(days=6))
    for instance in (id, f"{id}:production", f"{id}:production:approval:1"):
        status = await flow.status(instance, showHistory="True")
        assert len(status["historyEvents"]) < 40, instance


async def test_a_host_that_goes_away_and_comes_back_goes_on(tmp_path: object) -> None:
    state = f"{tmp_path}/hub.sqlite"
    async with Workflow(World({"checkout-dev": Sides()}, polls=6), state) as flow:
        id = await flow.promote(a_build("1.1.0"), a_stage("dev", bake_s=300))
        for state_name in ("deploying", "baking"):
            await flow.until(lambda name=state_name: stage_state(flow.world, "dev") == name)
            await flow.restart()
        assert (await flow.until_ended(id))["outcome"] == "passed"
        assert set(flow.world.effects.values()) == {1}


@pytest.mark.parametrize(
    "activity", ["claim_promotion", "record", "mirror_environment", "survey_targets", "end_promotion"]
)
async def test_a_service_that_is_away_for_hours_delays_a_promotion_and_loses_nothing(
    flow: Workflow, activity: str
) -> None:
    flow.world.away[activity] = 150
    id = await flow.promote(a_build("1.1.0"), a_stage("dev", bake_s=60))
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert flow.clock.now() > later(minutes=60)
    assert set(flow.world.effects.values()) == {1}
    of_dev = [action.removeprefix("dev/") for action in flow.world.actions() if action.startswith("dev/")]
    assert of_dev == ["deploying", "verifying", "rolling-out", "verifying-live", "baking", "passed"]


async def test_a_target_that_cannot_be_read_ends_the_stage_without_a_change(flow: Workflow) -> None:
    del flow.world.sites["checkout-dev"]
    flow.world.unreadable = True
    id = await flow.promote(a_build("1.1.0"), a_stage("dev"))
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("broken", "AZURE_DENIED")
    assert "nothing had been changed" in output["words"]
    assert (await flow.lock("dev"))["holder"] is None and (await flow.lock("dev"))["broken"] is None
