"""A service's traffic: requests, failures in bursts, noisy instances, shocks that hit both arms.

Instances answer equally many requests each. A failure belongs to a burst, and a burst to one instance and one block
of ten seconds. The canary has as many of the instances as its weight says, at least one; the baseline's halves are
its even and its odd instances.
"""

import math
from dataclasses import dataclass

from slipway.promotion.histogram import LatencyHistogram
from slipway.promotion.judge.simulation.draws import Draws
from slipway.promotion.judge.simulation.harm import HEALTHY, Harm
from slipway.promotion.judge.simulation.latencies import Latency, drawn, with_tail
from slipway.promotion.judge.windows import Arm, Half, Window

BLOCKS = 6
HISTORY_S = 8 * 3600
FEWEST_HISTORY, MOST_HISTORY = 60, 1440  # ticks


@dataclass(frozen=True)
class Shocks:
    """With `chance` a minute a shock begins: for `shortest` to `longest` minutes both arms fail at `rate`."""

    chance: float = 0.05
    rate: float = 0.15
    shortest: int = 3
    longest: int = 7


@dataclass(frozen=True)
class Traffic:
    """`requests_per_s` of the whole service; `wave`: by which share they swing in the course of a day.

    `noise_sd`: standard deviation of the logarithm of one instance's failure rate, with the autocorrelation
    `noise_memory` from minute to minute. `burst_mean`: mean size of a burst, geometric; `burst_before` that in the
    history, if another. Without `halves` the baseline comes undivided.
    """

    requests_per_s: float
    base_error_rate: float
    burst_mean: float = 1.0
    burst_before: float | None = None
    noise_sd: float = 0.0
    noise_memory: float = 0.8
    shocks: Shocks | None = None
    latency: Latency | None = None
    instances: int = 20
    wave: float = 0.0
    halves: bool = True
    tick_s: float = 60.0

    @property
    def history_ticks(self) -> int:
        """Eight hours before the ramp, in ticks; within reason for very short and very long ones."""
        return min(max(round(HISTORY_S / self.tick_s), FEWEST_HISTORY), MOST_HISTORY)

    @property
    def dispersion(self) -> float:
        """Of independent bursts: E[size²]/E[size]."""
        return 2 * self.burst_mean - 1


@dataclass(frozen=True)
class _Counted:
    requests: tuple[int, ...]
    failures: tuple[int, ...]
    latencies: LatencyHistogram | None


