"""The instances of one release: a worker process each, which share its requests."""

import asyncio
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from slipway.local.azure.process import StartFailed, Worker
from slipway.local.azure.released import faults_at


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
        self._waking: asyncio.Task[None] | None = None

    @classmethod
    def asleep(cls, package: Path, instances: Sequence[str], region: str = "") -> "Crew":
        """The package folder as each of `instances`, of which none runs before somebody wants one (`wake`)."""
        told = json.loads((package / "release.json").read_text(encoding="utf-8"))
        played = Played(told["service"], told["version"], faults_at(told, region))
        return cls(played, [Worker(package, instance, region) for instance in instances])

    @classmethod
    async def start(cls, package: Path, instances: Sequence[str], region: str = "") -> "Crew":
        """Runs the package folder as each of `instances`; back when all of them listen. Raises StartFailed when
        one does not, and then none is left."""
        crew = cls.asleep(package, instances, region)
        crew._waking = asyncio.create_task(crew._start())
        await crew._waking
        return crew

    @property
    def sleeps(self) -> bool:
        """Whether nobody has wanted it so far, or it is about to run."""
        return self._waking is None or not self._waking.done()

    async def wake(self) -> None:
        """Back when all of them listen; only the first call starts them, and each hears how that ended. Raises
        StartFailed when one does not, and then none runs."""
        if self._waking is None:
            self._waking = asyncio.create_task(self._start())
        await asyncio.shield(self._waking)

    async def _start(self) -> None:
        started = await asyncio.gather(*(worker.wake() for worker in self.workers), return_exceptions=True)
        failures = [each for each in started if each is not None]
        if failures:
            await asyncio.gather(*(worker.stop() for worker in self.workers))
            raise next((each for each in failures if not isinstance(each, StartFailed)), failures[0])

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
        if self._waking is not None and not self._waking.done():
            self._waking.cancel()
            await asyncio.wait([self._waking])
        await asyncio.gather(*(worker.stop() for worker in self.workers))

    def _from(self, turn: int) -> Iterator[Worker]:
        return (self.workers[(turn + n) % len(self.workers)] for n in range(len(self.workers)))


def instance_names(release: str, count: int) -> list[str]:
    """The names of a release's instances: they go where it goes, and are the same again after a restart."""
    digest = hashlib.sha256(release.encode()).hexdigest()[:8]
    return [f"lw{n}-{digest}" for n in range(count)]
