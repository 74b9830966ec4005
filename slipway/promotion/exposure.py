"""Whether users meet a release as often as the routers were told: a share that is set may have no effect.

Telemetry's share is compared with what it was at earlier shares of the same ramp, not with the share itself: a role may
also hold sites that do not ramp, of another ring or stage, and these thin the share at every step alike.

Clearly below means that even seven tenths of what is due are disproved with 99.9 % confidence, by Chernoff's bound on a
binomial. Seven tenths leave room for users whom a sticky router keeps where they were and for clients that come in
swarms; a router that stays at the share before a step of ×1.5 or more is found. Little traffic is judged together.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from slipway.promotion.judge.windows import Window
from slipway.promotion.stored import known

LEAST_PART = 0.7
SURE = math.log(1000)  # 99.9 %
ENOUGH = 4000  # requests due to the release, from which on older ones count half
ENOUGH_TO_END = 250  # half of them would not pass for seven tenths
CALLS_AFTER = 10  # ticks running, from which on it is no lag of the router's


@dataclass(frozen=True)
class Exposure:
    """`canary` of `total` requests were counted at `share` (0..1), up to `tick`. `usual` is the part of the share that
    users surely met at the shares before, 0 when nothing is known. `unmet`: for how many ticks running they have met
    clearly less than that, and `observed` the share that was found so."""

    share: float = 0.0
    tick: int = 0
    canary: float = 0.0
    total: float = 0.0
    usual: float = 0.0
    unmet: int = 0
    observed: float = 0.0

    @classmethod
    def load(cls, data: dict[str, Any]) -> "Exposure":
        """From its JSON; of a ramp from before it was kept, nothing was counted."""
        return cls(**known(cls, data))

    @property
    def due(self) -> float:
        """The share (0..1) that telemetry should show."""
        return self.share * self.usual

    @property
    def words(self) -> str:
        """`5.0% of the requests met the release where 25% is set and at least 24.1% are due, for 3 ticks`; empty when
        users meet the share."""
        if not self.unmet:
            return ""
        lasting = "1 tick" if self.unmet == 1 else f"{self.unmet} ticks"
        if not self.usual:
            return f"no request has met the release yet where {100 * self.share:g}% is set, for {lasting}"
        met, due = f"{self.observed:.1%} of the requests met the release", f"at least {self.due:.1%} are due"
        return f"{met} where {100 * self.share:g}% is set and {due}, for {lasting}"

    @property
    def calls(self) -> bool:
        """It has lasted for so long that a person must look."""
        return self.unmet >= CALLS_AFTER

    def after(self, windows: Sequence[Window], share: float, lags: bool = False) -> "Exposure":
        """With the windows that lie wholly in the time of `share`, oldest first. A tick counts once. Of a router that
        `lags`, a first share of which nobody meets anything is one that is not met."""
        exposure = self if math.isclose(self.share, share) else self._at(share)
        for window in windows:
            if window.tick > exposure.tick and not (window.settling or window.trouble):
                exposure = exposure._awaiting(window) if lags and not exposure.usual else exposure._counting(window)
        return exposure

    def _at(self, share: float) -> "Exposure":
        """A new share. Only a person lets a release go on whose share is not met: then that is what is usual."""
        met = _surely_met(self.canary, self.total) / self.share if self.share and self.total else 0.0
        usual = self.observed / self.share if self.unmet else max(self.usual, min(met, 1.0))
        return Exposure(share=share, tick=self.tick, usual=usual)

    def _awaiting(self, window: Window) -> "Exposure":
        """A share before which there was none: with the first request that meets the release counting begins."""
        if window.canary is not None and window.canary.total:
            begun = replace(self, canary=0.0, total=0.0, unmet=0, observed=0.0) if self.unmet else self
            return begun._counting(window)
        if self.canary:
            return self._counting(window)
        total = self.total + window.total / window.items
        none = _is_clearly_below(0.0, total, LEAST_PART * self.share) if total else False
        return replace(self, tick=window.tick, total=total, unmet=self.unmet + none)

    def _counting(self, window: Window) -> "Exposure":
        """Of sampled telemetry only the stored records count, not the requests that each stands for."""
        if not window.total or window.canary is None:
            return self
        canary = self.canary + window.canary.total / window.items
        total = self.total + window.total / window.items
        counted = replace(self, tick=window.tick, canary=canary, total=total)
        if not self.usual:
            return counted
        anew = replace(self, tick=window.tick, canary=0.0, total=0.0)
        if _is_clearly_below(canary, total, LEAST_PART * self.due):
            return replace(anew, unmet=self.unmet + 1, observed=canary / total)
        due = self.due * total
        if self.unmet:
            is_met = due >= ENOUGH_TO_END and canary >= LEAST_PART * due
            return replace(counted, unmet=0, observed=0.0) if is_met else replace(counted, unmet=self.unmet + 1)
        return counted if due < ENOUGH else replace(counted, canary=canary / 2, total=total / 2)


def _divergence(found: float, share: float) -> float:
    """Kullback and Leibler's, of two coins."""
    apart = (1 - found) * math.log((1 - found) / (1 - share)) if found < 1 else 0.0
    return apart + (found * math.log(found / share) if found else 0.0)


def _is_clearly_below(canary: float, total: float, share: float) -> bool:
    """So few come by chance once in a thousand times at most, if `share` is due."""
    found = canary / total
    return found < share and total * _divergence(found, share) >= SURE


def _surely_met(canary: float, total: float) -> float:
    """The smallest share that is not disproved by so many, or more."""
    found = canary / total
    low, high = 0.0, found
    for _ in range(40):
        middle = (low + high) / 2
        disproved = middle <= 0 or total * _divergence(found, middle) >= SURE
        low, high = (middle, high) if disproved else (low, middle)
    return high if canary else 0.0
