"""Stages whose world is away, taken over, ended from outside, or harmed by its release."""

import json

from slipway.promotion.commands import LONGEST_PAUSE
from slipway.promotion.stage_run import StageRun
from tests.workflow.model import Model
from tests.workflow.rough_world import Fence
from tests.workflow.told import shows


@shows("deploy: broken")
async def targets_that_cannot_be_read(model: Model) -> None:
    model.world.unreadable = True
    await model.submit("1.1.0", ["dev"])


@shows("verify: broken", "verify: waits")
async def checks_that_cannot_be_run(model: Model) -> None:
    model.world.broken_checks = True
    await model.submit("1.1.0", ["dev"])


@shows("verify: not enough evidence")
async def a_load_that_is_never_measured(model: Model) -> None:
    model.world.late_driver_times = 99
    await model.submit("1.1.0", ["dev"], load=True)


@shows("roll out: broken")
async def a_worker_that_never_swaps(model: Model) -> None:
    model.world.raising["swap"] = 1_000
    await model.submit("1.1.0", ["dev"])


@shows("verify live: broken", "verify live: waits")
async def a_release_that_cannot_be_seen_live(model: Model) -> None:
    build = await model.submit("1.1.0", ["dev"])
    await model.until(build, "verifying live")
    model.world.broken_checks = True


@shows("bake: not enough evidence")
async def a_release_that_cannot_be_seen_for_long(model: Model) -> None:
    build = await model.submit("1.1.0", ["dev"])
    await model.until(build, "baking")
    model.world.broken_checks = True


@shows("deploy: fenced")
async def a_deployment_that_somebody_took_over(model: Model) -> None:
    model.world.fences["checkout-dev"] = Fence(9, model.now)
    await model.submit("1.1.0", ["dev"])


@shows("roll out: fenced")
async def a_swap_that_somebody_took_over(model: Model) -> None:
    build = await model.submit("1.1.0", ["dev"])
    await model.until(build, "verifying")
    model.world.fences["checkout-dev"] = Fence(9, model.now)


@shows("lock: passed: to go back", "go back: passed")
async def a_release_that_is_taken_back(model: Model) -> None:
    build = await model.submit("1.1.0", ["dev"])
    await model.wait(600)
    assert await model.roll_back(build, "dev")


@shows("go back: broken")
async def a_release_whose_predecessor_is_gone(model: Model) -> None:
    build = await model.submit("1.1.0", ["dev"])
    await model.wait(600)
    model.touched.add("dev")
    model.world.sites["checkout-dev"].idle = "0.9.0"
    assert await model.roll_back(build, "dev")


@shows("go back: not live", "go back: waits")
async def a_release_that_somebody_else_took_away(model: Model) -> None:
    build = await model.submit("1.1.0", ["dev"])
    await model.wait(600)
    model.touched.add("dev")
    model.world.sites["checkout-dev"].live = "0.9.0"
    model.world.away["survey_targets"] = 40
    assert await model.roll_back(build, "dev")


@shows("sweep: passed: taken over", "sweep: passed: over already", "sweep: waits")
async def a_stage_that_somebody_terminates(model: Model) -> None:
    build = await model.submit("1.1.0", ["dev"])
    await model.until(build, "baking")
    await model.terminate(f"{build}:dev")
    model.world.away["mirror_environment"] = AWAY
    await model.janitor()
    await model.wait(2 * 3600)
    run = StageRun.load(json.loads(json.loads(model.flow.engine._store.instance(f"{build}:dev").input)))
    late = run.sweeping(f"{build}:dev:sweep2")
    await model.flow.post(f"orchestrators/stage/{late.instance}", json.dumps(late.dump()))


@shows("sweep: passed: taken over from who was purged")
async def a_stage_that_somebody_purges(model: Model) -> None:
    build = await model.submit("1.1.0", ["dev"])
    await model.until(build, "baking")
    await model.purge(f"{build}:dev")


@shows("sweep: passed: held no lock")
async def a_stage_that_somebody_terminates_before_it_has_the_lock(model: Model) -> None:
    build = await model.submit("1.1.0", ["production"])
    await model.wait(1)
    await model.terminate(f"{build}:production")


@shows("approval: broken")
async def an_approval_that_somebody_terminates(model: Model) -> None:
    build = await model.submit("1.1.0", ["production"])
    await model.wait(1)
    await model.terminate(f"{build}:production:approval:1")


AWAY = 40  # times: more than a generation insists


async def away_in(model: Model, state: str, activity: str, flaw: str = "") -> None:
    build = await model.submit("1.1.0", ["dev"], flaw=flaw)
    await model.until(build, state)
    model.world.away[activity] = AWAY


@shows("approval: waits")
async def an_audit_that_is_away_while_people_are_to_be_asked(model: Model) -> None:
    build = await model.submit("1.1.0")
    await model.until(build, "passed")
    model.world.away["record"] = AWAY


@shows("deploy: waits")
async def targets_that_are_away_before_the_deployment(model: Model) -> None:
    model.world.away["survey_targets"] = AWAY
    await model.submit("1.1.0", ["dev"])


@shows("roll out: waits")
async def a_read_model_that_is_away_after_the_swap(model: Model) -> None:
    await away_in(model, "rolling out", "mirror_environment")


@shows("report: waits")
async def an_audit_that_is_away_at_the_end(model: Model) -> None:
    await away_in(model, "baking", "record")


@shows("undo: waits")
async def an_audit_that_is_away_before_the_rollback(model: Model) -> None:
    await away_in(model, "baking", "record", flaw="sick later")


async def ramping(model: Model, flaw: str = "", ramp: str = "quick") -> str:
    """A build whose release has its first share of production's traffic."""
    build = await model.submit("1.1.0", ["production"], flaw=flaw, ramp=ramp, at_least=0)
    await model.until(build, "ramping", "production")
    while not any(model.world.shares.values()):
        await model.wait(5)
    return build


@shows("verify: passed", "ramp: passed")
async def a_good_build_that_ramps(model: Model) -> None:
    await ramping(model)


@shows("ramp: failed")
async def a_release_that_does_harm(model: Model) -> None:
    await ramping(model, "harmful")


@shows("ramp: not enough evidence")
async def a_ramp_that_sees_nothing_any_more(model: Model) -> None:
    await ramping(model)
    model.world.no_telemetry = True


@shows("ramp: aborted")
async def an_abort_while_it_ramps(model: Model) -> None:
    build = await ramping(model)
    assert await model.tell(build, "abort", mark=False) == 200


@shows("ramp: expired")
async def a_pause_of_a_ramp_that_nobody_ends(model: Model) -> None:
    build = await ramping(model, ramp="stays")
    assert await model.tell(build, "pause", ago_s=LONGEST_PAUSE.total_seconds() - 60) == 200
    await model.wait(120)


@shows("ramp: broken")
async def a_router_that_takes_nothing(model: Model) -> None:
    model.world.refused_splits = 99
    await model.submit("1.1.0", ["production"], ramp="quick", at_least=0)


@shows("ramp: fenced")
async def a_router_that_somebody_took_over(model: Model) -> None:
    await ramping(model)
    model.world.fences["weu"] = Fence(9, model.now)


@shows("ramp: waits")
async def an_audit_that_is_away_when_the_ramp_begins(model: Model) -> None:
    build = await model.submit("1.1.0", ["production"], ramp="quick", at_least=0)
    await model.until(build, "verifying", "production")
    model.world.away["record"] = AWAY
