"""What every ramp asks of its steps, times and doubt, whatever divides the users."""

from collections.abc import Sequence

from slipway.promotion.judge.policy import MOST_DELAY_TICKS
from slipway.promotion.pipeline.units import refusal

MOST_FALSE_ROLLBACKS = 0.20


def check_steps(steps: Sequence[float]) -> None:
    """Raises PydanticCustomError for steps that do not rise to 100 %."""
    if steps[-1] != 1:
        raise refusal("STEPS_DO_NOT_RISE", f"the last step is 100%, not {100 * steps[-1]:.6g}%")
    if any(low >= high for low, high in zip([0.0, *steps], steps, strict=False)):
        raise refusal("STEPS_DO_NOT_RISE", "each step is above the one before, and the first above 0%")


def check_holds(steps: Sequence[float], hold_at: Sequence[float]) -> None:
    """Raises PydanticCustomError for points that are no step below 100 %."""
    below = steps[:-1]
    if others := [point for point in hold_at if point not in below]:
        named = ", ".join(f"{100 * step:g}%" for step in below)
        words = f"hold_at names steps below 100%, which are {named}; {100 * others[0]:g}% is none of them"
        raise refusal("HOLD_AT_NO_STEP", words)


def check_delay(delay_s: float, tick_s: float) -> None:
    """Raises PydanticCustomError for telemetry that comes too late to judge anything by."""
    if delay_s > MOST_DELAY_TICKS * tick_s:
        words = f"telemetry comes {delay_s / tick_s:,.0f} ticks late; {MOST_DELAY_TICKS} are the most"
        raise refusal("OUT_OF_RANGE", words)


def check_doubt(false_rollback: float) -> None:
    """Raises PydanticCustomError for a share (0..1) of false rollbacks that proves nothing, or anything."""
    if not 0 < false_rollback <= MOST_FALSE_ROLLBACKS:
        words = "false_rollback is above 0% and at most 20%: without any doubt allowed no harm is ever proven"
        raise refusal("OUT_OF_RANGE", words)
