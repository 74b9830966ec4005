"""How many requests an instance answers in a minute, well and badly: drawn from a seed, the same whenever it is asked.

A minute is drawn as a whole, whatever part of it a question is about: which of its requests are in that part, their
moments decide.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
MEAN_IS_LARGE = 30.0  # from there on a normal draw is close enough to a Poisson one


@dataclass(frozen=True)
class Phase:
    """From `begins` until before `ends` a release serves `share` (0..1) of `role`'s `per_second` requests, by these
    instances. `error_rate` (0..1) is its own, on top of the service's; `latency_ms` is added to every request."""

    role: str
    begins: datetime
    ends: datetime
    version: str
    share: float
    instances: Sequence[str]
    per_second: float
    error_rate: float = 0.0
    latency_ms: float = 0.0


@dataclass(frozen=True)
class Service:
    """What its traffic is like whatever the release. `error_rate` 0..1; `noise`: by how much (log-sd) an instance's
    error rate differs from minute to minute; latencies are log-normal around `median_ms` with log-sd `spread`."""

    error_rate: float = 0.003
    noise: float = 0.3
    median_ms: float = 4.5
    spread: float = 0.35


@dataclass(frozen=True)
class Minutes:
    """What an instance would answer in whole minutes from `begins` on, had it served for all of them; of them count the
    moments from `first` until before `last`. `seed` is what they were drawn from."""

    phase: Phase
    service: Service
    seed: int
    instance: str
    begins: datetime
    first: datetime
    last: datetime
    good: list[int]
    bad: list[int]


def minutes_of(
    phases: Sequence[Phase], service: Service, seed: int, begins: datetime, ends: datetime
) -> Iterator[Minutes]:
    """Of each instance of each phase that serves between `begins` and `ends`."""
    for phase in phases:
        first, last = max(phase.begins, begins), min(phase.ends, ends)
        if first >= last:
            continue
        start = first.replace(second=0, microsecond=0)
        number = -(-(last - start) // MINUTE)
        for instance in phase.instances:
            drawn = [_drawn(phase, instance, service, seed, start + each * MINUTE) for each in range(number)]
            good, bad = [each[0] for each in drawn], [each[1] for each in drawn]
            yield Minutes(phase, service, seed, instance, start, first, last, good, bad)


def _drawn(phase: Phase, instance: str, service: Service, seed: int, minute: datetime) -> tuple[int, int]:
    """Good and bad requests: two Poisson numbers, as when each request of one is bad by chance."""
    chance = Random(f"{seed} {phase.role} {phase.version} {instance} {minute.timestamp():.0f}")
    usual = service.error_rate * math.exp(service.noise * chance.gauss(0, 1))
    failing = min(1.0, usual + phase.error_rate)
    requests = 60 * phase.per_second * phase.share / len(phase.instances)
    return _poisson(chance, requests * (1 - failing)), _poisson(chance, requests * failing)


def _poisson(chance: Random, mean: float) -> int:
    if mean >= MEAN_IS_LARGE:
        return max(0, round(mean + math.sqrt(mean) * chance.gauss(0, 1)))
    left, count = math.exp(-mean), 0  # Knuth, The Art of Computer Programming 2, 3.4.1
    product = chance.random()
    while product > left:
        product *= chance.random()
        count += 1
    return count
