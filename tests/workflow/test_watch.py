"""A release on watch after its stage, through the real orchestrators, entities, SDK and judge, in virtual time."""

from datetime import timedelta

from tests.promotion.builders import a_build, later
from tests.workflow.test_ramp import flow, live, production, world
from tests.workflow.virtual import Workflow

__all__ = ["flow"]


async def until_watch_ends(flow: Workflow, action: str) -> None:
    await flow.until(lambda: any(each["action"] == action for each in flow.world.records))


async def test_a_proven_release_is_watched_on_and_then_left_alone(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production(watch_s=86_400))
    assert (await flow.until_ended(id))["outcome"] == "passed"
    assert (await flow.lock("production"))["watch"]["version"] == "2.0.0"
    proven = flow.clock.now()
    await until_watch_ends(flow, "watch.over")
    assert flow.clock.now() - proven >= timedelta(days=1)
    assert (await flow.lock("production"))["watch"] is None
    assert live(flow) == {"2.0.0"}


async def test_a_release_that_turns_bad_long_after_its_stage_is_taken_back_and_its_version_rejected(
    flow: Workflow,
) -> None:
    id = await flow.promote(a_build("2.0.0"), production(watch_s=86_400))
    await flow.until_ended(id)
    world(flow).turns_bad = 5.0
    await flow.until(lambda: live(flow) == {"1.0.0"})
    await until_watch_ends(flow, "stage.rolled-back")
    lock = await flow.lock("production")
    assert (lock["holder"], lock["watch"], lock["live"]) == (None, None, None)
    assert [each["version"] for each in lock["rejected"]] == ["2.0.0"]


async def test_a_newer_release_ends_the_watch_of_the_one_before(flow: Workflow) -> None:
    first = await flow.promote(a_build("2.0.0"), production(watch_s=86_400))
    await flow.until_ended(first)
    second = await flow.promote(a_build("2.1.0", finished_at=later(minutes=5)), production(watch_s=86_400))
    await flow.until_ended(second)
    assert (await flow.lock("production"))["watch"]["version"] == "2.1.0"
    found = await flow.status(f"{first}:production:watch:1")
    assert (found["runtimeStatus"], found["output"]) == (
        "Completed",
        {"outcome": "another release has the environment"},
    )


async def test_a_newer_build_that_does_not_stay_leaves_the_watch_to_go_on(flow: Workflow) -> None:
    first = await flow.promote(a_build("2.0.0"), production(watch_s=86_400))
    await flow.until_ended(first)
    watch = f"{first}:production:watch:1"
    world(flow).harm["2.1.0"] = 30.0
    second = await flow.promote(a_build("2.1.0", finished_at=later(minutes=5)), production(watch_s=86_400))
    assert (await flow.until_ended(second))["code"] == "HARM_PROVEN"
    assert (await flow.lock("production"))["watch"]["id"] == watch
    assert (await flow.status(watch))["runtimeStatus"] == "Running"
    seen = len(world(flow).watched)
    world(flow).turns_bad = 5.0
    await flow.until(lambda: len(world(flow).watched) > seen)
    await flow.until(lambda: "watch.harm" in [each["action"] for each in flow.world.records])


async def test_a_watch_that_sees_nothing_calls_a_person_once_and_never_rolls_back(flow: Workflow) -> None:
    id = await flow.promote(a_build("2.0.0"), production(watch_s=14_400))
    await flow.until_ended(id)
    flow.world.broken_checks = True
    await until_watch_ends(flow, "watch.over")
    called = [each for each in flow.world.records if each["action"] == "watch.unseen"]
    assert len(called) == 1 and called[0]["evidence"]["calls"] is True
    assert live(flow) == {"2.0.0"}
