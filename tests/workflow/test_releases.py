"""Releases that are more than code: configuration and flags go with it, and come back with it, in virtual time.

RELEASE_KILLS says how often the host is killed (`make chaos` has hundreds), RELEASE_SEED where.
"""

import json
import os
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from slipway.adapters.flags.switch import Switch
from slipway.promotion.blue_green_plan import BlueGreenPlan
from slipway.promotion.flags.document import Document
from slipway.promotion.plan import StagePlan, Target
from slipway.promotion.release_parts.configuration import ConfigurationPlan
from slipway.promotion.release_parts.flag_wish import FlagWish
from slipway.promotion.rings import ROLL_BACK_ALL, RingPlan
from slipway.promotion.stage_phases import LOCK
from slipway.promotion.stage_run import StageRun
from tests.adapters.flag_store import targeting
from tests.promotion.builders import a_build, a_stage
from tests.workflow.kills import Killer, Mortal, same_end_after
from tests.workflow.release_world import ReleaseWorld, a_flag
from tests.workflow.test_flag_ramp import LABEL, NAME, PLAN, rolling_back
from tests.workflow.virtual import Workflow, stage_state
from tests.workflow.world import Sides

SITES = ("weu", "neu")
KILLS = int(os.environ.get("RELEASE_KILLS", "5"))
SEED = os.environ.get("RELEASE_SEED") or "2034"
ENDS = ("stage.rolled-back", "stage.broken", "stage.cancelled")
CONFIGURATION = ConfigurationPlan("{version}", "checkout:*")
ON, OFF = FlagWish("banner", LABEL), FlagWish("old-banner", LABEL, on=False)


def production(**changes: Any) -> StagePlan:
    targets = tuple(Target(name, "app-service", f"/sites/{name}", "staging") for name in SITES)
    return a_stage("production", targets=targets, **{"configuration": CONFIGURATION, **changes})


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(ReleaseWorld({name: Sides() for name in (*SITES, "checkout-dev")})) as workflow:
        yield workflow


def world(flow: Workflow) -> ReleaseWorld:
    assert isinstance(flow.world, ReleaseWorld)
    return flow.world


def flag(flow: Workflow, name: str) -> Document:
    found = world(flow).flags.read(name, LABEL)
    assert found is not None
    return found.document


def live(flow: Workflow) -> set[str]:
    return {flow.world.sites[name].live for name in SITES}


async def released(flow: Workflow, version: str, plan: StagePlan) -> str:
    id = await flow.promote(a_build(version), plan)
    output = await flow.until_ended(id)
    assert output["outcome"] == "passed", output
    return id


async def rolled_back(flow: Workflow, id: str, plan: StagePlan) -> dict[str, Any]:
    """The record of its end."""
    await begin_rollback(flow, id, plan)
    await flow.until(lambda: any(each["action"] in ENDS for each in flow.world.records))
    return next(each for each in flow.world.records if each["action"] in ENDS)


async def begin_rollback(flow: Workflow, id: str, plan: StagePlan, key: str = "k1") -> None:
    """As the trigger does it."""
    instance = f"{id}:production:back:{key}"
    run = StageRun(id, instance, plan, a_build(id.rpartition("--")[2]), "", phase=LOCK, goes_back=True)
    await flow.post(f"orchestrators/stage/{instance}", json.dumps(replace(run, asked_by="Alice").dump()))


