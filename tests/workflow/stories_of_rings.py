"""Stages that are rings: parts of them, the regions that they wait for, and rings that go back with a later one."""

from typing import Any

from slipway.promotion.rings import ROLL_BACK_ALL, RegionGate
from tests.workflow.model import Model
from tests.workflow.told import shows

GATE = RegionGate("/subscriptions/s/databaseAccounts/hub", region="westeurope", within_s=7200)
READY: dict[str, Any] = {"locations": {"westeurope": "Succeeded"}, "write": ["westeurope"], "state": "Succeeded"}
MOVING: dict[str, Any] = {**READY, "state": "Updating"}


async def in_the_last_ring(model: Model, at: str = "baking") -> str:
    build = await model.submit("1.1.0", at_least=0, rings=ROLL_BACK_ALL)
    await model.until(build, at, "production")
    return build


@shows("undo: passed: rings go back, too", "take back: waits", "take back: passed")
async def a_last_ring_that_turns_bad(model: Model) -> None:
    await in_the_last_ring(model)
    model.world.flaws["1.1.0"] = "sick live"


@shows("sweep: passed: rings go back, too")
async def a_ring_that_is_lost_while_it_takes_the_others_back(model: Model) -> None:
    build = await in_the_last_ring(model)
    model.world.flaws["1.1.0"] = "sick live"
    while "production/taking-rings-back" not in model.world.actions():
        await model.wait(1)
    await model.terminate(f"{build}:production")


@shows("verify live: passed: targets are left")
async def a_ring_in_parts(model: Model) -> None:
    await model.submit("1.1.0", ["production"], at_least=0, parts=1)


@shows(
    "verify: passed: by region",
    "region: waits",
    "region: passed: it has waited",
    "region: passed",
    "verify live: passed: targets are left, by region",
)
async def a_region_that_is_not_ready_at_once(model: Model) -> None:
    model.world.account = MOVING
    await model.submit("1.1.0", ["production"], at_least=0, parts=1, gate=GATE)
    await model.wait(600)
    model.world.account = READY


@shows("region: passed: to ramp")
async def a_canary_in_a_region(model: Model) -> None:
    model.world.account = READY
    await model.submit("1.1.0", ["production"], at_least=0, ramp="quick", gate=GATE)


@shows("region: not enough evidence")
async def a_region_that_is_never_ready(model: Model) -> None:
    model.world.account = MOVING
    await model.submit("1.1.0", ["production"], at_least=0, gate=GATE)


@shows("region: broken")
async def an_account_that_may_not_be_read(model: Model) -> None:
    model.world.account_refused = True
    await model.submit("1.1.0", ["production"], at_least=0, gate=GATE)


@shows("region: aborted")
async def an_abort_while_it_waits_for_its_region(model: Model) -> None:
    model.world.account = MOVING
    build = await model.submit("1.1.0", ["production"], at_least=0, gate=GATE)
    await model.until(build, "waiting for the region", "production")
    assert await model.tell(build, "abort") == 200


@shows("go back: broken: goes back with a later ring")
async def an_earlier_ring_that_somebody_has_touched(model: Model) -> None:
    await in_the_last_ring(model)
    model.world.sites["checkout-dev"].idle = "somebody's"
    model.touched.add("dev")
    model.world.flaws["1.1.0"] = "sick live"
