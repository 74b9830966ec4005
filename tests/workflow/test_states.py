"""Every transition of a stage, in the shortest story that shows it. Those of the other tables: `test_transitions`."""

from pathlib import Path

import pytest

from slipway.promotion.machine import Transition
from slipway.promotion.stage_phases import BAKE, GATES, GATES_AT_LOCK, GATES_AT_SWITCH, MIGRATE, SWITCH_GATES
from slipway.promotion.stage_transitions import STAGE
from tests.workflow import stories_of_builds, stories_of_rings, stories_of_switches, stories_of_troubles
from tests.workflow.model import Model
from tests.workflow.must_hold import check_the_end
from tests.workflow.told import STORIES, Told

pytestmark = pytest.mark.filterwarnings("ignore")

OF_GATES = (GATES, GATES_AT_LOCK, SWITCH_GATES, GATES_AT_SWITCH)
TOLD_IN = (stories_of_builds, stories_of_rings, stories_of_troubles, stories_of_switches)
NOT_TOLD = {each: "a bug leads there, no story; `after_error` has a test of its own" for each in STAGE.transitions
            if each.event == "error"}  # fmt: skip
NOT_TOLD |= {each: "flags have a world of their own: `test_flag_ramp`" for each in STAGE.transitions
             if each.answer in ("to ramp its flag", "of its flag")}  # fmt: skip
NOT_TOLD |= {each: "databases have a world of their own: `test_migrations`" for each in STAGE.transitions
             if each.state == MIGRATE or each.answer == "to migrate" or each.event == "beyond the schema"}  # fmt: skip
NOT_TOLD |= {each: "a Front Door has a world of its own: `test_regions_again`" for each in STAGE.transitions
             if each.answer == "of a Front Door, by region"}  # fmt: skip
NOT_TOLD |= {each: "gates have a world of their own: `test_gates`" for each in STAGE.transitions
             if {each.state, each.to} & set(OF_GATES)}  # fmt: skip
NOT_TOLD |= {each: "the model's first ring keeps no old side: `test_rings_left`" for each in STAGE.transitions
             if (each.state, each.to) == ("ready old side", "shut")}  # fmt: skip
NOT_TOLD |= {each: "settings have a world of their own: `test_settings_before_users`" for each in STAGE.transitions
             if (each.state, each.event) == (BAKE, "broken")}  # fmt: skip
NOT_TOLD |= {each: "what approvals are sealed to has a world of its own: `test_approvals`" for each in STAGE.transitions
             if each.event == "void" or (each.state, each.event) == ("approval", "behind")}  # fmt: skip
NOT_TOLD |= {each: "what people and calendars say has tests of its own: `test_intents`" for each in STAGE.transitions
             if each.event == "recalled"}  # fmt: skip


def named(each: Transition) -> str:
    return ": ".join(filter(None, (each.state, each.event, each.answer)))


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
