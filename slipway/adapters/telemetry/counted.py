"""What the platform counted of both releases, minute by minute, from readings of its metrics. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Reading:
    """One value of one minute, with the dimensions it was asked by."""

    metric: str
    at: datetime
    value: float
    dimensions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Counted:
    """One release in one minute. CPU is in seconds, of all `instances` together; memory in bytes, of the instance that
    has the most. None where nobody measured it."""

    requests: int
    failures_5xx: int
    cpu_s: float | None = None
    instances: int = 1
    memory_bytes: float | None = None


@dataclass(frozen=True)
class Minute:
    """An arm is None when there is no reading of it (yet: they come about a minute late)."""

    begins: datetime
    canary: Counted | None
    baseline: Counted | None


@dataclass(frozen=True)
class Counters:
    """`words` say why there is no minute in it. `memory_limit` is what an instance of the canary may have, in bytes,
    where it has a limit of its own."""

    minutes: tuple[Minute, ...] = ()
    words: str = ""
    memory_limit: float | None = None


CountedAt: TypeAlias = Callable[[datetime], Counted | None]


def full_minutes(begins: datetime, ends: datetime, canary: CountedAt, baseline: CountedAt) -> tuple[Minute, ...]:
    """The full minutes within `begins` and `ends`, without those at the end that nobody has a reading of yet."""
    first = -(-begins.timestamp() // 60) * 60
    moments = (datetime.fromtimestamp(at, begins.tzinfo) for at in range(int(first), int(ends.timestamp()) - 59, 60))
    minutes = [Minute(at, canary(at), baseline(at)) for at in moments]
    while minutes and minutes[-1].canary is None and minutes[-1].baseline is None:
        minutes.pop()
    return tuple(minutes)


def of_a_site(readings: Sequence[Reading]) -> CountedAt:
    """Of one side of an App Service: Requests, Http5xx, CpuTime and MemoryWorkingSet by instance."""

    def counted(at: datetime) -> Counted | None:
        requests = _values(readings, "Requests", at)
        if not requests:
            return None
        cpu_s, memory = _values(readings, "CpuTime", at), _values(readings, "MemoryWorkingSet", at)
        failures = sum(_values(readings, "Http5xx", at))
        return Counted(
            int(sum(requests)),
            int(failures),
            sum(cpu_s) if cpu_s else None,
            max(1, len(cpu_s)),
            max(memory, default=None),
        )

    return counted


def of_a_revision(readings: Sequence[Reading]) -> CountedAt:
    """Of a Container App: Requests by revision and status, what each replica used of CPU and memory on average."""

    def counted(at: datetime) -> Counted | None:
        requests = [reading for reading in readings if (reading.metric, reading.at) == ("Requests", at)]
        if not requests:
            return None
        failures = sum(reading.value for reading in requests if reading.dimensions[1].lower().startswith("5"))
        nanocores, memory = _values(readings, "UsageNanoCores", at), _values(readings, "WorkingSetBytes", at)
        cpu_s = sum(nanocores) / 1e9 * MINUTE.total_seconds() if nanocores else None
        total = int(sum(reading.value for reading in requests))
        return Counted(total, int(failures), cpu_s, max(1, len(nanocores)), max(memory, default=None))

    return counted


def _values(readings: Sequence[Reading], metric: str, at: datetime) -> list[float]:
    return [reading.value for reading in readings if (reading.metric, reading.at) == (metric, at)]
