"""A feature flag's ramp through the real orchestrators, entities, SDK and judge, in virtual time."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from slipway.adapters.flags.switch import Switch
from slipway.promotion.canary_plan import IGNORE, CanaryPlan, Signals
from slipway.promotion.flags.document import FlagTesters, is_on_for, with_share
from slipway.promotion.flags.plan import FlagPlan
from slipway.promotion.judge.policy import Policy
from slipway.promotion.plan import StagePlan, Target
from slipway.promotion.stage_run import StageRun
from slipway.promotion.stage_transitions import STAGE, stage_transition
from slipway.promotion.telemetry import Source
from tests.adapters.flag_store import targeting
from tests.promotion.builders import a_build, a_stage, later
from tests.workflow import virtual
from tests.workflow.flag_world import FlagWorld
from tests.workflow.kills import Killer, Mortal, same_end_after, to_the_second
from tests.workflow.test_kills_in_ramps import KILLS, SEED
from tests.workflow.virtual import Workflow, stage_state
from tests.workflow.world import Sides

SITES = ("weu", "neu")
NAME, LABEL = "new-checkout", "production"
FLAG = FlagPlan(NAME, LABEL, FlagTesters(("alice@example.com",)), owner="team-checkout", path="/pay")
PLAN = CanaryPlan(
    Policy(steps=(0.05, 0.25, 0.5, 1.0), ramp="fixed", patience_ticks=3, warm_up_s=0),
    Source("", "checkout"),
    signals=Signals(IGNORE, IGNORE, "wait"),
    settle_s=30,
    saturation=IGNORE,
    flag=FLAG,
)


def production(plan: CanaryPlan = PLAN, **changes: Any) -> StagePlan:
    targets = tuple(Target(name, "app-service", f"/sites/{name}", "staging") for name in SITES)
    return a_stage("production", targets=targets, canary=plan, rollout="flag", **changes)


def rolling_back(plan: CanaryPlan = PLAN) -> CanaryPlan:
    return replace(plan, flag=replace(FLAG, on_harm="roll-back"))


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(FlagWorld({name: Sides() for name in SITES})) as workflow:
        yield workflow


def world(flow: Workflow) -> FlagWorld:
    assert isinstance(flow.world, FlagWorld)
    return flow.world


def live(flow: Workflow) -> set[str]:
    return {site.live for site in flow.world.sites.values()}


async def at_share(flow: Workflow, share: float) -> None:
    await flow.until(lambda: (found := world(flow).flag) is not None and found.share == share)


def move(flow: Workflow) -> dict[str, Any]:
    row = flow.world.rows.get("ramp:production")
    return dict(row["doc"]["move"]) if row else {}


async def test_a_release_goes_live_dark_and_its_flag_reaches_everybody(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    output = await flow.until_ended(id)
    assert output["outcome"] == "passed", output
    assert live(flow) == {"2.0.0"} and world(flow).flag.share == 1.0  # type: ignore[union-attr]
    assert world(flow).flag.tags["owner"] == "team-checkout"  # type: ignore[union-attr]
    told = [action for action in flow.world.actions() if action.startswith("production/")]
    order = ["deploying", "rolling-out", "verifying-live", "ramping", "baking", "passed"]
    assert [each for each in told if each.partition("/")[2] in order] == [f"production/{each}" for each in order]
    assert sorted(set(world(flow).as_tester)) == [
        f"alice@example.com asks http://{name}/pay, 0 have it" for name in sorted(SITES)
    ]
    shares = [each["evidence"]["share"] for each in flow.world.records if each["action"].startswith("ramp.")]
    assert shares == sorted(shares) and shares[0] == 0.05
    assert all("of the users" in each["words"] for each in flow.world.records if each["action"].startswith("ramp."))


class Generations:
    """A watcher of `virtual`: what each generation of a stage was given."""

    def __init__(self) -> None:
        self.runs: list[StageRun] = []

    def sees_episode(self, engine: object, body: str) -> None:
        given = json.loads(json.loads(body)["input"])
        if isinstance(given, dict) and "phase" in given:
            self.runs.append(StageRun.load(given))

    def sees_batch(self, entity: str, body: str) -> None:
        pass


@pytest.mark.parametrize("harm", [0.0, 8.0])
async def test_a_stage_with_a_flag_goes_the_way_that_the_table_of_states_has(flow: Workflow, harm: float) -> None:
    world(flow).flag_harm, generations = harm, Generations()
    virtual.watchers.append(generations)
    try:
        await flow.until_ended(await flow.promote(a_build("2.0.0"), production()))
    finally:
        virtual.watchers.remove(generations)
    went = {stage_transition(before, after) for before, after in pairwise(generations.runs) if before != after}
    assert went <= STAGE.transitions
    assert {"to ramp its flag", "of its flag"} <= {each.answer for each in went}


async def test_a_flag_that_does_harm_goes_off_and_the_release_stays(flow: Workflow) -> None:
    world(flow).flag_harm = 8.0
    id = await flow.promote(a_build("2.0.0"), production(watch_s=7200))
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "HARM_PROVEN")
    assert "new-checkout (production) is off and 2.0.0 stays" in output["words"]
    assert live(flow) == {"2.0.0"} and world(flow).flags.most <= 0.25
    document = world(flow).flag.document  # type: ignore[union-attr]
    assert not document["enabled"] and not is_on_for(document, "alice@example.com")
    lock = await flow.lock("production")
    assert lock["holder"] is None and lock["broken"] is None and not lock["rejected"]
    assert lock["live"]["version"] == "2.0.0" and lock["live"]["proven"]
    await flow.until(lambda: "watch.over" in {record["action"] for record in flow.world.records})


async def test_a_flag_that_does_harm_takes_its_release_along_where_the_pipeline_says_so(flow: Workflow) -> None:
    world(flow).flag_harm = 8.0
    id = await flow.promote(a_build("2.0.0"), production(rolling_back()))
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "HARM_PROVEN")
    assert live(flow) == {"1.0.0"} and world(flow).flag.share == 0  # type: ignore[union-attr]
    assert [each["version"] for each in (await flow.lock("production"))["rejected"]] == ["2.0.0"]


async def test_a_kill_switch_in_mid_ramp_ends_it_and_no_later_release_brings_the_flag_back(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await at_share(flow, 0.25)
    Switch(world(flow).flags).off(NAME, LABEL, "Alice: orders are lost", "kill")
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "FLAG_OFF") and "orders are lost" in output["words"]
    assert live(flow) == {"2.0.0"}
    id = await flow.promote(a_build("3.0.0", finished_at=later(minutes=5)), production(), token="t2")
    output = await flow.until_ended(id)
    assert output["outcome"] == "passed" and live(flow) == {"3.0.0"}
    assert world(flow).flag.share == 0  # type: ignore[union-attr]
    assert any("stays off, as a person said" in each["words"] for each in flow.world.records)


async def test_somebody_elses_change_holds_the_ramp_and_is_not_written_over(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production(replace(PLAN, within_s=7200)))
    await at_share(flow, 0.25)
    ours = world(flow).flag
    assert ours is not None
    world(flow).flags.changed_by_somebody(NAME, LABEL, with_share(ours.document, 0.6))
    await flow.until(lambda: move(flow).get("code") == "FLAG_CHANGED")
    assert move(flow)["calls"] and world(flow).flag.share == 0.6  # type: ignore[union-attr]
    world(flow).flags.changed_by_somebody(NAME, LABEL, ours.document)
    await flow.until(lambda: move(flow).get("code") != "FLAG_CHANGED")
    output = await flow.until_ended(id)
    assert output["outcome"] == "passed", "put back as it was, the ramp goes on"


async def test_a_change_that_nobody_takes_back_ends_with_the_flag_off(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production(replace(PLAN, within_s=3600)))
    await at_share(flow, 0.25)
    world(flow).flags.changed_by_somebody(NAME, LABEL, with_share(world(flow).flag.document, 0.6))  # type: ignore[union-attr]
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("not enough evidence", "RAMP_TIME_OVER")
    assert world(flow).flag.share == 0 and live(flow) == {"2.0.0"}  # type: ignore[union-attr]


async def test_a_flag_that_is_deleted_in_mid_ramp_is_named_and_blames_nobody(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await at_share(flow, 0.05)
    world(flow).flags.kept.clear()
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("broken", "FLAG_GONE")
    assert live(flow) == {"2.0.0"} and not (await flow.lock("production"))["rejected"]


async def test_an_abort_in_mid_ramp_takes_flag_and_release_back(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await at_share(flow, 0.25)
    await flow.abort(id)
    output = await flow.until_ended(id)
    assert output["outcome"] == "cancelled"
    assert world(flow).flag.share == 0 and live(flow) == {"1.0.0"}  # type: ignore[union-attr]


async def test_a_blind_ramp_switches_the_flag_off_and_blames_nobody(flow: Workflow) -> None:
    world(flow).blind = set(range(3, 100))
    id = await flow.promote(a_build("2.0.0"), production())
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("not enough evidence", "BLIND_TOO_LONG")
    assert world(flow).flag.share == 0 and live(flow) == {"2.0.0"}  # type: ignore[union-attr]


async def test_a_release_that_fails_its_tester_meets_no_other_user_of_the_flag(flow: Workflow) -> None:
    world(flow).sick_for_testers = True
    id = await flow.promote(a_build("2.0.0"), production())
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "UNHEALTHY")
    assert live(flow) == {"1.0.0"} and world(flow).flags.most == 0
    assert not world(flow).flag.document["enabled"]  # type: ignore[union-attr]


async def test_a_tester_who_is_not_targeted_is_named(flow: Workflow) -> None:
    audience = {"Users": [], "Groups": [], "DefaultRolloutPercentage": 0, "Exclusion": {"Users": ["alice@example.com"]}}
    filters = [{"name": "Microsoft.Targeting", "parameters": {"Audience": audience}}]
    document = {"id": NAME, "enabled": False, "conditions": {"client_filters": filters}}
    world(flow).flags.changed_by_somebody(NAME, LABEL, document)
    id = await flow.promote(a_build("2.0.0"), production())
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("broken", "TESTER_NOT_TARGETED")
    assert live(flow) == {"1.0.0"}


async def test_a_flag_that_everybody_has_is_not_ramped_again(flow: Workflow) -> None:
    await flow.until_ended(await flow.promote(a_build("2.0.0"), production()))
    id = await flow.promote(a_build("3.0.0", finished_at=later(minutes=5)), production(), token="t2")
    output = await flow.until_ended(id)
    assert output["outcome"] == "passed" and live(flow) == {"3.0.0"}
    assert world(flow).flag.share == 1  # type: ignore[union-attr]
    assert any(each["action"] == "stage.not-ramped" for each in flow.world.records)


async def test_a_deployment_that_fails_leaves_a_flag_that_others_use_alone(flow: Workflow) -> None:
    await flow.until_ended(await flow.promote(a_build("2.0.0"), production()))
    world(flow).crashing = {"3.0.0"}
    id = await flow.promote(a_build("3.0.0", finished_at=later(minutes=5)), production(), token="t2")
    output = await flow.until_ended(id)
    assert output["code"] == "DEPLOYMENT_FAILED"
    assert world(flow).flag.share == 1 and live(flow) == {"2.0.0"}  # type: ignore[union-attr]


async def test_a_failed_ramp_can_be_tried_again(flow: Workflow) -> None:
    world(flow).flag_harm = 8.0
    id = await flow.promote(a_build("2.0.0"), production(retry_within_s=3600))
    await flow.until(lambda: "production/failed" in flow.world.actions())
    world(flow).flag_harm = 1.0
    await flow.command(id, "retry")
    output = await flow.until_ended(id)
    assert output["outcome"] == "passed", output
    assert world(flow).flag.share == 1 and live(flow) == {"2.0.0"}  # type: ignore[union-attr]


async def lived(state: Path, killer: Killer, harm: float) -> dict[str, Any]:
    """What is left of a release whose flag ramps."""
    there = FlagWorld({name: Sides() for name in SITES}, keeps_receipts=True, flag_harm=harm)
    async with Mortal(there, str(state), killer) as flow:
        id = await flow.begin(a_build("2.0.0"), production(bake_s=300))
        await flow.over_all_kills(lambda: there.of(id).ended)
        lock = await flow.lock("production")
    told = {record["id"]: (record.get("stage", ""), record["action"], record["words"]) for record in there.records}
    flag = there.flag
    assert flag is not None
    end = {
        "live": {name: (site.live, site.idle) for name, site in there.sites.items()},
        "flag": flag.document,
        "most": there.flags.most,
        "told": sorted(told.values()),
        "lock": {name: lock[name] for name in ("holder", "queue", "broken", "live", "rejected")},
    }
    return {name: to_the_second(each) for name, each in end.items()}


@pytest.mark.timeout(60 + 10 * KILLS)
@pytest.mark.parametrize(("story", "harm"), [("a good flag", 1.0), ("a flag that does harm", 8.0)])
async def test_a_kill_anywhere_changes_nothing_of_the_end(tmp_path: Path, story: str, harm: float) -> None:
    await same_end_after(KILLS, lambda state, killer: lived(state, killer, harm), tmp_path, story, SEED, "prepare_flag")


@pytest.mark.parametrize(
    ("by", "ended"), [("the kill switch", ("failed", "FLAG_OFF")), ("an edit", ("not enough evidence", "FLAG_CHANGED"))]
)
async def test_somebodys_hand_just_before_everybody_gets_the_flag_counts_as_at_a_tick(
    flow: Workflow, by: str, ended: tuple[str, str]
) -> None:
    async def meddles(activity: str, order: dict[str, Any]) -> None:
        if activity != "split" or not order["operation"].endswith("flag-on:1"):
            return
        if by == "an edit":
            world(flow).flags.changed_by_somebody(NAME, LABEL, targeting(NAME, 40))
        else:
            Switch(world(flow).flags).off(NAME, LABEL, "Alice: orders are lost", "kill")

    flow.world.meanwhile = meddles
    output = await flow.until_ended(await flow.promote(a_build("2.0.0"), production()))
    assert (output["outcome"], output["code"]) == ended and live(flow) == {"2.0.0"}
    assert world(flow).flag and not world(flow).flag.share


# the release that serves everybody while its flag is given to some


SLOW = replace(PLAN, policy=replace(PLAN.policy, tick_s=600), within_s=14 * 86400)


@pytest.mark.usefixtures("quick_looks")
@pytest.mark.parametrize("ill", ["down on one site", "down on all", "not healthy"])
async def test_a_release_that_falls_ill_in_its_flags_ramp_goes_back_at_once(flow: Workflow, ill: str) -> None:
    """Though no tick is due for minutes, and whatever the pipeline has harm of the flag do."""
    id = await flow.promote(a_build("2.0.0"), production(SLOW))
    await at_share(flow, 0.05)
    since = flow.clock.now()
    if ill == "not healthy":
        flow.world.sick_live = {"2.0.0"}
    else:
        flow.world.dead = {"2.0.0"} if ill == "down on all" else {"weu 2.0.0"}
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "UNHEALTHY") and "weu: " in output["words"]
    assert (flow.clock.now() - since).total_seconds() < 120
    assert live(flow) == {"1.0.0"} and world(flow).flag.share == 0  # type: ignore[union-attr]
    assert move(flow)["code"] == "UNHEALTHY"
    lock = await flow.lock("production")
    assert (lock["broken"], lock["holder"]) == (None, None)


async def test_a_single_bad_answer_in_a_flags_ramp_says_nothing(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await at_share(flow, 0.05)
    flow.world.blips = 3
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert flow.world.blips == 0 and not any(each["action"] == "ramp.unhealthy" for each in flow.world.records)


async def test_a_platform_that_is_silent_holds_a_flags_ramp_and_goes_on_with_it(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await at_share(flow, 0.25)
    flow.world.down = {"neu"}
    await flow.until(lambda: move(flow).get("code") == "RELEASE_UNSEEN")
    assert "neu: neither side of neu answers; nothing advances" in move(flow)["words"]
    assert world(flow).flag.share == 0.25 and not move(flow)["calls"]  # type: ignore[union-attr]
    flow.world.down = set()
    assert (await flow.until_ended(id))["outcome"] == "passed"


async def test_a_platform_that_stays_silent_ends_a_flags_ramp_and_nobody_is_blamed(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await at_share(flow, 0.25)
    flow.world.broken_checks, flow.world.blips = True, 10_000
    await flow.until(lambda: stage_state(flow.world, "production") == "baking")
    assert move(flow)["code"] == "RELEASE_UNSEEN" and move(flow)["calls"]
    assert world(flow).flag.share == 0  # type: ignore[union-attr]
    flow.world.broken_checks, flow.world.blips = False, 0
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("not enough evidence", "RELEASE_UNSEEN")
    assert live(flow) == {"2.0.0"}


async def test_a_persons_word_in_a_flags_ramp_does_not_wait_for_a_look(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production(SLOW))
    await at_share(flow, 0.05)
    flow.world.put_off["check_health"], flow.world.blips = 60.0, 10_000
    await flow.command(id, "rollback", stage="production")
    since = flow.clock.now()
    await flow.until(lambda: world(flow).flag.share == 0)  # type: ignore[union-attr]
    assert (flow.clock.now() - since).total_seconds() < 60