async def test_a_rollback_brings_code_configuration_and_flags_back_and_names_each(flow: Workflow) -> None:
    plan = production(flags=(ON, OFF))
    await released(flow, "1.0.0", production())
    before = {name: flag(flow, name) for name in ("banner", "old-banner")}
    id = await released(flow, "2.0.0", plan)
    assert (flag(flow, "banner")["enabled"], flag(flow, "old-banner")["enabled"]) == (True, False)
    lock = await flow.lock("production")
    assert lock["live"]["configuration"]["snapshot"] == "checkout-2.0.0"
    assert [(each["name"], each["was"], each["now"]) for each in lock["live"]["changed_flags"]] == [
        ("banner", "off", "on for everybody"),
        ("old-banner", "on for everybody", "off"),
    ]
    passed = [each["evidence"] for each in flow.world.records if each["action"] == "stage.passed"][-1]
    assert passed["configuration"]["settings"] == 2 and len(passed["changed_flags"]) == 2
    told = await rolled_back(flow, id, plan)
    assert told["action"] == "stage.rolled-back" and live(flow) == {"1.0.0"}
    assert {name: flag(flow, name) for name in before} == before
    assert "production is back on 1.0.0" in told["words"]
    assert "configuration: 1.0.0 is as it was verified" in told["words"]
    assert "banner (production) is off again" in told["words"] and "not brought back" not in told["words"]
    assert told["evidence"]["brought"]["left"] == []
    assert "a-secret" not in json.dumps(flow.world.records)


async def test_what_a_release_gave_is_taken_before_its_code_goes_and_what_it_took_is_given_back_after(
    flow: Workflow,
) -> None:
    plan, seen = production(flags=(ON, OFF)), []
    await released(flow, "1.0.0", production())
    id = await released(flow, "2.0.0", plan)

    async def look(activity: str, order: dict[str, Any]) -> None:
        if activity in ("swap", "put_flag_back"):
            seen.append((activity, flag(flow, "banner")["enabled"], flag(flow, "old-banner")["enabled"]))

    flow.world.meanwhile = look
    await rolled_back(flow, id, plan)
    swaps = [each[1:] for each in seen if each[0] == "swap"]
    assert set(swaps) == {(False, False)} and flag(flow, "old-banner")["enabled"]


async def test_a_flag_that_somebody_changed_since_is_left_and_named_and_the_code_goes_back(flow: Workflow) -> None:
    plan = production(flags=(ON, OFF))
    await released(flow, "1.0.0", production())
    id = await released(flow, "2.0.0", plan)
    world(flow).flags.changed_by_somebody("banner", LABEL, targeting("banner", 30))
    told = await rolled_back(flow, id, plan)
    assert told["action"] == "stage.rolled-back" and live(flow) == {"1.0.0"}
    assert "not brought back: flag banner (production) was changed by somebody else since" in told["words"]
    assert flag(flow, "banner") == targeting("banner", 30) and flag(flow, "old-banner")["enabled"]


async def test_the_kill_switch_outranks_a_way_back(flow: Workflow) -> None:
    plan = production(flags=(OFF,))
    await released(flow, "1.0.0", production())
    id = await released(flow, "2.0.0", plan)
    Switch(world(flow).flags).off("old-banner", LABEL, "Alice: orders are lost", "kill")
    told = await rolled_back(flow, id, plan)
    assert "old-banner (production) stays off: Alice: orders are lost" in told["words"]
    assert not flag(flow, "old-banner")["enabled"]


async def test_the_flag_that_a_release_ramped_is_as_it_was_after_any_way_back(flow: Workflow) -> None:
    plan = production(canary=PLAN, rollout="flag")
    world(flow).flags.changed_by_somebody(NAME, LABEL, targeting(NAME, 0, Users=["eve"]))
    before = flag(flow, NAME)
    await released(flow, "1.0.0", production())
    id = await released(flow, "2.0.0", plan)
    assert world(flow).flags.read(NAME, LABEL).share == 1.0  # type: ignore[union-attr]
    told = await rolled_back(flow, id, plan)
    assert flag(flow, NAME) == before and "on for testers alone again" in told["words"]


async def test_harm_takes_the_flag_off_first_and_leaves_it_as_it_was(flow: Workflow) -> None:
    world(flow).flags.changed_by_somebody(NAME, LABEL, targeting(NAME, 0, Users=["eve"]))
    before, world(flow).flag_harm = flag(flow, NAME), 8.0
    await released(flow, "1.0.0", production())
    id = await flow.promote(a_build("2.0.0"), production(canary=rolling_back(), rollout="flag"))
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "HARM_PROVEN"), output
    assert live(flow) == {"1.0.0"} and flag(flow, NAME) == before
    assert "flags: new-checkout (production) is on for testers alone again" in output["words"]


