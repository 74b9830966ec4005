"""The instances of one release: a worker process each, which share its requests."""

import asyncio
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from slipway.local.azure.process import StartFailed, Worker


@dataclass(frozen=True)
class Played:
    """What a package says of itself in its `release.json`."""

    service: str
    version: str
    faults: dict[str, float | int | bool]


class Crew:
    def __init__(self, played: Played, workers: Sequence[Worker]) -> None:
        self.played = played
        self.workers = tuple(workers)
        self._turn = 0

    @classmethod
    async def start(cls, package: Path, instances: Sequence[str]) -> "Crew":
        """Runs the package folder as each of `instances`; back when all of them listen. Raises StartFailed when
        one does not, and then none is left."""
        starting = [Worker.start(package, instance) for instance in instances]
        started = await asyncio.gather(*starting, return_exceptions=True)
        crew = [each for each in started if isinstance(each, Worker)]
        failures = [each for each in started if isinstance(each, BaseException)]
        if failures:
            await asyncio.gather(*(worker.stop() for worker in crew))
            raise next((each for each in failures if not isinstance(each, StartFailed)), failures[0])
        told = json.loads((package / "release.json").read_text(encoding="utf-8"))
        return cls(Played(told["service"], told["version"], told.get("faults", {})), crew)

    @property
    def instances(self) -> tuple[str, ...]:
        return tuple(worker.instance for worker in self.workers)

    def next(self) -> Worker | None:
        """Whose turn it is, of those that are up; None when none is."""
        for worker in self._from(self._turn):
            self._turn += 1
            if worker.door is not None:
                return worker
        return None

    async def stop(self) -> None:
        """Lets the running requests end (up to 10 s), then ends the processes."""
        await asyncio.gather(*(worker.stop() for worker in self.workers))

    def _from(self, turn: int) -> Iterator[Worker]:
        return (self.workers[(turn + n) % len(self.workers)] for n in range(len(self.workers)))


def instance_names(release: str, count: int) -> list[str]:
    """The names of a release's instances: they go where it goes, and are the same again after a restart."""
    digest = hashlib.sha256(release.encode()).hexdigest()[:8]
    return [f"lw{n}-{digest}" for n in range(count)]
