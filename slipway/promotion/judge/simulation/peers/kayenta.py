"""Kayenta's judge of Spinnaker's canary stage.

Source: spinnaker.io, "How canary judgment works", and `NetflixACAJudge` with `MannWhitneyClassifier(fraction =
0.25, confLevel = 0.98)`: error rates of each minute, canary against baseline, by Mann and Whitney's test. The metric
is High when the lower confidence bound of the shift exceeds a quarter of its estimate; the normal approximation
with corrections for ties and continuity is R's `wilcox.test`. One metric, so High fails the canary. Minutes
without requests are no values; a comparison without values, or with none that differ, passes. Its stages have no
default weights: ten minutes each at 5, 10, 25 and 50 %, one judgement at the end of each.
"""

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from statistics import median

from slipway.promotion.judge.simulation.rule import PROMOTED, ROLLED_BACK, Move
from slipway.promotion.judge.windows import Arm, Window

WEIGHTS = (0.05, 0.10, 0.25, 0.50)
STAGE_TICKS = 10
TOLERANCE = 0.25
Z = 2.3263478740408408  # two-sided 98 %
SAME = 5e-13  # rates this close are the same


class Kayenta:
    """Ticks are minutes."""

    def __init__(self) -> None:
        self._stage = 0
        self._canary: list[float] = []
        self._baseline: list[float] = []
        self._ticks = 0

    @property
    def weight(self) -> float:
        return WEIGHTS[self._stage]

    def after(self, window: Window) -> Move:
        self._ticks += 1
        self._canary += _rate(window.canary)
        self._baseline += _rate(window.baseline)
        if self._ticks % STAGE_TICKS:
            return Move(self.weight)
        if is_high(self._canary, self._baseline):
            return Move(0.0, ROLLED_BACK, "error rate: High")
        if self._stage == len(WEIGHTS) - 1:
            return Move(1.0, PROMOTED)
        self._stage += 1
        self._canary, self._baseline = [], []
        return Move(self.weight)


def is_high(canary: Sequence[float], baseline: Sequence[float]) -> bool:
    """The canary's values are higher than the baseline's by more than the tolerance."""
    if not canary or not baseline or list(canary) == list(baseline):
        return False
    if len({*canary, *baseline}) == 1:
        return False
    shifts = sorted(ours - theirs for ours in canary for theirs in baseline)
    estimate = median(shifts)  # Hodges and Lehmann's
    return _lower_bound(shifts, canary, baseline) > TOLERANCE * abs(estimate)


def _rate(arm: Arm | None) -> list[float]:
    return [arm.failed / arm.total] if arm is not None and arm.total else []


def _lower_bound(shifts: Sequence[float], canary: Sequence[float], baseline: Sequence[float]) -> float:
    """The shift of the canary at which the test's statistic falls below `Z`. It falls with the shift, in steps:
    one where values tie, at `shifts` (sorted), and one between two of those."""
    places = sorted(set(shifts))
    low, high = 0, 2 * len(places) - 2
    while low < high:
        middle = (low + high) // 2
        first = places[middle // 2]
        at = first if middle % 2 == 0 else (first + places[middle // 2 + 1]) / 2
        if _statistic(at, shifts, canary, baseline) > Z:
            low = middle + 1
        else:
            high = middle
    return places[low // 2]


def _statistic(shift: float, shifts: Sequence[float], canary: Sequence[float], baseline: Sequence[float]) -> float:
    above = len(shifts) - bisect_right(shifts, shift + SAME)
    ties = len(shifts) - above - bisect_left(shifts, shift - SAME)
    wins = above + 0.5 * ties
    moved = [round(value - shift, 12) for value in canary]
    fixed = [round(value, 12) for value in baseline]
    n, m = len(moved), len(fixed)
    distance = wins - n * m / 2
    tied = sum(count**3 - count for count in Counter([*moved, *fixed]).values() if count > 1)
    variance = n * m / 12 * (n + m + 1 - tied / ((n + m) * (n + m - 1)))
    if variance <= 0:
        return 0.0
    return (distance - math.copysign(0.5, distance) * (distance != 0)) / math.sqrt(variance)
