"""What is wrong with a simulated release."""

import math
from dataclasses import dataclass, replace

TOLERABLE = 1.10


@dataclass(frozen=True)
class Harm:
    """Ticks count from 1, the first of the ramp.

    From tick `onset` on the release fails `times` as often as the baseline, and by `growth` × the baseline's rate
    more with every further tick (a leak). It answers `slower` times as slowly, and of its requests `tail_share`
    take `tail_ms`. During its first `cold_ticks` it fails `cold_times` as often, as everybody knows: it warms up.
    `burst_mean`: its failures come in bursts of this mean size; None: as the baseline's do.
    """

    times: float = 1.0
    onset: int = 1
    growth: float = 0.0
    slower: float = 1.0
    tail_share: float = 0.0
    tail_ms: float = 700.0
    cold_times: float = 1.0
    cold_ticks: int = 0
    burst_mean: float | None = None

    def in_ticks_of(self, ticks: float) -> "Harm":
        """The same harm where a tick lasts as long as so many of the present ones."""
        return replace(
            self,
            onset=math.ceil((self.onset - 1) / ticks) + 1,
            growth=self.growth * ticks,
            cold_ticks=math.ceil(self.cold_ticks / ticks),
        )

    def ratio(self, tick: int) -> float:
        """How many times as often as the baseline it fails."""
        if tick <= self.cold_ticks:
            return self.cold_times
        if tick < self.onset:
            return 1.0
        return self.times + self.growth * (tick - self.onset + 1)

    def cold(self, tick: int) -> bool:
        """Its instances are younger than the warm-up."""
        return tick <= self.cold_ticks

    def slowness(self, tick: int) -> float:
        """Its latencies over the baseline's."""
        return self.slower if tick >= self.onset else 1.0

    def tail(self, tick: int) -> float:
        """The share of its requests that take `tail_ms`."""
        return self.tail_share if tick >= self.onset else 0.0

    @property
    def is_harm(self) -> bool:
        """More than the usual margin tolerates."""
        return self.times > TOLERABLE or self.growth > 0 or self.slower > TOLERABLE or self.tail_share > 0


HEALTHY = Harm()
