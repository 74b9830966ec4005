"""The bound: Wald's sequential test (1945), which knows what no judge knows.

It knows the harm of each tick and the dispersion, tests one-sidedly against the tolerated ratio, and stops when the
log-likelihood ratio reaches ln(1/α), ln 100 for 1 %. No test that looks at these counts stops harm sooner on
average at the same false alarms (Wald & Wolfowitz 1948), so mean excess over its mean excess says what the judge's
ignorance costs.
"""

import math

from slipway.promotion.judge.evidence import log_ratio
from slipway.promotion.judge.windows import Counts, Window


class Wald:
    """`dispersion` divides the log-ratio, as ours does; margin and chance of a false rollback are the judge's."""

    def __init__(self, dispersion: float, tolerated: float = 1.10, false_rollback: float = 0.01) -> None:
        self._dispersion, self._tolerated, self._needed = dispersion, tolerated, -math.log(false_rollback)
        self._sum = 0.0

    @property
    def stopped(self) -> bool:
        return self._sum >= self._needed

    def after(self, window: Window, ratio: float) -> None:
        """A tick in which the canary failed `ratio` times as often as the baseline. Healthy ticks say nothing."""
        canary, baseline = window.canary, window.baseline
        if ratio <= self._tolerated or canary is None or baseline is None or not canary.total or not baseline.total:
            return
        counts = Counts(canary.total, canary.failed, baseline.total, baseline.failed)
        self._sum += log_ratio(counts, ratio, self._tolerated) / self._dispersion
