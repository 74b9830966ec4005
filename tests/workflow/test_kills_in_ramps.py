"""The host is killed at seeded points of a ramp, of its rollback, and of what follows: the end is the same.

RAMP_KILLS says how many for each story (`make chaos` has hundreds), RAMP_SEED which. That an activity which is repeated
has its effect once is its own promise, kept and tried elsewhere (`activities/once.py`, tests/chaos).
"""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.promotion.builders import a_build
from tests.workflow.kills import Killer, Mortal, same_end_after, to_the_second
from tests.workflow.ramp_world import RampingWorld
from tests.workflow.test_ramp import SITES, production
from tests.workflow.world import Sides

KILLS = int(os.environ.get("RAMP_KILLS", "5"))
SEED = os.environ.get("RAMP_SEED") or "2029"
HARM = 5.0


async def lived(state: Path, killer: Killer, harm: float) -> dict[str, Any]:
    """What is left of a release that ramps on two sites, bakes and is watched for two hours, or does harm."""
    world = RampingWorld({name: Sides() for name in SITES}, keeps_receipts=True, harm={"2.0.0": harm})
    async with Mortal(world, str(state), killer) as flow:
        id = await flow.begin(a_build("2.0.0"), production(bake_s=300, watch_s=7200))
        await flow.over_all_kills(lambda: world.of(id).ended)
        if harm == 1:
            await flow.over_all_kills(lambda: "watch.over" in {record["action"] for record in world.records})
        lock = await flow.lock("production")
    told = {record["id"]: (record.get("stage", ""), record["action"], record["words"]) for record in world.records}
    end = {
        "live": {name: (site.live, site.idle) for name, site in world.sites.items()},
        "shares": world.shares,
        "most": world.most,
        "told": sorted(told.values()),
        "judged": sorted(set(world.judged)),
        "lock": {name: lock[name] for name in ("holder", "queue", "broken", "live", "rejected", "watch")},
    }
    return {name: to_the_second(each) for name, each in end.items()}


@pytest.mark.timeout(60 + 10 * KILLS)
@pytest.mark.parametrize(("story", "harm"), [("a good release", 1.0), ("a release that does harm", HARM)])
async def test_a_kill_anywhere_changes_nothing_of_the_end(tmp_path: Path, story: str, harm: float) -> None:
    await same_end_after(KILLS, lambda state, killer: lived(state, killer, harm), tmp_path, story, SEED, "begin_ramp")
