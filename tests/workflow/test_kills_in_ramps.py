"""The host is killed at seeded points of a ramp, of its rollback, and of what follows: the end is the same.

A point is an activity: killed before it has had its effect, or after that and before anybody heard of it. RAMP_KILLS
says how many for each story (`make chaos` has hundreds), RAMP_SEED which. That an activity which is repeated has its
effect once is its own promise, kept and tried elsewhere (`activities/once.py`, tests/chaos).
"""

import asyncio
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.promotion.builders import a_build
from tests.workflow.ramp_world import RampingWorld
from tests.workflow.test_ramp import SITES, production
from tests.workflow.virtual import Workflow, WorldFunctions
from tests.workflow.world import Sides

KILLS = int(os.environ.get("RAMP_KILLS", "5"))
SEED = os.environ.get("RAMP_SEED") or "2029"
HARM = 5.0


@dataclass
class Killer:
    """Keeps what activities were `seen`, and kills at the one with the number `at`."""

    at: int = 0
    after: bool = False
    seen: list[str] = field(default_factory=list)
    struck: asyncio.Event = field(default_factory=asyncio.Event)

    async def strikes(self, after: bool) -> None:
        if len(self.seen) == self.at and after == self.after and not self.struck.is_set():
            self.struck.set()
            await asyncio.get_running_loop().create_future()  # it goes with its process


class Killed(WorldFunctions):
    def __init__(self, world: RampingWorld, killer: Killer) -> None:
        super().__init__(world)
        self._killer = killer

    async def run_activity(self, name: str, instance_id: str, input_json: str) -> str:
        self._killer.seen.append(name)
        await self._killer.strikes(after=False)
        answer = await super().run_activity(name, instance_id, input_json)
        await self._killer.strikes(after=True)
        return answer


class Mortal(Workflow):
    def __init__(self, world: RampingWorld, state: str, killer: Killer) -> None:
        self._killer = killer
        super().__init__(world, state)

    def functions(self) -> WorldFunctions:
        assert isinstance(self.world, RampingWorld)
        return Killed(self.world, self._killer)

    async def over_all_kills(self, happened: Any) -> None:
        """As `until`; a host that is killed meanwhile comes back."""
        goes_on = asyncio.create_task(self.until(happened))
        struck = asyncio.create_task(self._killer.struck.wait())
        await asyncio.wait([goes_on, struck], return_when=asyncio.FIRST_COMPLETED)
        if not goes_on.done():
            goes_on.cancel()
            await asyncio.gather(goes_on, return_exceptions=True)
            await self.restart()
            goes_on = asyncio.create_task(self.until(happened))
        struck.cancel()
        await goes_on


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


def to_the_second(end: Any) -> Any:
    """The engine's clock goes on a microsecond with each event, and a kill costs some."""
    return json.loads(re.sub(r"\.\d{6}Z", "Z", json.dumps(end)))


@pytest.mark.timeout(60 + 10 * KILLS)
@pytest.mark.parametrize(("story", "harm"), [("a good release", 1.0), ("a release that does harm", HARM)])
async def test_a_kill_anywhere_changes_nothing_of_the_end(tmp_path: Path, story: str, harm: float) -> None:
    calm = Killer(at=-1)
    expected = await lived(tmp_path / "calm.sqlite", calm, harm)
    points = range(calm.seen.index("begin_ramp") + 1, len(calm.seen) + 1)
    random = Random(f"{SEED}:{story}")
    for number in range(KILLS):
        killer = Killer(random.choice(points), random.random() < 0.5)
        seen = await lived(tmp_path / f"{number}.sqlite", killer, harm)
        assert killer.struck.is_set()
        where = f"killed {'after' if killer.after else 'before'} activity {killer.at}, {calm.seen[killer.at - 1]}"
        assert seen == expected, f"{where}, of {story} (RAMP_SEED={SEED})"
