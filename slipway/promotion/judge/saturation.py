"""CPU and memory: secondary signs that hold a ramp, and never roll it back.

A hold begins with three ticks running beyond a limit, and ends with three running within: readings wobble, and one
by chance within must not let a hungry canary pass.
"""

from dataclasses import dataclass, replace

from slipway.promotion.judge.windows import MOST, Window

CPU_WORSE = 1.3  # times the baseline's
TICKS_RUNNING = 3
READINGS = 10  # of memory, for its slope
FEWEST_READINGS = 5


@dataclass(frozen=True)
class Saturation:
    """How many ticks running the canary was short of CPU or memory, three at most; of a hold, how many it has been
    within the limit since; and its last memory readings (tick, share)."""

    cpu_ticks: int = 0
    cpu_calm: int = 0
    memory_ticks: int = 0
    memory_calm: int = 0
    memory: tuple[tuple[int, float], ...] = ()
    words: str = ""

    @property
    def holds(self) -> bool:
        """The ramp must not advance."""
        return max(self.cpu_ticks, self.memory_ticks) >= TICKS_RUNNING

    @property
    def is_short(self) -> bool:
        """The last reading was beyond a limit, or a hold goes on: no tick for the last step, after which a leak
        would have all the traffic before its slope is sure."""
        return max(self.cpu_ticks, self.memory_ticks) > 0

    def after(self, window: Window, bake_ticks: int) -> "Saturation":
        """With a tick of warm instances; a tick without a reading changes nothing about it."""
        return self._with_cpu(window)._with_memory(window, bake_ticks)

    def _with_cpu(self, window: Window) -> "Saturation":
        ours = window.canary.cpu if window.canary else None
        usual = window.baseline.cpu if window.baseline else None
        if not _known(ours) or not _known(usual) or ours is None or not usual:
            return self
        short = ours > CPU_WORSE * usual
        ticks, calm = _running(self.cpu_ticks, self.cpu_calm, short)
        words = f"the canary needs {ours / usual:.1f} × the baseline's CPU per request" if short else self.words
        return replace(self, cpu_ticks=ticks, cpu_calm=calm, words=words)

    def _with_memory(self, window: Window, bake_ticks: int) -> "Saturation":
        share = window.canary.memory if window.canary else None
        if share is None or not _known(share):
            return self
        memory = (*self.memory, (window.tick, share))[-READINGS:]
        slope = _slope(memory) if len(memory) >= FEWEST_READINGS else 0.0
        short = share >= 1 or (slope > 0 and share + slope * bake_ticks >= 1)
        ticks, calm = _running(self.memory_ticks, self.memory_calm, short)
        held = replace(self, memory=memory, memory_ticks=ticks, memory_calm=calm)
        if not short:
            return held
        full = f" and would be full in {max(0.0, 1 - share) / slope:.0f} ticks" if slope > 0 else ""
        return replace(held, words=f"the canary's memory is at {share:.0%} of its limit{full}")


def _running(ticks: int, calm: int, short: bool) -> tuple[int, int]:
    """Ticks short of it, and ticks of a hold within, after one more."""
    if short:
        return min(ticks + 1, TICKS_RUNNING), 0
    if ticks < TICKS_RUNNING or calm + 1 == TICKS_RUNNING:
        return 0, 0
    return ticks, calm + 1


def _known(reading: float | None) -> bool:
    return reading is not None and 0 <= reading <= MOST


def _slope(readings: tuple[tuple[int, float], ...]) -> float:
    """Least squares: share a tick."""
    count = len(readings)
    mean_tick = sum(tick for tick, _ in readings) / count
    mean_share = sum(share for _, share in readings) / count
    spread = sum((tick - mean_tick) ** 2 for tick, _ in readings)
    if spread == 0:
        return 0.0
    return sum((tick - mean_tick) * (share - mean_share) for tick, share in readings) / spread
