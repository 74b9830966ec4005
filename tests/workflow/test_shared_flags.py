"""Flags of one name with several labels, and flags that two pipelines change: each release has its own."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from slipway.adapters.flags.release import BACK, LAST, FlagsOfRelease
from slipway.adapters.flags.router import FlagRouter
from slipway.adapters.flags.switch import Note, Switch
from slipway.promotion.flags.document import FlagTesters
from slipway.promotion.flags.setting import LAST_WRITE
from slipway.promotion.plan import StagePlan, Target
from slipway.promotion.release_parts.flag_wish import FlagWish
from tests.adapters.flag_store import targeting
from tests.promotion.builders import a_build, a_stage
from tests.workflow.flag_world import Before, Flags
from tests.workflow.release_world import ReleaseWorld, a_flag
from tests.workflow.test_flag_ramp import LABEL, NAME, PLAN, at_share, move
from tests.workflow.test_releases import ON, SITES, flag, live, production, released, rolled_back, world
from tests.workflow.virtual import Workflow
from tests.workflow.world import Sides

NOTE = Note("team-checkout", "2027-03-01", "checkout")
TESS = FlagTesters(("tess",))


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(ReleaseWorld({name: Sides() for name in (*SITES, "basket")})) as workflow:
        yield workflow


def basket(**changes: Any) -> StagePlan:
    """Another service's stage in the same environment."""
    return a_stage("production", targets=(Target("basket", "app-service", "/sites/basket", "staging"),), **changes)


def shares(flow: Workflow) -> list[float | None]:
    """Those that the flag has from now on, as they are written."""
    found, put = [], world(flow).flags._put

    def noting(*written: Any) -> Any:
        setting = put(*written)
        found.append(setting.share)
        return setting

    world(flow).flags._put = noting  # type: ignore[method-assign]
    return found


async def test_one_name_with_two_labels_is_two_flags_that_come_and_go_back(flow: Workflow) -> None:
    for label in ("eu", "us"):
        world(flow).flags.changed_by_somebody("banner", label, a_flag("banner", enabled=False))
    plan = production(flags=(FlagWish("banner", "eu"), FlagWish("banner", "us")))
    await released(flow, "1.0.0", production())
    id = await released(flow, "2.0.0", plan)
    assert [world(flow).flags.kept["banner", label].share for label in ("eu", "us")] == [1.0, 1.0]
    steps = [each for each in flow.world.rows["stage:production"]["doc"]["steps"] if each["name"] == "set flag"]
    assert [(each["target"], each["state"]) for each in steps] == [("banner (eu)", "passed"), ("banner (us)", "passed")]
    told = await rolled_back(flow, id, plan)
    assert "banner (eu) is off again, banner (us) is off again" in told["words"] and live(flow) == {"1.0.0"}
    assert told["evidence"]["brought"]["put_back"] == ["banner (eu)", "banner (us)"]


async def test_a_flag_that_is_ramped_with_one_label_and_switched_with_another_comes_back_with_both(
    flow: Workflow,
) -> None:
    world(flow).flags.changed_by_somebody(NAME, "us", a_flag(NAME, enabled=False))
    plan = production(canary=PLAN, rollout="flag", flags=(FlagWish(NAME, "us"),))
    await released(flow, "1.0.0", production())
    told = await rolled_back(flow, await released(flow, "2.0.0", plan), plan)
    assert "not brought back" not in told["words"] and live(flow) == {"1.0.0"}
    assert {label: world(flow).flags.kept[NAME, label].share for label in (LABEL, "us")} == {LABEL: 0.0, "us": 0.0}


@pytest.mark.parametrize("share", [0.0, 0.25])
@pytest.mark.parametrize("does", ["ramps", "switches"])
async def test_a_flag_that_another_release_ramps_is_in_use_and_nothing_is_deployed(
    flow: Workflow, does: str, share: float
) -> None:
    id = await flow.promote(a_build("2.0.0"), production(canary=PLAN, rollout="flag", configuration=None))
    await at_share(flow, share)
    written = shares(flow)
    wish = FlagWish(NAME, LABEL)
    second = basket(canary=PLAN, rollout="flag") if does == "ramps" else basket(flags=(wish,))
    other = await flow.until_ended(await flow.promote(a_build("7.0.0", service="basket"), second))
    assert (other["outcome"], other["code"]) == ("broken", "FLAG_IN_USE")
    assert "checkout--2.0.0:production has given new-checkout (production) to" in other["words"]
    assert flow.world.sites["basket"].idle == "" and flow.world.sites["basket"].live == "1.0.0"
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert written == sorted(written, key=lambda each: each or 0.0) and written[-1] == 1.0, "a share only ever grew"


async def test_a_write_of_another_release_in_mid_ramp_is_somebody_elses_and_is_named(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production(canary=PLAN, rollout="flag", configuration=None))
    await at_share(flow, 0.25)
    setting = world(flow).flags.kept[NAME, LABEL]
    document = targeting(NAME, 60)
    tags = setting.written(document, "basket--7.0.0:production:new-checkout:production:set-flag:1")
    world(flow).flags.write(setting, document, tags)
    await flow.until(lambda: move(flow)["code"] == "FLAG_CHANGED")
    assert "basket--7.0.0:production changed the flag new-checkout (production)" in move(flow)["words"]
    assert world(flow).flags.kept[NAME, LABEL].share == 0.6
    await flow.abort(id)
    await flow.until_ended(id)