async def test_the_watch_brings_all_three_back(flow: Workflow) -> None:
    plan = production(flags=(ON,), watch_s=7200)
    await released(flow, "1.0.0", production())
    await released(flow, "2.0.0", plan)
    flow.world.sick_live.add("2.0.0")
    await flow.until(lambda: stage_state(flow.world, "production") == "rolled back")
    words = flow.world.rows["stage:production"]["doc"]["words"]
    assert live(flow) == {"1.0.0"} and not flag(flow, "banner")["enabled"]
    assert "configuration: 1.0.0 is as it was verified; flags: banner (production) is off again" in words


async def test_all_rings_bring_their_flags_back(flow: Workflow) -> None:
    def ring(name: str, number: int, earlier: tuple[str, ...]) -> StagePlan:
        of = RingPlan("production", "production", name, number, 2, earlier, ROLL_BACK_ALL)
        wish = FlagWish("banner", f"production-{name}")
        targets = (Target(name, "app-service", f"/sites/{name}", "staging"),)
        more = {"targets": targets, "ring": of, "flags": (wish,), "configuration": CONFIGURATION}
        return a_stage(f"production-{name}", needs=earlier, **more)

    rings = ring("weu", 1, ()), ring("neu", 2, ("production-weu",))
    for name in SITES:
        world(flow).flags.changed_by_somebody("banner", f"production-{name}", a_flag("banner", enabled=False))
    await flow.until_ended(await flow.promote(a_build("1.0.0"), *(replace(each, flags=()) for each in rings)))

    async def ill(activity: str, order: dict[str, Any]) -> None:
        if activity == "swap" and order["target"]["name"] == "neu":
            flow.world.sick_live.add("2.0.0")

    flow.world.meanwhile = ill
    output = await flow.until_ended(await flow.promote(a_build("2.0.0"), *rings))
    assert output["outcome"] == "failed" and live(flow) == {"1.0.0"}
    for name in SITES:
        found = world(flow).flags.read("banner", f"production-{name}")
        assert found and not found.document["enabled"], name


async def test_without_settings_under_its_label_nothing_is_deployed(flow: Workflow) -> None:
    del world(flow).settings.kept["2.0.0"]
    output = await flow.until_ended(await flow.promote(a_build("2.0.0"), production()))
    assert (output["outcome"], output["code"]) == ("broken", "CONFIGURATION_MISSING")
    assert not any(each.startswith("production/deploying") for each in flow.world.actions())
    assert {site.idle for site in flow.world.sites.values()} == {""}


async def between_two_stages(flow: Workflow, more: Callable[[], None]) -> dict[str, Any]:
    """How a promotion ends whose settings are changed after its first stage."""

    async def edits(activity: str, order: dict[str, Any]) -> None:
        if activity == "fix_configuration" and ":production:" in order["operation"]:
            flow.world.meanwhile = None
            world(flow).settings.kept["2.0.0"]["checkout:limit"] = "9"
            more()

    flow.world.meanwhile = edits
    dev = a_stage("dev", configuration=CONFIGURATION)
    return await flow.until_ended(await flow.promote(a_build("2.0.0"), dev, production(needs=("dev",))))


async def test_settings_that_changed_between_two_stages_stop_the_promotion(flow: Workflow) -> None:
    output = await between_two_stages(flow, lambda: None)
    assert (output["outcome"], output["code"]) == ("broken", "CONFIGURATION_CHANGED")
    assert "checkout:limit" in output["words"] and live(flow) == {"1.0.0"}


async def test_a_snapshot_made_anew_of_other_settings_does_not_hide_that_they_changed(flow: Workflow) -> None:
    output = await between_two_stages(flow, world(flow).settings.snapshots.clear)
    assert output["code"] == "CONFIGURATION_CHANGED" and "those that stage dev was promoted with" in output["words"]


