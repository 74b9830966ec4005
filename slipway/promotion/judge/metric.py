"""One metric of a ramp: its counts, its evidence for harm and for safety, and its dispersion."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from slipway.promotion.judge import bounds
from slipway.promotion.judge.dispersion import Dispersion
from slipway.promotion.judge.evidence import Evidence, share_of_bad
from slipway.promotion.judge.new_bursts import NewBursts
from slipway.promotion.judge.windows import Counts

PRIOR_RESIDUE = 5.0
BLOCK_AT_MOST = 2.3  # nats: one storm of seconds proves nothing, a real fault fills all blocks
BLOCKS_TO_CAP = 3
STORM = 4.0  # standard deviations; what the canary has beyond is a storm, and says nothing of how it swings


@dataclass(frozen=True)
class Reading:
    """What one tick says about one metric: counts by block, and of the baseline's halves. One of one or two blocks
    adds `most` nats at most."""

    blocks: Sequence[Counts]
    halves: Counts | None = None
    most: float = math.inf

    @property
    def counts(self) -> Counts:
        total = Counts()
        for block in self.blocks:
            total = total.plus(block)
        return total


@dataclass(frozen=True)
class Metric:
    """`counts` are those of warm ticks, `cold` of the others, `last` of the last judged tick, `carry` of ticks in
    which an arm was empty. `residue` holds the sum of squares and the variance of the canary's own part, and how many
    bad requests were left out of it as storms."""

    evidence: Evidence = field(default_factory=Evidence)
    sums: tuple[float, ...] = field(default_factory=bounds.no_sums)
    counts: Counts = field(default_factory=Counts)
    cold: Counts = field(default_factory=Counts)
    last: Counts = field(default_factory=Counts)
    carry: Counts = field(default_factory=Counts)
    residue: tuple[float, float, float] = (0.0, 0.0, 0.0)
    dispersion: Dispersion = field(default_factory=Dispersion)
    new_bursts: NewBursts = field(default_factory=NewBursts)

    @property
    def phi(self) -> float:
        """Dispersion of both arms as far as it is known before the next tick; at least 1."""
        squares, variance, _ = self.residue
        own = (PRIOR_RESIDUE + squares) / (PRIOR_RESIDUE + variance)
        return max(self.dispersion.phi, own, self.new_bursts.phi)

    def learn(self, requests: int, bad: int, halves: Counts | None) -> "Metric":
        """A tick before the ramp, the baseline alone."""
        return replace(self, dispersion=self.dispersion.learn(bad, (requests, bad), halves))

    def judge(self, reading: Reading, theta0: float, items: float, cold: bool) -> "Metric":
        """A tick of the ramp. What it learns counts from the next tick on."""
        tick = reading.counts
        evidence = self.evidence.next_tick()
        blocks = joined(self.carry, reading.blocks)
        whole = self.carry.plus(tick)
        if whole.one_sided:
            carry = Counts() if cold else whole
            return replace(self, evidence=evidence, carry=carry)._learned(tick, reading.halves)
        phi = max(self._phi_of(whole), items)
        phi += self.dispersion.unseen**2 * share_of_bad(theta0, whole.n / whole.m) * (whole.x + whole.y)
        most = BLOCK_AT_MOST if len(reading.blocks) >= BLOCKS_TO_CAP else reading.most
        evidence = evidence.after(blocks, phi, theta0, cold, most)
        judged = replace(self, evidence=evidence, carry=Counts(), last=whole)
        if cold:
            return replace(judged, cold=self.cold.plus(whole))._learned(tick, reading.halves)
        judged = replace(judged, sums=bounds.add(self.sums, blocks, phi, theta0, most), counts=self.counts.plus(whole))
        if self.dispersion.shock(_at_full(whole)) == 1:
            new_bursts = self.new_bursts.after(reading.blocks, reading.halves)
            judged = replace(judged, residue=self._residue(whole), new_bursts=new_bursts)
        return judged._learned(tick, reading.halves)

    def _phi_of(self, tick: Counts) -> float:
        """Dispersion in a tick. In a shock it is larger by the shock's size; and what instances differ by grows with
        the failures (φ - 1 in proportion to their mean, McCullagh & Nelder), so it is more where they are more than
        it was measured on. What chance alone may have added to the baseline's failures counts for neither."""
        phi, bad = self.phi, _at_full(tick)
        bad -= math.sqrt(phi * bad * (tick.n + tick.m) / tick.m)
        return max(phi * self.dispersion.shock(bad), 1 + (self.dispersion.phi - 1) * self.dispersion.more(bad))

    def _residue(self, tick: Counts) -> tuple[float, float, float]:
        """How much the canary's part swings from tick to tick around its own mean. Of a storm only as much as chance
        may bring is counted, else it would divide what comes after it for the rest of the ramp."""
        squares, variance, storms = self.residue
        odds = tick.n / tick.m
        expected = self._theta(self.counts, storms) * (tick.y + 1) * odds
        most = expected + STORM * math.sqrt(self.phi * (expected + 1) * (1 + odds))
        x = min(float(tick.x), most)
        storms += tick.x - x
        share, bad = share_of_bad(self._theta(self.counts.plus(tick), storms), odds), x + tick.y
        return squares + (x - share * bad) ** 2, variance + bad * share * (1 - share), storms

    @staticmethod
    def _theta(total: Counts, storms: float) -> float:
        """The ratio of the bad rates so far, without storms."""
        usual = total.y * total.n / total.m if total.m else 0.0
        return (total.x - storms + 1) / (usual + 1)

    def _learned(self, tick: Counts, halves: Counts | None) -> "Metric":
        if tick.m == 0:
            return self
        return replace(self, dispersion=self.dispersion.learn(_at_full(tick), (tick.m, tick.y), halves))


def joined(carry: Counts, blocks: Sequence[Counts]) -> Sequence[Counts]:
    """The blocks with both arms in each: what was carried and a block in which an arm is empty go together with the
    next. One block, if there is an empty arm in all of them together."""
    found, waiting = [], carry
    for block in blocks:
        waiting = waiting.plus(block)
        if not waiting.one_sided:
            found.append(waiting)
            waiting = Counts()
    return [*found[:-1], found[-1].plus(waiting)] if found else [waiting]


def _at_full(tick: Counts) -> float:
    """The bad requests that there would be if the baseline had all the traffic."""
    return tick.y * (tick.n + tick.m) / tick.m
