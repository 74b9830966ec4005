"""What telemetry delivers for one tick: both arms, and the baseline once more in two halves by instance."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from slipway.promotion.histogram import LatencyHistogram

LONGEST_WORDS = 200  # characters of what telemetry says is wrong; they travel in the judge's state
MOST = 2**53  # beyond this a count is no longer exact in floating point, and no service has it


class Counts(NamedTuple):
    """Requests and bad ones of both arms: `n`, `x` of the canary, `m`, `y` of the baseline."""

    n: int = 0
    x: int = 0
    m: int = 0
    y: int = 0

    def plus(self, other: "Counts") -> "Counts":
        return Counts(self.n + other.n, self.x + other.x, self.m + other.m, self.y + other.y)

    @property
    def one_sided(self) -> bool:
        """Nothing can be compared: an arm had no request."""
        return self.n == 0 or self.m == 0


@dataclass(frozen=True)
class Arm:
    """One release's telemetry of a tick. `requests` and `failures` are per block, six blocks a tick or one."""

    requests: tuple[int, ...]
    failures: tuple[int, ...]
    latencies: LatencyHistogram | None = None  # of the whole tick
    own: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # users' metrics: name -> (total, bad)
    cpu: float | None = None  # CPU time per request; any unit, the same in both arms
    memory: float | None = None  # share (0..1) of its limit

    @property
    def total(self) -> int:
        return sum(self.requests)

    @property
    def failed(self) -> int:
        return sum(self.failures)


@dataclass(frozen=True)
class Half:
    """Half of the baseline's instances over the whole tick."""

    requests: int
    failures: int
    latencies: LatencyHistogram | None = None
    own: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Window:
    """One tick's telemetry; `tick` (from 1) is its key.

    An arm is None when telemetry has nothing of it, and `fault` says why. `cold`: an instance of the canary
    was younger than the warm-up. `settling`: more than a little of the tick lies before the routers had the present
    share in effect. `items`: mean requests per stored record of failures, for sampled telemetry. `unread` names parts
    that came in a form that cannot be used, such as a histogram of another layout.
    """

    tick: int
    canary: Arm | None = None
    baseline: Arm | None = None
    halves: tuple[Half, Half] | None = None
    cold: bool = False
    settling: bool = False
    items: float = 1.0
    fault: str = ""
    unread: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """Requests of both arms."""
        return sum(arm.total for arm in (self.canary, self.baseline) if arm is not None)

    @property
    def is_empty(self) -> bool:
        """Both arms are there, and had no request."""
        return self.canary is not None and self.baseline is not None and self.total == 0

    @property
    def trouble(self) -> str:
        """Why these numbers cannot be true, or the fault that came with them; empty when they can be judged."""
        if self.fault:
            return self.fault
        for name, arm in (("canary", self.canary), ("baseline", self.baseline)):
            if arm is not None and (trouble := _trouble_of(arm)):
                return f"{name}: {trouble}"
        for half in self.halves or ():
            if trouble := _pair_trouble(half.requests, half.failures) or _own_trouble(half.own):
                return f"a half of the baseline: {trouble}"
        if self.halves and self.baseline is not None and (trouble := _more_than_whole(self.halves, self.baseline)):
            return f"the baseline's halves hold more than the baseline: {trouble}"
        if not (math.isfinite(self.items) and self.items >= 1):
            return f"{self.items} requests per stored record"
        return ""


def with_exposure(windows: Sequence[Window], exposed_from: int | None) -> list[Window]:
    """The windows, those before tick `exposed_from` marked as `settling`: the first that lies wholly in the time of the
    present share; None: no router has it yet."""
    return [
        replace(window, settling=True) if exposed_from is None or window.tick < exposed_from else window
        for window in windows
    ]


def _more_than_whole(halves: tuple[Half, Half], whole: Arm) -> str:
    """What both halves together have more of; they may have less, of instances without a name."""
    first, second = halves
    pairs = {"requests": (first.requests + second.requests, whole.total)}
    pairs["failures"] = (first.failures + second.failures, whole.failed)
    for name in set(first.own) & set(second.own) & set(whole.own):
        pairs[name] = (first.own[name][0] + second.own[name][0], whole.own[name][0])
        pairs[f"bad {name}"] = (first.own[name][1] + second.own[name][1], whole.own[name][1])
    return next((f"{parts:,} {name} of {all:,}" for name, (parts, all) in pairs.items() if parts > all), "")


def shortened(text: str) -> str:
    """Words from outside, at most 200 characters of them."""
    return text if len(text) <= LONGEST_WORDS else f"{text[: LONGEST_WORDS - 1]}…"


def difference(before: int, after: int) -> int:
    """What a counter counted between two readings. A smaller reading means that it began anew at zero."""
    return after - before if after >= before else after


def _trouble_of(arm: Arm) -> str:
    if len(arm.requests) != len(arm.failures) or not arm.requests:
        return f"{len(arm.requests)} blocks of requests, {len(arm.failures)} of failures"
    for requests, failures in zip(arm.requests, arm.failures, strict=True):
        if trouble := _pair_trouble(requests, failures):
            return trouble
    return _own_trouble(arm.own)


def _own_trouble(own: Mapping[str, tuple[int, int]]) -> str:
    troubles = ((name, _pair_trouble(*pair)) for name, pair in own.items())
    return next((f"{name}: {trouble}" for name, trouble in troubles if trouble), "")


def _pair_trouble(requests: int, bad: int) -> str:
    if not 0 <= requests <= MOST:
        return f"{requests} requests"
    if not 0 <= bad <= requests:
        return f"{bad} bad ones of {requests} requests"
    return ""


def blocks_of(canary: Arm, baseline: Arm) -> Sequence[Counts]:
    """Requests and failures of both arms, block by block; as one block when the arms' blocks differ in number."""
    if len(canary.requests) != len(baseline.requests):
        return (Counts(canary.total, canary.failed, baseline.total, baseline.failed),)
    columns = zip(canary.requests, canary.failures, baseline.requests, baseline.failures, strict=True)
    return tuple(Counts(*column) for column in columns)
