"""CPU and memory: secondary signs that hold a ramp, and never roll it back."""

import math
from dataclasses import dataclass, replace

from slipway.promotion.judge.windows import Window

CPU_WORSE = 1.3  # times the baseline's
TICKS_RUNNING = 3
READINGS = 10  # of memory, for its slope
FEWEST_READINGS = 5


@dataclass(frozen=True)
class Saturation:
    """How many ticks running the canary was short of CPU or memory, and its last memory readings (tick, share)."""

    cpu_ticks: int = 0
    memory_ticks: int = 0
    memory: tuple[tuple[int, float], ...] = ()
    words: str = ""

    @property
    def holds(self) -> bool:
        """The ramp must not advance."""
        return max(self.cpu_ticks, self.memory_ticks) >= TICKS_RUNNING

    def after(self, window: Window, bake_ticks: int) -> "Saturation":
        """With a tick of warm instances; a tick without a reading changes nothing about it."""
        return self._with_cpu(window)._with_memory(window, bake_ticks)

    def _with_cpu(self, window: Window) -> "Saturation":
        ours = window.canary.cpu if window.canary else None
        usual = window.baseline.cpu if window.baseline else None
        if not _known(ours) or not _known(usual) or ours is None or not usual:
            return self
        if ours <= CPU_WORSE * usual:
            return replace(self, cpu_ticks=0)
        words = f"the canary needs {ours / usual:.1f} × the baseline's CPU per request"
        return replace(self, cpu_ticks=min(self.cpu_ticks + 1, TICKS_RUNNING), words=words)

    def _with_memory(self, window: Window, bake_ticks: int) -> "Saturation":
        share = window.canary.memory if window.canary else None
        if share is None or not _known(share):
            return self
        memory = (*self.memory, (window.tick, share))[-READINGS:]
        slope = _slope(memory) if len(memory) >= FEWEST_READINGS else 0.0
        if share < 1 and (slope <= 0 or share + slope * bake_ticks < 1):
            return replace(self, memory=memory, memory_ticks=0)
        ticks = f" and would be full in {max(0.0, 1 - share) / slope:.0f} ticks" if slope > 0 else ""
        words = f"the canary's memory is at {share:.0%} of its limit{ticks}"
        return replace(self, memory=memory, memory_ticks=min(self.memory_ticks + 1, TICKS_RUNNING), words=words)


def _known(reading: float | None) -> bool:
    return reading is not None and math.isfinite(reading) and reading >= 0


def _slope(readings: tuple[tuple[int, float], ...]) -> float:
    """Least squares: share a tick."""
    count = len(readings)
    mean_tick = sum(tick for tick, _ in readings) / count
    mean_share = sum(share for _, share in readings) / count
    spread = sum((tick - mean_tick) ** 2 for tick, _ in readings)
    if spread == 0:
        return 0.0
    return sum((tick - mean_tick) * (share - mean_share) for tick, share in readings) / spread
