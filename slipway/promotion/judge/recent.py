"""How many requests a tick has of late, both arms together: what is due of the next one.

A service may have a request a minute, or hundreds every quarter of an hour, and be empty meanwhile. So of an empty tick
the mean is due, empty ticks among it, and an emptiness is silence only when it lasts for longer than the largest tick
explains; meanwhile nothing advances, and nobody is harmed. By night the last ticks say what is usual, be they judged
or not.
"""

from dataclasses import dataclass
from statistics import median

SILENT = 20.0  # requests that were due: with fewer, none may be chance
SILENT_BOTH = 200.0  # the same of both arms together: batches that no tick has shown yet
THIN_IN_ALL = 0.05  # of what is usual; day and night differ by less within minutes
LAST_TOTALS = 5  # ticks with requests
MEMORY_TICKS = 60  # of the mean
FADES = 0.99  # a tick, of the largest


@dataclass(frozen=True)
class Recent:
    """Requests a tick: the `mean`, the `largest`, which fades, and the last five `totals` above 0. `unheard` were due
    since the last one came."""

    mean: float = 0.0
    largest: float = 0.0
    totals: tuple[int, ...] = ()
    unheard: float = 0.0

    @property
    def usual(self) -> float:
        """The median of the last ticks with requests."""
        return median(self.totals) if self.totals else 0.0

    def is_silence(self) -> bool:
        """Whether one more empty tick is more than a pause between two batches."""
        return self.unheard + self.mean >= max(SILENT_BOTH, 2 * (self.largest - self.mean))

    def after(self, total: int) -> "Recent":
        """With a tick of so many requests."""
        mean = self.mean + (total - self.mean) / MEMORY_TICKS if self.largest else float(total)
        largest = max(float(total), self.largest * FADES)
        if not total:
            return Recent(mean, largest, self.totals, self.unheard + self.mean)
        return Recent(mean, largest, (*self.totals, total)[-LAST_TOTALS:])