def of(flags: Flags, release: str) -> FlagsOfRelease:
    return FlagsOfRelease(flags, Before(), release)


def test_a_flag_that_a_release_gave_back_is_free_for_the_next_one() -> None:
    flags, before = Flags(), targeting(NAME, 0, Users=["eve"])
    flags.changed_by_somebody(NAME, LABEL, before)
    first = of(flags, "checkout--2.0.0:production")
    first.set(FlagWish(NAME, LABEL), f"{first.release}:{NAME}:set-flag:1")
    assert first.back(NAME, LABEL, LAST, f"{first.release}:back:k:flag-back-last:1").result["flag"] == BACK
    kept = flags.kept[NAME, LABEL]
    assert kept.document == before and LAST_WRITE not in kept.tags
    release = "basket--7.0.0:production"
    assert Switch(flags).prepare(NAME, LABEL, TESS, NOTE, f"{release}:prepare-flag:1", release).share == 0


def test_a_release_that_found_its_flag_dark_already_leaves_it_to_whoever_comes_next() -> None:
    flags = Flags()
    flags.changed_by_somebody(NAME, LABEL, targeting(NAME, 0, Users=["tess"]))
    first = of(flags, "checkout--2.0.0:production")
    first.kept.keep(first.release, NAME, LABEL, {"document": flags.kept[NAME, LABEL].document, "tags": {}})
    Switch(flags).prepare(NAME, LABEL, TESS, NOTE, f"{first.release}:prepare-flag:1", first.release)
    assert flags.kept[NAME, LABEL].is_of(first.release)
    for _ in ("once", "and again"):
        assert first.back(NAME, LABEL, LAST, f"{first.release}:back:k:flag-back-last:1").result["flag"] == BACK
    assert not flags.kept[NAME, LABEL].is_of(first.release)


@pytest.mark.parametrize("release", ["checkout--2.0.0:production", "basket--7.0.0:production"])
def test_a_share_is_given_by_the_release_that_ramps_the_flag_and_by_no_other(release: str) -> None:
    flags, own = Flags(), "checkout--2.0.0:production"
    Switch(flags).prepare(NAME, LABEL, TESS, NOTE, f"{own}:prepare-flag:1", own)
    target = Target(NAME, "app-configuration-flag", f"flag/{NAME}", LABEL, settings={"release": release})
    router = FlagRouter(flags=flags)
    answer = router.start_split(target, "2.0.0", 0.25, f"{release}:ramp:split:1", resuming=False)
    assert (answer.code, flags.kept[NAME, LABEL].share) == (("", 0.25) if release == own else ("FLAG_CHANGED", 0.0))
    assert router.watch(target)[1] == answer.code


def test_a_flag_that_a_person_switched_off_is_given_to_nobody_by_a_release() -> None:
    flags = Flags()
    flags.changed_by_somebody(NAME, LABEL, targeting(NAME, 100))
    Switch(flags).off(NAME, LABEL, "Alice: orders are lost", "kill")
    it = of(flags, "checkout--2.0.0:production")
    answer = it.set(FlagWish(NAME, LABEL), f"{it.release}:{NAME}:set-flag:1")
    assert answer.outcome == "passed" and "stays off: Alice: orders are lost" in answer.words
    assert flags.kept[NAME, LABEL].share == 0 and not answer.result["was"]


async def test_an_edit_between_the_look_and_the_write_of_a_release_is_what_it_gives_back(flow: Workflow) -> None:
    flags = world(flow).flags
    write, theirs = flags.write, targeting("banner", 30)

    def overtaken(setting: Any, document: Any, tags: Any) -> Any:
        flags.write = write  # type: ignore[method-assign]
        flags.changed_by_somebody("banner", LABEL, theirs)
        return flags.write(setting, document, tags)

    await released(flow, "1.0.0", production())
    flags.write = overtaken  # type: ignore[method-assign]
    plan = production(flags=(ON,))
    id = await released(flow, "2.0.0", plan)
    assert flags.kept["banner", LABEL].share == 1.0
    told = await rolled_back(flow, id, plan)
    assert "banner (production) is on for 30.0% of the users again" in told["words"] and flag(flow, "banner") == theirs


@pytest.mark.parametrize("gone", ["banner", "old-banner"])
async def test_a_flag_that_is_not_there_is_found_before_anything_is_deployed(flow: Workflow, gone: str) -> None:
    del world(flow).flags.kept[gone, LABEL]
    wishes = (ON, FlagWish("old-banner", LABEL, on=False))
    output = await flow.until_ended(await flow.promote(a_build("2.0.0"), production(flags=wishes)))
    assert (output["outcome"], output["code"]) == ("broken", "FLAG_GONE") and gone in output["words"]
    assert live(flow) == {"1.0.0"} and {flow.world.sites[name].idle for name in SITES} == {""}
