"""What is wrong with a simulated release."""

import math
from dataclasses import dataclass, replace

TOLERABLE = 1.10


@dataclass(frozen=True)
class Harm:
    """Ticks count from 1, the first of the ramp.

    From tick `onset` on the release fails `times` as often as the baseline, and by `growth` × the baseline's rate
    more with every further tick (a leak); after `lasts` ticks it is over, if it ever is. It answers `slower` times as
    slowly, and of its requests `tail_share` take `tail_ms`. Its users' own metric is bad `own_times` as often, it needs
    `cpu_times` the CPU, and its memory grows by `memory_growth` (share of its limit) a tick. During its first
    `cold_ticks` it fails `cold_times` as often, as everybody knows: it warms up. `burst_mean`: its failures come in
    bursts of this mean size; None: as the baseline's do.
    """

    times: float = 1.0
    onset: int = 1
    lasts: float = math.inf
    growth: float = 0.0
    slower: float = 1.0
    tail_share: float = 0.0
    tail_ms: float = 700.0
    own_times: float = 1.0
    cpu_times: float = 1.0
    memory_growth: float = 0.0
    cold_times: float = 1.0
    cold_ticks: int = 0
    burst_mean: float | None = None

    def in_ticks_of(self, ticks: float) -> "Harm":
        """The same harm where a tick lasts as long as so many of the present ones."""
        return replace(
            self,
            onset=math.ceil((self.onset - 1) / ticks) + 1,
            lasts=self.lasts / ticks,
            growth=self.growth * ticks,
            memory_growth=self.memory_growth * ticks,
            cold_ticks=math.ceil(self.cold_ticks / ticks),
        )

    def ratio(self, tick: int) -> float:
        """How many times as often as the baseline it fails."""
        if tick <= self.cold_ticks:
            return self.cold_times
        if not self.onset <= tick < self.onset + self.lasts:
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

    def fails_more(self, tolerated: float = TOLERABLE) -> bool:
        """So many times as many failures as the baseline, or more, sooner or later."""
        return self.times > tolerated or self.growth > 0

    @property
    def saturates(self) -> bool:
        """It needs more of a machine than the judge lets pass."""
        return self.cpu_times > 1 or self.memory_growth > 0

    @property
    def is_harm(self) -> bool:
        """Worse in any way than the usual margin tolerates."""
        worse = max(self.slower, self.own_times) > TOLERABLE or self.tail_share > 0
        return self.fails_more() or worse or self.saturates


HEALTHY = Harm()
