"""CPU and memory of a ramp's releases, asked of the platform beside the logs, which never wait for them."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from slipway.adapters.telemetry.consumption import Joining
from slipway.promotion.canary_plan import IGNORE, CanaryPlan
from slipway.promotion.outcomes import moment
from slipway.promotion.plan import Target
from slipway.promotion.telemetry import Span

if TYPE_CHECKING:
    from slipway.adapters.telemetry.counted import Counters
    from slipway.promotion.judge.windows import Window

SIDE_BY_SIDE = 20
WITHIN_S = 5.0  # from when the logs are there: a verdict of harm must not wait for what holds a ramp at most


class Consumption:
    """Asks when it is made; `joined` takes what has been answered by then."""

    def __init__(self, canary: CanaryPlan, began_at: str, version: str, targets: Sequence[Target]) -> None:
        policy = canary.policy
        warm_at = moment(began_at) + timedelta(seconds=policy.warm_up_s)
        self._joining = Joining(timedelta(seconds=policy.tick_s * policy.delay_ticks), warm_at)
        self._version, self._targets = version, () if canary.saturation == IGNORE else targets
        self._spans: Sequence[Span] = ()
        self._asked: dict[str, Future[Counters]] = {}

    def ask(self, spans: Sequence[Span]) -> None:
        """Of these ticks, if they hold a minute."""
        self._spans, between = spans, self._joining.asked_for(spans)
        if between is None or not self._targets:
            return
        threads = ThreadPoolExecutor(min(SIDE_BY_SIDE, len(self._targets)), thread_name_prefix="metrics")
        self._asked = {target.name: threads.submit(self._counters, target, *between) for target in self._targets}
        threads.shutdown(wait=False)

    def joined(self, windows: list["Window"]) -> tuple[list["Window"], str]:
        """The windows with what was measured, and in words what was not."""
        wait(self._asked.values(), WITHIN_S)
        there = {name: each.result() for name, each in self._asked.items() if each.done()}
        silent = {name: f"no answer within {WITHIN_S:g} s" for name in self._asked if name not in there}
        silent |= {name: counters.words for name, counters in there.items() if counters.words}
        words = "; ".join(f"{name}: {why}" for name, why in silent.items())
        if self._asked:
            windows = self._joining.joined(windows, self._spans, list(there.values()))
        return windows, f"CPU and memory are not known ({words})" if words else ""

    def _counters(self, target: Target, begins: datetime, ends: datetime) -> "Counters":
        from slipway.adapters.telemetry.metrics import AzureMonitorMetrics

        return AzureMonitorMetrics().of(target, self._version, begins, ends)
