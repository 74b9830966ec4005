from collections.abc import AsyncIterator

import pytest

from slipway.promotion.approval import REJECT
from slipway.promotion.outcomes import iso
from slipway.promotion.plan import LoadTest
from tests.promotion.builders import ALICE, NOON, a_build, a_policy, a_stage, a_vote, later
from tests.workflow.virtual import Workflow, stage_state
from tests.workflow.world import Sides, World

DAY_S = 24 * 3600


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(World({"checkout-dev": Sides(), "checkout-test": Sides()})) as workflow:
        yield workflow


async def test_a_failed_stage_is_retried_and_the_promotion_passes(flow: Workflow) -> None:
    flow.world.sick_live = {"1.2.0"}
    stages = a_stage("dev", retry_within_s=DAY_S), a_stage("test", ("dev",))
    id = await flow.promote(a_build("1.2.0"), *stages)
    await flow.until(lambda: stage_state(flow.world, "dev") == "failed")
    assert flow.world.sites["checkout-dev"].live == "1.0.0", "undone before anybody is asked"
    assert (await flow.lock("dev"))["holder"] is None, "nobody waits behind a failed stage"
    row, told = flow.world.rows["stage:dev"]["doc"], (await flow.entity("decisions", id))["stages"]["dev"]
    assert told["until"] == row["deadline"] != "", "its decisions know until when"
    assert stage_state(flow.world, "test") == "", "what needs it still waits"
    flow.world.sick_live = set()
    await flow.command(id, "retry")
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert flow.world.sites["checkout-test"].live == "1.2.0"
    assert flow.world.rows["stage:dev"]["doc"]["attempt"] == 2
    assert set(flow.world.effects.values()) == {1}, "each attempt has operations of its own"


async def test_a_failed_stage_that_nobody_retries_ends_the_promotion(flow: Workflow) -> None:
    flow.world.crashing = {"1.2.0"}
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", retry_within_s=DAY_S), a_stage("test", ("dev",)))
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "DEPLOYMENT_FAILED")
    assert later(hours=24) <= flow.clock.now() < later(hours=24, minutes=1)


async def test_abort_ends_the_wait_for_a_retry(flow: Workflow) -> None:
    flow.world.crashing = {"1.2.0"}
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", retry_within_s=DAY_S))
    await flow.until(lambda: stage_state(flow.world, "dev") == "failed")
    await flow.abort(id)
    assert (await flow.until_ended(id))["outcome"] == "failed"
    assert flow.clock.now() < later(minutes=5)


async def test_what_was_approved_is_not_asked_again_on_a_retry(flow: Workflow) -> None:
    flow.world.crashing = {"1.2.0"}
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", approval=a_policy(), retry_within_s=DAY_S))
    await flow.vote(id, "dev", a_vote(ALICE, at=flow.clock.now()))
    await flow.until(lambda: stage_state(flow.world, "dev") == "failed")
    flow.world.crashing = set()
    await flow.command(id, "retry", stage="dev")
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_an_approval_that_expired_is_asked_anew_on_a_retry(flow: Workflow) -> None:
    policy = a_policy(within_s=3600)
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", approval=policy, retry_within_s=DAY_S))
    await flow.until(lambda: stage_state(flow.world, "dev") == "cancelled")
    await flow.command(id, "retry")
    await flow.until(lambda: stage_state(flow.world, "dev") == "waiting for approval")
    await flow.vote(id, "dev", a_vote(ALICE, at=flow.clock.now()))
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_a_paused_promotion_begins_no_stage_and_goes_on_when_resumed(flow: Workflow) -> None:
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", bake_s=60), a_stage("test", ("dev",)))
    await flow.until(lambda: stage_state(flow.world, "dev") == "baking")
    await flow.command(id, "pause")
    await flow.until(lambda: stage_state(flow.world, "dev") == "passed")
    await flow.until(lambda: flow.clock.now() > later(hours=5))
    assert flow.world.sites["checkout-test"].live == "1.0.0"
    await flow.command(id, "resume", "k2")
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert flow.world.sites["checkout-test"].live == "1.2.0"


async def test_a_paused_promotion_does_not_keep_others_waiting_for_the_lock(flow: Workflow) -> None:
    holder = await flow.promote(a_build("1.1.0"), a_stage("dev", bake_s=1200))
    await flow.until(lambda: stage_state(flow.world, "dev") == "baking")
    paused = await flow.promote(a_build("1.2.0", finished_at=later(minutes=1)), a_stage("dev"), token="t2")
    await flow.command(paused, "pause")
    await flow.promote(a_build("1.3.0", finished_at=later(minutes=2)), a_stage("dev"), token="t3")
    await flow.until(lambda: flow.world.sites["checkout-dev"].live == "1.3.0")
    assert (await flow.status(holder))["output"]["outcome"] == "passed"
    assert (await flow.status(paused))["runtimeStatus"] == "Running"


async def test_abort_ends_a_paused_promotion(flow: Workflow) -> None:
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", approval=a_policy()))
    await flow.command(id, "pause")
    await flow.abort(id)
    assert (await flow.until_ended(id))["code"] == "ABORTED"


