"""What the model found, each as the shortest story that shows it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.workflow.model import Model
from tests.workflow.must_hold import MustHold, check_the_end
from tests.workflow.rough_world import Lag


@pytest.fixture
async def model(tmp_path: Path) -> AsyncIterator[Model]:
    async with Model(str(tmp_path / "hub.sqlite")) as made:
        yield made


async def test_an_abort_at_the_beginning_of_a_second_attempt_leaves_no_broken_lock(model: Model) -> None:
    """The steps of the first attempt are still there, the sites of the second are not yet."""
    model.world.raising["stop_idle"] = 10_000
    build = await model.submit("1.1.0", ["dev"], flaw="sick idle")
    await model.wait(900)
    assert model.world.sites["checkout-dev"].idle == "1.1.0", "what was taken back could not be stopped"
    model.world.away["mirror_environment"] = 3
    assert await model.tell(build, "retry") == 200
    await model.wait(2)
    assert (await model.flow.lock("dev"))["holder"], "it has the lock, and has not looked at its targets"
    assert await model.tell(build, "abort", mark=False) == 200
    await check_the_end(model)
    assert not (await model.flow.lock("dev"))["broken"]


async def test_an_abort_after_a_release_was_proven_does_not_undo_it_without_the_lock(model: Model) -> None:
    """The read model is away when the lock has been given back, and the generation begins again."""
    build = await model.submit("1.1.0")
    await model.until(build, "baking")
    model.world.away["mirror_environment"] = 40
    await model.wait(120)
    assert (await model.flow.lock("dev"))["holder"] is None
    assert await model.tell(build, "abort") == 200, "production is still to come"
    await check_the_end(model)
    assert model.states(build) == ["passed", "cancelled"]
    assert model.world.sites["checkout-dev"].live == "1.1.0"


async def test_a_stage_that_is_terminated_just_after_its_swap_leaves_a_true_ledger(model: Model) -> None:
    build = await model.submit("1.1.0", ["dev"])
    await model.until(build, "rolling out")
    model.world.away["mirror_environment"] = 40
    await model.wait(60)
    assert (await model.flow.lock("dev"))["live"]["version"] == "1.1.0", "said, and not copied yet"
    await model.terminate(f"{build}:dev")
    await check_the_end(model)
    assert model.world.sites["checkout-dev"].live == "1.0.0"


async def test_a_stage_that_is_terminated_while_people_are_asked_is_not_on_its_way_any_more(model: Model) -> None:
    build = await model.submit("1.1.0", ["production"])
    await model.wait(1)
    await model.terminate(f"{build}:production")
    await check_the_end(model)


async def test_a_stage_that_needs_one_that_was_terminated_comes_to_an_end(model: Model) -> None:
    build = await model.submit("1.1.0")
    await model.hold("dev", 30)
    await model.settle()
    await model.terminate(f"{build}:dev")
    await model.wait(24 * 3600)
    await model.janitor()
    await model.wait(3600)
    assert model.world.of(build).ended


async def test_a_lock_that_the_read_model_never_showed_is_swept_once_somebody_asks_for_it(model: Model) -> None:
    model.world.away["mirror_environment"] = 5
    build = await model.submit("1.1.0", ["dev"])
    await model.wait(1)
    assert (await model.flow.lock("dev"))["holder"] and not model.world.environments
    await model.terminate(f"{build}:dev")
    newer = await model.submit("1.2.0", ["dev"], finished=1)
    await check_the_end(model)
    assert model.states(newer) == ["passed"]


async def test_histories_stay_small_when_several_services_are_away_one_after_the_other(model: Model) -> None:
    model.world.away.update(claim_promotion=25, record=25, mirror_environment=25, survey_targets=25)
    await model.submit("1.1.0")
    for _ in range(120):
        await model.wait(60)
        await MustHold(model).when_all_is_quiet()
    await check_the_end(model)


async def test_an_approval_that_is_purged_while_people_are_asked_does_not_stop_its_stage_for_ever(model: Model) -> None:
    """The runtime keeps a generation open as long as a child of it is, so no timer of the stage's own helps."""
    build = await model.submit("1.1.0", ["production"])
    await model.wait(1)
    await model.purge(f"{build}:production:approval:1")
    await check_the_end(model)
    assert model.states(build) == ["broken"]


async def test_a_stage_whose_approval_was_terminated_may_be_retried_and_asks_anew(model: Model) -> None:
    build = await model.submit("1.1.0", ["production"])
    await model.wait(1)
    await model.terminate(f"{build}:production:approval:1")
    await model.wait(60)
    assert await model.tell(build, "retry") == 200
    await model.wait(60)
    assert await model.vote(build, "Alice") == 200
    await check_the_end(model)
    assert model.states(build) == ["passed"]


@pytest.mark.parametrize("how", ["terminate", "purge"])
@pytest.mark.parametrize("state", ["deploying", "rolling out", "baking"])
async def test_a_promotion_that_is_lost_takes_nothing_unproven_further(model: Model, how: str, state: str) -> None:
    build = await model.submit("1.1.0")
    await model.until(build, state)
    await getattr(model, how)(build)
    await check_the_end(model)
    assert model.world.of(build).rows["promotion"]["doc"]["code"] == "PROMOTION_LOST"
    assert model.states(build) == ["cancelled", "cancelled"]
    assert model.world.sites["checkout-dev"].live == "1.0.0"


