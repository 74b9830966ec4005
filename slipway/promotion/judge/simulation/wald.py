"""The bound: Wald's sequential test (1945), which knows what no judge knows.

It knows the harm of each tick and the dispersion, tests one-sidedly against the tolerated ratio, and stops when the
log-likelihood ratio reaches ln 100. No test that looks at these counts stops harm sooner on average at the same
false alarms (Wald & Wolfowitz 1948), so mean excess over its mean excess says what the judge's ignorance costs.
"""

import math

from slipway.promotion.judge.evidence import log_ratio
from slipway.promotion.judge.windows import Counts, Window

TOLERATED = 1.10
NEEDED = math.log(100)


class Wald:
    """`dispersion` divides the log-ratio, as ours does."""

    def __init__(self, dispersion: float) -> None:
        self._dispersion = dispersion
        self._sum = 0.0

    @property
    def stopped(self) -> bool:
        return self._sum >= NEEDED

    def after(self, window: Window, ratio: float) -> None:
        """A tick in which the canary failed `ratio` times as often as the baseline. Healthy ticks say nothing."""
        canary, baseline = window.canary, window.baseline
        if ratio <= TOLERATED or canary is None or baseline is None or not canary.total or not baseline.total:
            return
        counts = Counts(canary.total, canary.failed, baseline.total, baseline.failed)
        self._sum += log_ratio(counts, ratio, TOLERATED) / self._dispersion
