"""A ramp whose flag somebody edits: what people may say meanwhile, and how it ends, in virtual time."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from slipway.promotion.canary_plan import PROMOTE, STAY, WITHDRAW, CanaryPlan
from slipway.promotion.flags.document import with_share
from slipway.promotion.flags.setting import FlagSetting
from tests.promotion.builders import a_build
from tests.workflow.flag_world import FlagWorld
from tests.workflow.test_flag_comparison import comparing
from tests.workflow.test_flag_ramp import LABEL, NAME, PLAN, SITES, at_share, live, move, production, world
from tests.workflow.virtual import Workflow
from tests.workflow.world import Sides

EDITED = "somebody else changed the flag new-checkout (production)"


@pytest.fixture
async def flow() -> AsyncIterator[Workflow]:
    async with Workflow(FlagWorld({name: Sides() for name in SITES})) as workflow:
        yield workflow


def flag(flow: Workflow) -> FlagSetting:
    found = world(flow).flag
    assert found is not None
    return found


def edit(flow: Workflow, share: float = 0.6) -> None:
    world(flow).flags.changed_by_somebody(NAME, LABEL, with_share(flag(flow).document, share))


async def edited(flow: Workflow, plan: CanaryPlan, share: float = 0.6, at: float = 0.25) -> tuple[str, FlagSetting]:
    """A promotion whose ramp has seen the edit, and the flag before it."""
    id = await flow.promote(a_build("2.0.0"), production(plan))
    await at_share(flow, at)
    ours = flag(flow)
    edit(flow, share)
    await flow.until(lambda: move(flow).get("code") == "FLAG_CHANGED")
    return id, ours


async def answered(flow: Workflow, id: str, word: str, key: str = "k1") -> dict[str, Any]:
    """As the API answers it."""
    await flow.command(id, word, key, stage="production")
    answer: dict[str, Any] = (await flow.entity("decisions", id))["answers"][key]
    return answer


async def passes(flow: Workflow, minutes: float) -> None:
    over = flow.clock.now() + timedelta(minutes=minutes)
    await flow.until(lambda: flow.clock.now() >= over)


@pytest.mark.parametrize("share", [0.6, 1.0])
async def test_more_is_refused_while_the_flag_is_edited_and_taken_once_it_is_put_back(
    flow: Workflow, share: float
) -> None:
    id, ours = await edited(flow, PLAN, share)
    await passes(flow, 1)
    for number, word in enumerate(("promote", "advance")):
        refused = await answered(flow, id, word, f"k{number}")
        assert (refused["status"], refused["code"]) == (409, "FLAG_CHANGED")
        assert f"put it back as it was and say {word} again" in refused["words"] and EDITED in refused["words"]
    assert flag(flow).share == share
    world(flow).flags.changed_by_somebody(NAME, LABEL, ours.document)
    await flow.until(lambda: move(flow)["code"] != "FLAG_CHANGED")
    await passes(flow, 1)
    assert (await answered(flow, id, "promote", "k3"))["status"] == 200
    output = await flow.until_ended(id)
    assert output["outcome"] == "passed" and flag(flow).share == 1.0


@pytest.mark.parametrize(("word", "told"), [("promote", False), ("advance", False), ("promote", True)])
async def test_a_word_that_was_said_before_the_edit_was_seen_is_not_followed_and_that_is_told(
    flow: Workflow, word: str, told: bool
) -> None:
    id = await flow.promote(a_build("2.0.0"), production())
    await at_share(flow, 0.25)
    edit(flow)
    if told:  # of the edit, and whoever hears people is told with the next look
        await flow.until(lambda: move(flow).get("code") == "FLAG_CHANGED")
    assert (await answered(flow, id, word))["status"] == 200
    await flow.until(lambda: "not followed" in move(flow).get("words", ""))
    assert f"Alice says {word}: that is not followed, say it again once the flag is put back" in move(flow)["words"]
    assert flag(flow).share == 0.6
    await answered(flow, id, "rollback", "k2")
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("failed", "TAKEN_BACK") and not flag(flow).share
    assert EDITED in output["words"] and "60.0% of the users, which is written over" in output["words"]


@pytest.mark.parametrize("at_deadline", [WITHDRAW, PROMOTE])
async def test_an_edit_that_nobody_takes_back_ends_at_the_deadline_and_the_end_names_it(
    flow: Workflow, at_deadline: str
) -> None:
    id, _ = await edited(flow, replace(PLAN, within_s=1200, at_deadline=at_deadline))
    output = await flow.until_ended(id)
    assert (output["outcome"], output["code"]) == ("not enough evidence", "RAMP_TIME_OVER")
    assert not flag(flow).share and live(flow) == {"2.0.0"}
    assert EDITED in output["words"] and "60.0% of the users, which is written over" in output["words"]
    assert "does not write over" not in output["words"] and "nothing is written over" not in output["words"]


async def test_a_pipeline_that_leaves_the_deadline_to_a_person_leaves_them_the_way_back(flow: Workflow) -> None:
    id, _ = await edited(flow, replace(PLAN, within_s=1200, at_deadline=STAY))
    await flow.until(lambda: move(flow)["code"] == "RAMP_TIME_OVER")
    await passes(flow, 2)
    assert flag(flow).share == 0.6 and (await answered(flow, id, "promote"))["code"] == "FLAG_CHANGED"
    await answered(flow, id, "rollback", "k2")
    output = await flow.until_ended(id)
    assert output["code"] == "TAKEN_BACK" and "which is written over" in output["words"] and not flag(flow).share


async def test_nobody_ends_a_comparison_over_somebodys_edit(flow: Workflow) -> None:
    world(flow).per_tick = 30_000
    id = await flow.promote(a_build("2.0.0"), production(comparing()))
    await flow.until(lambda: bool(world(flow).looks))
    edit(flow)
    await flow.until(lambda: move(flow)["code"] == "FLAG_CHANGED")
    await passes(flow, 61)
    assert (await answered(flow, id, "promote"))["code"] == "FLAG_CHANGED" and flag(flow).share == 0.6
    output = await flow.until_ended(id)
    assert output["code"] == "COMPARISON_TIME_OVER" and not flag(flow).share
    assert f"time was over while nothing could be decided: {EDITED}" in output["words"]
    assert "60.0% of the users, which is written over" in output["words"]


async def test_an_edit_just_before_everybody_gets_the_flag_is_written_over_and_named_as_such(flow: Workflow) -> None:
    async def meddles(activity: str, order: dict[str, Any]) -> None:
        if activity == "split" and order["operation"].endswith("flag-on:1"):
            edit(flow, 0.4)

    flow.world.meanwhile = meddles
    output = await flow.until_ended(await flow.promote(a_build("2.0.0"), production()))
    assert output["code"] == "FLAG_CHANGED" and not flag(flow).share
    assert "40.0% of the users, which is written over" in output["words"]
    assert "does not write over" not in output["words"]
