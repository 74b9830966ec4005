"""A ramp and its routers: refused, not applied, changed by others, not met by users."""

from dataclasses import replace
from datetime import timedelta

from slipway.promotion.canary_plan import IGNORE, PROMOTE
from slipway.promotion.judge.policy import Policy
from tests.promotion.builders import a_build
from tests.workflow.test_ramp import ADAPTIVE, PLAN, SITES, at_share, live, production, ramp_row, world
from tests.workflow.test_ramp import flow as flow
from tests.workflow.virtual import Workflow


async def test_a_way_back_that_no_router_took_is_not_told_as_taken(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await at_share(flow, 0.10)
    world(flow).backs_refused = len(SITES)
    await flow.command(id, "rollback")
    await flow.until(lambda: ramp_row(flow)["move"].get("code") == "TAKEN_BACK")
    told = next(each for each in flow.world.records if each["action"] == "ramp.taken-back")
    assert told["words"].startswith("at 10 % of the traffic: ") and "; not taken: " in told["words"]
    assert told["evidence"]["share"] == ramp_row(flow)["share"] == 0.10
    assert (await flow.until_ended(id))["code"] == "TAKEN_BACK"
    assert set(world(flow).shares.values()) == {0.0}, "the undo asks again"


async def test_a_share_that_is_not_taken_is_told_at_once_and_not_in_the_end_alone(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await at_share(flow, 0.10)
    world(flow).splits_refused = 6
    await flow.until(lambda: "not taken: " in ramp_row(flow)["notes"])
    assert "may not write the routing rules" in ramp_row(flow)["notes"]
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_a_router_that_refuses_at_first_is_asked_again(flow: Workflow) -> None:
    world(flow).splits_refused = 3
    id = await flow.promote(a_build("2.0.0"), production())
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_a_router_that_never_takes_a_share_is_not_the_releases_fault(flow: Workflow) -> None:
    world(flow).splits_refused = 1000
    id = await flow.promote(a_build("2.0.0"), production())
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("broken", "ROUTER_REFUSES")
    assert live(flow) == {"1.0.0"} and max(world(flow).most.values()) == 0.0


async def test_time_at_a_share_that_no_router_has_taken_is_no_time_at_it(flow: Workflow) -> None:
    quick = replace(PLAN, policy=Policy(ramp="fixed", patience_ticks=2))
    id = await flow.promote(a_build("2.0.0"), production(quick))
    await at_share(flow, 0.05)
    world(flow).splits_refused = 2 * 9  # two ticks long, at both sites
    await at_share(flow, 0.10)
    assert world(flow).splits_refused == 0
    assert max(weight for _, weight in world(flow).judged) == 0.10
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_every_share_is_judged_by_ticks_after_it_has_settled(flow: Workflow) -> None:
    """Patience is two ticks: with the one in which the share settles there are three between two shares."""
    patient = Policy(ramp="fixed", patience_ticks=2)
    id = await flow.promote(a_build("2.0.0"), production(replace(PLAN, policy=patient, settle_s=30)))
    assert (await flow.until_ended(id))["outcome"] == "passed"
    first: dict[float, int] = {}
    for tick, weight in world(flow).judged:
        first.setdefault(weight, tick)
    assert [first[weight] for weight in (0.05, 0.10, 0.25, 0.50, 1.0)] == [1, 3, 6, 9, 12]


async def test_a_share_that_somebody_raised_is_taken_back_and_named(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await at_share(flow, 0.10)
    world(flow).shares["weu"] = 0.8
    await flow.until(lambda: any(each["action"] == "ramp.router-changed" for each in flow.world.records))
    await at_share(flow, 0.10)
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_a_share_that_users_do_not_meet_goes_no_further_calls_a_person_and_blames_nobody(flow: Workflow) -> None:
    """The router says that it has the share, and sends as many users as before."""
    world(flow).met_at_most = 0.25
    id = await flow.promote(a_build("2.0.0"), production(ADAPTIVE))
    await flow.until(lambda: ramp_row(flow).get("move", {}).get("code") == "SHARE_NOT_MET")
    assert not ramp_row(flow)["move"]["calls"]
    await flow.until(lambda: ramp_row(flow)["move"]["code"] == "SHARE_NEVER_MET")
    move = ramp_row(flow)["move"]
    assert move["calls"] and "of the requests met the release where" in move["words"]
    assert set(world(flow).most.values()) == {0.50}
    world(flow).met_at_most = 1.0
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert live(flow) == {"2.0.0"}


async def test_a_share_that_users_never_meet_is_not_promoted_at_the_deadline(flow: Workflow) -> None:
    world(flow).met_at_most = 0.25
    id = await flow.promote(a_build("2.0.0"), production(replace(ADAPTIVE, within_s=7200, at_deadline=PROMOTE)))
    await flow.until(lambda: ramp_row(flow).get("move", {}).get("code") == "SHARE_NEVER_MET")
    over = flow.clock.now() + timedelta(hours=3)
    await flow.until(lambda: flow.clock.now() > over)
    assert ramp_row(flow)["move"]["code"] == "SHARE_NEVER_MET" and live(flow) == {"1.0.0"}
    await flow.command(id, "promote")
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_where_the_pipeline_does_not_look_at_what_users_meet_the_ramp_goes_on(flow: Workflow) -> None:
    world(flow).met_at_most = 0.25
    id = await flow.promote(a_build("2.0.0"), production(replace(ADAPTIVE, unmet=IGNORE)))
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_harm_is_proven_while_users_do_not_meet_the_share(flow: Workflow) -> None:
    world(flow).met_at_most = 0.05
    id = await flow.promote(a_build("2.0.0"), production(ADAPTIVE))
    await flow.until(lambda: ramp_row(flow).get("move", {}).get("code") == "SHARE_NEVER_MET")
    world(flow).harm["2.0.0"] = 10.0
    assert (await flow.until_ended(id))["code"] == "HARM_PROVEN"