async def test_a_store_that_is_away_is_asked_again_and_delays_no_way_back(flow: Workflow) -> None:
    world(flow).away["fix_configuration"] = 4
    await released(flow, "1.0.0", production())
    id = await released(flow, "2.0.0", production())
    world(flow).put_off["look_at_configuration"] = 3600.0
    told = await rolled_back(flow, id, production())
    assert live(flow) == {"1.0.0"} and "1.0.0 could not be looked at" in told["words"]


async def test_no_way_back_begins_to_a_release_whose_settings_are_gone(flow: Workflow) -> None:
    await released(flow, "1.0.0", production())
    id = await released(flow, "2.0.0", production(flags=(ON,)))
    del world(flow).settings.kept["1.0.0"]
    told = await rolled_back(flow, id, production(flags=(ON,)))
    assert (told["action"], told["evidence"]["code"]) == ("stage.broken", "CONFIGURATION_GONE")
    assert "the snapshot checkout-1.0.0 has them; import it" in told["words"]
    assert live(flow) == {"2.0.0"} and flag(flow, "banner")["enabled"]
    assert (await flow.lock("production"))["holder"] is None


async def test_a_stage_undoes_its_switch_even_when_the_settings_of_before_are_gone_and_says_so(flow: Workflow) -> None:
    await released(flow, "1.0.0", production())
    del world(flow).settings.kept["1.0.0"]
    flow.world.sick_live.add("2.0.0")
    output = await flow.until_ended(await flow.promote(a_build("2.0.0"), production(flags=(ON,))))
    assert output["outcome"] == "failed" and live(flow) == {"1.0.0"}
    assert "not brought back: configuration: no setting has the label 1.0.0 any more" in output["words"]
    assert not flag(flow, "banner")["enabled"]


async def test_a_release_without_configuration_before_it_says_so(flow: Workflow) -> None:
    await released(flow, "1.0.0", production(configuration=None))
    id = await released(flow, "2.0.0", production())
    told = await rolled_back(flow, id, production())
    assert "configuration: none was fixed with the release before" in told["words"]


@pytest.mark.parametrize("breaks_down", ["put_flag_back", "swap", "survey_targets", "record"])
async def test_workers_that_break_down_on_the_way_back_bring_all_back(flow: Workflow, breaks_down: str) -> None:
    plan = production(flags=(ON, OFF))
    await released(flow, "1.0.0", production())
    before = {name: flag(flow, name) for name in ("banner", "old-banner")}
    id = await released(flow, "2.0.0", plan)
    flow.world.raising[breaks_down] = 3
    told = await rolled_back(flow, id, plan)
    assert told["action"] == "stage.rolled-back" and live(flow) == {"1.0.0"}
    assert {name: flag(flow, name) for name in before} == before


async def lived(state: Path, killer: Killer) -> dict[str, Any]:
    """What is left of a release with configuration and flags that came, and was rolled back."""
    there = ReleaseWorld({name: Sides() for name in SITES}, keeps_receipts=True)
    plan = production(flags=(ON, OFF), canary=PLAN, rollout="flag")
    async with Mortal(there, str(state), killer) as flow:
        for version, of_it in (("1.0.0", production()), ("2.0.0", plan)):
            id = await flow.begin(a_build(version), of_it)
            await flow.over_all_kills(lambda id=id: there.of(id).ended)
        await begin_rollback(flow, id, plan)
        await flow.over_all_kills(lambda: any(each["action"] in ENDS for each in there.records))
        await flow.engine.until_idle()
        lock = await flow.lock("production")
    told = sorted((record.get("stage", ""), record["action"], record["words"]) for record in there.records)
    end = {
        "live": {name: (site.live, site.idle) for name, site in there.sites.items()},
        "flags": {" ".join(where): each.document for where, each in there.flags.kept.items()},
        "told": told,
        "lock": {name: lock[name] for name in ("holder", "queue", "broken", "live", "releases")},
    }
    assert end["live"]["weu"] == ("1.0.0", "2.0.0")
    # A snapshot that is looked at once more, or once less, for a kill shifts what comes after by a second.
    timeless: dict[str, Any] = json.loads(re.sub(r"20\d\d-\d\d-\d\dT[\d:.]+Z", "then", json.dumps(end)))
    return timeless


