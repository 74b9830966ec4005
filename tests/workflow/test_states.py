"""Every transition of a stage, in the shortest story that shows it. Those of the other tables: `test_transitions`."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from slipway.promotion import stage_run as phase
from slipway.promotion.approval import REJECT
from slipway.promotion.commands import LONGEST_PAUSE
from slipway.promotion.stage_run import StageRun
from slipway.promotion.transitions import STAGE, Transition
from tests.workflow.model import Model
from tests.workflow.must_hold import check_the_end
from tests.workflow.rough_world import Fence, Lag

pytestmark = pytest.mark.filterwarnings("ignore")

Told = Callable[[Model], Awaitable[None]]
STORIES: list[tuple[Told, set[str]]] = []
NOT_TOLD = {each: "a bug leads there, no story; `after_error` has a test of its own" for each in STAGE.transitions
            if each.event == "error"}  # fmt: skip


def named(each: Transition) -> str:
    return ": ".join(filter(None, (each.state, each.event, each.answer)))


def shows(*transitions: str) -> Callable[[Told], Told]:
    def kept(story: Told) -> Told:
        STORIES.append((story, set(transitions)))
        return story

    return kept


def test_every_transition_is_told_or_named() -> None:
    told = set().union(*(shown for _, shown in STORIES))
    assert told == {named(each) for each in STAGE.transitions - NOT_TOLD.keys()}


@pytest.mark.parametrize(("story", "shown"), STORIES, ids=[story.__name__ for story, _ in STORIES])
async def test_the_story_of(story: Told, shown: set[str], tmp_path: Path) -> None:
    async with Model(str(tmp_path / "hub.sqlite")) as model:
        await story(model)
        await check_the_end(model)
        assert not shown - {named(each) for each in model.flow.seen["stage"]}
        assert not model.flow.seen["stage"] - STAGE.transitions


CHAIN = [phase.LOCK, phase.DEPLOY, phase.ROLL_OUT, phase.VERIFY_LIVE, phase.BAKE, phase.SETTLE]


@shows(
    *(f"{each}: passed" for each in (*CHAIN, phase.APPROVAL)),
    "verify: passed: without a ramp",
    "needs: passed: nobody is asked",
    "needs: passed: people are asked",
    "needs: waits",
    "bake: waits",
    "report: passed: final",
)
async def a_good_build(model: Model) -> None:
    build = await model.submit("1.1.0", load=True)
    await model.until(build, "waiting for approval", "production")
    assert await model.vote(build, "Alice") == 200


@shows("deploy: failed", "undo: passed", "report: passed: may be retried", "retry: waits", "retry: not retried")
async def a_package_that_crashes(model: Model) -> None:
    await model.submit("1.1.0", flaw="crashing")


@shows("needs: need not passed")
async def a_need_that_fails_for_good(model: Model) -> None:
    await model.submit("1.1.0", flaw="sick idle")


@shows("verify: failed", "retry: retry")
async def a_retry(model: Model) -> None:
    build = await model.submit("1.1.0", ["dev"], flaw="bad load", load=True)
    await model.until(build, "failed")
    await model.settle()  # the row says so a moment before the decisions know it
    model.world.flaws.clear()
    assert await model.tell(build, "retry") == 200


@shows("roll out: failed")
async def a_swap_that_is_refused(model: Model) -> None:
    model.world.refused_swaps = 1
    await model.submit("1.1.0", ["dev"])


@shows("verify live: failed")
async def a_release_that_is_sick_once_it_is_live(model: Model) -> None:
    await model.submit("1.1.0", ["dev"], flaw="sick live")


@shows("bake: failed")
async def a_release_that_turns_sick(model: Model) -> None:
    await model.submit("1.1.0", ["dev"], flaw="sick later")


@shows("approval: rejected")
async def a_no(model: Model) -> None:
    build = await model.submit("1.1.0", ["production"])
    await model.wait(1)
    assert await model.vote(build, "Alice", REJECT) == 200


@shows("approval: expired", "retry: retry: people are asked anew")
async def a_build_that_nobody_minds(model: Model) -> None:
    build = await model.submit("1.1.0", ["production"])
    await model.until(build, "cancelled", "production")
    await model.settle()
    assert await model.tell(build, "retry") == 200


@shows("approval: overtaken")
async def a_newer_build_while_people_are_asked(model: Model) -> None:
    await model.submit("1.1.0", ["production"], mode="supersede")
    await model.wait(1)
    await model.submit("1.2.0", ["production"], mode="supersede", finished=1)


@shows("lock: overtaken", "lock: waits")
async def a_newer_build_while_one_waits_for_the_lock(model: Model) -> None:
    await model.submit("1.1.0", ["dev"])
    await model.wait(1)
    await model.submit("1.2.0", ["dev"], mode="supersede", finished=1)
    await model.wait(1)
    await model.submit("1.3.0", ["dev"], mode="supersede", finished=2)


@shows("lock: behind")
async def an_older_build(model: Model) -> None:
    await model.submit("1.2.0", ["dev"], finished=1)
    await model.wait(600)
    await model.submit("1.1.0", ["dev"])


@shows("lock: expired")
async def a_long_hold(model: Model) -> None:
    await model.hold("dev", 90)
    await model.wait(1)
    await model.submit("1.1.0", ["dev"])


@shows("lock: rejected", "retry: retry", "lock: passed")
async def a_version_that_did_harm_before(model: Model) -> None:
    await model.reject("dev", "1.1.0")
    build = await model.submit("1.1.0", ["dev"])
    await model.until(build, "cancelled")
    await model.settle()
    assert await model.tell(build, "retry") == 200
    await model.settle()
    assert model.states(build) == ["cancelled"]
    await model.lift("dev", "rejected-1.1.0")
    await model.settle()
    assert await model.tell(build, "retry") == 200
    await model.until(build, "passed")


@shows("needs: expired")
async def a_pause_that_nobody_ends(model: Model) -> None:
    build = await model.submit("1.1.0", ["production"])
    assert await model.tell(build, "pause", ago_s=LONGEST_PAUSE.total_seconds() - 3600) == 200
    await model.wait(7200)


@shows("undo: broken", "shut: passed", "lock: lock broken")
async def a_first_release_that_fails(model: Model) -> None:
    model.nothing_is_live("dev")
    await model.submit("1.1.0", ["dev"], flaw="sick live")
    await model.wait(600)
    await model.submit("1.2.0", ["dev"], finished=1)


async def abort_in(model: Model, state: str, *, mark: bool = True) -> None:
    build = await model.submit("1.1.0", ["dev"], load=True)
    await model.until(build, state)
    assert await model.tell(build, "abort", mark=mark) == 200


@shows("needs: aborted")
async def an_abort_before_it_begins(model: Model) -> None:
    build = await model.submit("1.1.0", flaw="sick idle")
    await model.until(build, "failed")
    assert await model.tell(build, "abort") == 200


@shows("approval: aborted")
async def an_abort_while_people_are_asked(model: Model) -> None:
    build = await model.submit("1.1.0", ["production"])
    await model.wait(1)
    assert await model.tell(build, "abort") == 200


@shows("lock: aborted")
async def an_abort_while_it_waits_for_the_lock(model: Model) -> None:
    await model.hold("dev", 30)
    await model.wait(1)
    await abort_in(model, "waiting for the lock")


@shows("deploy: aborted")
async def an_abort_while_deploying(model: Model) -> None:
    await abort_in(model, "deploying")


@shows("verify: aborted")
async def an_abort_while_verifying(model: Model) -> None:
    await abort_in(model, "verifying")


@shows("roll out: aborted")
async def an_abort_while_swapping(model: Model) -> None:
    await abort_in(model, "rolling out")


@shows("verify live: aborted")
async def an_abort_while_verifying_live(model: Model) -> None:
    await abort_in(model, "verifying live")


@shows("bake: aborted")
async def an_abort_while_baking(model: Model) -> None:
    await abort_in(model, "baking")


@shows("settle: aborted")
async def an_abort_in_the_last_look(model: Model) -> None:
    build = await model.submit("1.1.0", ["dev"])
    await model.until(build, "baking")
    await model.wait(31)
    model.world.lags["look_at_live"] = [Lag("after", 10)]
    await model.wait(32)
    assert await model.tell(build, "abort", mark=False) == 200


@shows("deploy: broken")
async def targets_that_cannot_be_read(model: Model) -> None:
    model.world.unreadable = True
    await model.submit("1.1.0", ["dev"])


@shows("verify: broken", "verify: waits")
async def checks_that_cannot_be_run(model: Model) -> None:
    model.world.broken_checks = True
    await model.submit("1.1.0", ["dev"])


@shows("verify: not enough evidence")
async def a_load_that_is_never_measured(model: Model) -> None:
    model.world.late_driver_times = 99
    await model.submit("1.1.0", ["dev"], load=True)


@shows("roll out: broken")
async def a_worker_that_never_swaps(model: Model) -> None:
    model.world.raising["swap"] = 1_000
    await model.submit("1.1.0", ["dev"])


@shows("verify live: broken", "verify live: waits")
async def a_release_that_cannot_be_seen_live(model: Model) -> None:
    build = await model.submit("1.1.0", ["dev"])
    await model.until(build, "verifying live")
    model.world.broken_checks = True


@shows("bake: not enough evidence")
async def a_release_that_cannot_be_seen_for_long(model: Model) -> None:
    build = await model.submit("1.1.0", ["dev"])
    await model.until(build, "baking")
    model.world.broken_checks = True


@shows("deploy: fenced")
async def a_deployment_that_somebody_took_over(model: Model) -> None:
    model.world.fences["checkout-dev"] = Fence(9, model.now)
    await model.submit("1.1.0", ["dev"])


@shows("roll out: fenced")
async def a_swap_that_somebody_took_over(model: Model) -> None:
    build = await model.submit("1.1.0", ["dev"])
    await model.until(build, "verifying")
    model.world.fences["checkout-dev"] = Fence(9, model.now)


@shows("lock: passed: to go back", "go back: passed")
async def a_release_that_is_taken_back(model: Model) -> None:
    build = await model.submit("1.1.0", ["dev"])
    await model.wait(600)
    assert await model.roll_back(build, "dev")


@shows("go back: broken")
async def a_release_whose_predecessor_is_gone(model: Model) -> None:
    build = await model.submit("1.1.0", ["dev"])
    await model.wait(600)
    model.touched.add("dev")
    model.world.sites["checkout-dev"].idle = "0.9.0"
    assert await model.roll_back(build, "dev")


@shows("go back: not live", "go back: waits")
async def a_release_that_somebody_else_took_away(model: Model) -> None:
    build = await model.submit("1.1.0", ["dev"])
    await model.wait(600)
    model.touched.add("dev")
    model.world.sites["checkout-dev"].live = "0.9.0"
    model.world.away["survey_targets"] = 40
    assert await model.roll_back(build, "dev")


@shows("sweep: passed: taken over", "sweep: passed: over already", "sweep: waits")
async def a_stage_that_somebody_terminates(model: Model) -> None:
    build = await model.submit("1.1.0", ["dev"])
    await model.until(build, "baking")
    await model.terminate(f"{build}:dev")
    model.world.away["mirror_environment"] = AWAY
    await model.janitor()
    await model.wait(2 * 3600)
    run = StageRun.load(json.loads(json.loads(model.flow.engine._store.instance(f"{build}:dev").input)))
    late = run.sweeping(f"{build}:dev:sweep2")
    await model.flow.post(f"orchestrators/stage/{late.instance}", json.dumps(late.dump()))


@shows("sweep: passed: taken over from who was purged")
async def a_stage_that_somebody_purges(model: Model) -> None:
    build = await model.submit("1.1.0", ["dev"])
    await model.until(build, "baking")
    await model.purge(f"{build}:dev")


@shows("sweep: passed: held no lock")
async def a_stage_that_somebody_terminates_before_it_has_the_lock(model: Model) -> None:
    build = await model.submit("1.1.0", ["production"])
    await model.wait(1)
    await model.terminate(f"{build}:production")


@shows("approval: broken")
async def an_approval_that_somebody_terminates(model: Model) -> None:
    build = await model.submit("1.1.0", ["production"])
    await model.wait(1)
    await model.terminate(f"{build}:production:approval:1")


AWAY = 40  # times: more than a generation insists


async def away_in(model: Model, state: str, activity: str, flaw: str = "") -> None:
    build = await model.submit("1.1.0", ["dev"], flaw=flaw)
    await model.until(build, state)
    model.world.away[activity] = AWAY


@shows("approval: waits")
async def an_audit_that_is_away_while_people_are_to_be_asked(model: Model) -> None:
    build = await model.submit("1.1.0")
    await model.until(build, "passed")
    model.world.away["record"] = AWAY


@shows("deploy: waits")
async def targets_that_are_away_before_the_deployment(model: Model) -> None:
    model.world.away["survey_targets"] = AWAY
    await model.submit("1.1.0", ["dev"])


@shows("roll out: waits")
async def a_read_model_that_is_away_after_the_swap(model: Model) -> None:
    await away_in(model, "rolling out", "mirror_environment")


@shows("report: waits")
async def an_audit_that_is_away_at_the_end(model: Model) -> None:
    await away_in(model, "baking", "record")


@shows("undo: waits")
async def an_audit_that_is_away_before_the_rollback(model: Model) -> None:
    await away_in(model, "baking", "record", flaw="sick later")


async def ramping(model: Model, flaw: str = "", ramp: str = "quick") -> str:
    """A build whose release has its first share of production's traffic."""
    build = await model.submit("1.1.0", ["production"], flaw=flaw, ramp=ramp, at_least=0)
    await model.until(build, "ramping", "production")
    while not any(model.world.shares.values()):
        await model.wait(5)
    return build


