"""What becomes of builds, good and bad ones, and of what people say and do not say."""

from slipway.promotion import stage_phases as phase
from slipway.promotion.approval import REJECT
from slipway.promotion.commands import LONGEST_PAUSE
from tests.workflow.model import Model
from tests.workflow.rough_world import Lag
from tests.workflow.told import shows

CHAIN = [phase.LOCK, phase.DEPLOY, phase.ROLL_OUT, phase.VERIFY_LIVE, phase.BAKE, phase.SETTLE]


@shows(
    *(f"{each}: passed" for each in (*CHAIN, phase.APPROVAL)),
    "verify: passed: without a ramp",
    "needs: passed: nobody is asked",
    "needs: passed: people are asked",
    "needs: waits",
    "bake: waits",
    "report: passed: final",
)
async def a_good_build(model: Model) -> None:
    build = await model.submit("1.1.0", load=True)
    await model.until(build, "waiting for approval", "production")
    assert await model.vote(build, "Alice") == 200


@shows("deploy: failed", "undo: passed", "report: passed: may be retried", "retry: waits", "retry: not retried")
async def a_package_that_crashes(model: Model) -> None:
    await model.submit("1.1.0", flaw="crashing")


@shows("needs: need not passed")
async def a_need_that_fails_for_good(model: Model) -> None:
    await model.submit("1.1.0", flaw="sick idle")


@shows("verify: failed", "retry: retry")
async def a_retry(model: Model) -> None:
    build = await model.submit("1.1.0", ["dev"], flaw="bad load", load=True)
    await model.until(build, "failed")
    await model.settle()  # the row says so a moment before the decisions know it
    model.world.flaws.clear()
    assert await model.tell(build, "retry") == 200


@shows("roll out: failed")
async def a_swap_that_is_refused(model: Model) -> None:
    model.world.refused_swaps = 1
    await model.submit("1.1.0", ["dev"])


@shows("verify live: failed")
async def a_release_that_is_sick_once_it_is_live(model: Model) -> None:
    await model.submit("1.1.0", ["dev"], flaw="sick live")


@shows("bake: failed")
async def a_release_that_turns_sick(model: Model) -> None:
    await model.submit("1.1.0", ["dev"], flaw="sick later")


@shows("approval: rejected")
async def a_no(model: Model) -> None:
    build = await model.submit("1.1.0", ["production"])
    await model.wait(1)
    assert await model.vote(build, "Alice", REJECT) == 200


@shows("approval: expired", "retry: retry: people are asked anew")
async def a_build_that_nobody_minds(model: Model) -> None:
    build = await model.submit("1.1.0", ["production"])
    await model.until(build, "cancelled", "production")
    await model.settle()
    assert await model.tell(build, "retry") == 200


@shows("approval: overtaken")
async def a_newer_build_while_people_are_asked(model: Model) -> None:
    await model.submit("1.1.0", ["production"], mode="supersede")
    await model.wait(1)
    await model.submit("1.2.0", ["production"], mode="supersede", finished=1)


@shows("lock: overtaken", "lock: waits")
async def a_newer_build_while_one_waits_for_the_lock(model: Model) -> None:
    await model.submit("1.1.0", ["dev"])
    await model.wait(1)
    await model.submit("1.2.0", ["dev"], mode="supersede", finished=1)
    await model.wait(1)
    await model.submit("1.3.0", ["dev"], mode="supersede", finished=2)


@shows("lock: behind")
async def an_older_build(model: Model) -> None:
    await model.submit("1.2.0", ["dev"], finished=1)
    await model.wait(600)
    await model.submit("1.1.0", ["dev"])


@shows("lock: expired")
async def a_long_hold(model: Model) -> None:
    await model.hold("dev", 90)
    await model.wait(1)
    await model.submit("1.1.0", ["dev"])


@shows("lock: rejected", "retry: retry", "lock: passed")
async def a_version_that_did_harm_before(model: Model) -> None:
    await model.reject("dev", "1.1.0")
    build = await model.submit("1.1.0", ["dev"])
    await model.until(build, "cancelled")
    await model.settle()
    assert await model.tell(build, "retry") == 200
    await model.settle()
    assert model.states(build) == ["cancelled"]
    await model.lift("dev", "rejected-1.1.0")
    await model.settle()
    assert await model.tell(build, "retry") == 200
    await model.until(build, "passed")


@shows("needs: expired")
async def a_pause_that_nobody_ends(model: Model) -> None:
    build = await model.submit("1.1.0", ["production"])
    assert await model.tell(build, "pause", ago_s=LONGEST_PAUSE.total_seconds() - 3600) == 200
    await model.wait(7200)


@shows("undo: broken", "shut: passed", "lock: lock broken")
async def a_first_release_that_fails(model: Model) -> None:
    model.nothing_is_live("dev")
    await model.submit("1.1.0", ["dev"], flaw="sick live")
    await model.wait(600)
    await model.submit("1.2.0", ["dev"], finished=1)


async def abort_in(model: Model, state: str, *, mark: bool = True) -> None:
    build = await model.submit("1.1.0", ["dev"], load=True)
    await model.until(build, state)
    assert await model.tell(build, "abort", mark=mark) == 200


@shows("needs: aborted")
async def an_abort_before_it_begins(model: Model) -> None:
    build = await model.submit("1.1.0", flaw="sick idle")
    await model.until(build, "failed")
    assert await model.tell(build, "abort") == 200


@shows("approval: aborted")
async def an_abort_while_people_are_asked(model: Model) -> None:
    build = await model.submit("1.1.0", ["production"])
    await model.wait(1)
    assert await model.tell(build, "abort") == 200


@shows("lock: aborted")
async def an_abort_while_it_waits_for_the_lock(model: Model) -> None:
    await model.hold("dev", 30)
    await model.wait(1)
    await abort_in(model, "waiting for the lock")


@shows("deploy: aborted")
async def an_abort_while_deploying(model: Model) -> None:
    await abort_in(model, "deploying")


@shows("verify: aborted")
async def an_abort_while_verifying(model: Model) -> None:
    await abort_in(model, "verifying")


@shows("roll out: aborted")
async def an_abort_while_swapping(model: Model) -> None:
    await abort_in(model, "rolling out")


@shows("verify live: aborted")
async def an_abort_while_verifying_live(model: Model) -> None:
    await abort_in(model, "verifying live")


@shows("bake: aborted")
async def an_abort_while_baking(model: Model) -> None:
    await abort_in(model, "baking")


@shows("settle: aborted")
async def an_abort_in_the_last_look(model: Model) -> None:
    build = await model.submit("1.1.0", ["dev"])
    await model.until(build, "baking")
    await model.wait(31)
    model.world.lags["look_at_live"] = [Lag("after", 10)]
    await model.wait(32)
    assert await model.tell(build, "abort", mark=False) == 200
