"""A canary ramp through the real orchestrators, entities, SDK and judge, in virtual time."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from slipway.promotion.canary_plan import STAY, WAIT, CanaryPlan, Signals
from slipway.promotion.judge.policy import Policy
from slipway.promotion.outcomes import moment
from slipway.promotion.plan import StagePlan, Target
from slipway.promotion.telemetry import Source
from tests.promotion.builders import a_build, a_stage, later
from tests.workflow.ramp_world import RampingWorld
from tests.workflow.virtual import Workflow, stage_state
from tests.workflow.world import Sides

SITES = ("weu", "neu")
ADAPTIVE = CanaryPlan(Policy(), Source("", "checkout"))
PLAN = replace(ADAPTIVE, policy=Policy(ramp="fixed", patience_ticks=3))


def production(plan: CanaryPlan = PLAN, **changes: Any) -> StagePlan:
    targets = tuple(Target(name, "app-service", f"/sites/{name}", "staging") for name in SITES)
    return a_stage("production", targets=targets, canary=plan, rollout="canary", **changes)


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(RampingWorld({name: Sides() for name in SITES})) as workflow:
        yield workflow


def world(flow: Workflow) -> RampingWorld:
    assert isinstance(flow.world, RampingWorld)
    return flow.world


def live(flow: Workflow) -> set[str]:
    return {site.live for site in flow.world.sites.values()}


def ramp_row(flow: Workflow) -> dict[str, Any]:
    row = flow.world.rows.get("ramp:production")
    return dict(row["doc"]) if row else {}


async def at_share(flow: Workflow, share: float) -> None:
    await flow.until(lambda: set(world(flow).shares.values()) == {share})


async def test_a_good_release_ramps_and_goes_live_everywhere(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production(ADAPTIVE))
    began = flow.clock.now()
    output = await flow.until_ended(id)
    assert output["outcome"] == "passed", output
    assert live(flow) == {"2.0.0"}
    told = [action for action in flow.world.actions() if action.startswith("production/")]
    assert "production/ramping" in told and told.index("production/ramping") < told.index("production/rolling-out")
    ramped = [each for each in flow.world.records if each["action"].startswith("ramp.")]
    assert ramped[0]["action"] == "ramp.begins"
    shares = [each["evidence"]["share"] for each in ramped]
    assert shares == sorted(shares) and shares[0] == 0.05 and shares[-1] == 1.0
    assert flow.clock.now() - began < timedelta(minutes=40)
    assert ramp_row(flow)["verdict"]["action"] == "advance"
    assert set(flow.world.effects.values()) == {1}, "each effect once"


async def test_a_harmful_release_is_taken_back_before_half_of_the_traffic(flow: Workflow) -> None:
    world(flow).harm["2.0.0"] = 5.0
    id = await flow.promote(a_build("2.0.0"), production())
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "HARM_PROVEN")
    assert "as often as baseline" in output["words"]
    assert live(flow) == {"1.0.0"}
    assert set(world(flow).shares.values()) == {0.0}
    assert max(world(flow).most.values()) <= 0.25
    assert all(site.idle_stopped for site in flow.world.sites.values())
    lock = await flow.lock("production")
    assert lock["holder"] is None and lock["broken"] is None


async def test_a_release_that_users_met_is_stopped_only_when_none_is_sent_to_it_any_more(flow: Workflow) -> None:
    """Front ends follow the router late: a stopped side would answer their users with nothing."""
    world(flow).harm["2.0.0"] = 30.0
    id = await flow.promote(a_build("2.0.0"), production(replace(PLAN, settle_s=30)))
    assert (await flow.until_ended(id))["code"] == "HARM_PROVEN"
    assert all(site.idle_stopped for site in flow.world.sites.values())
    steps = flow.world.rows["stage:production"]["doc"]["steps"]
    told = max(moment(step["ended_at"]) for step in steps if step["name"] == "traffic back")
    stopped = min(moment(step["started_at"]) for step in steps if step["name"] == "stop idle")
    assert timedelta(seconds=29) < stopped - told < timedelta(seconds=60)


async def test_a_blind_ramp_is_withdrawn_and_blames_nobody(flow: Workflow) -> None:
    world(flow).blind = set(range(3, 100))
    id = await flow.promote(a_build("2.0.0"), production())
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("not enough evidence", "BLIND_TOO_LONG")
    assert live(flow) == {"1.0.0"} and set(world(flow).shares.values()) == {0.0}


async def test_no_ramp_begins_without_telemetry(flow: Workflow) -> None:
    world(flow).no_telemetry = True
    id = await flow.promote(a_build("2.0.0"), production())
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("not enough evidence", "NO_TELEMETRY")
    assert world(flow).most == {"weu": 0.0, "neu": 0.0}, "the undo alone told the routers"


async def test_a_newer_build_in_mid_ramp_waits_for_its_end_and_then_ramps_beside_the_release_before(
    flow: Workflow,
) -> None:
    first = await flow.promote(a_build("2.0.0"), production())
    await at_share(flow, 0.10)
    second = await flow.promote(a_build("2.1.0", finished_at=later(minutes=5)), production(), token="t2")
    assert stage_state(flow.world, "production") == "waiting for the lock", "the newer one's row"
    assert set(world(flow).shares.values()) == {0.10} and live(flow) == {"1.0.0"}, "nothing is interrupted for it"
    assert (await flow.until_ended(first))["outcome"] == "passed"
    assert live(flow) == {"2.0.0"}
    assert (await flow.until_ended(second))["outcome"] == "passed"
    assert live(flow) == {"2.1.0"}
    begins = [each["promotion"] for each in flow.world.records if each["action"] == "ramp.begins"]
    assert begins == [first, second], "one after the other"


async def test_a_probe_that_fails_takes_the_release_back_between_two_ticks(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await at_share(flow, 0.05)
    world(flow).signals = [["probe", "weu: /healthz answers 503"]]
    before = flow.clock.now()
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "PROBE_FAILED")
    assert flow.clock.now() - before < timedelta(seconds=90)


async def test_a_top_up_that_cannot_be_sent_is_said_and_not_sent_again(flow: Workflow) -> None:
    world(flow).no_top_up = "weu: no top-up is sent any more: https://weu/buy answers 404"
    id = await flow.promote(a_build("2.0.0"), production())
    await flow.until(lambda: ramp_row(flow).get("tick", 0) >= 2)
    assert ramp_row(flow)["notes"] == world(flow).no_top_up
    assert world(flow).told_no_top_up == {"", world(flow).no_top_up}
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_a_signal_that_only_waits_holds_the_ramp(flow: Workflow) -> None:
    plan = replace(PLAN, signals=Signals(alert=WAIT))
    id = await flow.promote(a_build("2.0.0"), production(plan))
    await at_share(flow, 0.10)
    world(flow).signals = [["alert", "alert checkout-5xx fired"]]
    await flow.until(lambda: ramp_row(flow)["tick"] >= 30)
    assert set(world(flow).shares.values()) == {0.10}
    world(flow).signals = []
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_counters_hold_the_ramp_until_they_are_asked_again_and_say_otherwise(flow: Workflow) -> None:
    """They come by the minute, and the ramp looks more often."""
    id = await flow.promote(a_build("2.0.0"), production(replace(PLAN, signals=Signals(counters=WAIT))))
    await at_share(flow, 0.10)
    world(flow).signals = [["counters", "weu: 900 of 900 answers are 5xx"]]
    at = ramp_row(flow)["tick"]
    await flow.until(lambda: ramp_row(flow)["move"].get("code") == "COUNTERS_SPEAK")
    await flow.until(lambda: ramp_row(flow)["tick"] >= at + 30)
    assert set(world(flow).shares.values()) == {0.10}
    assert ramp_row(flow)["move"]["code"] == "COUNTERS_SPEAK" and ramp_row(flow)["move"]["calls"]
    told = [each for each in flow.world.records if each["action"] == "ramp.counters-speak"]
    assert len(told) == 1, "it is one finding, not one a minute"
    world(flow).signals = []
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_a_ramp_that_stays_beyond_its_time_tells_the_same_words_for_ever(flow: Workflow) -> None:
    plan = replace(PLAN, within_s=1800, at_deadline=STAY, hold_at=(0.10,))
    await flow.promote(a_build("2.0.0"), production(plan))
    await flow.until(lambda: ramp_row(flow).get("move", {}).get("code") == "RAMP_TIME_OVER")
    tick = ramp_row(flow)["tick"]
    await flow.until(lambda: ramp_row(flow)["tick"] >= tick + 5)
    words = ramp_row(flow)["verdict"]["words"]
    await flow.until(lambda: ramp_row(flow)["tick"] >= tick + 100)
    assert len(ramp_row(flow)["verdict"]["words"]) < len(words) + 50
    assert ramp_row(flow)["verdict"]["words"].count("100 % was not reached") == 1


async def test_while_a_ramp_learns_it_says_what_it_waits_for_and_goes_on_when_that_is_there(flow: Workflow) -> None:
    world(flow).no_telemetry = True
    id = await flow.promote(a_build("2.0.0"), production())
    await flow.until(lambda: "there is no telemetry" in ramp_row(flow).get("notes", ""))
    assert ramp_row(flow)["notes"].startswith("learns what is usual, until ")
    world(flow).no_telemetry = False
    await at_share(flow, 0.10)
    assert ramp_row(flow)["notes"] == ""
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_a_live_release_that_turns_bad_holds_the_ramp(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await at_share(flow, 0.10)
    world(flow).unwell = 3
    await flow.until(lambda: ramp_row(flow)["tick"] >= 30)
    assert set(world(flow).shares.values()) == {0.10}
    called = [each for each in flow.world.records if each["action"] == "ramp.baseline-unwell"]
    assert called and called[0]["evidence"]["calls"] is True
    world(flow).unwell = 0
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_a_release_proven_here_lately_returns_without_a_ramp(flow: Workflow) -> None:
    """Sent once more, it takes the place of the one that replaced it."""
    stage = production(replace(PLAN, proven_within_s=86_400))
    for build in (a_build("2.0.0"), a_build("2.1.0", finished_at=later(minutes=1))):
        assert (await flow.until_ended(await flow.promote(build, stage)))["outcome"] == "passed"
    again = replace(a_build("2.0.0", finished_at=later(minutes=2)), run=2)
    id = await flow.promote(again, stage)
    assert id == "checkout--2.0.0=2"
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert live(flow) == {"2.0.0"}
    told = [each for each in flow.world.records if each["action"] == "stage.not-ramped"]
    assert len(told) == 1 and "and returns without a ramp" in told[0]["words"]


async def test_the_time_of_a_ramp_has_an_end(flow: Workflow) -> None:
    plan = replace(PLAN, hold_at=(0.05,), within_s=1800)
    id = await flow.promote(a_build("2.0.0"), production(plan))
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("not enough evidence", "RAMP_TIME_OVER")
    assert set(world(flow).shares.values()) == {0.0}


async def test_a_first_release_has_nothing_to_be_compared_with_and_goes_on_at_once(flow: Workflow) -> None:
    for site in flow.world.sites.values():
        site.live = ""
    id = await flow.promote(a_build("2.0.0"), production())
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert "production/not-ramped" in flow.world.actions()


async def test_a_host_that_restarts_in_mid_ramp_goes_on_where_it_was(tmp_path: Path) -> None:
    there = RampingWorld({name: Sides() for name in SITES})
    async with Workflow(there, str(tmp_path / "state.sqlite")) as flow:
        id = await flow.promote(a_build("2.0.0"), production())
        for share in (0.05, 0.10, 0.25):
            await flow.until(lambda share=share: max(there.shares.values(), default=0.0) >= share)  # type: ignore[misc]
            await flow.restart()
        assert (await flow.until_ended(id))["outcome"] == "passed"
    assert set(there.effects.values()) == {1}


async def test_a_ramp_that_is_terminated_from_outside_leaves_no_traffic_behind(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await at_share(flow, 0.25)
    await flow.post(f"instances/{ramp_row(flow)['instance']}/terminate", "")
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("broken", "RAMP_LOST")
    assert set(world(flow).shares.values()) == {0.0} and live(flow) == {"1.0.0"}


async def test_no_generation_of_a_long_ramp_grows(flow: Workflow) -> None:
    plan = replace(PLAN, hold_at=(0.05,), within_s=30 * 86400, policy=Policy(tick_s=60))
    await flow.promote(a_build("2.0.0"), production(plan))
    await flow.until(lambda: bool(ramp_row(flow)))
    longest = 0
    for _ in range(40):
        tick = ramp_row(flow)["tick"]
        await flow.until(lambda tick=tick: ramp_row(flow)["tick"] > tick)  # type: ignore[misc]
        longest = max(longest, len(flow.history(ramp_row(flow)["instance"])))
    assert longest < 60


async def test_a_release_that_turns_bad_in_its_bake_is_swapped_back(flow: Workflow) -> None:
    """After 100 % there is nothing beside it: harm that lasts shows after ten ticks at the earliest."""
    world(flow).turns_bad = 5.0
    id = await flow.promote(a_build("2.0.0"), production(bake_s=1800))
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "HARM_PROVEN")
    assert "while baking" in output["words"] and "as often as before the ramp" in output["words"]
    assert live(flow) == {"1.0.0"}
    assert 10 <= len(world(flow).watched) <= 15


async def test_a_calm_bake_is_judged_at_every_tick_and_then_proven(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production(bake_s=1800))
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert [tick for _, tick in world(flow).watched] == list(range(1, 31))
    assert (await flow.lock("production"))["live"]["proven"] is True


async def test_a_version_that_did_harm_is_rejected_and_one_that_was_withdrawn_is_not(flow: Workflow) -> None:
    world(flow).harm["2.0.0"] = 30.0
    await flow.until_ended(await flow.promote(a_build("2.0.0"), production()))
    world(flow).blind = set(range(3, 100))
    await flow.until_ended(await flow.promote(a_build("2.1.0", finished_at=later(minutes=5)), production()))
    lock = await flow.lock("production")
    assert [each["version"] for each in lock["rejected"]] == ["2.0.0"]