@pytest.mark.timeout(60 + 10 * KILLS)
async def test_a_host_killed_anywhere_leaves_all_three_as_they_would_have_been(tmp_path: Path) -> None:
    end = await same_end_after(KILLS, lived, tmp_path, "a release with configuration and flags", SEED)
    assert not end["flags"][f"banner {LABEL}"]["enabled"] and end["flags"][f"old-banner {LABEL}"]["enabled"]


async def test_a_flag_that_cannot_be_put_back_does_not_hold_the_code_back(flow: Workflow) -> None:
    plan = production(canary=PLAN, rollout="flag", flags=(ON,), watch_s=7200)
    await released(flow, "1.0.0", production())
    await released(flow, "2.0.0", plan)
    flow.world.sick_live.add("2.0.0")
    flow.world.put_off = {"put_flag_back": 30.0, "split": 30.0}
    await flow.until(lambda: any(each["action"] == "watch.harm" for each in flow.world.records))
    harm = flow.clock.now()
    await flow.until(lambda: live(flow) == {"1.0.0"})
    assert flow.clock.now() - harm < timedelta(minutes=5)
    await flow.until(lambda: stage_state(flow.world, "production") == "rolled back")
    words = flow.world.rows["stage:production"]["doc"]["words"]
    assert "flag banner (production) could not be put back, a person must look" in words
    assert "flag new-checkout (production) could not be put back, a person must look" in words
    assert flow.world.records[-1]["evidence"]["calls"]


async def test_a_side_that_was_stopped_is_not_started_for_a_release_without_settings(flow: Workflow) -> None:
    plan = production(blue_green=BlueGreenPlan(keep_s=3600), watch_s=3600)
    await released(flow, "1.0.0", production())
    id = await released(flow, "2.0.0", plan)
    await flow.until(lambda: all(flow.world.sites[name].idle_stopped for name in SITES))
    del world(flow).settings.kept["1.0.0"]
    told = await rolled_back(flow, id, plan)
    assert told["evidence"]["code"] == "CONFIGURATION_GONE"
    assert all(flow.world.sites[name].idle_stopped for name in SITES)


@pytest.mark.parametrize("by", ["a person", "the watch"])
async def test_a_ramped_flag_that_somebody_changed_since_is_left_to_them(flow: Workflow, by: str) -> None:
    plan = production(canary=PLAN, rollout="flag", watch_s=7200)
    await released(flow, "1.0.0", production())
    id = await released(flow, "2.0.0", plan)
    world(flow).flags.changed_by_somebody(NAME, LABEL, targeting(NAME, 40))
    if by == "a person":
        await begin_rollback(flow, id, plan)
    else:
        flow.world.sick_live.add("2.0.0")
    await flow.until(lambda: stage_state(flow.world, "production") == "rolled back")
    words = flow.world.rows["stage:production"]["doc"]["words"]
    assert flag(flow, NAME) == targeting(NAME, 40) and live(flow) == {"1.0.0"}
    assert "new-checkout (production) was changed by somebody else since, and is on for 40.0% of" in words


async def test_a_ramped_flag_that_somebody_changed_before_its_ramp_is_left_to_them(flow: Workflow) -> None:
    await released(flow, "1.0.0", production())
    world(flow).sick_for_testers = True

    async def meddles(activity: str, order: dict[str, Any]) -> None:
        if activity == "swap" and order["version"] == "2.0.0":
            world(flow).flags.changed_by_somebody(NAME, LABEL, targeting(NAME, 40, Users=["alice@example.com"]))

    flow.world.meanwhile = meddles
    output = await flow.until_ended(await flow.promote(a_build("2.0.0"), production(canary=PLAN, rollout="flag")))
    assert output["outcome"] == "failed" and live(flow) == {"1.0.0"}
    assert world(flow).flag.share == 0.4 and "changed by somebody else since" in output["words"]  # type: ignore[union-attr]
