"""A release that is down altogether: it answers nothing, not even its version. It goes back all the same, where the
side before it answers; where nothing does a person is called."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from slipway.promotion.outcomes import Answer
from slipway.promotion.plan import Target
from tests.promotion.builders import a_build, a_stage, later
from tests.workflow import test_ramp
from tests.workflow.ramp_world import RampingWorld
from tests.workflow.test_blue_green import production, rolled_back, sides, until_told
from tests.workflow.test_ramp import SITES
from tests.workflow.virtual import Workflow, stage_state
from tests.workflow.world import Order, Sides

BACK = {("1.0.0", "2.0.0", True)}


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(RampingWorld({name: Sides() for name in SITES})) as workflow:
        yield workflow


def calling(flow: Workflow) -> list[str]:
    """The codes of the records that call a person."""
    return [each["evidence"]["code"] for each in flow.world.records if each["evidence"].get("calls")]


async def passed(flow: Workflow, version: str, minutes: int = 0, **changes: Any) -> str:
    plan = production(asks=False, **changes)
    id = await flow.begin(a_build(version, finished_at=later(minutes=minutes)), plan, token=version)
    assert (await flow.until_ended(id))["outcome"] == "passed"
    return id


ROLLOUTS = {
    "blue-green": production(asks=False),
    "canary": test_ramp.production(bake_s=600.0),
    "all at once": a_stage(
        "production",
        targets=tuple(Target(name, "app-service", f"/sites/{name}", "staging") for name in SITES),
        bake_s=600.0,
    ),
}


@pytest.mark.parametrize("dead", [{"2.0.0"}, {"weu 2.0.0"}], ids=["everywhere", "on one target"])
@pytest.mark.parametrize("rollout", ROLLOUTS)
async def test_a_release_that_goes_down_in_its_bake_goes_back(flow: Workflow, rollout: str, dead: set[str]) -> None:
    id = await flow.promote(a_build("2.0.0"), ROLLOUTS[rollout])
    await flow.until(lambda: stage_state(flow.world, "production") == "baking")
    flow.world.dead = dead
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "UNHEALTHY")
    assert sides(flow) == BACK, "what is down is stopped on its idle side, too"
    lock = await flow.lock("production")
    assert lock["broken"] is None and lock["holder"] is None
    assert max(flow.world.effects.values()) == 1


async def test_one_that_is_down_as_soon_as_it_is_live_goes_back(flow: Workflow) -> None:
    await passed(flow, "1.9.0")

    async def dies(activity: str, order: dict[str, Any]) -> None:
        if all(site.live == "2.0.0" for site in flow.world.sites.values()):
            flow.world.dead.add("2.0.0")

    flow.world.meanwhile = dies
    id = await flow.begin(a_build("2.0.0", finished_at=later(minutes=1)), production(asks=False), token="t2")
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "UNHEALTHY")
    assert sides(flow) == {("1.9.0", "2.0.0", True)}


@pytest.mark.parametrize("dead", [{"2.0.0"}, {"weu 2.0.0"}], ids=["everywhere", "on one target"])
async def test_the_watch_takes_back_what_is_down(flow: Workflow, dead: set[str]) -> None:
    await passed(flow, "2.0.0")
    flow.world.dead = dead
    await until_told(flow, "stage.rolled-back")
    await flow.engine.until_idle()
    assert sides(flow) == BACK and calling(flow) == []
    lock = await flow.lock("production")
    assert (lock["watch"], lock["broken"], lock["holder"]) == (None, None, None)


@pytest.mark.parametrize("stopped", [False, True], ids=["within keep", "after it"])
async def test_one_command_takes_back_what_is_down(flow: Workflow, stopped: bool) -> None:
    id = await passed(flow, "2.0.0")
    if stopped:
        await until_told(flow, "watch.over")
        await flow.engine.until_idle()
    flow.world.dead = {"2.0.0"}
    await rolled_back(flow, id, production(asks=False))
    await flow.engine.until_idle()
    assert sides(flow) == BACK and (await flow.lock("production"))["broken"] is None


async def test_where_the_other_side_is_silent_too_nothing_is_switched_and_a_person_is_called(flow: Workflow) -> None:
    """Nobody knows there which release is where, and a second swap would undo the first."""
    id = await flow.promote(a_build("2.0.0"), production(asks=False))
    await flow.until(lambda: stage_state(flow.world, "production") == "baking")
    flow.world.dead = {"2.0.0", "weu 1.0.0"}
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("broken", "ROLLBACK_FAILED")
    assert "PREVIOUS_NOT_LIVE" in output["words"] and "weu answers nothing (tried 3 times)" in output["words"]
    assert (flow.world.sites["weu"].live, flow.world.sites["neu"].live) == ("2.0.0", "1.0.0"), "what can go back has"
    assert (await flow.lock("production"))["broken"] is not None and calling(flow) == ["ROLLBACK_FAILED"]


async def test_what_somebody_has_taken_back_already_is_not_swapped_again(flow: Workflow) -> None:
    """Production is silent, but it holds the release before: a swap would bring the new one back."""
    id = await passed(flow, "2.0.0")
    site = flow.world.sites["weu"]
    site.live, site.idle = site.idle, site.live
    flow.world.dead = {"weu 1.0.0"}
    await rolled_back(flow, id, production(asks=False))
    assert (site.live, site.idle) == ("1.0.0", "2.0.0")
    told = next(each for each in flow.world.records if each["action"] == "stage.broken")
    assert told["evidence"]["code"] == "NOTHING_TO_RETURN_TO"


class Away(RampingWorld):
    """The production of `weu` is away for a moment when a rollback begins."""

    def _survey_targets(self, order: Order) -> Answer:
        answer = super()._survey_targets(order)
        if order.get("when") == "before":
            answer.result["sites"]["weu"]["previous"] = ""
        return answer


async def test_a_stage_that_had_switched_nothing_takes_no_silence_for_its_release() -> None:
    """Both sides hold 1.0.0, and the deployment fails."""
    async with Workflow(Away({name: Sides(idle="1.0.0") for name in SITES})) as flow:
        flow.world.crashing.add("2.0.0")
        id = await flow.promote(a_build("2.0.0"), production(asks=False))
        assert (await flow.until_ended(id))["code"] == "DEPLOYMENT_FAILED"
        assert not any("swap-back" in operation for operation in flow.world.effects)


async def test_a_watch_that_could_not_take_it_back_calls_a_person_and_says_that_it_is_over(flow: Workflow) -> None:
    await passed(flow, "2.0.0")
    flow.world.dead = {"2.0.0"}
    for site in flow.world.sites.values():
        site.idle = "somebody's"
    told = await until_told(flow, "watch.unseen")
    assert told["evidence"] == {"calls": True, "code": "NOTHING_TO_RETURN_TO"}
    assert "2.0.0 was not taken back, and is not watched any more" in told["words"]
    await flow.engine.until_idle()
    assert (await flow.lock("production"))["watch"] is None


async def test_a_way_back_that_stopped_half_way_is_gone_on_with_by_the_same_command(flow: Workflow) -> None:
    id = await passed(flow, "2.0.0")
    flow.world.down = {"weu"}
    await rolled_back(flow, id, production(asks=False))
    lock = await flow.lock("production")
    assert lock["broken"] and flow.world.sites["neu"].live == "1.0.0"
    flow.world.down = set()
    await flow.signal("environment", "production--checkout", "lift", {"id": "broken"})
    flow.world.records.clear()
    await rolled_back(flow, id, production(asks=False), "k2")
    await flow.engine.until_idle()
    assert sides(flow) == BACK
    lock = await flow.lock("production")
    assert lock["broken"] is None and lock["live"] is None


async def test_neither_side_answers_for_a_moment_and_the_way_back_is_found_at_the_next_look(flow: Workflow) -> None:
    id = await passed(flow, "2.0.0")
    flow.world.down, since = {"weu"}, flow.clock.now()

    async def comes_back(activity: str, order: dict[str, Any]) -> None:
        if flow.clock.now() - since > timedelta(seconds=25):
            flow.world.down = set()

    flow.world.meanwhile = comes_back
    await rolled_back(flow, id, production(asks=False))
    await flow.engine.until_idle()
    assert sides(flow) == BACK and (await flow.lock("production"))["broken"] is None


class Telling(RampingWorld):
    """Platforms that say themselves what is live, as Container Apps do."""

    def _survey_targets(self, order: Order) -> Answer:
        answer = super()._survey_targets(order)
        for name, site in answer.result["sites"].items():
            site["held"] = self.sites[name].live
        return answer


@pytest.fixture
async def telling() -> AsyncIterator[Workflow]:
    async with Workflow(Telling({name: Sides() for name in SITES})) as workflow:
        yield workflow


async def hotfix(flow: Workflow) -> str:
    return await flow.begin(a_build("2.0.1", finished_at=later(minutes=1)), production(asks=False), token="t2")


async def test_a_hotfix_goes_over_a_release_that_is_down_where_the_platform_says_which_is_live(
    telling: Workflow,
) -> None:
    await passed(telling, "2.0.0", watch_s=0.0)
    telling.world.dead, beside = {"2.0.0"}, set()

    async def checked(activity: str, order: dict[str, Any]) -> None:
        if activity == "check_health" and order["address"] == "http://weu-idle":
            beside.add(order["beside"])

    telling.world.meanwhile = checked
    assert (await telling.until_ended(await hotfix(telling)))["outcome"] == "passed"
    assert beside == {"http://weu"}, "a region in which nothing answers is not the hotfix's fault"
    assert {site.live for site in telling.world.sites.values()} == {"2.0.1"}
    told = next(each for each in telling.world.records[::-1] if each["action"] == "stage.deploying")
    assert "2.0.0 is down on weu, so there is no way back to it" in told["words"]


@pytest.mark.parametrize("comes_back", [False, True], ids=["that stays down", "that comes back meanwhile"])
async def test_a_hotfix_that_is_bad_leaves_the_release_as_it_was(telling: Workflow, comes_back: bool) -> None:
    await passed(telling, "2.0.0", watch_s=0.0)
    telling.world.dead, telling.world.sick_idle = {"2.0.0"}, {"2.0.1"}

    async def meanwhile(activity: str, order: dict[str, Any]) -> None:
        if activity == "check_health" and comes_back:
            telling.world.dead = set()

    telling.world.meanwhile = meanwhile
    output = await telling.until_ended(await hotfix(telling))
    assert (output["outcome"], output["code"]) == ("failed", "UNHEALTHY")
    assert sides(telling) == {("2.0.0", "2.0.1", True)}
    lock = await telling.lock("production")
    assert lock["broken"] is None and lock["live"]["version"] == "2.0.0"


async def test_a_hotfix_that_fails_once_it_is_live_is_not_swapped_for_what_was_down(telling: Workflow) -> None:
    await passed(telling, "2.0.0", watch_s=0.0)
    telling.world.dead, telling.world.sick_live = {"2.0.0"}, {"2.0.1"}
    output = await telling.until_ended(await hotfix(telling))
    assert output["code"] == "ROLLBACK_FAILED"
    assert "2.0.0 was down on weu before 2.0.1 came, so there is none to return to" in output["words"]
    assert (await telling.lock("production"))["broken"]


async def test_a_release_that_is_silent_for_a_moment_keeps_the_way_back_to_it(telling: Workflow) -> None:
    await passed(telling, "2.0.0", watch_s=0.0)
    telling.world.dead, since = {"2.0.0"}, telling.clock.now()
    telling.world.sick_live = {"2.0.1"}

    async def comes_back(activity: str, order: dict[str, Any]) -> None:
        if telling.clock.now() - since > timedelta(seconds=25):
            telling.world.dead = set()

    telling.world.meanwhile = comes_back
    assert (await telling.until_ended(await hotfix(telling)))["code"] == "UNHEALTHY"
    assert {site.live for site in telling.world.sites.values()} == {"2.0.0"}


async def test_a_hotfix_over_what_nobody_knows_is_refused(flow: Workflow) -> None:
    await passed(flow, "2.0.0", watch_s=0.0)
    flow.world.dead = {"2.0.0"}
    assert (await flow.until_ended(await hotfix(flow)))["code"] == "LIVE_UNREADABLE"
    assert (await flow.lock("production"))["broken"] is None


async def test_what_is_down_is_not_taken_for_the_release_where_the_platform_says_another(telling: Workflow) -> None:
    """Somebody put a release of his own live, and it does not answer: nothing is taken back, and no lock is broken."""
    id = await passed(telling, "2.0.0")
    for site in telling.world.sites.values():
        site.live = "3.0.0"
    telling.world.dead = {"3.0.0"}
    await rolled_back(telling, id, production(asks=False))
    told = telling.world.records[-1]
    assert told["evidence"]["code"] == "NOT_LIVE" and "does not serve 2.0.0 any more" in told["words"]
    assert (await telling.lock("production"))["broken"] is None


async def test_the_end_says_why_a_swap_back_was_refused(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production(asks=False))
    await flow.until(lambda: stage_state(flow.world, "production") == "baking")
    flow.world.dead, flow.world.swap_back_fails = {"2.0.0"}, 99
    output = await flow.until_ended(id)
    assert "weu answers nothing; neu answers nothing (tried 3 times)" in output["words"]
    assert "weu is not swapped back: Azure refused the swap" in output["words"]
