"""What people say to a ramp: pause, advance, promote, take back, abort; and what comes of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from slipway.promotion.canary_plan import STAY
from slipway.promotion.outcomes import iso
from tests.promotion.builders import a_build
from tests.workflow.test_ramp import PLAN, at_share, live, production, ramp_row, world
from tests.workflow.test_ramp import flow as flow
from tests.workflow.virtual import Workflow, stage_state

LOCK = "production--checkout"


async def test_an_abort_in_mid_ramp_takes_the_traffic_back(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await at_share(flow, 0.10)
    await flow.abort(id)
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("cancelled", "ABORTED")
    assert live(flow) == {"1.0.0"} and set(world(flow).shares.values()) == {0.0}
    assert max(world(flow).most.values()) == 0.10


async def test_a_paused_ramp_keeps_its_share_and_is_still_judged(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await at_share(flow, 0.10)
    await flow.command(id, "pause")
    await flow.until(lambda: ramp_row(flow)["tick"] >= 30)
    assert set(world(flow).shares.values()) == {0.10}
    assert "production" in [each["stage"] for each in flow.world.records if each["action"] == "ramp.paused"]
    world(flow).harm["2.0.0"] = 30.0
    output = await flow.until_ended(id)
    assert output["code"] == "HARM_PROVEN"


async def test_a_resumed_ramp_goes_on(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await at_share(flow, 0.10)
    await flow.command(id, "pause", "p")
    await flow.until(lambda: ramp_row(flow)["tick"] >= 20)
    await flow.command(id, "resume", "r")
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_a_person_advances_promotes_and_rolls_back(flow: Workflow) -> None:
    plan = replace(PLAN, hold_at=(0.10,))
    id = await flow.promote(a_build("2.0.0"), production(plan))
    await at_share(flow, 0.05)
    await flow.command(id, "advance", "one")
    await at_share(flow, 0.10)
    await flow.until(lambda: ramp_row(flow)["tick"] >= 40)
    assert set(world(flow).shares.values()) == {0.10}, "a hold point is a person's"
    await flow.command(id, "advance", "two")
    await at_share(flow, 0.25)
    await flow.command(id, "promote", "three")
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert live(flow) == {"2.0.0"}
    told = [each["action"] for each in flow.world.records if each["action"].endswith("by-hand")]
    assert told == ["ramp.advanced-by-hand", "ramp.advanced-by-hand", "ramp.promoted-by-hand"]


async def test_a_person_takes_a_ramping_release_back(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await at_share(flow, 0.25)
    await flow.command(id, "rollback")
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "TAKEN_BACK")
    assert live(flow) == {"1.0.0"} and set(world(flow).shares.values()) == {0.0}


async def test_once_its_ramp_is_over_nobody_is_told_that_a_word_reaches_it(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production(bake_s=1800))
    await flow.until(lambda: stage_state(flow.world, "production") == "baking")
    await flow.command(id, "rollback")
    answers = (await flow.entity("decisions", id))["answers"]
    assert [each.get("code") for each in answers.values()] == ["NOT_RAMPING"]
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_nobody_can_advance_a_release_whose_harm_is_proven(flow: Workflow) -> None:
    world(flow).harm["2.0.0"] = 30.0
    id = await flow.promote(a_build("2.0.0"), production(replace(PLAN, on_harm=STAY)))
    await flow.until(lambda: any(each["action"] == "ramp.harm-proven" for each in flow.world.records))
    at, tick = max(world(flow).shares.values()), ramp_row(flow)["tick"]
    await flow.until(lambda: ramp_row(flow)["tick"] > tick)  # it has asked since
    await flow.command(id, "advance")
    await flow.until(lambda: ramp_row(flow)["tick"] >= tick + 5)
    assert set(world(flow).shares.values()) == {at}
    assert (await flow.entity("decisions", id))["answers"]["k1"]["code"] == "HARM_PROVEN"
    await flow.command(id, "promote", "k2")
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_a_person_is_heard_while_the_ramp_learns_and_users_never_meet_the_release(flow: Workflow) -> None:
    world(flow).no_telemetry = True
    id = await flow.promote(a_build("2.0.0"), production())
    await flow.until(lambda: "there is no telemetry" in ramp_row(flow).get("notes", ""))
    said = flow.clock.now()
    await flow.command(id, "rollback")
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "TAKEN_BACK")
    assert flow.clock.now() - said < timedelta(minutes=2)
    assert set(world(flow).most.values()) <= {0.0}


@pytest.mark.parametrize("taken_back", ["by a person", "by a signal"])
async def test_a_version_whose_harm_was_proven_is_rejected_whoever_takes_it_back(
    flow: Workflow, taken_back: str
) -> None:
    world(flow).harm["2.0.0"] = 30.0
    id = await flow.promote(a_build("2.0.0"), production(replace(PLAN, on_harm=STAY)))
    await flow.until(lambda: any(each["action"] == "ramp.harm-proven" for each in flow.world.records))
    if taken_back == "by a person":
        await flow.command(id, "rollback")
    else:
        world(flow).signals = [["probe", "weu: /healthz answers 503"]]
    assert (await flow.until_ended(id))["code"] in ("TAKEN_BACK", "PROBE_FAILED")
    assert [each["version"] for each in (await flow.lock("production"))["rejected"]] == ["2.0.0"]


async def test_a_version_that_a_person_takes_back_for_no_proven_harm_is_not_rejected(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await at_share(flow, 0.10)
    await flow.command(id, "rollback")
    await flow.until_ended(id)
    assert (await flow.lock("production"))["rejected"] == []


async def test_harm_may_stay_for_a_person_by_policy(flow: Workflow) -> None:
    world(flow).harm["2.0.0"] = 30.0
    id = await flow.promote(a_build("2.0.0"), production(replace(PLAN, on_harm=STAY)))
    await flow.until(lambda: any(each["action"] == "ramp.harm-proven" for each in flow.world.records))
    await flow.until(lambda: ramp_row(flow)["tick"] >= 20)
    assert max(world(flow).shares.values()) > 0.0
    assert stage_state(flow.world, "production") == "ramping"
    await flow.command(id, "rollback")
    assert (await flow.until_ended(id))["code"] == "TAKEN_BACK"


async def stopped(flow: Workflow) -> None:
    at = flow.clock.now()
    given = {"id": "production.checkout.s1", "by": "Dave", "oid": "dave", "reason": "attack", "at": iso(at)}
    await flow.signal("environment", LOCK, "stop", {**given, "expires_at": iso(at + timedelta(days=1))})


async def test_a_stop_takes_effect_within_a_tick_of_a_ramp_and_outranks_whoever_advances_it(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await at_share(flow, 0.10)
    await stopped(flow)
    said_at = flow.clock.now()
    await flow.until(lambda: "ramp.stopped" in [each["action"] for each in flow.world.records])
    assert flow.clock.now() - said_at <= timedelta(seconds=PLAN.policy.tick_s)
    await flow.command(id, "advance")
    await flow.until(lambda: ramp_row(flow)["tick"] >= 30)
    assert max(world(flow).most.values()) == 0.10, "nothing has advanced"
    assert "that is not followed" in " ".join(each["words"] for each in flow.world.records)
    given = {"id": "production.checkout.s1", "by": "Erin", "oid": "erin", "at": iso(flow.clock.now())}
    await flow.signal("environment", LOCK, "lift", given)
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_a_stopped_ramp_whose_release_does_harm_still_goes_back(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await at_share(flow, 0.10)
    await stopped(flow)
    world(flow).harm["2.0.0"] = 30.0
    output = await flow.until_ended(id)
    assert output["code"] == "HARM_PROVEN" and set(world(flow).shares.values()) == {0.0}


async def test_a_stop_before_the_first_share_lets_nobody_meet_the_release(flow: Workflow) -> None:
    flow.world.put_off["deploy"] = 10.0
    await flow.promote(a_build("2.0.0"), production())
    await flow.until(lambda: stage_state(flow.world, "production") == "deploying")
    await stopped(flow)
    flow.world.put_off.clear()
    until = flow.clock.now() + timedelta(minutes=30)
    await flow.until(lambda: flow.clock.now() > until)
    assert flow.world.rows["stage:production"]["doc"]["waits_for"] == "stopped by Dave: attack"
    assert not any(world(flow).most.values()), world(flow).most
