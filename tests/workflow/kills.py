"""Kills of the host in virtual time, at seeded activities: whatever the point, the end is the same.

A point is an activity: killed before it has had its effect, or after that and before anybody heard of it.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from tests.workflow.ramp_world import RampingWorld
from tests.workflow.virtual import Workflow, WorldFunctions

End = TypeVar("End")


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


def to_the_second(end: Any) -> Any:
    """The engine's clock goes on a microsecond with each event, and a kill costs some."""
    return json.loads(re.sub(r"\.\d{6}Z", "Z", json.dumps(end)))


async def same_end_after(
    kills: int, lived: Callable[[Path, Killer], Awaitable[End]], folder: Path, story: str, seed: str, begins: str = ""
) -> End:
    """The end of a life without a kill, after as many lives with one have come to the same. `lived`: one life, from the
    file of its engine and its killer; from the activity `begins` on it may be killed, or anywhere."""
    calm = Killer(at=-1)
    expected = await lived(folder / "calm.sqlite", calm)
    points = range(calm.seen.index(begins) + 1 if begins else 1, len(calm.seen) + 1)
    random = Random(f"{seed}:{story}")
    for number in range(kills):
        killer = Killer(random.choice(points), random.random() < 0.5)
        seen = await lived(folder / f"{number}.sqlite", killer)
        assert killer.struck.is_set()
        where = f"killed {'after' if killer.after else 'before'} activity {killer.at}, {calm.seen[killer.at - 1]}"
        assert seen == expected, f"{where}, of {story} (seed {seed})"
    return expected
