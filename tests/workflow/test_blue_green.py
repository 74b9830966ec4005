"""Blue-green through the real orchestrators, entities, SDK and judge, in virtual time."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from slipway.promotion.approval import REJECT
from slipway.promotion.blue_green_plan import BlueGreenPlan
from slipway.promotion.outcomes import moment
from slipway.promotion.plan import StagePlan, Target
from slipway.promotion.reach import MINUTES, NONE, SECONDS, reach_of
from slipway.promotion.stage_phases import LOCK
from slipway.promotion.stage_run import StageRun
from tests.promotion.builders import BOB, a_build, a_policy, a_stage, a_vote, later
from tests.workflow.ramp_world import RampingWorld
from tests.workflow.test_ramp import ADAPTIVE, SITES, live
from tests.workflow.virtual import Workflow, stage_state
from tests.workflow.world import Sides

ASKED = "waiting for approval"
KEPT_S = 3600.0
JUDGED = BlueGreenPlan(keep_s=KEPT_S, judged=ADAPTIVE)
PROBED = BlueGreenPlan(keep_s=KEPT_S)


def production(switch: BlueGreenPlan = PROBED, asks: bool = True, **changes: Any) -> StagePlan:
    targets = tuple(Target(name, "app-service", f"/sites/{name}", "staging") for name in SITES)
    policy = a_policy(within_s=8 * 3600) if asks else None
    given = {"bake_s": 300.0, "watch_s": switch.keep_s, "switch_approval": policy, **changes}
    return a_stage("production", targets=targets, rollout="blue-green", blue_green=switch, **given)


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(RampingWorld({name: Sides() for name in SITES})) as workflow:
        yield workflow


async def asked(flow: Workflow) -> None:
    """Until people are asked for the switch."""
    await flow.until(lambda: stage_state(flow.world, "production") == ASKED)


async def said_yes(flow: Workflow, id: str, **changes: Any) -> None:
    await asked(flow)
    await flow.vote(id, "production", a_vote(**changes))


def sides(flow: Workflow) -> set[tuple[str, str, bool]]:
    return {(site.live, site.idle, site.idle_stopped) for site in flow.world.sites.values()}


async def until_told(flow: Workflow, action: str) -> dict[str, Any]:
    await flow.until(lambda: any(each["action"] == action for each in flow.world.records))
    return next(each for each in flow.world.records if each["action"] == action)


async def rolled_back(flow: Workflow, id: str, plan: StagePlan, command: str = "k1") -> None:
    """As the trigger does it."""
    instance = f"{id}:production:back:{command}"
    run = StageRun(id, instance, plan, a_build(id.rpartition("--")[2]), "", phase=LOCK, goes_back=True)
    await flow.post(f"orchestrators/stage/{instance}", json.dumps(replace(run, asked_by="Alice").dump()))
    ends = ("stage.rolled-back", "stage.broken", "stage.cancelled")
    await flow.until(lambda: any(each["action"] in ends for each in flow.world.records))


async def test_people_look_at_the_idle_side_say_yes_and_all_users_follow(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await asked(flow)
    assert live(flow) == {"1.0.0"}
    row = flow.world.rows["stage:production"]["doc"]
    assert [each["preview"] for each in row["targets"]] == ["http://weu-idle", "http://neu-idle"]
    assert row["waits_for"] == "approval of the switch by 1 of role:release-manager"
    told = next(each for each in flow.world.records if each["action"] == "stage.waiting-for-approval")
    assert "2.0.0 can be seen at http://weu-idle, http://neu-idle" in told["words"]
    await flow.vote(id, "production", a_vote())
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert sides(flow) == {("2.0.0", "1.0.0", False)}
    order = [each.removeprefix("production/") for each in flow.world.actions() if each.startswith("production/")]
    wanted = ["deploying", "verifying", "waiting-for-approval", "switch-approved", "verifying-again", "rolling-out"]
    assert [each for each in order if each in wanted] == wanted
    assert not any("preview" in each for each in flow.world.rows["stage:production"]["doc"]["targets"])
    assert set(flow.world.effects.values()) == {1}


async def test_the_wait_for_the_switch_holds_the_lock_says_so_and_has_an_end(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await asked(flow)
    holder = (await flow.lock("production"))["holder"]
    assert (holder["promotion"], holder["waits_for"]) == (id, "approval of the switch by 1 of role:release-manager")
    assert moment(holder["until"]) - flow.clock.now() <= timedelta(hours=8, seconds=1)
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("cancelled", "APPROVAL_EXPIRED")
    assert "before the switch: nobody decided" in output["words"]
    assert sides(flow) == {("1.0.0", "2.0.0", True)}
    lock = await flow.lock("production")
    assert (lock["holder"], lock["queue"], lock["announced"], lock["live"]) == (None, [], [], None)


async def test_a_no_before_the_switch_undoes_the_idle_side(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await said_yes(flow, id, decision=REJECT)
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("cancelled", "REJECTED")
    assert sides(flow) == {("1.0.0", "2.0.0", True)}


async def test_an_abort_while_people_are_asked_for_the_switch_undoes_the_idle_side(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await asked(flow)
    await flow.abort(id)
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("cancelled", "ABORTED")
    assert sides(flow) == {("1.0.0", "2.0.0", True)}
    assert (await flow.lock("production"))["announced"] == []


@pytest.mark.parametrize("mode", ["supersede", "latest"])
async def test_a_newer_build_that_supersedes_ends_the_wait_and_gets_the_idle_side(flow: Workflow, mode: str) -> None:
    plan = production(on_newer_build=mode)
    first = await flow.promote(a_build("2.0.0"), plan)
    await asked(flow)
    second = await flow.promote(a_build("2.1.0", finished_at=later(minutes=5)), plan)
    output = await flow.until_ended(first)
    assert (output["outcome"], output["code"]) == ("cancelled", "SUPERSEDED")
    await said_yes(flow, second)
    assert (await flow.until_ended(second))["outcome"] == "passed"
    assert live(flow) == {"2.1.0"}


@pytest.mark.parametrize("mode", ["queue", "ignore"])
async def test_a_newer_build_that_does_not_supersede_lets_people_decide(flow: Workflow, mode: str) -> None:
    first = await flow.promote(a_build("2.0.0"), production(on_newer_build=mode))
    await asked(flow)
    second = await flow.promote(a_build("2.1.0", finished_at=later(minutes=5)), production(on_newer_build=mode))
    assert stage_state(flow.world, "production") in ("waiting for the lock", "cancelled")
    await flow.vote(first, "production", a_vote())
    assert (await flow.until_ended(first))["outcome"] == "passed"
    if mode == "queue":
        await said_yes(flow, second)
    assert (await flow.until_ended(second))["outcome"] == ("passed" if mode == "queue" else "cancelled")


async def test_an_older_build_does_not_end_the_wait_of_one_that_ignores(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.1.0", finished_at=later(minutes=5)), production(on_newer_build="ignore"))
    await asked(flow)
    await flow.promote(a_build("2.0.0"), production(on_newer_build="ignore"))
    await flow.vote(id, "production", a_vote())
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_what_fell_ill_while_people_decided_is_not_switched_to(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await asked(flow)
    flow.world.sick_idle.add("2.0.0")
    await flow.vote(id, "production", a_vote())
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "UNHEALTHY")
    assert "right before the switch" in output["words"]
    assert sides(flow) == {("1.0.0", "2.0.0", True)}


async def test_a_stage_may_ask_twice_and_is_told_which_is_meant(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production(approval=a_policy()))
    await said_yes(flow, id)
    await flow.until(lambda: "production/verifying" in flow.world.actions())
    await asked(flow)
    await flow.vote(id, "production", a_vote(BOB), command="late")
    answers = (await flow.entity("decisions", id))["answers"]
    assert answers["late"]["code"] == "AMBIGUOUS" and live(flow) == {"1.0.0"}
    given = {"command": "start", "stage": "production", "vote": a_vote().dump(), "gate": "start"}
    await flow.signal("decisions", id, "vote", given)
    assert (await flow.entity("decisions", id))["answers"]["start"]["code"] == "NOT_ASKED"
    await flow.signal("decisions", id, "vote", {**given, "command": "switch", "gate": "switch"})
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_a_retry_after_a_switch_that_nobody_approved_deploys_and_asks_anew(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production(retry_within_s=86_400.0, approval=a_policy()))
    await said_yes(flow, id)
    await flow.until(lambda: stage_state(flow.world, "production") == "cancelled")
    await flow.command(id, "retry")
    await asked(flow)
    assert flow.world.rows["stage:production"]["doc"]["attempt"] == 2
    given = {"command": "switch", "stage": "production", "vote": a_vote(at=flow.clock.now()).dump(), "gate": "switch"}
    await flow.signal("decisions", id, "vote", given)
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert live(flow) == {"2.0.0"}


async def test_harm_after_the_switch_switches_back_at_once_and_rejects_the_version(flow: Workflow) -> None:
    assert isinstance(flow.world, RampingWorld)
    flow.world.turns_bad = 5.0
    id = await flow.promote(a_build("2.0.0"), production(JUDGED, asks=False, bake_s=3600))
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "HARM_PROVEN")
    assert sides(flow) == {("1.0.0", "2.0.0", True)}
    proven = next(each for each in flow.world.records if each["action"] == "stage.rolling-back")
    back = next(each for each in flow.world.records if each["action"] == "stage.failed")
    assert moment(back["at"]) - moment(proven["at"]) < timedelta(seconds=60)
    lock = await flow.lock("production")
    assert [each["version"] for each in lock["rejected"]] == ["2.0.0"]


async def test_counters_that_speak_after_the_switch_take_it_back_without_any_telemetry(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production(asks=False))
    await flow.until(lambda: stage_state(flow.world, "production") == "baking")
    flow.world.speaks = [["counters", "weu: the platform counts 30 × 5xx in 40 requests"]]
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "COUNTERS_FAILED")
    assert live(flow) == {"1.0.0"}


async def test_an_alert_after_the_switch_calls_a_person_once_and_ends_with_it(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production(asks=False))
    await flow.until(lambda: stage_state(flow.world, "production") == "baking")
    flow.world.speaks = [["alert", "weu: high latency"]]
    baking_until = moment(flow.world.rows["stage:production"]["doc"]["deadline"])
    await flow.until(lambda: flow.clock.now() > baking_until + timedelta(minutes=2))
    assert [each["evidence"]["calls"] for each in flow.world.records if each["action"] == "stage.bake-held"] == [True]
    flow.world.speaks = []
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_one_target_of_several_that_cannot_switch_brings_all_back(flow: Workflow) -> None:
    flow.world.stuck.add("neu")
    id = await flow.begin(a_build("2.0.0"), production(asks=False, deploy_within_s=60))
    flow.world.stuck.clear()
    await flow.until(lambda: stage_state(flow.world, "production") == "rolling out")
    flow.world.stuck.add("neu")
    await flow.until(lambda: flow.world.sites["weu"].live == "2.0.0")
    await flow.until(lambda: stage_state(flow.world, "production") == "rolling back")
    flow.world.stuck.clear()
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("broken", "TIMED_OUT")
    assert sides(flow) == {("1.0.0", "2.0.0", True)}
    assert (await flow.lock("production"))["broken"] is None


@pytest.mark.parametrize("polls", [0, 1, 2])
async def test_an_abort_during_a_switch_leaves_no_target_half_way(flow: Workflow, polls: int) -> None:
    """The abort comes while the swaps are under way at the platform: they end, and are taken back."""
    seen = 0

    async def meanwhile(activity: str, order: dict[str, Any]) -> None:
        nonlocal seen
        seen += activity == "swap"
        if activity == "swap" and seen == 2 * polls + 1 and not flow.world.aborted:
            await flow.abort_at_this_moment(id)

    flow.world.meanwhile = meanwhile
    id = await flow.promote(a_build("2.0.0"), production(asks=False))
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("cancelled", "ABORTED")
    assert sides(flow) == {("1.0.0", "2.0.0", True)}
    assert all(times == 1 for times in flow.world.effects.values())


async def test_the_old_side_is_kept_then_stopped_once_and_on_record(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production(asks=False))
    await flow.until_ended(id)
    proven, lock = flow.clock.now(), await flow.lock("production")
    assert (reach_of(lock).how, reach_of(lock).version, bool(reach_of(lock).until)) == (SECONDS, "1.0.0", True)
    told = await until_told(flow, "watch.over")
    assert flow.clock.now() - proven >= timedelta(seconds=KEPT_S)
    await flow.engine.until_idle()
    assert sides(flow) == {("2.0.0", "1.0.0", True)}
    assert "weu is stopped; neu is stopped" in told["words"]
    assert reach_of(await flow.lock("production")).how == MINUTES
    assert set(flow.world.effects.values()) == {1}


async def test_one_command_brings_back_what_was_stopped(flow: Workflow) -> None:
    plan = production(asks=False)
    id = await flow.promote(a_build("2.0.0"), plan)
    await flow.until_ended(id)
    await until_told(flow, "watch.over")
    await flow.engine.until_idle()
    await rolled_back(flow, id, plan)
    assert sides(flow) == {("1.0.0", "2.0.0", True)}
    assert "production/starting-old-side" in flow.world.actions()
    assert (await flow.lock("production"))["holder"] is None


async def test_within_keep_the_way_back_needs_nothing_started(flow: Workflow) -> None:
    plan = production(asks=False)
    id = await flow.promote(a_build("2.0.0"), plan)
    await flow.until_ended(id)
    await rolled_back(flow, id, plan)
    assert sides(flow) == {("1.0.0", "2.0.0", True)}
    assert "production/starting-old-side" not in flow.world.actions()


async def test_a_newer_stage_keeps_the_old_side_from_being_stopped(flow: Workflow) -> None:
    first = await flow.promote(a_build("2.0.0"), production(asks=False))
    await flow.until_ended(first)
    second = await flow.promote(a_build("2.1.0", finished_at=later(minutes=5)), production())
    await asked(flow)
    assert reach_of(await flow.lock("production")).how == NONE
    await flow.until(lambda: flow.clock.now() > moment(flow.world.records[-1]["at"]) + timedelta(hours=2))
    assert sides(flow) == {("2.0.0", "2.1.0", False)}, "2.1.0 waits there for its approval"
    await flow.vote(second, "production", a_vote())
    assert (await flow.until_ended(second))["outcome"] == "passed"


async def test_a_newer_stage_that_changed_nothing_keeps_no_old_side_running(flow: Workflow) -> None:
    first = await flow.promote(a_build("2.0.0"), production(asks=False))
    await flow.until_ended(first)
    flow.world.crashing.add("2.1.0")
    second = await flow.promote(a_build("2.1.0", finished_at=later(minutes=5)), production())
    assert (await flow.until_ended(second))["outcome"] == "failed"
    assert sides(flow) == {("2.0.0", "1.0.0", False)}
    over = await until_told(flow, "watch.over")
    assert over["words"].endswith("weu is stopped; neu is stopped")
    assert sides(flow) == {("2.0.0", "1.0.0", True)}


async def test_a_switch_that_was_refused_has_taken_the_way_back_with_it(flow: Workflow) -> None:
    plan = production(asks=False)
    first = await flow.promote(a_build("2.0.0"), plan)
    await flow.until_ended(first)
    second = await flow.promote(a_build("2.1.0", finished_at=later(minutes=5)), production())
    await said_yes(flow, second, decision=REJECT)
    await flow.until_ended(second)
    reach = reach_of(await flow.lock("production"))
    assert reach.how == NONE and "a later deployment took the side" in reach.words
    await rolled_back(flow, first, plan)
    told = next(each for each in flow.world.records if each["action"] == "stage.broken")
    assert told["evidence"]["code"] == "NOTHING_TO_RETURN_TO" and live(flow) == {"2.0.0"}


async def test_the_way_back_is_not_stopped_while_nobody_sees_that_all_is_well(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production(asks=False))
    await flow.until_ended(id)
    flow.world.broken_checks = True
    ended = flow.clock.now()
    await flow.until(lambda: flow.clock.now() > ended + timedelta(seconds=2 * KEPT_S))
    assert sides(flow) == {("2.0.0", "1.0.0", False)}
    flow.world.broken_checks = False
    await until_told(flow, "watch.over")
    await flow.engine.until_idle()
    assert sides(flow) == {("2.0.0", "1.0.0", True)}


async def test_what_somebody_else_put_there_is_not_stopped(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production(asks=False))
    await flow.until_ended(id)
    flow.world.sites["weu"].idle = "somebody's"
    told = await until_told(flow, "watch.over")
    assert "weu holds somebody's, and is left as it is" in told["words"]
    assert not flow.world.sites["weu"].idle_stopped and flow.world.sites["neu"].idle_stopped


async def test_a_release_that_nobody_can_see_for_a_day_keeps_its_old_side(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production(asks=False))
    await flow.until_ended(id)
    flow.world.broken_checks = True
    told = await until_told(flow, "watch.over")
    await flow.engine.until_idle()
    assert told["evidence"]["calls"] is True and sides(flow) == {("2.0.0", "1.0.0", False)}
    lock = await flow.lock("production")
    assert lock["watch"] is None and reach_of(lock).how == SECONDS
