"""Plots of the terminal: bars of blocks, an eighth of a letter fine."""

import math
from collections.abc import Sequence

EIGHTHS = " ▏▎▍▌▋▊▉█"
HEIGHTS = " ▁▂▃▄▅▆▇█"


def bar(share: float, width: int) -> str:
    """A bar of `share` (0..1) of `width` letters; anything above 0 is seen."""
    if not math.isfinite(share) or share <= 0:
        return ""
    eighths = max(1, round(min(share, 1.0) * width * 8))
    return EIGHTHS[8] * (eighths // 8) + EIGHTHS[eighths % 8].strip()


def log_share(value: float, low: float, high: float) -> float:
    """Where `value` lies between `low` and `high` (both above 0) on a logarithmic scale, 0..1."""
    if value <= low or high <= low:
        return 0.0
    return min(1.0, math.log(value / low) / math.log(high / low))


def spark(shares: Sequence[float]) -> str:
    """One letter a value (0..1)."""
    return "".join(HEIGHTS[1 + round(min(max(share, 0.0), 1.0) * 7)] for share in shares)
