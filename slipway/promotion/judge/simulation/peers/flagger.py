"""Flagger's canary analysis.

Source: docs.flagger.app, "How it works" and "Metrics analysis": `interval: 1m`, `threshold: 10`, `stepWeight: 5`,
`maxWeight: 50`, `request-success-rate` with `thresholdRange: {min: 99}` over `1m`. A failed check halts the advance
and counts; at `threshold` failed checks in all the canary is rolled back. A canary without traffic has no value for
the metric, which fails the check too ("Halt advancement no values found for metric").
"""

from slipway.promotion.judge.simulation.rule import PROMOTED, ROLLED_BACK, Move
from slipway.promotion.judge.windows import Window

STEP, MOST = 5, 50  # percent
LEAST_SUCCESS = 0.99
FAILED_CHECKS = 10


class Flagger:
    """Ticks are its interval of one minute."""

    def __init__(self) -> None:
        self._percent, self._failed = STEP, 0

    @property
    def weight(self) -> float:
        return self._percent / 100

    def after(self, window: Window) -> Move:
        canary = window.canary
        served = canary.total if canary else 0
        if canary is None or served == 0 or 1 - canary.failed / served < LEAST_SUCCESS:
            self._failed += 1
            if self._failed >= FAILED_CHECKS:
                return Move(0.0, ROLLED_BACK, f"{self._failed} checks failed")
            return Move(self.weight)
        if self._percent >= MOST:
            return Move(1.0, PROMOTED)
        self._percent += STEP
        return Move(self.weight)