@pytest.mark.parametrize("how", ["terminate", "purge"])
@pytest.mark.parametrize("state", ["deploying", "rolling out", "rolling back"])
async def test_an_operation_that_is_lost_ends_its_stage(model: Model, how: str, state: str) -> None:
    build = await model.submit("1.1.0", ["dev"], flaw="sick live")
    await model.until(build, state)
    while not (at_work := model.running("operation")):
        await model.turns(1)
    await getattr(model, how)(at_work[0])
    await check_the_end(model)


@pytest.mark.parametrize("how", ["terminate", "purge"])
async def test_a_rollback_that_is_lost_leaves_nothing_unsaid(model: Model, how: str) -> None:
    build = await model.submit("1.1.0", ["dev"], flaw="sick live")
    await model.until(build, "rolling back")
    while not (at_work := model.running("rollback")):
        await model.turns(1)
    await getattr(model, how)(at_work[0])
    await check_the_end(model)
    assert model.states(build) == ["broken"]


async def test_a_decision_whose_nudges_were_lost_is_heard_at_the_next_look(model: Model) -> None:
    """Whoever took the decision died before he woke those who wait for it."""
    build = await model.submit("1.1.0", ["production"])
    await model.wait(1)
    await model.janitor()
    await model.settle()
    model.flow.nudges = "lost"
    assert await model.vote(build, "Alice") == 200
    model.flow.nudges = "arrive"
    await model.wait(60)
    assert model.states(build) == ["waiting for approval"]
    await model.janitor()
    await model.settle()
    assert model.states(build) != ["waiting for approval"]
    await check_the_end(model)


@pytest.mark.parametrize("command", ["abort", "pause"])
async def test_a_stage_that_is_stopped_before_it_hears_that_it_has_the_lock_gives_it_back(
    model: Model, command: str
) -> None:
    """The read model is away when the lock is granted, and the generation begins again with the question whether to
    go on."""
    model.world.away["mirror_environment"] = 12
    build = await model.submit("1.1.0", ["dev"])
    await model.wait(1)
    assert (await model.flow.lock("dev"))["holder"]
    assert await model.tell(build, command) == 200
    await model.wait(1000)
    assert not (await model.flow.lock("dev"))["holder"]
    assert not model.world.environments["dev--checkout"]["holder"]
    await check_the_end(model)


async def test_a_stage_that_is_terminated_while_it_says_that_it_is_not_retried_has_a_true_row(model: Model) -> None:
    build = await model.submit("1.1.0", ["dev"], flaw="sick idle")
    await model.wait(7000)
    model.world.away["record"] = 40
    await model.wait(1000)
    await model.terminate(f"{build}:dev")
    await check_the_end(model)


async def test_a_promotion_may_be_closed_while_a_stage_says_that_it_is_not_retried(model: Model) -> None:
    build = await model.submit("1.1.0", ["dev"], flaw="sick idle")
    await model.wait(600)
    await model.terminate(build)
    model.world.away["record"] = 40
    await check_the_end(model)


async def test_a_build_that_is_refused_leaves_no_word_of_itself_in_the_copy_of_the_lock(model: Model) -> None:
    """Another one that has come to its end meanwhile has copied the lock with it in."""
    older = await model.submit("1.1.0", ["production"])
    await model.wait(1)
    assert await model.vote(older, "Alice") == 200
    newer = await model.submit("1.2.0", ["production"], finished=60)
    await model.wait(3600)
    assert (model.states(older), model.states(newer)) == (["passed"], ["waiting for approval"])
    assert model.world.environments["production--checkout"]["announced"]
    assert await model.vote(newer, "Alice", "reject") == 200
    await check_the_end(model)


async def test_a_stage_that_an_operator_has_suspended_is_left_alone_however_long_it_rests(model: Model) -> None:
    build = await model.submit("1.1.0", ["dev"])
    await model.until(build, "baking")
    await model.suspend(f"{build}:dev")
    for _ in range(30):
        await model.wait(600)
        await model.janitor()
        await model.settle()
    assert (await model.flow.status(f"{build}:dev"))["runtimeStatus"] == "Suspended"
    assert (await model.flow.lock("dev"))["holder"]["promotion"] == build
    assert model.world.sites["checkout-dev"].live == "1.1.0"
    await model.suspend(f"{build}:dev", resume=True)
    await check_the_end(model)
    assert model.states(build) == ["passed"]


async def test_an_approval_that_an_operator_has_suspended_is_left_alone_however_long_it_rests(model: Model) -> None:
    build = await model.submit("1.1.0", ["production"])
    await model.wait(1)
    approval = f"{build}:production:approval:1"
    await model.suspend(approval)
    for _ in range(30):
        await model.wait(600)
        await model.janitor()
    assert (await model.flow.status(approval))["runtimeStatus"] == "Suspended"
    await model.suspend(approval, resume=True)
    await check_the_end(model)
    row = model.world.of(build).rows["stage:production"]["doc"]
    assert (row["state"], row["code"]) == ("cancelled", "APPROVAL_EXPIRED"), "not lost: it has its own end"


async def test_a_promotion_whose_last_step_is_half_an_hour_behind_is_left_to_itself(model: Model) -> None:
    """A burst of thousands of builds keeps the runtime busy for minutes with what is long decided."""
    build = await model.submit("1.1.0", ["dev"])
    await model.until(build, "passed")
    model.world.lags["record"] = [Lag("before", 1800)]
    for _ in range(10):
        await model.wait(120)
        await model.janitor()
    assert build not in model.lost
    await check_the_end(model)
    assert model.states(build) == ["passed"]
