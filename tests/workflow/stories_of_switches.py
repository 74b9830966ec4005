"""Blue-green stages: people asked before the switch, and the way back to a side that was stopped."""

from slipway.promotion.approval import REJECT
from tests.workflow.model import Model
from tests.workflow.rough_world import Lag
from tests.workflow.stories_of_rings import GATE, READY
from tests.workflow.stories_of_troubles import AWAY
from tests.workflow.told import shows

ASKED = "waiting for approval"


async def asking(model: Model, mode: str = "queue") -> str:
    """A build whose stage asks people for its switch."""
    build = await model.submit("1.1.0", ["production"], at_least=0, switch="asked", mode=mode)
    await model.until(build, ASKED, "production")
    return build


async def approved(model: Model) -> str:
    build = await asking(model)
    await model.settle()
    assert await model.vote(build, "Alice") == 200
    return build


async def stopped(model: Model) -> str:
    """A release whose old side was kept for long enough."""
    build = await model.submit("1.1.0", ["production"], at_least=0, switch="kept")
    await model.wait(3 * 3600)
    assert model.world.sites["weu"].idle_stopped
    return build


@shows(
    "verify: passed: people are asked before the switch",
    "switch approval: passed",
    "verify again: passed",
)
async def a_switch_that_people_approve(model: Model) -> None:
    await approved(model)


@shows("verify again: passed: by region")
async def a_switch_in_a_region(model: Model) -> None:
    model.world.account = READY
    build = await model.submit("1.1.0", ["production"], at_least=0, switch="asked", gate=GATE, parts=1)
    await model.until(build, ASKED, "production")
    await model.settle()
    assert await model.vote(build, "Alice") == 200


@shows("switch approval: rejected")
async def a_switch_that_people_refuse(model: Model) -> None:
    build = await asking(model)
    await model.settle()
    assert await model.vote(build, "Alice", REJECT) == 200


@shows("switch approval: expired")
async def a_switch_that_nobody_minds(model: Model) -> None:
    await asking(model)


@shows("switch approval: aborted")
async def an_abort_before_the_switch(model: Model) -> None:
    build = await asking(model)
    assert await model.tell(build, "abort") == 200


@shows("switch approval: overtaken")
async def a_newer_build_before_the_switch(model: Model) -> None:
    await asking(model, "supersede")
    await model.settle()
    await model.submit("1.2.0", ["production"], at_least=0, switch="asked", mode="supersede", finished=1)


@shows("switch approval: broken")
async def an_approval_of_a_switch_that_somebody_terminates(model: Model) -> None:
    build = await asking(model)
    await model.settle()
    await model.terminate(f"{build}:production:switch-approval:1")


@shows("switch approval: waits")
async def an_audit_that_is_away_before_people_are_asked_for_the_switch(model: Model) -> None:
    build = await model.submit("1.1.0", ["production"], at_least=0, switch="asked")
    await model.until(build, "verifying", "production")
    model.world.away["record"] = AWAY


@shows("verify again: failed")
async def a_release_that_falls_ill_while_people_decide(model: Model) -> None:
    build = await asking(model)
    await model.settle()
    model.world.flaws["1.1.0"] = "sick idle"
    assert await model.vote(build, "Alice") == 200


@shows("verify again: broken", "verify again: waits")
async def a_release_that_cannot_be_looked_at_again(model: Model) -> None:
    build = await asking(model)
    await model.settle()
    model.world.broken_checks = True
    assert await model.vote(build, "Alice") == 200


@shows("verify again: aborted")
async def an_abort_after_the_approval_of_the_switch(model: Model) -> None:
    build = await asking(model)
    await model.settle()
    model.world.lags["check_health"] = [Lag("before", 20), Lag("before", 20)]
    assert await model.vote(build, "Alice") == 200
    await model.until(build, "verifying", "production")
    assert await model.tell(build, "abort") == 200


@shows("lock: passed: to go back to what was stopped", "ready old side: passed", "ready old side: waits")
async def a_way_back_to_a_side_that_was_stopped(model: Model) -> None:
    build = await stopped(model)
    model.world.away["record"] = AWAY
    assert await model.roll_back(build, "production")


@shows("ready old side: broken")
async def a_side_that_was_stopped_and_holds_another_by_now(model: Model) -> None:
    build = await stopped(model)
    model.touched.add("production")
    model.world.sites["weu"].idle = "0.9.0"
    assert await model.roll_back(build, "production")


@shows("ready old side: not live")
async def a_way_back_from_what_is_not_live_any_more(model: Model) -> None:
    build = await stopped(model)
    model.touched.add("production")
    model.world.sites["weu"].live = "0.9.0"
    assert await model.roll_back(build, "production")
