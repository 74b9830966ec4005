"""One tick of a ramp: the judge's verdict on windows of telemetry, as far as users met the share."""

from collections.abc import Sequence
from dataclasses import replace

from slipway.promotion.exposure import Exposure
from slipway.promotion.judge.judge import tick as judge
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.state import State, moved
from slipway.promotion.judge.verdict import Verdict
from slipway.promotion.judge.windows import Window


def judge_tick(
    state: State,
    windows: Sequence[Window],
    tick: int,
    policy: Policy,
    held: str,
    exposure: Exposure,
    share: float | None,
    lags: bool = False,
) -> tuple[State, Verdict, Exposure]:
    """The judge's state and verdict at the end of `tick`, and the exposure at `share` (0..1; None: not looked at).

    While users do not meet the share, evidence for harm counts and no tick is a calm one; those that were taken for
    calm before that was sure count no longer. Of a router that `lags` a first share may come late: then the release
    has no requests because nobody is sent to it, and that is no blindness.
    """
    before, exposure = exposure, Exposure() if share is None else exposure.after(windows, share, lags)
    if exposure.unmet:
        windows = [replace(window, settling=True) for window in windows]
        held = held or f"{exposure.words}; nothing advances"
    if exposure.unmet and exposure.usual and not before.unmet:
        state = moved(state, state.step, tick, policy)
    state, verdict = judge(state, windows, tick, policy, held)
    return state, verdict, exposure
