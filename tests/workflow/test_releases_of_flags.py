"""Flags that more than one release changes, and what a comparison said of one, when releases come and go back."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from slipway.adapters.flags.release import BACK, FIRST, LAST, LEFT, FlagsOfRelease
from slipway.adapters.flags.router import FlagRouter
from slipway.adapters.flags.switch import Note, Switch
from slipway.promotion.flags.document import FlagTesters
from slipway.promotion.ids import child_id, stage_id
from slipway.promotion.plan import StagePlan, Target
from slipway.promotion.release_parts.configuration import ConfigurationPlan
from slipway.promotion.release_parts.flag_wish import FlagWish
from slipway.promotion.stage_phases import LOCK
from slipway.promotion.stage_run import StageRun
from tests.adapters.flag_store import targeting, variants
from tests.promotion.builders import a_build, a_stage
from tests.workflow.flag_world import Flags
from tests.workflow.release_world import ReleaseWorld, a_flag
from tests.workflow.test_flag_comparison import comparing
from tests.workflow.test_flag_ramp import LABEL, NAME
from tests.workflow.test_releases import ENDS, ON, flag, world
from tests.workflow.virtual import Workflow
from tests.workflow.world import Sides

BANNER_OFF = FlagWish("banner", LABEL, on=False)


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(ReleaseWorld({name: Sides() for name in ("weu", "neu", "checkout-dev")})) as workflow:
        yield workflow


def at(site: str, **changes: Any) -> StagePlan:
    return a_stage("production", targets=(Target(site, "app-service", f"/sites/{site}", "staging"),), **changes)


async def released(flow: Workflow, version: str, plan: StagePlan, service: str = "checkout") -> str:
    id = await flow.promote(a_build(version, service=service), plan)
    output = await flow.until_ended(id)
    assert output["outcome"] == "passed", output
    return id


async def back(flow: Workflow, id: str, plan: StagePlan, service: str = "checkout") -> str:
    """The words of its end."""
    told = len(flow.world.records)
    build = a_build(id.rpartition("--")[2], service=service)
    run = StageRun(id, f"{id}:production:back:k", plan, build, "", phase=LOCK, goes_back=True)
    await flow.post(f"orchestrators/stage/{run.instance}", json.dumps(replace(run, asked_by="Alice").dump()))
    await flow.until(lambda: any(each["action"] in ENDS for each in flow.world.records[told:]))
    ended = next(each for each in flow.world.records[told:] if each["action"] in ENDS)
    assert ended["action"] == "stage.rolled-back", ended["words"]
    return str(ended["words"])


async def test_two_services_that_changed_one_flag_go_back_one_after_the_other(flow: Workflow) -> None:
    before, on, off = flag(flow, "banner"), at("weu", flags=(ON,)), at("neu", flags=(BANNER_OFF,))
    for service, where in (("checkout", "weu"), ("pricing", "neu")):
        await released(flow, "1.0.0", at(where), service)
    first, second = await released(flow, "2.0.0", on), await released(flow, "2.0.0", off, "pricing")
    assert not flag(flow, "banner")["enabled"]
    assert "banner (production) is on for everybody again" in await back(flow, second, off, "pricing")
    assert flag(flow, "banner")["enabled"]
    assert "banner (production) is off again" in await back(flow, first, on)
    assert flag(flow, "banner") == before


def of_release(world: ReleaseWorld, version: str) -> FlagsOfRelease:
    return FlagsOfRelease(world.flags, world.before, f"checkout--{version}:production")


def put_back(world: ReleaseWorld, version: str, times: int = 1) -> list[str]:
    """By each of the steps of a way back; `times`: as often as its answer is lost."""
    it, steps = of_release(world, version), [when for when in (FIRST, LAST) for _ in range(times)]
    ask = [it.back("banner", LABEL, when, f"{it.release}:back:k:banner:flag-back-{when}:1") for when in steps]
    return [answer.result["flag"] for answer in ask]


@pytest.mark.parametrize("times", [1, 2])
def test_two_releases_of_one_service_give_a_flag_back_one_after_the_other(times: int) -> None:
    world = ReleaseWorld({})
    before = world.flags.kept["banner", LABEL].document
    for version, wish in (("2.0.0", ON), ("3.0.0", BANNER_OFF)):
        it = of_release(world, version)
        it.set(wish, f"{it.release}:banner:set-flag:1")
    assert put_back(world, "3.0.0", times)[-1] == BACK and world.flags.kept["banner", LABEL].document["enabled"]
    assert put_back(world, "2.0.0", times)[-1] == BACK and world.flags.kept["banner", LABEL].document == before


def test_a_release_whose_flag_somebody_changed_before_it_gives_their_flag_back_to_them() -> None:
    world = ReleaseWorld({})
    it, theirs = of_release(world, "2.0.0"), {**a_flag("banner", True), "description": "theirs"}
    it.set(ON, f"{it.release}:banner:set-flag:1")
    world.flags.changed_by_somebody("banner", LABEL, theirs)
    later = of_release(world, "3.0.0")
    later.set(BANNER_OFF, f"{later.release}:banner:set-flag:1")
    assert put_back(world, "3.0.0")[-1] == BACK and world.flags.kept["banner", LABEL].document == theirs
    assert put_back(world, "2.0.0") == [LEFT, LEFT] and world.flags.kept["banner", LABEL].document == theirs


@pytest.mark.parametrize("lift", [0.05, -0.05])
async def test_what_a_comparison_said_goes_with_its_release_unless_it_still_keeps_the_flag_off(
    flow: Workflow, lift: float
) -> None:
    world(flow).per_tick, world(flow).lift = 30_000, lift
    before = targeting(NAME, enabled=False)
    world(flow).flags.changed_by_somebody(NAME, LABEL, before)
    plan = at("weu", canary=comparing(), rollout="flag")
    await released(flow, "1.0.0", at("weu"))
    words = await back(flow, await released(flow, "2.0.0", plan), plan)
    kept = world(flow).flag
    assert kept and kept.document == before and "not brought back" not in words
    assert bool(kept.tags.get("slipway-compared")) == bool(kept.off_words) == (lift < 0)


def test_what_a_flag_was_is_what_it_was_before_the_first_write_of_its_release() -> None:
    world = ReleaseWorld({})
    it, before = of_release(world, "2.0.0"), world.flags.kept["banner", LABEL].document
    for number, wish in enumerate((ON, BANNER_OFF)):
        it.set(wish, f"{it.release}:banner:set-flag:{number}")
    assert it.was("banner", LABEL) == "off"
    assert put_back(world, "2.0.0")[-1] == BACK and world.flags.kept["banner", LABEL].document == before


@pytest.mark.parametrize("service", ["checkout", "checkout-" + "x" * 70])
def test_a_write_is_that_of_its_release_however_long_its_name_is(service: str) -> None:
    world, release = ReleaseWorld({}), stage_id(f"{service}--2.0.0", "production")
    it = FlagsOfRelease(world.flags, world.before, release)
    it.set(ON, child_id(release, "banner", "set-flag", "1"))
    assert world.flags.kept["banner", LABEL].is_of(release)


def test_a_write_is_not_that_of_a_release_whose_name_it_begins_with() -> None:
    world = ReleaseWorld({})
    it = of_release(world, "2.0.0")
    it.set(ON, f"{it.release}:banner:set-flag:1")
    kept = world.flags.kept["banner", LABEL]
    assert kept.is_of(it.release) and not kept.is_of(it.release.removesuffix("uction"))


@pytest.mark.parametrize("way", [targeting, variants])
def test_a_share_that_slipway_itself_gave_is_nobody_elses(way: Any) -> None:
    flags = Flags()
    flags.changed_by_somebody(NAME, LABEL, way(NAME))
    switch, testers, note = Switch(flags), FlagTesters(("tess",)), Note("team-checkout", "2027-03-01", "checkout")
    switch.prepare(NAME, LABEL, testers, note, "it:production:op-1", "it:production")
    target = Target(NAME, "app-configuration-flag", f"flag/{NAME}", LABEL)
    assert (
        FlagRouter(flags=flags).start_split(target, "2.0.0", 0.25, "it:production:op-2", resuming=False).outcome
        == "passed"
    )
    assert (
        switch.prepare(NAME, LABEL, testers, note, "it:production:op-3", "it:production").share
        == 0
        == flags.kept[NAME, LABEL].share
    )


async def test_settings_are_looked_at_again_where_the_store_is_away_for_a_moment(flow: Workflow) -> None:
    plan = at("weu", configuration=ConfigurationPlan("{version}", "checkout:*"))
    await released(flow, "1.0.0", plan)
    id = await released(flow, "2.0.0", plan)
    world(flow).away["look_at_configuration"] = 2
    assert "configuration: 1.0.0 is as it was verified" in await back(flow, id, plan)
