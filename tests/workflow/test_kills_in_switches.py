"""The host is killed at seeded points of a blue-green switch and of what follows: the end is the same.

SWITCH_KILLS says how many for each story (`make chaos` has
hundreds), SWITCH_SEED which.
"""

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from slipway.promotion.outcomes import Answer, failed, iso
from tests.promotion.builders import a_build, a_vote
from tests.workflow.kills import Killer, Mortal, same_end_after, to_the_second
from tests.workflow.ramp_world import RampingWorld
from tests.workflow.test_blue_green import ASKED, JUDGED, PROBED, SITES, production
from tests.workflow.virtual import stage_state
from tests.workflow.world import Order, Sides

KILLS = int(os.environ.get("SWITCH_KILLS", "5"))
SEED = os.environ.get("SWITCH_SEED") or "2030"
GOOD, HARM, REFUSED = "a good release", "a release that does harm", "one target that refuses its swap"
DOWN = "a release that is down altogether"


@dataclass
class SwitchingWorld(RampingWorld):
    """`refuses`: the site whose swap to the new release is never taken."""

    refuses: str = ""

    def _swap(self, order: Order) -> Answer:
        if order["target"]["name"] == self.refuses and order["version"] == "2.0.0":
            return failed("SWAP_FAILED", "Azure refused the swap")
        return super()._swap(order)


async def lived(state: Path, killer: Killer, story: str) -> dict[str, Any]:
    """What is left of a release that people let switch on two sites: kept and its old side stopped, or taken back."""
    world = SwitchingWorld({name: Sides() for name in SITES}, keeps_receipts=True)
    world.refuses = "neu" if story == REFUSED else ""
    world.turns_bad = 5.0 if story == HARM else 1.0
    plan = production(JUDGED if story == HARM else PROBED, bake_s=900)
    async with Mortal(world, str(state), killer) as flow:
        id = await flow.begin(a_build("2.0.0"), plan)
        await flow.over_all_kills(lambda: stage_state(world, "production") == ASKED)
        said = {"command": "c1", "stage": "production", "vote": replace(a_vote(), at=flow.clock.now()).dump()}
        await flow.post(f"entities/decisions/{id}", json.dumps({**said, "at": iso(flow.clock.now())}), {"op": "vote"})
        if story == DOWN:
            await flow.over_all_kills(lambda: stage_state(world, "production") == "baking")
            world.dead = {"2.0.0"}
        await flow.over_all_kills(lambda: world.of(id).ended)
        if story == GOOD:
            await flow.over_all_kills(lambda: "watch.over" in {record["action"] for record in world.records})
        await flow.engine.until_idle()
        lock = await flow.lock("production")
    twice = {operation for operation, times in world.effects.items() if times > 1 and ":stop-idle:" not in operation}
    assert not twice, f"had their effect twice: {twice}"  # to stop a side that stands still is to do nothing
    told = sorted((record.get("stage", ""), record["action"], record["words"]) for record in world.records)
    end = {
        "live": {name: (site.live, site.idle, site.idle_stopped) for name, site in world.sites.items()},
        "told": [(stage, action) for stage, action, _ in told],
        "judged": sorted(set(world.watched)),
        "lock": {name: lock[name] for name in ("holder", "queue", "announced", "broken", "watch")},
        "rejected": [each["version"] for each in lock["rejected"]],
        "old side": bool(lock["live"] and lock["live"].get("old_side_stopped")),
    }
    return dict(to_the_second(end))


@pytest.mark.timeout(60 + 10 * KILLS)
@pytest.mark.parametrize("story", [GOOD, HARM, REFUSED, DOWN])
async def test_a_kill_anywhere_changes_nothing_of_the_end_of_a_switch(tmp_path: Path, story: str) -> None:
    end = await same_end_after(
        KILLS, lambda state, killer: lived(state, killer, story), tmp_path, story, SEED, "deploy"
    )
    lives = {name: tuple(sides) for name, sides in end["live"].items()}
    assert set(lives.values()) == ({("2.0.0", "1.0.0", True)} if story == GOOD else {("1.0.0", "2.0.0", True)})
