"""A plain sequential test: binomial, mixed over harms, without a measure of bursts.

What the textbook gives (Robbins 1970; Wald 1945) and our judge would be without dispersion: the same likelihood
ratios of the same counts with φ = 1, rolled back at 100, five minutes at each of 5, 10, 25 and 50 %.
"""

from slipway.promotion.judge.evidence import Evidence
from slipway.promotion.judge.simulation.rule import PROMOTED, ROLLED_BACK, Move
from slipway.promotion.judge.windows import Counts, Window

WEIGHTS = (0.05, 0.10, 0.25, 0.50)
STEP_TICKS = 5
THRESHOLD = 100.0
TOLERATED = 1.10


class Plain:
    """Ticks are minutes."""

    def __init__(self) -> None:
        self._ticks = 0
        self._evidence = Evidence()

    @property
    def weight(self) -> float:
        return WEIGHTS[self._ticks // STEP_TICKS]

    def after(self, window: Window) -> Move:
        self._ticks += 1
        self._evidence = self._evidence.next_tick()
        canary, baseline = window.canary, window.baseline
        if canary and baseline and canary.total and baseline.total:
            counts = Counts(canary.total, canary.failed, baseline.total, baseline.failed)
            self._evidence = self._evidence.after((counts,), 1.0, TOLERATED)
        if self._evidence.e_value >= THRESHOLD:
            return Move(0.0, ROLLED_BACK, "harm proven")
        if self._ticks == STEP_TICKS * len(WEIGHTS):
            return Move(1.0, PROMOTED)
        return Move(self.weight)
