"""A canary through a Front Door, whose changes reach users after 20 minutes, in virtual time."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from slipway.promotion.canary_plan import CanaryPlan
from slipway.promotion.front_door import NEVER, WHEN_IT_PAYS, FrontDoor, Testers
from slipway.promotion.judge.policy import Policy
from slipway.promotion.outcomes import moment
from slipway.promotion.plan import StagePlan, Target
from slipway.promotion.telemetry import Source
from tests.promotion.builders import a_build, a_stage
from tests.workflow.front_door_world import FrontDoorWorld
from tests.workflow.test_ramp import live, ramp_row
from tests.workflow.virtual import Workflow
from tests.workflow.world import Sides

PROFILE = "/subscriptions/s/resourceGroups/shop/providers/Microsoft.Cdn/profiles/edge"
FRONT_DOOR = FrontDoor(PROFILE, "checkout", "live", "idle", "https://shop.azurefd.net")
TESTERS = Testers("testers", "checkout-idle", "me", header="x-canary")
FIXED = Policy(steps=(0.10, 0.50, 1.0), ramp="fixed", patience_ticks=2, tick_s=120)
PLAN = CanaryPlan(FIXED, Source("", "checkout"), settle_s=1200, front_door=FRONT_DOOR)


def production(plan: CanaryPlan = PLAN, **changes: Any) -> StagePlan:
    targets = (Target("weu", "app-service", "/sites/weu", "staging"),)
    return a_stage("production", targets=targets, canary=plan, rollout="canary", **changes)


def with_testers() -> StagePlan:
    return production(replace(PLAN, front_door=replace(FRONT_DOOR, testers=TESTERS)))


@pytest.fixture
async def flow(tmp_path: Path) -> AsyncIterator[Workflow]:
    async with Workflow(FrontDoorWorld({"weu": Sides()}), str(tmp_path / "hub.sqlite")) as workflow:
        world(workflow).now = workflow.clock.now
        yield workflow
    assert world(workflow).wrong == [], "users met a side at which something was done"


def world(flow: Workflow) -> FrontDoorWorld:
    assert isinstance(flow.world, FrontDoorWorld)
    return flow.world


async def at_edges(flow: Workflow, share: float) -> datetime:
    """When users meet that share."""
    await flow.until(lambda: world(flow).at_edges(flow.clock.now()) == share)
    return flow.clock.now()


def move(flow: Workflow) -> str:
    return str(ramp_row(flow).get("move", {}).get("code"))


def step(flow: Workflow, name: str) -> dict[str, Any]:
    steps = flow.world.rows["stage:production"]["doc"]["steps"]
    return next(each for each in steps if each["name"] == name)


async def test_a_good_release_ramps_by_one_change_a_step_and_is_swapped_when_nobody_is_on_the_slot(
    flow: Workflow,
) -> None:
    usual = replace(PLAN, policy=replace(FIXED, steps=Policy().steps))
    id = await flow.promote(a_build("2.0.0"), production(usual))
    began = flow.clock.now()
    output = await flow.until_ended(id)
    assert output["outcome"] == "passed", output
    assert live(flow) == {"2.0.0"}
    assert world(flow).changes == [0.05, 0.10, 0.25, 0.50, 0.0], "one a step, and all back before the swap"
    assert step(flow, "return to live")["state"] == "passed"
    assert step(flow, "swap")["started_at"] >= step(flow, "return to live")["ended_at"]
    assert timedelta(hours=1.9) < flow.clock.now() - began < timedelta(hours=4)


async def test_no_share_is_called_calm_before_users_have_met_it_for_as_long_as_it_takes(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    assert (await flow.until_ended(id))["outcome"] == "passed"
    first: dict[float, int] = {}
    for tick, weight in world(flow).judged:
        first.setdefault(weight, tick)
    until_settled = round(1200 / FIXED.tick_s)
    assert first[0.50] >= until_settled + FIXED.patience
    assert first[1.0] - first[0.50] >= until_settled + FIXED.patience


async def test_harm_stops_the_side_at_once_and_users_leave_it_by_its_probes_long_before_the_weights(
    flow: Workflow,
) -> None:
    world(flow).harm["2.0.0"] = 200.0
    id = await flow.promote(a_build("2.0.0"), production())
    await flow.until(lambda: world(flow).stopped_at is not None)
    assert world(flow).at_edges(flow.clock.now()) == 0.1, "they are there yet"
    harmed = flow.clock.now()
    assert world(flow).at_edges(harmed + timedelta(minutes=2)) == 0.0
    assert (await flow.until_ended(id))["code"] == "HARM_PROVEN"
    assert world(flow).changes == [0.1, 0.0] and live(flow) == {"1.0.0"}
    assert world(flow).told[-1][0] - harmed >= timedelta(minutes=20), "when edges hear of the weight"
    lock = await flow.lock("production")
    assert lock["holder"] is None and lock["broken"] is None
    assert flow.clock.now() - harmed >= timedelta(minutes=20), "nobody deploys there before Front Door has settled"


@pytest.mark.parametrize(("stop", "times"), [(NEVER, 200.0), (WHEN_IT_PAYS, 10.0)])
async def test_where_a_stop_would_cost_more_or_is_not_wanted_the_weights_alone_take_users_back(
    flow: Workflow, stop: str, times: float
) -> None:
    world(flow).harm["2.0.0"] = times
    id = await flow.promote(
        a_build("2.0.0"), production(replace(PLAN, front_door=replace(FRONT_DOOR, stop_on_harm=stop)))
    )
    await flow.until(lambda: world(flow).changes == [0.1, 0.0])
    assert world(flow).stopped_at is None
    assert (await flow.until_ended(id))["code"] == "HARM_PROVEN"
    assert world(flow).stopped_at is not None, "and the side is stopped when nobody is there"
    assert world(flow).stopped_at >= world(flow).told[-1][0] - timedelta(seconds=1)


async def test_where_no_probes_would_drop_a_side_none_is_stopped_while_users_are_there(flow: Workflow) -> None:
    world(flow).drop_s = 0.0
    world(flow).harm["2.0.0"] = 200.0
    id = await flow.promote(a_build("2.0.0"), production())
    await flow.until(lambda: world(flow).changes == [0.1, 0.0])
    assert world(flow).stopped_at is None
    assert (await flow.until_ended(id))["code"] == "HARM_PROVEN"


async def test_a_signal_of_an_outage_stops_the_side_at_once(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await at_edges(flow, 0.1)
    world(flow).signals = [["probe", "weu: answers 503"]]
    await flow.until(lambda: world(flow).stopped_at is not None)
    assert world(flow).changes == [0.1]
    assert (await flow.until_ended(id))["code"] == "PROBE_FAILED"


async def test_a_persons_word_takes_all_back_and_the_lock_is_kept_until_front_door_has_settled(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await at_edges(flow, 0.10)
    await flow.command(id, "rollback")
    told = flow.clock.now()
    assert (await flow.until_ended(id))["code"] == "TAKEN_BACK"
    assert flow.clock.now() - told >= timedelta(minutes=20)
    assert world(flow).changes[-1] == 0.0 and live(flow) == {"1.0.0"}


async def test_a_first_share_that_settles_late_holds_the_ramp_and_blames_nobody(flow: Workflow) -> None:
    world(flow).next_settles_s = [3600.0]
    id = await flow.promote(a_build("2.0.0"), production())
    await flow.until(lambda: move(flow) == "SHARE_NOT_MET")
    assert "no request has met the release yet where 10% is set" in ramp_row(flow)["move"]["words"]
    assert world(flow).changes == [0.1]
    output = await flow.until_ended(id)
    assert output["outcome"] == "passed", output


async def test_a_later_share_that_settles_late_holds_the_ramp(flow: Workflow) -> None:
    world(flow).next_settles_s = [1200.0, 2400.0]
    id = await flow.promote(a_build("2.0.0"), production())
    await flow.until(lambda: move(flow) == "SHARE_NOT_MET")
    assert world(flow).changes[-1] == 0.5
    assert (await flow.until_ended(id))["outcome"] == "passed"


@pytest.mark.parametrize("before", [0, 1])
async def test_a_share_that_never_settles_calls_a_person_and_is_withdrawn_at_the_deadline(
    flow: Workflow, before: int
) -> None:
    """The first one, and one of which some users were met before."""
    id = await flow.promote(a_build("2.0.0"), production(replace(PLAN, within_s=100 * 60)))
    if before:
        await at_edges(flow, FIXED.steps[before - 1])
    world(flow).never = 1
    await flow.until(lambda: move(flow) == "SHARE_NEVER_MET")
    assert ramp_row(flow)["move"]["calls"]
    assert len(world(flow).changes) == before + 1, "nothing advanced"
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("not enough evidence", "RAMP_TIME_OVER")
    assert live(flow) == {"1.0.0"} and world(flow).share == 0.0


@pytest.mark.parametrize("code", ["LATENCY_WINDOW_TOO_SMALL", "SESSION_AFFINITY", "PRIORITIES_DIFFER"])
async def test_no_ramp_begins_where_weights_would_divide_nothing(flow: Workflow, code: str) -> None:
    world(flow).refuses = code
    id = await flow.promote(a_build("2.0.0"), production())
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("broken", code)
    assert world(flow).changes == [] and live(flow) == {"1.0.0"}


async def test_a_share_that_azure_refuses_at_first_is_asked_again(flow: Workflow) -> None:
    world(flow).splits_refused = 3
    id = await flow.promote(a_build("2.0.0"), production())
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_an_idle_origin_that_somebody_disabled_is_named_and_left_as_it_is(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production(replace(PLAN, within_s=2 * 3600)))
    await at_edges(flow, 0.50)
    world(flow).shares["weu"] = 0.0
    world(flow).told.append((flow.clock.now() + timedelta(minutes=20), 0.0))
    await flow.until(lambda: move(flow) == "ROUTER_CHANGED")
    assert ramp_row(flow)["move"]["calls"] and world(flow).changes == [0.1, 0.5]
    output = await flow.until_ended(id)
    assert (output["outcome"], live(flow)) == ("not enough evidence", {"1.0.0"})


async def test_a_live_origin_that_somebody_disabled_shuts_the_lock_for_a_person(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await at_edges(flow, 0.10)
    world(flow).live_disabled = True
    output = await flow.until_ended(id)
    assert output["outcome"] == "broken"
    assert "the live side's origin is disabled" in (await flow.lock("production"))["broken"]["words"]


async def test_testers_are_let_in_before_the_ramp_verified_through_the_front_door_and_out_after_it(
    flow: Workflow,
) -> None:
    id = await flow.promote(a_build("2.0.0"), with_testers())
    await flow.until(lambda: world(flow).changes == [0.1])
    assert world(flow).as_tester == ["https://shop.azurefd.net at 0%"]
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert world(flow).rules == ["made", "taken away"]


async def test_a_release_that_answers_testers_badly_is_not_ramped_and_their_rule_goes(flow: Workflow) -> None:
    world(flow).sick_for_testers = True
    id = await flow.promote(a_build("2.0.0"), with_testers())
    output = await flow.until_ended(id)
    assert output["outcome"] == "broken" and "before the ramp" in output["words"]
    assert world(flow).changes == [] and world(flow).rules == ["made", "taken away"]


async def test_a_promotion_that_is_aborted_in_its_ramp_returns_users_and_takes_the_testers_rule_away(
    flow: Workflow,
) -> None:
    id = await flow.promote(a_build("2.0.0"), with_testers())
    await at_edges(flow, 0.1)
    await flow.abort(id)
    assert (await flow.until_ended(id))["code"] == "ABORTED"
    assert world(flow).rules == ["made", "taken away"] and world(flow).share == 0.0


async def test_an_idle_side_that_users_meet_is_emptied_before_anything_is_deployed_there(flow: Workflow) -> None:
    world(flow).shares["weu"] = 0.2
    world(flow).told.append((flow.clock.now(), 0.2))
    began = flow.clock.now()
    id = await flow.promote(a_build("2.0.0"), production())
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert moment(step(flow, "deploy")["started_at"]) - began >= timedelta(minutes=20)


@pytest.mark.parametrize("share", [0.1, 0.5])
async def test_a_host_that_restarts_in_mid_change_goes_on_where_it_was(flow: Workflow, share: float) -> None:
    id = await flow.promote(a_build("2.0.0"), with_testers())
    await flow.until(lambda: world(flow).share == share)
    await flow.restart()
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert world(flow).changes == [0.1, 0.5, 0.0] and live(flow) == {"2.0.0"}
    assert world(flow).rules == ["made", "taken away"]


async def test_a_host_that_restarts_while_users_return_swaps_no_sooner(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await flow.until(lambda: world(flow).changes[-1:] == [0.0])
    await flow.restart()
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert live(flow) == {"2.0.0"}


async def test_harm_after_the_swap_is_taken_back_by_a_swap_without_front_door(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production(bake_s=3600.0))
    await flow.until(lambda: live(flow) == {"2.0.0"})
    world(flow).sick_live.add("2.0.0")
    await flow.until(lambda: live(flow) == {"1.0.0"})
    assert (await flow.until_ended(id))["outcome"] == "failed"
    assert world(flow).changes[-1] == 0.0 and len(world(flow).changes) == 3


def on_the_idle_side(flow: Workflow, share: float) -> None:
    """Somebody gave it a weight long ago."""
    world(flow).shares["weu"] = share
    world(flow).told.append((flow.clock.now(), share))


async def test_an_abort_while_users_leave_the_idle_side_keeps_the_lock_until_they_have_left(flow: Workflow) -> None:
    on_the_idle_side(flow, 0.2)
    id = await flow.promote(a_build("2.0.0"), production())
    await flow.until(lambda: world(flow).changes == [0.0])
    await flow.abort(id)
    assert (await flow.until_ended(id))["code"] == "ABORTED"
    assert world(flow).at_edges(flow.clock.now()) == 0.0
    following = await flow.promote(a_build("2.1.0"), production(), token="next")
    assert (await flow.until_ended(following))["outcome"] == "passed"


async def test_an_abort_while_users_return_before_the_swap_keeps_the_lock_until_they_have(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await flow.until(lambda: world(flow).changes[-1:] == [0.0])
    await flow.abort(id)
    assert (await flow.until_ended(id))["code"] == "ABORTED"
    assert world(flow).at_edges(flow.clock.now()) == 0.0 and live(flow) == {"1.0.0"}


async def test_an_idle_side_that_users_never_leave_shuts_the_lock_for_a_person(flow: Workflow) -> None:
    on_the_idle_side(flow, 0.2)
    world(flow).never = 1
    id = await flow.promote(a_build("2.0.0"), production(retry_within_s=3600.0))
    assert (await flow.until_ended(id))["outcome"] == "broken"
    words = (await flow.lock("production"))["broken"]["words"]
    assert "users may be on the idle side" in words and "TRAFFIC_NOT_BACK" in words


async def test_users_who_never_return_before_the_swap_shut_the_lock_and_their_side_answers_on(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await at_edges(flow, 0.5)
    world(flow).never = 1
    assert (await flow.until_ended(id))["outcome"] == "broken"
    assert "TRAFFIC_NOT_BACK" in (await flow.lock("production"))["broken"]["words"]
    assert world(flow).at_edges(flow.clock.now()) == 0.5 and world(flow).stopped_at is None
    assert live(flow) == {"1.0.0"}


async def test_a_weight_that_somebody_took_away_a_minute_ago_is_waited_for(flow: Workflow) -> None:
    now = flow.clock.now()
    world(flow).told += [(now, 0.2), (now + timedelta(minutes=19), 0.0)]
    id = await flow.promote(a_build("2.0.0"), production())
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert world(flow).changes == [0.1, 0.5, 0.0], "Resource Manager showed nothing to be taken away"


async def test_an_abort_after_the_testers_rule_was_made_keeps_the_lock_until_edges_have_forgotten_it(
    flow: Workflow,
) -> None:
    id = await flow.promote(a_build("2.0.0"), with_testers())
    await flow.until(lambda: world(flow).rules == ["made"])
    began = flow.clock.now()
    await flow.abort(id)
    assert (await flow.until_ended(id))["code"] == "ABORTED"
    assert world(flow).rules == ["made", "taken away"] and flow.clock.now() - began >= timedelta(minutes=20)
    following = await flow.promote(a_build("2.1.0"), production(), token="next")
    assert (await flow.until_ended(following))["outcome"] == "passed"


async def test_a_release_that_goes_back_after_its_swap_waits_for_nobody_at_the_front_door(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production(bake_s=3600.0))
    await flow.until(lambda: live(flow) == {"2.0.0"})
    world(flow).sick_live.add("2.0.0")
    await flow.until(lambda: live(flow) == {"1.0.0"})
    back = flow.clock.now()
    assert (await flow.until_ended(id))["outcome"] == "failed"
    assert flow.clock.now() - back < timedelta(minutes=5), "Front Door had settled before the swap"


async def test_users_who_return_late_are_waited_for_before_the_swap(flow: Workflow) -> None:
    world(flow).next_settles_s = [1200.0, 1200.0, 2 * 2400.0]
    id = await flow.promote(a_build("2.0.0"), production())
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert live(flow) == {"2.0.0"}
