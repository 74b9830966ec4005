"""Two variants held against each other by the users to whom something happened, with bounds that hold at every look.

Who is given which variant does not depend on what they do: `share` of the users get the treatment, by a hash. So if the
variants do not differ, each user who converts is a coin that falls to the treatment with the chance `share`, whatever
the rate, the hour, and how long each has been there. If treated users convert `θ` times as often, the chance is
θo/(1 + θo), `o = share/(1 - share)`: the judge's binomial, with users as units and each counted once.

A mixture of likelihoods over ratios, divided by the likelihood of one `θ`, starts at 1 and is expected to stay there if
that `θ` is the true one; so it exceeds 1/error at any time with the chance `error` at most (Ville 1939; Robbins 1970).
It depends on the counts alone, so nothing is kept between two looks. The ratios that are not disproved make a
confidence sequence (Howard, Ramdas, McAuliffe, Sekhon 2021).
"""

import math
from dataclasses import dataclass
from functools import lru_cache

from slipway.promotion.judge.evidence import log_sum

FINEST, POINTS, FACTOR = 0.01, 17, math.sqrt(2.0)  # ln θ = ±0.01 … ±2.6
BISECTIONS = 40
MOST_LOG_RATIO = 6.0  # of a bound: beyond it none is told


@dataclass(frozen=True)
class Coins:
    """Users of each variant to whom it happened, once each; `share` (0..1) of all users were given the treatment."""

    treatment: int
    control: int
    share: float

    @property
    def odds(self) -> float:
        return self.share / (1 - self.share)

    @property
    def ratio(self) -> float | None:
        """How many times as often it happened with the treatment; None while that is no number."""
        return self.treatment / (self.control * self.odds) if self.control and self.treatment else None

    def log_e(self, theta: float = 1.0) -> float:
        """The logarithm of the evidence against that ratio."""
        return self._mixed() - self._log_likelihood(math.log(theta))

    def disproves(self, theta: float, error: float) -> bool:
        return self.log_e(theta) >= -math.log(error)

    def bounds(self, error: float) -> tuple[float | None, float | None]:
        """The ratios between which the true one lies, at all looks at once but for the chance `error`; None for an end
        that is open."""
        if not self.treatment + self.control:
            return None, None
        level = self._mixed() + math.log(error)
        best = min(max(math.log(self.ratio), -MOST_LOG_RATIO), MOST_LOG_RATIO) if self.ratio else 0.0
        low = self._edge(best if self.treatment else -MOST_LOG_RATIO, -MOST_LOG_RATIO, level)
        high = self._edge(best if self.control else MOST_LOG_RATIO, MOST_LOG_RATIO, level)
        return low, high

    def _edge(self, inside: float, outside: float, level: float) -> float | None:
        """The ratio at which the likelihood falls below `level`; None when it does not until `outside`."""
        if self._log_likelihood(outside) >= level:
            return None
        for _ in range(BISECTIONS):
            middle = (inside + outside) / 2
            if self._log_likelihood(middle) >= level:
                inside = middle
            else:
                outside = middle
        return math.exp(outside)

    def _log_likelihood(self, log_theta: float) -> float:
        both = self.treatment + self.control
        return self.treatment * log_theta - both * math.log1p(self.odds * math.exp(log_theta))

    def _mixed(self) -> float:
        both = self.treatment + self.control
        return log_sum([w + self.treatment * ln - both * log1p for w, ln, log1p in _grid(self.odds)])


@lru_cache(maxsize=64)
def _grid(odds: float) -> tuple[tuple[float, float, float], ...]:
    """Of each ratio of the mixture: the logarithms of its weight, of itself, and of 1 + ratio · odds. Both directions
    weigh the same; the finest ratios, for which tests are begun, a little more than the coarse ones."""
    sizes = [FINEST * FACTOR**k for k in range(POINTS)]
    weights = [1.0 / (2 + k) for k in range(POINTS)]
    total = 2 * sum(weights)
    return tuple(
        (math.log(weight / total), sign * size, math.log1p(odds * math.exp(sign * size)))
        for size, weight in zip(sizes, weights, strict=True)
        for sign in (1.0, -1.0)
    )
