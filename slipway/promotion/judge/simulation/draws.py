"""Random counts, fast enough in plain Python for thousands of ramps.

Small means are drawn exactly, by inversion. From a mean of 30 on it is a normal variate with the Cornish-Fisher
terms for skewness and kurtosis (Cornish & Fisher 1937), whose tail probabilities are within 2 % of the exact ones
at 1 in 1,000: far less than ten thousand ramps can tell apart.
"""

import math
import random
from collections.abc import Iterable

EXACT_BELOW = 30.0


class Draws:
    """A seeded source of counts."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def uniform(self) -> float:
        """From 0 to below 1."""
        return self._random.random()

    def normal(self) -> float:
        """Mean 0, standard deviation 1."""
        return self._random.gauss(0.0, 1.0)

    def integer(self, low: int, high: int) -> int:
        """From `low` to `high`, both included."""
        return self._random.randint(low, high)

    def poisson(self, mean: float) -> int:
        """Events at a constant rate; `mean` >= 0."""
        if mean >= EXACT_BELOW:
            return self._near_normal(mean, mean, mean)
        chance, count = math.exp(-mean), 0
        left = self._random.random() - chance
        while left > 0 and chance > 0:
            count += 1
            chance *= mean / count
            left -= chance
        return count

    def poissons(self, means: Iterable[float]) -> list[int]:
        """Independent counts with these means; as `poisson`, written out for speed: latencies have hundreds."""
        uniform, gauss, exp, sqrt = self._random.random, self._random.gauss, math.exp, math.sqrt
        counts = []
        for mean in means:
            if mean >= EXACT_BELOW:
                z = gauss()
                count = int(mean + sqrt(mean) * z + (z * z - 1) / 6 + (z - z**3) / (72 * sqrt(mean)) + 0.5)
            else:
                chance, count = exp(-mean), 0
                left = uniform() - chance
                while left > 0 and chance > 0:
                    count += 1
                    chance *= mean / count
                    left -= chance
            counts.append(count)
        return counts

    def spread(self, count: int, places: int) -> list[int]:
        """So many things thrown into places at random."""
        thrown = []
        for left in range(places, 0, -1):
            here = self.binomial(count, 1 / left)
            thrown.append(here)
            count -= here
        return thrown

    def binomial(self, trials: int, share: float) -> int:
        """How many of `trials` happen, each with the chance `share`."""
        if share > 0.5:
            return trials if share >= 1 else trials - self.binomial(trials, 1 - share)
        mean = trials * share
        if mean >= EXACT_BELOW:
            variance = mean * (1 - share)
            return min(trials, self._near_normal(mean, variance, variance * (1 - 2 * share)))
        odds = share / (1 - share)
        chance, count = (1 - share) ** trials, 0
        left = self._random.random() - chance
        while left > 0 and count < trials:
            count += 1
            chance *= odds * (trials - count + 1) / count
            left -= chance
        return count

    def in_bursts(self, bursts: int, mean_size: float) -> int:
        """The size of so many bursts together, each geometric from 1 on with this mean."""
        if mean_size <= 1 or bursts == 0:
            return bursts
        if bursts >= 2 * EXACT_BELOW:
            variance = bursts * (mean_size - 1) * mean_size
            return bursts + self._near_normal(bursts * (mean_size - 1), variance, variance * (2 * mean_size - 1))
        scale = math.log(1 - 1 / mean_size)
        return bursts + sum(int(math.log(1 - self._random.random()) / scale) for _ in range(bursts))

    def _near_normal(self, mean: float, variance: float, third: float) -> int:
        """By mean, variance and third cumulant; the fourth is taken as third²/variance, as of a Poisson count."""
        z = self._random.gauss(0.0, 1.0)
        deviation = math.sqrt(variance)
        skewness = third / (variance * deviation)
        value = z + skewness * (z * z - 1) / 6 + skewness * skewness * (z - z**3) / 72
        return max(0, math.floor(mean + deviation * value + 0.5))
