"""What a tick costs, and how large the state is."""

import json
import statistics
import time
from dataclasses import replace

from slipway.promotion.judge.judge import tick
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.simulation.latencies import Latency
from slipway.promotion.judge.simulation.stream import Stream
from slipway.promotion.judge.simulation.traffic import Traffic
from slipway.promotion.judge.state import begin, load
from slipway.promotion.judge.windows import Arm, Window

OWN = ("checkouts",)  # the fifth metric beside failures and three latency quantiles
TICKS = 60


def cost(seed: int) -> tuple[float, int]:
    """Median processor milliseconds of a tick of five metrics, from JSON to JSON, and the bytes of the state."""
    policy = Policy(own_metrics=OWN, ramp="careful", patience_ticks=10_000)
    stream = Stream(Traffic(500, 0.001, burst_mean=3, noise_sd=0.3, latency=Latency()), f"{seed}/cost")
    state = begin(policy, [_with_own(window) for window in stream.history()])
    took, size = [], 0
    for now in range(1, TICKS + 1):
        window = _with_own(stream.window(now, policy.steps[state.step]))
        text = json.dumps(state.dump(), separators=(",", ":"))
        size = max(size, len(text))
        began = time.process_time()
        before = load(json.loads(text), policy)
        state, _ = tick(before, [window], now, policy)
        json.dumps(state.dump())
        took.append((time.process_time() - began) * 1000)
    return statistics.median(took), size


def _with_own(window: Window) -> Window:
    return replace(window, canary=_own(window.canary), baseline=_own(window.baseline))


def _own(arm: Arm | None) -> Arm | None:
    return replace(arm, own={OWN[0]: (arm.total, arm.failed)}) if arm else None
