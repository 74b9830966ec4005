"""How bursty a service's bad requests are, measured as an A/A test on the baseline.

Telemetry gives the baseline in two halves by instance. What they differ by, beyond chance, is what two healthy
arms differ by: bursts, and instances that are noisy for a while. Shocks hit both halves and cancel. Measured at
two scales, one tick and fifteen, because noise with a memory shows only in sums (McCullagh & Nelder, ch. 4).
"""

from dataclasses import dataclass

from slipway.promotion.judge.windows import Counts

PRIOR_SQUARES, PRIOR_VARIANCE = 10.0, 5.0  # φ = 2 with the weight of 20 bad requests
TICKS_TOGETHER = 15
MEMORY_TICKS = 240  # of what is usual
SHOCK = 4.0  # times the usual is a shock
SHOCK_AT_LEAST = 20.0  # bad requests; fewer are none
LEARNING_TICKS = 30  # until then nothing is known to be a shock
TOO_FEW_TO_HALVE = 10  # requests: by chance all of one half, once in 500 times
UNSEEN_NOISE = 0.05  # relative noise of the canary alone that no A/A test can show
UNSEEN_WITHOUT_HALVES = 0.30


@dataclass(frozen=True)
class Dispersion:
    """Sums of squares and expected variances at both scales, and what is usual.

    `usual` is the mean of bad requests a tick at full traffic, `seen` the ticks it was learned from, `halved`
    those of them that came in halves, or with too few requests to tell. `waiting` is the last undivided tick, for want
    of halves.
    """

    squares: float = 0.0
    variance: float = 0.0
    squares_together: float = 0.0
    variance_together: float = 0.0
    sum_d: float = 0.0
    sum_v: float = 0.0
    summed: int = 0
    usual: float = 0.0
    seen: int = 0
    halved: int = 0
    waiting: tuple[int, int] = (0, 0)

    @property
    def phi(self) -> float:
        """Variance over that of independent bad requests, at the worse of both scales; at least 1."""
        one = (PRIOR_SQUARES + self.squares) / (PRIOR_VARIANCE + self.variance)
        together = (PRIOR_SQUARES + self.squares_together) / (PRIOR_VARIANCE + self.variance_together)
        return max(1.0, one, together)

    @property
    def lacks_halves(self) -> bool:
        """Most ticks came undivided, so bursts are judged from ticks that follow each other: a weaker promise."""
        return 2 * self.halved < self.seen

    @property
    def unseen(self) -> float:
        return UNSEEN_WITHOUT_HALVES if self.lacks_halves else UNSEEN_NOISE

    def shock(self, bad: float) -> float:
        """How many times beyond the usual's limit `bad` (a tick at full traffic) is; 1 when it is within."""
        if self.seen < LEARNING_TICKS:
            return 1.0
        return max(1.0, bad / max(SHOCK * self.usual, SHOCK_AT_LEAST))

    def more(self, bad: float) -> float:
        """How many times the usual `bad` is; 1 when it is not more, or few."""
        return 1.0 if self.seen < LEARNING_TICKS else max(1.0, bad / max(self.usual, SHOCK_AT_LEAST))

    def learn(self, bad: float, whole: tuple[int, int], halves: Counts | None) -> "Dispersion":
        """After a tick: bad requests at full traffic, the baseline's (requests, bad), and its halves if any."""
        kept = min(bad, max(SHOCK * self.usual, SHOCK_AT_LEAST))
        halved = halves is not None and not halves.one_sided
        pair, waiting = None, self.waiting
        if self.shock(bad) == 1:
            pair, waiting = (halves, self.waiting) if halved else self._in_pairs(whole)
        d, v = _difference(pair) if pair is not None else (0.0, 0.0)
        sum_d, sum_v, summed = self.sum_d + d, self.sum_v + v, self.summed + (pair is not None)
        full = summed == TICKS_TOGETHER
        return Dispersion(
            squares=self.squares + d * d,
            variance=self.variance + v,
            squares_together=self.squares_together + (sum_d**2 if full else 0.0),
            variance_together=self.variance_together + (sum_v if full else 0.0),
            sum_d=0.0 if full else sum_d,
            sum_v=0.0 if full else sum_v,
            summed=0 if full else summed,
            usual=self.usual + (kept - self.usual) / min(self.seen + 1, MEMORY_TICKS),
            seen=self.seen + 1,
            halved=self.halved + (halved or whole[0] < TOO_FEW_TO_HALVE),
            waiting=waiting,
        )

    def _in_pairs(self, whole: tuple[int, int]) -> tuple[Counts | None, tuple[int, int]]:
        """For want of halves this tick against the one that waits, if one does; and which waits then."""
        if self.waiting[0] == 0:
            return None, whole
        pair = Counts(self.waiting[0], self.waiting[1], whole[0], whole[1])
        return (None if pair.one_sided else pair), (0, 0)


def _difference(halves: Counts) -> tuple[float, float]:
    """By how much the first half has more bad requests than its share, and the variance of that by chance alone."""
    share = halves.n / (halves.n + halves.m)
    bad = halves.x + halves.y
    return halves.x - share * bad, bad * share * (1 - share)
