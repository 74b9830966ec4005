"""A service's telemetry from tick to tick, drawn.

The canary has as many of the instances as its weight says, at least one; the baseline's halves are its even and its
odd instances.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from slipway.promotion.histogram import LatencyHistogram
from slipway.promotion.judge.simulation.draws import Draws
from slipway.promotion.judge.simulation.harm import HEALTHY, Harm
from slipway.promotion.judge.simulation.latencies import drawn
from slipway.promotion.judge.simulation.traffic import DAY_S, Spells, Traffic
from slipway.promotion.judge.windows import Arm, Half, Window

BLOCKS = 6
LOST = "telemetry came without this tick"


@dataclass(frozen=True)
class _Counted:
    requests: tuple[int, ...]
    failures: tuple[int, ...]
    latencies: LatencyHistogram | None
    own: Mapping[str, tuple[int, int]]

    def plus(self, other: "_Counted") -> "_Counted":
        latencies = None
        if self.latencies is not None and other.latencies is not None:
            latencies = self.latencies.merge(other.latencies)
        return _Counted(
            tuple(a + b for a, b in zip(self.requests, other.requests, strict=True)),
            tuple(a + b for a, b in zip(self.failures, other.failures, strict=True)),
            latencies,
            {name: (total + other.own[name][0], bad + other.own[name][1]) for name, (total, bad) in self.own.items()},
        )

    def arm(self) -> Arm:
        return Arm(self.requests, self.failures, self.latencies, self.own)

    def half(self) -> Half:
        return Half(sum(self.requests), sum(self.failures), self.latencies, self.own)


class Stream:
    """One service's traffic from tick to tick; the same seed and weights give the same windows.

    `detailed`: with blocks of ten seconds and the baseline's halves. Without, both arms come in one block, which is
    all that many rules look at, and a fraction of the draws. `now` is how many ticks into its day it begins; None:
    anywhere. After a window `usual_rate` is what a healthy release
    would have failed at, and `excess` what this one's canary has failed beyond that.
    """

    def __init__(self, traffic: Traffic, seed: str, detailed: bool = True, now: float | None = None) -> None:
        self._traffic = traffic
        self._draws = Draws(seed)
        self._detailed = detailed
        self._canary: list[float] = []
        self._baseline: list[float] = []
        self._ill_canary: list[int] = []  # for how many more ticks, by instance
        self._ill_baseline: list[int] = []
        self._shocked = self._gap = 0
        self.now = self._draws.uniform() * DAY_S / traffic.tick_s if now is None else now
        self.usual_rate = traffic.base_error_rate
        self.excess = 0.0

    def history(self, ticks: int | None = None) -> list[Window]:
        """The baseline alone, before the ramp, a tick in one block; its ticks count from 1."""
        before = self._traffic.burst_before or self._traffic.burst_mean
        count = self._traffic.history_ticks if ticks is None else ticks
        traffic, self._traffic = self._traffic, self._traffic.in_its_history
        windows = [self._window(tick, 0.0, HEALTHY, before, 1) for tick in range(1, count + 1)]
        self._traffic = traffic
        return windows

    def window(self, tick: int, weight: float, harm: Harm = HEALTHY) -> Window:
        """A tick of the ramp."""
        return self._window(tick, weight, harm, self._traffic.burst_mean, BLOCKS if self._detailed else 1)

    def ticks_in(self, minutes: float) -> int:
        """How many ticks so many minutes are; at least one."""
        return max(1, round(minutes * 60 / self._traffic.tick_s))

    def _window(self, tick: int, weight: float, harm: Harm, burst_mean: float, blocks: int) -> Window:
        traffic = self._traffic
        self._pass_time()
        canary_count = 0
        if weight > 0:
            wanted = traffic.canary_instances or round(weight * traffic.instances)
            canary_count = min(max(wanted, 1), traffic.instances - 2)
        self._canary = self._moved(self._canary, canary_count)
        self._baseline = self._moved(self._baseline, traffic.instances - canary_count)
        if traffic.spells:
            self._ill_canary = self._ill(self._ill_canary, canary_count, traffic.spells)
            self._ill_baseline = self._ill(self._ill_baseline, traffic.instances - canary_count, traffic.spells)
        self.usual_rate = self._rate()
        halves = self._halves(weight, burst_mean, blocks)
        canary = None
        if weight > 0:
            rate = self._rate_of(self._canary, self._ill_canary, harm.ratio(tick))
            canary = self._count(self._canary, weight, rate, harm.burst_mean or burst_mean, blocks, harm, tick)
            self.excess = sum(canary.failures) - self.usual_rate * sum(canary.requests)
        if traffic.lost and self._is_lost():
            return Window(tick, fault=LOST)
        if traffic.sampled > 1:
            canary, halves = self._stored(canary) if canary else None, [self._stored(half) for half in halves]
        both = (halves[0].half(), halves[1].half()) if traffic.halves and len(halves) == 2 else None
        window = Window(
            tick,
            canary=canary.arm() if canary else None,
            baseline=_together(halves).arm() if halves else None,
            halves=both,
            cold=weight > 0 and harm.cold(tick),
            items=float(traffic.sampled),
        )
        return self._with_resources(window, harm, tick) if traffic.resources else window

    def _halves(self, weight: float, burst_mean: float, blocks: int) -> list[_Counted]:
        """The baseline's, or the whole of it where nobody asks for halves."""
        if weight >= 1:
            return []
        counted = []
        for half in (slice(0, None, 2), slice(1, None, 2)) if self._detailed else (slice(None),):
            group = self._baseline[half]
            share = (1 - weight) * len(group) / len(self._baseline)
            counted.append(
                self._count(group, share, self._rate_of(group, self._ill_baseline[half]), burst_mean, blocks)
            )
        return counted

    def _rate_of(self, noise: list[float], ill: list[int], times: float = 1.0) -> float:
        """Of a group of instances together."""
        rate = min(1.0, self.usual_rate * times * _noisy(noise, self._traffic.noise_sd))
        spells = self._traffic.spells
        if spells is None:
            return rate
        share = sum(left > 0 for left in ill) / len(noise)
        return rate + share * max(0.0, spells.rate - rate)

    def _count(
        self,
        noise: list[float],
        share: float,
        rate: float,
        burst_mean: float,
        blocks: int,
        harm: Harm = HEALTHY,
        tick: int = 0,
    ) -> _Counted:
        traffic, draws = self._traffic, self._draws
        mean = traffic.requests_at(self.now) * share
        latencies = self._latencies(len(noise), mean, harm, tick) if traffic.latency else None
        if latencies is None:
            requests = tuple(draws.poisson(mean / blocks) for _ in range(blocks))
        else:
            requests = tuple(draws.spread(latencies.count, blocks))
        if burst_mean <= 1:
            failures = tuple(draws.binomial(count, rate) for count in requests)
        else:
            failures = tuple(
                min(count, draws.in_bursts(draws.poisson(count * rate / burst_mean), burst_mean)) for count in requests
            )
        return _Counted(requests, failures, latencies, self._own(sum(requests), harm, tick))

    def _own(self, requests: int, harm: Harm, tick: int) -> dict[str, tuple[int, int]]:
        own, draws = self._traffic.own, self._draws
        if own is None:
            return {}
        times = harm.own_times if tick >= harm.onset else 1.0
        counted = draws.binomial(requests, own.share)
        return {own.name: (counted, draws.binomial(counted, min(1.0, own.bad_rate * times)))}

    def _stored(self, counted: _Counted) -> _Counted:
        """What sampled telemetry makes of it: one record in so many, each standing for as many requests."""
        items, draws = self._traffic.sampled, self._draws
        failures = tuple(items * draws.binomial(failed, 1 / items) for failed in counted.failures)
        pairs = zip(counted.requests, counted.failures, failures, strict=True)
        requests = tuple(items * draws.binomial(count - failed, 1 / items) + kept for count, failed, kept in pairs)
        return replace(counted, requests=requests, failures=failures)

    def _latencies(self, instances: int, requests: float, harm: Harm, tick: int) -> LatencyHistogram:
        latency = self._traffic.latency
        assert latency is not None
        slowness = harm.slowness(tick)
        speeds = [slowness * math.exp(latency.wobble * self._draws.normal()) for _ in range(instances)]
        return drawn(*latency.shares(speeds), requests, self._draws, harm.tail(tick), harm.tail_ms)

    def _with_resources(self, window: Window, harm: Harm, tick: int) -> Window:
        resources, normal = self._traffic.resources, self._draws.normal
        assert resources is not None

        def read(arm: Arm | None, times: float, memory: float) -> Arm | None:
            if arm is None:
                return None
            taken = min(1.0, max(0.0, memory + resources.memory_wobble * normal()))
            return replace(arm, cpu=times * math.exp(resources.cpu_wobble * normal()), memory=taken)

        grown = resources.memory_at(tick) + harm.memory_growth * tick
        return replace(
            window,
            canary=read(window.canary, harm.cpu_times, grown),
            baseline=read(window.baseline, 1.0, resources.memory),
        )

    def _pass_time(self) -> None:
        traffic, draws = self._traffic, self._draws
        self.now += 1
        if traffic.noise_sd:
            memory = traffic.noise_memory ** (traffic.tick_s / 60)
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

    def _ill(self, left: list[int], count: int, spells: Spells) -> list[int]:
        """How many more ticks each instance is ill, one tick later; new instances begin in health."""
        chance = spells.chance * self._traffic.tick_s / 60
        return [
            ticks - 1 if ticks > 1 else spells.lasts if self._draws.uniform() < chance else 0
            for ticks in (left[:count] + [0] * (count - len(left)))
        ]

    def _is_lost(self) -> bool:
        if self._gap:
            self._gap -= 1
            return True
        if self._draws.uniform() >= self._traffic.lost:
            return False
        self._gap = self._draws.integer(*self._traffic.gap_ticks) - 1
        return True

    def _rate(self) -> float:
        shocks, calm = self._traffic.shocks, self._traffic.error_rate_at(self.now)
        if shocks is None:
            return calm
        if self._shocked:
            self._shocked -= 1
        elif self._draws.uniform() < shocks.chance * self._traffic.tick_s / 60:
            self._shocked = self.ticks_in(self._draws.integer(shocks.shortest, shocks.longest))
        return shocks.rate if self._shocked else calm


def _together(halves: list[_Counted]) -> _Counted:
    return halves[0] if len(halves) == 1 else halves[0].plus(halves[1])


def _noisy(noise: list[float], sd: float) -> float:
    """The mean failure rate of instances over the usual one; `noise` in standard deviations."""
    if sd == 0:
        return 1.0
    return sum(math.exp(sd * z - sd * sd / 2) for z in noise) / len(noise)
