"""A service's traffic, told: requests, failures in bursts, noisy instances, shocks that hit both arms.

Instances answer equally many requests each. A failure belongs to a burst, and a burst to one instance and one block
of ten seconds. `stream.py` draws it.
"""

import math
from dataclasses import dataclass, field, replace

from slipway.promotion.judge.simulation.latencies import Latency

HISTORY_S = 8 * 3600
FEWEST_HISTORY, MOST_HISTORY = 60, 1440  # ticks
DAY_S = 86_400
FAILURES_LATER = 2.0  # radians by which the failure rate's day lags behind the traffic's


@dataclass(frozen=True)
class Shocks:
    """With `chance` a minute a shock begins: for `shortest` to `longest` minutes both arms fail at `rate`."""

    chance: float = 0.05
    rate: float = 0.15
    shortest: int = 3
    longest: int = 7


@dataclass(frozen=True)
class Spells:
    """With `chance` a minute an instance falls ill: for `lasts` ticks all its requests fail at `rate`."""

    chance: float
    rate: float
    lasts: int = 1


@dataclass(frozen=True)
class Own:
    """A metric of the users: of all requests the share `share` counts, and of those `bad_rate` are bad."""

    name: str = "checkouts"
    share: float = 0.2
    bad_rate: float = 0.02


@dataclass(frozen=True)
class Resources:
    """CPU per request and memory of an instance. `cpu_wobble` is the log-sd of an arm's reading from tick to tick,
    `memory_wobble` the standard deviation of its memory, a share of the limit. A new instance begins at
    `memory_new` and has come `settles` ticks later within a third of `memory`, its caches full."""

    cpu_wobble: float = 0.05
    memory: float = 0.60
    memory_new: float = 0.60
    settles: float = 5.0
    memory_wobble: float = 0.01

    def memory_at(self, tick: int) -> float:
        """What an instance that started with the ramp has taken by then."""
        return self.memory - (self.memory - self.memory_new) * math.exp(-tick / self.settles)


@dataclass(frozen=True)
class Traffic:
    """`requests_per_s` of the whole service. `wave`: by which share they swing in the course of a day, and
    `rate_wave` the same of the failure rate.

    `noise_sd`: standard deviation of the logarithm of one instance's failure rate, with the autocorrelation
    `noise_memory` from minute to minute. `burst_mean`: mean size of a burst, geometric; `burst_before` that in the
    history, if another. Telemetry: without `halves` the baseline comes undivided; one record in `sampled` is kept;
    with the chance `lost` a tick begins a gap of `gap_ticks` (from, to) of which nothing comes.

    `canary_instances`: always so many, whatever the weight. `before`: the history's traffic over the ramp's. These and
    `spells` are not in its `repr`, which seeds the histories: rows with and without them keep theirs.
    """

    requests_per_s: float
    base_error_rate: float
    burst_mean: float = 1.0
    burst_before: float | None = None
    noise_sd: float = 0.0
    noise_memory: float = 0.8
    shocks: Shocks | None = None
    latency: Latency | None = None
    own: Own | None = None
    resources: Resources | None = None
    instances: int = 20
    wave: float = 0.0
    rate_wave: float = 0.0
    halves: bool = True
    sampled: int = 1
    lost: float = 0.0
    gap_ticks: tuple[int, int] = (1, 1)
    tick_s: float = 60.0
    spells: Spells | None = field(default=None, repr=False)
    canary_instances: int | None = field(default=None, repr=False)
    before: float = field(default=1.0, repr=False)

    @property
    def history_ticks(self) -> int:
        """Eight hours before the ramp, in ticks; within reason for very short and very long ones."""
        return min(max(round(HISTORY_S / self.tick_s), FEWEST_HISTORY), MOST_HISTORY)

    @property
    def dispersion(self) -> float:
        """Of independent bursts: E[size²]/E[size]."""
        return 2 * self.burst_mean - 1

    @property
    def in_its_history(self) -> "Traffic":
        """As it was before the ramp."""
        return self if self.before == 1 else replace(self, requests_per_s=self.before * self.requests_per_s)

    def requests_at(self, tick: float) -> float:
        """Requests of a whole tick, so many ticks into the day."""
        return self.requests_per_s * self.tick_s * (1 + self.wave * math.sin(self._angle(tick)))

    def error_rate_at(self, tick: float) -> float:
        """The failure rate of a calm tick."""
        swing = self.rate_wave * math.sin(self._angle(tick) - FAILURES_LATER) if self.rate_wave else 0.0
        return self.base_error_rate * (1 + swing)

    def _angle(self, tick: float) -> float:
        return 2 * math.pi * tick * self.tick_s / DAY_S
