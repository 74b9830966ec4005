"""Windows by hand and at random, in the judge's words."""

import math
import random
from collections.abc import Callable, Sequence

from slipway.promotion.histogram import LatencyHistogram
from slipway.promotion.judge.judge import tick
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.state import State, begin
from slipway.promotion.judge.verdict import Action, Verdict
from slipway.promotion.judge.windows import Arm, Half, Window

BLOCKS = 6


def a_window(
    number: int,
    canary: tuple[int, int] | None = (1500, 1),
    baseline: tuple[int, int] | None = (28_500, 28),
    cold: bool = False,
    halved: bool = True,
    **more: object,
) -> Window:
    """One block a tick: (requests, failures) of both arms; the baseline's halves are equal."""
    halves = None
    if baseline is not None and halved:
        requests, failures = baseline
        first = Half(requests // 2, failures // 2)
        halves = (first, Half(requests - first.requests, failures - first.failures))
    return Window(number, _arm(canary), _arm(baseline), halves, cold, **more)  # type: ignore[arg-type]


def a_history(ticks: int = 480, requests: int = 30_000, failures: int = 30) -> list[Window]:
    """A service that is the same all the time, but for a little to and fro between its halves."""
    windows = []
    for number in range(ticks):
        sway = round(math.sqrt(failures) / 2) * (1 if number % 2 else -1)
        first = Half(requests // 2, max(0, failures // 2 + sway))
        second = Half(requests - first.requests, max(0, failures - first.failures))
        total = Arm((requests,), (first.failures + second.failures,))
        windows.append(Window(number, None, total, (first, second)))
    return windows


class Traffic:
    """A service at random: Poisson requests, failures in geometric bursts; seeded."""

    def __init__(self, seed: int, per_tick: float, rate: float, burst: float = 1.0) -> None:
        self.rng, self.per_tick, self.rate, self.burst = random.Random(seed), per_tick, rate, burst

    def history(self, ticks: int = 480) -> list[Window]:
        return [self.window(number, 0.0) for number in range(ticks)]

    def window(self, number: int, weight: float, harm: float = 1.0, cold: bool = False) -> Window:
        canary = [self._served(weight, harm) for _ in range(BLOCKS)] if weight else []
        halves = [[self._served((1 - weight) / 2, 1.0) for _ in range(BLOCKS)] for _ in range(2)]
        together = [(a[0] + b[0], a[1] + b[1]) for a, b in zip(*halves, strict=True)]
        first, second = (Half(sum(n for n, _ in half), sum(x for _, x in half)) for half in halves)
        return Window(number, _blocks(canary) if weight else None, _blocks(together), (first, second), cold)

    def _served(self, share: float, harm: float) -> tuple[int, int]:
        requests = self.poisson(self.per_tick * share / BLOCKS)
        bursts = self.poisson(requests * self.rate * harm / self.burst)
        return requests, min(requests, sum(self._burst() for _ in range(bursts)))

    def _burst(self) -> int:
        if self.burst <= 1:
            return 1
        return 1 + int(math.log(self.rng.random()) / math.log(1 - 1 / self.burst))

    def poisson(self, mean: float) -> int:
        if mean > 50:
            return max(0, round(self.rng.gauss(mean, math.sqrt(mean))))
        count, product, limit = 0, self.rng.random(), math.exp(-mean)
        while product > limit:
            count, product = count + 1, product * self.rng.random()
        return count


def latencies(rng: random.Random, count: int, scale: float = 1.0, slow: float = 0.0) -> LatencyHistogram:
    """Log-normal about 100 ms; a share `slow` takes 700 ms."""
    histogram = LatencyHistogram()
    for _ in range(count):
        ms = 700.0 if rng.random() < slow else 100 * scale * math.exp(rng.gauss(0, 0.4))
        histogram.record(ms)
    return histogram


def a_ramp(
    traffic: Traffic, state: State, policy: Policy, harm: Callable[[int], float] = lambda number: 1.0, ticks: int = 60
) -> tuple[int, Verdict, float]:
    """One ramp to its end: the tick, the last verdict, the excess failures that were served."""
    excess = 0.0
    for number in range(1, ticks + 1):
        window = traffic.window(number, policy.steps[state.step], harm(number))
        assert window.canary is not None
        excess += window.canary.failed * (1 - 1 / harm(number))
        state, verdict = tick(state, [window], number, policy)
        if verdict.action in (Action.ROLLBACK, Action.WITHDRAW) or verdict.weight == 1.0:
            break
    return number, verdict, excess


def ramps(
    count: int,
    per_tick: float,
    rate: float,
    harm: Callable[[int], float] = lambda number: 1.0,
    burst: float = 1.0,
    policy: Policy | None = None,
    ticks: int = 60,
) -> list[tuple[int, Verdict, float]]:
    """Ramps that share a history, each with a seed of its own."""
    policy = policy or Policy()
    state = begin(policy, Traffic(7, per_tick, rate, burst).history())
    return [a_ramp(Traffic(seed, per_tick, rate, burst), state, policy, harm, ticks) for seed in range(count)]


def _arm(pair: tuple[int, int] | None) -> Arm | None:
    return None if pair is None else Arm((pair[0],), (pair[1],))


def _blocks(served: Sequence[tuple[int, int]]) -> Arm:
    return Arm(tuple(n for n, _ in served), tuple(x for _, x in served))


def lived(state: State, windows: dict[int, list[Window]], ticks: int, policy: Policy | None = None) -> list[Verdict]:
    """The verdicts of all ticks; `windows` by the tick at which they are handed in."""
    verdicts = []
    for now in range(1, ticks + 1):
        state, verdict = tick(state, windows.get(now, []), now, policy or Policy())
        verdicts.append(verdict)
    return verdicts
