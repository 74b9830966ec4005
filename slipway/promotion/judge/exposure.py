"""Whether users meet the canary as often as the router was told: a share that was set may have no effect.

Clearly below means that even seven tenths of the share are disproved, by Chernoff's bound on a binomial. Seven tenths
leave room for users whom a sticky router keeps where they were and for clients that come in swarms; a router that
stays at the share before a step of ×1.5 or more is found. Windows of low traffic are judged together.
"""

import math
from dataclasses import dataclass, replace

from slipway.promotion.judge.windows import Window

LEAST_PART = 0.7  # of the share that was set
SURE = math.log(1000)  # 99.9 %
ENOUGH = 1000  # requests due from the canary: half of them would be noticed, so a new count begins
ENOUGH_TO_END = 250  # half of them would not pass for seven tenths
NEVER_TICKS = 10  # running, from which on a person is called
LONGEST = 100_000


@dataclass(frozen=True)
class Exposure:
    """`canary` of `total` requests are counted now, of so many `ticks`. `observed` is the share (0..1) that was last
    found too small, and `unmet` for how many ticks running it has been."""

    canary: int = 0
    total: int = 0
    ticks: int = 0
    observed: float = 0.0
    unmet: int = 0

    @property
    def never_met(self) -> bool:
        """For so long that it is no lag of the router's."""
        return self.unmet >= NEVER_TICKS

    def after(self, window: Window, share: float) -> "Exposure":
        """With a window that lies wholly in the time of `share` (0..1); one without requests tells nothing."""
        if not window.total or window.canary is None:
            return self
        canary, total = self.canary + window.canary.total, self.total + window.total
        counted = replace(self, canary=canary, total=total, ticks=self.ticks + 1)
        due, longer = share * total / window.items, min(self.unmet + 1, LONGEST)
        if _is_clearly_below(canary, total, LEAST_PART * share, window.items):
            return Exposure(observed=canary / total, unmet=longer)
        if self.unmet:
            is_met = due >= ENOUGH_TO_END and canary >= LEAST_PART * share * total
            return Exposure() if is_met else replace(counted, unmet=longer)
        return Exposure() if due >= ENOUGH else counted

    def taken_back(self, after: "Exposure") -> int:
        """Ticks that were taken for ticks at the share, and are found now to be of a smaller one."""
        return self.ticks if after.unmet and not self.unmet else 0

    def words(self, share: float) -> str:
        """`25 % of the requests met the canary where 50 % was set, for 3 ticks`."""
        lasting = "1 tick" if self.unmet == 1 else f"{self.unmet} ticks"
        return (
            f"{_percent(self.observed)} of the requests met the canary where {_percent(share)} was set, for {lasting}"
        )


def _is_clearly_below(canary: int, total: int, share: float, items: float) -> bool:
    """So few come by chance once in a thousand times at most, if `share` is due. Of sampled telemetry only the records
    count, not the `items` that each stands for."""
    found = canary / total
    if found >= share:
        return False
    apart = (1 - found) * math.log((1 - found) / (1 - share))
    if found:
        apart += found * math.log(found / share)
    return total / items * apart >= SURE


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.995 else f"{100 * share:.0f} %"
