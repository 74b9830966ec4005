"""Two variants of a flag compared, through the real orchestrators, entities, SDK and statistics, in virtual time."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slipway.adapters.flags.switch import Switch
from slipway.promotion.canary_plan import CanaryPlan
from slipway.promotion.flags.comparison_plan import ComparisonPlan
from slipway.promotion.flags.document import with_share
from slipway.promotion.flags.setting import FlagSetting
from tests.adapters.flag_store import targeting
from tests.promotion.builders import a_build, later
from tests.workflow.flag_world import FlagWorld
from tests.workflow.kills import Killer, Mortal, same_end_after, to_the_second
from tests.workflow.test_flag_ramp import FLAG, LABEL, NAME, PLAN, SITES, live, move, production
from tests.workflow.test_kills_in_ramps import KILLS, SEED
from tests.workflow.virtual import Workflow
from tests.workflow.world import Sides

HOUR, DAY = 3600.0, 86_400.0
COMPARE = ComparisonPlan(0.5, event="OrderPlaced", within_s=2 * DAY, at_least_s=6 * HOUR, every_s=3 * HOUR)
POLICY = replace(PLAN.policy, steps=(0.5, 1.0), tick_s=HOUR)
STEP_BY_STEP = replace(PLAN.policy, steps=(0.25, 0.5, 1.0), tick_s=600.0, patience_ticks=2)


def comparing(**changes: Any) -> CanaryPlan:
    return replace(PLAN, policy=POLICY, flag=replace(FLAG, compare=replace(COMPARE, **changes)))


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(FlagWorld({name: Sides() for name in SITES}, per_tick=30_000)) as workflow:
        yield workflow


def world(flow: Workflow) -> FlagWorld:
    assert isinstance(flow.world, FlagWorld)
    return flow.world


def flag(flow: Workflow) -> FlagSetting:
    found = world(flow).flag
    assert found is not None
    return found


def shown(flow: Workflow) -> dict[str, Any]:
    row = flow.world.rows.get("ramp:production")
    return dict(row["doc"]["comparison"]) if row else {}


async def looked(flow: Workflow, look: int) -> None:
    await flow.until(lambda: look in world(flow).looks and shown(flow).get("look", 0) >= look)


async def released(flow: Workflow, plan: CanaryPlan, **changes: Any) -> dict[str, Any]:
    id = await flow.promote(a_build("2.0.0"), production(plan, **changes))
    return dict(await flow.until_ended(id))


async def test_a_treatment_that_is_better_becomes_everybodys_and_the_flag_says_why(flow: Workflow) -> None:
    world(flow).lift = 0.05
    output = await released(flow, replace(comparing(), policy=STEP_BY_STEP))
    assert output["outcome"] == "passed", output
    assert live(flow) == {"2.0.0"} and flag(flow).share == 1.0
    assert "treatment kept" in flag(flow).tags["slipway-compared"] and "+5.0%" in flag(flow).tags["slipway-compared"]
    assert set(world(flow).looks) == {1, 2}, "not before a quarter of a day"
    told = next(each for each in flow.world.records if each["action"] == "stage.compared")
    assert told["evidence"]["keeps"] == "treatment" and "OrderPlaced" in told["words"]
    shares = [each["evidence"]["share"] for each in flow.world.records if each["action"].startswith("ramp.")]
    assert (min(shares), max(shares)) == (0.25, 0.5), "nobody beyond the share before it was decided"


async def test_a_control_that_is_better_stays_and_no_later_release_compares_again(flow: Workflow) -> None:
    world(flow).lift = -0.05
    output = await released(flow, comparing())
    assert output["outcome"] == "passed", output
    assert live(flow) == {"2.0.0"} and not flag(flow).document["enabled"]
    assert "control kept" in flag(flow).tags["slipway-compared"] and "a comparison" in flag(flow).off_words
    id = await flow.promote(a_build("3.0.0", finished_at=later(days=9)), production(comparing()), token="t2")
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert flag(flow).share == 0 and any("stays off: a comparison" in each["words"] for each in flow.world.records)


@pytest.mark.parametrize(("on_tie", "share"), [("control", 0.0), ("treatment", 1.0)])
async def test_without_a_difference_that_matters_the_pipeline_says_what_stays(
    flow: Workflow, on_tie: str, share: float
) -> None:
    world(flow).visitors = 2_000_000
    output = await released(flow, comparing(on_tie=on_tie))
    assert output["outcome"] == "passed" and flag(flow).share == share
    assert "no difference as large as 2.0%" in flag(flow).tags["slipway-compared"]


async def test_a_tie_waits_for_a_person_where_the_pipeline_says_so(flow: Workflow) -> None:
    world(flow).visitors = 20_000
    id = await flow.promote(a_build("2.0.0"), production(comparing(on_tie="person", within_s=DAY)))
    await flow.until(lambda: move(flow).get("code") == "COMPARISON_UNDECIDED")
    assert move(flow)["calls"] and flag(flow).share == 0.5
    await flow.command(id, "promote", stage="production")
    assert (await flow.until_ended(id))["outcome"] == "passed" and flag(flow).share == 1.0


async def test_time_that_is_over_without_a_winner_keeps_the_control(flow: Workflow) -> None:
    world(flow).lift, world(flow).visitors = 0.001, 20_000
    output = await released(flow, comparing(within_s=DAY))
    assert output["outcome"] == "passed" and flag(flow).share == 0
    assert "time is over" in next(e["words"] for e in flow.world.records if e["action"] == "stage.compared")
    assert max(world(flow).looks) == 8


@pytest.mark.parametrize(
    ("word", "outcome", "share"), [("promote", "passed", 1.0), ("advance", "passed", 0.0), ("rollback", "failed", 0.0)]
)
async def test_a_person_may_end_it(flow: Workflow, word: str, outcome: str, share: float) -> None:
    id = await flow.promote(a_build("2.0.0"), production(comparing()))
    await looked(flow, 1)
    await flow.command(id, word, stage="production")
    output = await flow.until_ended(id)
    assert output["outcome"] == outcome, output
    assert flag(flow).share == share and live(flow) == {"2.0.0"}


async def test_a_treatment_that_harms_ends_it_at_once_with_the_control_kept(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production(comparing()))
    await looked(flow, 2)
    world(flow).flag_harm = 8.0
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "HARM_PROVEN")
    assert flag(flow).share == 0 and live(flow) == {"2.0.0"} and max(world(flow).looks) < 6


async def test_a_control_that_harms_ends_it_at_once_with_the_treatment_kept(flow: Workflow) -> None:
    world(flow).control_harm = 3.0
    output = await released(flow, comparing())
    assert output["outcome"] == "passed" and flag(flow).share == 1.0
    assert "meet more failures" in flag(flow).tags["slipway-compared"] and max(world(flow).looks) == 1


async def test_a_treatment_that_drives_users_away_is_not_kept_because_they_meet_fewer_failures(flow: Workflow) -> None:
    world(flow).per_tick, world(flow).lift, world(flow).control_harm = 30_000, -0.5, 1.7
    output = await released(flow, comparing(at_least_s=DAY, within_s=2 * DAY))
    assert output["outcome"] == "not enough evidence" and flag(flow).share == 0, output
    assert "VARIANTS_CONFLICT" in [each["evidence"].get("code") for each in flow.world.records]


async def test_another_split_than_was_set_decides_nothing_and_calls_a_person(flow: Workflow) -> None:
    world(flow).split, world(flow).lift = 0.52, 0.5
    id = await flow.promote(a_build("2.0.0"), production(comparing(within_s=DAY)))
    await flow.until(lambda: move(flow).get("code") == "SAMPLE_RATIO_MISMATCH")
    assert move(flow)["calls"] and flag(flow).share == 0.5
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("not enough evidence", "SAMPLE_RATIO_MISMATCH")
    assert flag(flow).share == 0 and live(flow) == {"2.0.0"}


async def test_a_success_that_nobody_tells_is_named_and_decides_nothing(flow: Workflow) -> None:
    world(flow).converting = 0.0
    output = await released(flow, comparing(within_s=DAY))
    assert (output["outcome"], output["code"]) == ("not enough evidence", "NO_CONVERSIONS")
    assert "is it the name" in output["words"] and flag(flow).share == 0


async def test_telemetry_that_is_lost_decides_nothing_until_it_is_back(flow: Workflow) -> None:
    world(flow).lift, world(flow).deaf_from = 0.05, 1
    id = await flow.promote(a_build("2.0.0"), production(comparing()))
    await flow.until(lambda: move(flow).get("code") == "COMPARISON_BLIND")
    assert move(flow)["calls"] and flag(flow).share == 0.5
    world(flow).deaf_from = None
    assert (await flow.until_ended(id))["outcome"] == "passed" and flag(flow).share == 1.0


async def test_a_ramp_that_is_blind_at_the_share_decides_nothing_and_takes_nothing_back(flow: Workflow) -> None:
    world(flow).lift = 0.05
    id = await flow.promote(a_build("2.0.0"), production(comparing(at_least_s=DAY)))
    await looked(flow, 2)
    world(flow).blind = set(range(1, 10_000))
    await flow.until(lambda: move(flow).get("code") == "BLIND_TOO_LONG")
    assert move(flow)["calls"] and flag(flow).share == 0.5
    world(flow).blind = set()
    assert (await flow.until_ended(id))["outcome"] == "passed" and flag(flow).share == 1.0


async def test_a_flag_that_somebody_edits_decides_nothing_until_it_is_put_back(flow: Workflow) -> None:
    world(flow).lift = 0.05
    id = await flow.promote(a_build("2.0.0"), production(comparing(at_least_s=DAY)))
    await looked(flow, 2)
    ours = flag(flow).document
    world(flow).flags.changed_by_somebody(NAME, LABEL, with_share(ours, 0.6))
    await flow.until(lambda: move(flow).get("code") == "FLAG_CHANGED")
    await looked(flow, 10)
    assert move(flow)["code"] == "FLAG_CHANGED" and flag(flow).share == 0.6
    world(flow).flags.changed_by_somebody(NAME, LABEL, ours)
    assert (await flow.until_ended(id))["outcome"] == "passed" and flag(flow).share == 1.0


def fast_and_classic(**more: Any) -> dict[str, Any]:
    names = ("classic", "fast")
    allocation = {"default_when_enabled": "classic", "default_when_disabled": "classic", "percentile": []}
    return {"id": NAME, "enabled": False, "variants": [{"name": each} for each in names], "allocation": allocation}


async def test_a_variant_that_somebody_deletes_is_an_edit_and_ends_with_the_flag_off(flow: Workflow) -> None:
    world(flow).lift = 0.05
    world(flow).flags.changed_by_somebody(NAME, LABEL, fast_and_classic())
    plan = comparing(within_s=DAY, at_least_s=DAY, control="classic", treatment="fast")
    id = await flow.promote(a_build("2.0.0"), production(plan))
    await looked(flow, 2)
    without = {**flag(flow).document, "variants": [{"name": "classic"}]}
    world(flow).flags.changed_by_somebody(NAME, LABEL, without)
    await flow.until(lambda: move(flow).get("code") == "FLAG_CHANGED")
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("not enough evidence", "COMPARISON_TIME_OVER")
    assert not flag(flow).document["enabled"] and live(flow) == {"2.0.0"}


async def test_variants_that_the_pipeline_calls_otherwise_are_refused_before_anything_is_deployed(
    flow: Workflow,
) -> None:
    world(flow).flags.changed_by_somebody(NAME, LABEL, fast_and_classic())
    output = await released(flow, comparing(control="classic", treatment="quick"))
    assert (output["outcome"], output["code"]) == ("broken", "VARIANT_UNKNOWN")
    assert "quick" in output["words"] and live(flow) == {"1.0.0"}


async def test_a_flag_that_is_switched_off_ends_the_comparison(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production(comparing()))
    await looked(flow, 2)
    Switch(world(flow).flags).off(NAME, LABEL, "Alice: orders are lost", "kill")
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "FLAG_OFF") and "orders are lost" in output["words"]


@pytest.mark.parametrize("lift", [0.05, -0.05])
@pytest.mark.parametrize("by", ["an edit", "the kill switch"])
async def test_somebodys_hand_between_the_last_look_and_the_write_outranks_the_winner(
    flow: Workflow, by: str, lift: float
) -> None:
    world(flow).lift = lift

    async def meddles(activity: str, order: dict[str, Any]) -> None:
        if activity == "conclude_comparison" and by == "an edit":
            world(flow).flags.changed_by_somebody(NAME, LABEL, targeting(NAME, 10))
        elif activity == "conclude_comparison":
            Switch(world(flow).flags).off(NAME, LABEL, "Alice: orders are lost", "kill")

    flow.world.meanwhile = meddles
    output = await released(flow, comparing())
    ended = (output["outcome"], output["code"], flag(flow).share)
    assert "slipway-compared" not in flag(flow).tags and live(flow) == {"2.0.0"}
    if by == "an edit":
        assert ended == ("not enough evidence", "FLAG_CHANGED", 0)
        assert "just before its comparison ended" in output["words"] and "10.0% of the users" in output["words"]
        assert "nothing is written over it" not in output["words"]
    else:
        assert ended == ("failed", "FLAG_OFF", 0) and flag(flow).off_words == "Alice: orders are lost"


async def test_people_see_users_and_interval_of_both_variants(flow: Workflow) -> None:
    world(flow).lift = 0.01
    id = await flow.promote(a_build("2.0.0"), production(comparing()))
    await looked(flow, 2)
    row = shown(flow)
    assert [(arm["variant"], arm["users"]) for arm in row["arms"]] == [("control", 300_000), ("treatment", 300_000)]
    assert row["low"] < row["lift"] < row["high"] and row["until"] > row["began_at"]
    assert "OrderPlaced" in row["words"] and move(flow)["words"] == "at 50% the variants are compared by OrderPlaced"
    await flow.abort(id)
    assert (await flow.until_ended(id))["outcome"] == "cancelled" and live(flow) == {"1.0.0"}


async def lived(state: Path, killer: Killer) -> dict[str, Any]:
    """What is left of a release whose flag's control was better."""
    there = FlagWorld({name: Sides() for name in SITES}, keeps_receipts=True, lift=-0.06)
    async with Mortal(there, str(state), killer) as flow:
        id = await flow.begin(a_build("2.0.0"), production(comparing(within_s=DAY), bake_s=300))
        await flow.over_all_kills(lambda: there.of(id).ended)
        lock = await flow.lock("production")
    told = {record["id"]: (record.get("stage", ""), record["action"], record["words"]) for record in there.records}
    assert there.flag is not None
    end = {
        "flag": there.flag.document,
        "compared": there.flag.tags["slipway-compared"],
        "looks": max(there.looks),
        "told": sorted(told.values()),
        "lock": {name: lock[name] for name in ("holder", "queue", "broken", "live", "rejected")},
    }
    return {name: to_the_second(each) for name, each in end.items()}


@pytest.mark.timeout(60 + 10 * KILLS)
async def test_a_kill_anywhere_changes_nothing_of_the_end(tmp_path: Path) -> None:
    await same_end_after(KILLS, lived, tmp_path, "a comparison", SEED, "compare_variants")
