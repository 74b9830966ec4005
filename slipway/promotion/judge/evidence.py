"""Evidence for harm: a mixture of likelihood ratios over harms and over the time of their onset.

Given both arms' bad requests together, the canary's part is binomial with p(θ) = θo/(1 + θo), where `o` is the
odds of the traffic and `θ` the ratio of the bad rates; neither rate need be known. For every tolerable θ the
process starts at 1 and is expected not to grow, so it exceeds 1/α with probability α at most, however often one
looks (Ville 1939; Robbins 1970 for mixtures; Shiryaev 1963 and Shin, Ramdas, Rinaldo 2022 for the onset). Each
log-ratio is divided by the dispersion φ, which keeps that true for bursts of up to φ bad requests (Jensen).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from slipway.promotion.judge.windows import Counts

TOLERATED = 1.10  # the ratio for which the grid was laid; another margin scales it
HARMS = (1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0)
PRIOR = (0.12, 0.18, 0.22, 0.18, 0.12, 0.08, 0.05, 0.05)
COLD = 5.0  # what is tolerated of a canary that is still warming up
AT_ONCE = 0.9  # prior that a harm is there from the first tick; the rest is spread as 0.1/(t(t-1))
NOTHING = -1e6  # the logarithm of nothing, as JSON can carry it
TWO_BLOCKS = 1.5  # times what one adds at most
MOST_LOG = 50.0  # e^50 is proof enough, and no overflow

_LOG_PRIOR = tuple(math.log(prior) for prior in PRIOR)


def log_ratio(block: Counts, theta: float, theta0: float) -> float:
    """How much better `theta` explains a block than `theta0`, in nats, undivided."""
    odds = block.n / block.m
    bad = block.x + block.y
    return block.x * math.log(theta / theta0) + bad * (math.log1p(theta0 * odds) - math.log1p(theta * odds))


def log_ratios(block: Counts, thetas: Sequence[float], theta0: float) -> list[float]:
    """`log_ratio` of each of `thetas`."""
    n, x, m, y = block
    odds, bad = n / m, x + y
    tolerated = math.log1p(theta0 * odds)
    return [x * math.log(theta / theta0) + bad * (tolerated - math.log1p(theta * odds)) for theta in thetas]


def share_of_bad(theta: float, odds: float) -> float:
    """The canary's share of all bad requests when its bad rate is `theta` times the baseline's."""
    return theta * odds / (1 + theta * odds)


@dataclass(frozen=True)
class Evidence:
    """The e-process of one metric: ticks so far and, per harm, the logarithm of its weighted likelihood ratio."""

    ticks: int = 0
    logs: tuple[float, ...] = (NOTHING,) * len(HARMS)

    def next_tick(self) -> "Evidence":
        """One more tick: a harm may begin now."""
        ticks = self.ticks + 1
        onset = math.log(AT_ONCE if ticks == 1 else (1 - AT_ONCE) / (ticks * (ticks - 1)))
        return Evidence(ticks, tuple(log_add(log, onset) for log in self.logs))

    def after(
        self, blocks: Sequence[Counts], phi: float, theta0: float, cold: bool = False, most: float = math.inf
    ) -> "Evidence":
        """With the blocks of this tick, both arms of each with requests. φ >= 1 is predictable. A block adds `most`
        nats at most, two of them half as much again: a storm of seconds may lie across both."""
        scale = theta0 / TOLERATED
        floor = COLD * scale if cold else theta0
        thetas = [harm * scale for harm in HARMS if harm * scale > floor]
        logs = list(self.logs)
        gains = zip(*(log_ratios(block, thetas, floor) for block in blocks), strict=True)
        for i, of_blocks in enumerate(gains, len(HARMS) - len(thetas)):
            logs[i] += _capped([gain / phi for gain in of_blocks], most)
        return Evidence(self.ticks, tuple(logs))

    @property
    def rest(self) -> float:
        """The prior of onsets that are still to come."""
        return 1.0 if self.ticks == 0 else (1 - AT_ONCE) / self.ticks

    @property
    def e_value(self) -> float:
        """The evidence against a tolerable release; its expectation is at most 1 for one."""
        if self.ticks == 0:
            return 1.0
        together = log_sum([log + prior for log, prior in zip(self.logs, _LOG_PRIOR, strict=True)])
        return math.exp(min(together, MOST_LOG)) + self.rest


def _capped(gains: Sequence[float], most: float) -> float:
    """Their sum, each counted as `most` at most and the largest two together as half as much again."""
    rising = sorted([min(gain, most) for gain in gains])
    return sum(rising[:-2]) + min(sum(rising[-2:]), TWO_BLOCKS * most)


def log_add(a: float, b: float) -> float:
    """ln(e^a + e^b)."""
    low, high = (a, b) if a < b else (b, a)
    return high + math.log1p(math.exp(low - high))


def log_sum(values: Sequence[float]) -> float:
    """ln Σ e^v."""
    high = max(values)
    return high + math.log(sum([math.exp(value - high) for value in values]))