async def test_a_newer_build_supersedes_one_waiting_for_approval(flow: Workflow) -> None:
    stage = a_stage("dev", approval=a_policy(), on_newer_build="supersede")
    older = await flow.promote(a_build("1.1.0"), stage)
    newer = await flow.promote(a_build("1.2.0", finished_at=later(minutes=1)), stage, token="t2")
    await flow.until(lambda: flow.world.of(older).ended)
    output = (await flow.status(older))["output"]
    assert (output["outcome"], output["code"]) == ("cancelled", "SUPERSEDED")
    assert flow.clock.now() < later(minutes=1), "at once, not at the next timer"
    await flow.vote(older, "dev", a_vote(ALICE, at=flow.clock.now()))
    assert (await flow.entity("decisions", older))["answers"]["c1"]["status"] == 409
    await flow.vote(newer, "dev", a_vote(ALICE, at=flow.clock.now()))
    await flow.until(lambda: flow.world.sites["checkout-dev"].live == "1.2.0")


async def test_a_hold_keeps_a_build_out_until_it_is_lifted(flow: Workflow) -> None:
    hold = {"id": "h1", "by": "Dave", "reason": "stocktaking", "at": iso(NOON), "expires_at": iso(later(hours=9))}
    await flow.signal("environment", "dev--checkout", "hold", hold)
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", lock_within_s=DAY_S))
    await flow.until(lambda: flow.clock.now() > later(hours=2))
    assert stage_state(flow.world, "dev") == "waiting for the lock"
    assert "stocktaking" in flow.world.rows["stage:dev"]["doc"]["waits_for"]
    await flow.signal("environment", "dev--checkout", "lift", {"id": "h1"})
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_a_hold_that_expires_lets_the_build_in(flow: Workflow) -> None:
    hold = {"id": "h1", "by": "Dave", "reason": "stocktaking", "at": iso(NOON), "expires_at": iso(later(hours=3))}
    await flow.signal("environment", "dev--checkout", "hold", hold)
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", lock_within_s=DAY_S))
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert later(hours=3) <= flow.clock.now() < later(hours=3, minutes=5)


async def test_an_abort_during_the_last_look_of_a_bake_still_undoes_the_release(flow: Workflow) -> None:
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", bake_s=60))
    await flow.until(lambda: stage_state(flow.world, "dev") == "baking")

    async def abort_in_the_last_look(activity: str, order: dict[str, object]) -> None:
        if activity == "look_at_live" and flow.clock.now() >= later(seconds=60) and not flow.world.aborted:
            flow.world.meanwhile = None
            await flow.abort_at_this_moment(id)
            flow.world.aborted = False  # the look itself was under way and comes to its end

    flow.world.meanwhile = abort_in_the_last_look
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("cancelled", "ABORTED")
    assert flow.world.sites["checkout-dev"].live == "1.0.0"


async def test_an_abort_is_refused_once_every_stage_is_settled(flow: Workflow) -> None:
    id = await flow.promote(a_build("1.2.0"), a_stage("dev"))

    async def abort_at_the_very_end(activity: str, order: dict[str, object]) -> None:
        if activity == "mirror_environment" and flow.world.sites["checkout-dev"].live == "1.2.0":
            state = await flow.entity("decisions", id)
            if state["stages"]["dev"].get("settled") and "a1" not in state["answers"]:
                await flow.abort_at_this_moment(id)
                flow.world.aborted = False

    flow.world.meanwhile = abort_at_the_very_end
    assert (await flow.until_ended(id))["outcome"] == "passed"
    state = await flow.entity("decisions", id)
    assert (state["answers"]["a1"]["code"], state["aborted"]) == ("ALREADY_ENDED", None)


@pytest.mark.parametrize("mode", ["ignore", "supersede"])
async def test_a_build_that_ended_at_its_approval_stands_in_nobodys_way(flow: Workflow, mode: str) -> None:
    stage = a_stage("dev", approval=a_policy(), on_newer_build=mode)
    first = await flow.promote(a_build("1.1.0", finished_at=later(minutes=5 if mode == "supersede" else 0)), stage)
    await flow.vote(first, "dev", a_vote(ALICE, REJECT, at=flow.clock.now()))
    assert (await flow.until_ended(first))["code"] == "REJECTED"
    assert (await flow.lock("dev"))["announced"] == []
    second = await flow.promote(a_build("1.2.0", finished_at=later(minutes=1)), stage, token="t2")
    await flow.vote(second, "dev", a_vote(ALICE, at=flow.clock.now()))
    assert (await flow.until_ended(second))["outcome"] == "passed"


@pytest.mark.parametrize("last", ["deploy", "drive_load"])
async def test_an_abort_whose_mark_is_lost_still_keeps_the_release_from_going_live(flow: Workflow, last: str) -> None:
    load = LoadTest("peak", rate_per_s=40, duration_s=4, path="/", error_rate=0.02)
    id = await flow.promote(a_build("1.2.0"), a_stage("dev", loads=(load,)))

    async def abort_without_a_mark(activity: str, order: dict[str, object]) -> None:
        if activity == last:
            flow.world.meanwhile = None
            await flow.abort_at_this_moment(id)
            flow.world.aborted = False

    flow.world.meanwhile = abort_without_a_mark
    assert (await flow.until_ended(id))["code"] == "ABORTED"
    assert not any("rolling-out" in action for action in flow.world.actions())


async def test_a_target_that_was_under_another_lock_is_written_above_its_fence(flow: Workflow) -> None:
    flow.world.fence = 400
    id = await flow.promote(a_build("1.2.0"), a_stage("dev"))
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert (await flow.lock("dev"))["fence"] > 400