@shows("verify: passed", "ramp: passed")
async def a_good_build_that_ramps(model: Model) -> None:
    await ramping(model)


@shows("ramp: failed")
async def a_release_that_does_harm(model: Model) -> None:
    await ramping(model, "harmful")


@shows("ramp: not enough evidence")
async def a_ramp_that_sees_nothing_any_more(model: Model) -> None:
    await ramping(model)
    model.world.no_telemetry = True


@shows("ramp: aborted")
async def an_abort_while_it_ramps(model: Model) -> None:
    build = await ramping(model)
    assert await model.tell(build, "abort", mark=False) == 200


@shows("ramp: expired")
async def a_pause_of_a_ramp_that_nobody_ends(model: Model) -> None:
    build = await ramping(model, ramp="stays")
    assert await model.tell(build, "pause", ago_s=LONGEST_PAUSE.total_seconds() - 60) == 200
    await model.wait(120)


@shows("ramp: broken")
async def a_router_that_takes_nothing(model: Model) -> None:
    model.world.refused_splits = 99
    await model.submit("1.1.0", ["production"], ramp="quick", at_least=0)


@shows("ramp: fenced")
async def a_router_that_somebody_took_over(model: Model) -> None:
    await ramping(model)
    model.world.fences["weu"] = Fence(9, model.now)


@shows("ramp: waits")
async def an_audit_that_is_away_when_the_ramp_begins(model: Model) -> None:
    build = await model.submit("1.1.0", ["production"], ramp="quick", at_least=0)
    await model.until(build, "verifying", "production")
    model.world.away["record"] = AWAY
