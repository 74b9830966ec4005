"""The host is killed at seeded points of a change that goes from ring to ring, and of its way back: the end is the
same.

RING_KILLS says how many for each story (`make chaos` has hundreds), RING_SEED
which.
"""

import os
from pathlib import Path
from typing import Any

import pytest

from slipway.promotion.rings import ROLL_BACK_ALL
from tests.promotion.builders import a_build
from tests.workflow.kills import Killer, Mortal, same_end_after, to_the_second
from tests.workflow.ramp_world import RampingWorld
from tests.workflow.test_rings import FIRST, GATE, SECOND, SITES, THIRD, rings, sick_when_live_on
from tests.workflow.world import Sides

KILLS = int(os.environ.get("RING_KILLS", "5"))
SEED = os.environ.get("RING_SEED") or "2031"


async def lived(state: Path, killer: Killer, bad: str) -> dict[str, Any]:
    """What is left of a release that goes through three rings, the second in parts and all by region, and is well, or
    turns bad in the last one."""
    world = RampingWorld({name: Sides() for name in SITES}, keeps_receipts=True)
    async with Mortal(world, str(state), killer) as flow:
        if bad:
            world.meanwhile = sick_when_live_on(flow, bad)
        id = await flow.begin(a_build("2.0.0"), *rings(ROLL_BACK_ALL, GATE, max_parallel=2, bake_s=60))
        await flow.over_all_kills(lambda: world.of(id).ended)
        locks = {name: await flow.lock(name) for name in (FIRST, SECOND, THIRD)}
        output = (await flow.status(id))["output"]
    told = {record["id"]: (record.get("stage", ""), record["action"], record["words"]) for record in world.records}
    kept = ("holder", "queue", "broken", "live", "rejected", "watch")
    end = {
        "live": {name: (site.live, site.idle) for name, site in world.sites.items()},
        "told": sorted(told.values()),
        "locks": {stage: {name: lock[name] for name in kept} for stage, lock in locks.items()},
        "output": output,
    }
    return {name: to_the_second(each) for name, each in end.items()}


@pytest.mark.timeout(60 + 10 * KILLS)
@pytest.mark.parametrize(("story", "bad"), [("a good release", ""), ("one that turns bad in the last ring", "contoso")])
async def test_a_kill_anywhere_changes_nothing_of_the_end(tmp_path: Path, story: str, bad: str) -> None:
    end = await same_end_after(KILLS, lambda state, killer: lived(state, killer, bad), tmp_path, story, SEED)
    assert end["output"]["outcome"] == ("failed" if bad else "passed")
