"""Argo Rollouts' background analysis.

Source: argo-rollouts.readthedocs.io, "Analysis & progressive delivery", first example: weights 20, 40, 60, 80 with
`pause: {duration: 10m}`, `success-rate` every `interval: 5m`, `successCondition: result[0] >= 0.95`,
`failureLimit: 3`: the run fails when more than three measurements have failed (`analysis/analysis.go`). Kinder
than the example: measured from the first weight on, not only from the third, and over the whole five minutes, where
its `irate` takes the last two samples. No traffic at all is NaN, which is not >= 0.95.
"""

from slipway.promotion.judge.simulation.rule import PROMOTED, ROLLED_BACK, Move
from slipway.promotion.judge.windows import Window

WEIGHTS = (0.20, 0.40, 0.60, 0.80)
PAUSE_TICKS, INTERVAL_TICKS = 10, 5
LEAST_SUCCESS = 0.95
FAILURE_LIMIT = 3


class Argo:
    """Ticks are minutes."""

    def __init__(self) -> None:
        self._ticks, self._failed = 0, 0
        self._served = self._bad = 0

    @property
    def weight(self) -> float:
        return WEIGHTS[self._ticks // PAUSE_TICKS]

    def after(self, window: Window) -> Move:
        self._ticks += 1
        if window.canary:
            self._served += window.canary.total
            self._bad += window.canary.failed
        if self._ticks % INTERVAL_TICKS == 0:
            if self._served == 0 or 1 - self._bad / self._served < LEAST_SUCCESS:
                self._failed += 1
            self._served = self._bad = 0
        if self._failed > FAILURE_LIMIT:
            return Move(0.0, ROLLED_BACK, f"{self._failed} measurements failed")
        if self._ticks == PAUSE_TICKS * len(WEIGHTS):
            return Move(1.0, PROMOTED)
        return Move(self.weight)