class Stream:
    """One service's traffic from tick to tick; the same seed and weights give the same windows."""

    def __init__(self, traffic: Traffic, seed: str) -> None:
        self._traffic = traffic
        self._draws = Draws(seed)
        self._canary: list[float] = []
        self._baseline: list[float] = []
        self._shocked = 0
        self._minute = self._draws.uniform() * 86_400 / traffic.tick_s
        self.usual_rate = traffic.base_error_rate

    def history(self) -> list[Window]:
        """The baseline alone, before the ramp; its ticks count from 1."""
        before = self._traffic.burst_before or self._traffic.burst_mean
        return [self._window(tick, 0.0, HEALTHY, before) for tick in range(1, self._traffic.history_ticks + 1)]

    def window(self, tick: int, weight: float, harm: Harm = HEALTHY) -> Window:
        """A tick of the ramp. `usual_rate` is then what a healthy release would have failed at."""
        return self._window(tick, weight, harm, self._traffic.burst_mean)

    def ticks_in(self, minutes: float) -> int:
        """How many ticks so many minutes are; at least one."""
        return max(1, round(minutes * 60 / self._traffic.tick_s))

    def _window(self, tick: int, weight: float, harm: Harm, burst_mean: float) -> Window:
        traffic = self._traffic
        self._pass_time()
        canary_count = min(max(round(weight * traffic.instances), 1), traffic.instances - 2) if weight > 0 else 0
        self._canary = self._moved(self._canary, canary_count)
        self._baseline = self._moved(self._baseline, traffic.instances - canary_count)
        self.usual_rate = self._shock_rate()
        halves = [self._baseline[0::2], self._baseline[1::2]]
        shares = [(1 - weight) * len(half) / len(self._baseline) for half in halves]
        counted = [self._count(noise, share, burst_mean) for noise, share in zip(halves, shares, strict=True)]
        baseline = _together(*counted) if weight < 1 else None
        canary = None
        if weight > 0:
            burst = harm.burst_mean or burst_mean
            canary = self._count(self._canary, weight, burst, harm.ratio(tick), harm, tick)
        return Window(
            tick,
            canary=_arm(canary) if canary else None,
            baseline=_arm(baseline) if baseline else None,
            halves=(_half(counted[0]), _half(counted[1])) if traffic.halves and baseline else None,
            cold=weight > 0 and harm.cold(tick),
        )

    def _count(
        self,
        noise: list[float],
        share: float,
        burst_mean: float,
        ratio: float = 1.0,
        harm: Harm = HEALTHY,
        tick: int = 0,
    ) -> _Counted:
        traffic, draws = self._traffic, self._draws
        rate = min(1.0, self.usual_rate * ratio * _noisy(noise, traffic.noise_sd))
        swing = 1 + traffic.wave * math.sin(2 * math.pi * self._minute * traffic.tick_s / 86_400)
        mean = traffic.requests_per_s * swing * share * traffic.tick_s / BLOCKS
        requests, failures = [], []
        for _ in range(BLOCKS):
            count = draws.poisson(mean)
            if burst_mean <= 1:
                failed = draws.binomial(count, rate)
            else:
                failed = min(count, draws.in_bursts(draws.poisson(count * rate / burst_mean), burst_mean))
            requests.append(count)
            failures.append(failed)
        latencies = self._latencies(len(noise), sum(requests), harm, tick) if traffic.latency else None
        return _Counted(tuple(requests), tuple(failures), latencies)

    def _latencies(self, instances: int, requests: int, harm: Harm, tick: int) -> LatencyHistogram:
        latency = self._traffic.latency
        assert latency is not None
        slowness = harm.slowness(tick)
        speeds = [slowness * math.exp(latency.wobble * self._draws.normal()) for _ in range(instances)]
        return drawn(with_tail(latency.buckets(speeds), harm.tail(tick), harm.tail_ms), requests, self._draws)

    def _pass_time(self) -> None:
        memory, draws = self._traffic.noise_memory ** (self._traffic.tick_s / 60), self._draws
        self._minute += 1
        if self._traffic.noise_sd:
            fresh = math.sqrt(1 - memory * memory)
            for group in (self._canary, self._baseline):
                group[:] = [memory * z + fresh * draws.normal() for z in group]

    def _moved(self, noise: list[float], count: int) -> list[float]:
        """With instances stopped, or new ones started."""
        if len(noise) >= count:
            return noise[:count]
        if not self._traffic.noise_sd:
            return [0.0] * count
        return noise + [self._draws.normal() for _ in range(count - len(noise))]

    def _shock_rate(self) -> float:
        shocks = self._traffic.shocks
        if shocks is None:
            return self._traffic.base_error_rate
        if self._shocked:
            self._shocked -= 1
        elif self._draws.uniform() < shocks.chance * self._traffic.tick_s / 60:
            self._shocked = self.ticks_in(self._draws.integer(shocks.shortest, shocks.longest))
        return shocks.rate if self._shocked else self._traffic.base_error_rate


def _noisy(noise: list[float], sd: float) -> float:
    """The mean failure rate of instances over the usual one; `noise` in standard deviations."""
    if sd == 0:
        return 1.0
    return sum(math.exp(sd * z - sd * sd / 2) for z in noise) / len(noise)


def _together(first: _Counted, second: _Counted) -> _Counted:
    latencies = None
    if first.latencies is not None and second.latencies is not None:
        latencies = first.latencies.merge(second.latencies)
    return _Counted(
        tuple(a + b for a, b in zip(first.requests, second.requests, strict=True)),
        tuple(a + b for a, b in zip(first.failures, second.failures, strict=True)),
        latencies,
    )


def _arm(counted: _Counted) -> Arm:
    return Arm(counted.requests, counted.failures, counted.latencies)


def _half(counted: _Counted) -> Half:
    return Half(sum(counted.requests), sum(counted.failures), counted.latencies)
