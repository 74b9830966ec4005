"""What releases need of CPU and memory, from platform metrics into the windows of the logs. Pure.

Minutes are the calendar's and ticks are not: a minute belongs to the tick that holds its middle, and a tick too short
to hold one has neither. Metrics come later than a window may be judged, so they are joined with a lag: a window gets
the minutes that are surely there when it is judged, those `READ_AFTER` before that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from slipway.adapters.telemetry.counted import MINUTE, Counters, Minute
from slipway.promotion.judge.windows import Window
from slipway.promotion.telemetry import Span

READ_AFTER = timedelta(minutes=2)
# CPU of an instance that nobody asks. At a small share of few requests it would look like theirs, and hold a healthy
# release: so much of it is forgiven to the canary (a minute, each instance).
HOUSEKEEPING_S = 1.0


@dataclass(frozen=True)
class Joining:
    """Windows are judged `delay` after their spans end; minutes before `since` were the warm-up's."""

    delay: timedelta
    since: datetime

    def asked_for(self, spans: Sequence[Span]) -> tuple[datetime, datetime] | None:
        """From when until when there are minutes for these spans; None: none has any."""
        begins = [minute for span in spans for minute in self._minutes(span)]
        return (min(begins), max(begins) + MINUTE) if begins else None

    def joined(self, windows: Sequence[Window], spans: Sequence[Span], counters: Sequence[Counters]) -> list[Window]:
        """The windows, with `cpu` of both arms in seconds a request, and the canary's `memory` as a share of its limit,
        where the platform measured them. A window for each span; counters for each target."""
        return [self._window(window, span, counters) for window, span in zip(windows, spans, strict=True)]

    def _minutes(self, span: Span) -> Iterator[datetime]:
        """The beginnings of the full minutes whose middle lies in the span, with its lag."""
        lag = max(READ_AFTER - self.delay, timedelta())
        begins, ends = span.begins - lag - MINUTE / 2, span.ends - lag - MINUTE / 2
        first = -(-begins.timestamp() // 60) * 60
        at = datetime.fromtimestamp(first, span.begins.tzinfo)
        while at < ends:
            if at >= self.since:
                yield at
            at += MINUTE

    def _window(self, window: Window, span: Span, counters: Sequence[Counters]) -> Window:
        wanted = set(self._minutes(span))
        within = [(each, [minute for minute in each.minutes if minute.begins in wanted]) for each in counters]
        return _with_memory(_with_cpu(window, [minute for _, minutes in within for minute in minutes]), within)


def _with_cpu(window: Window, minutes: Sequence[Minute]) -> Window:
    """Of targets and minutes in which both arms were measured: what the canary's requests took, and what as many would
    have taken of the baseline, at the same targets and times. So neither is compared with another mixture of them."""
    requests, ours, usual = 0, 0.0, 0.0
    for minute in minutes:
        canary, baseline = minute.canary, minute.baseline
        if canary is None or baseline is None or canary.cpu_s is None or baseline.cpu_s is None:
            continue
        if canary.requests and baseline.requests:
            requests += canary.requests
            ours += max(0.0, canary.cpu_s - HOUSEKEEPING_S * canary.instances)
            usual += canary.requests * baseline.cpu_s / baseline.requests
    if window.canary is None or window.baseline is None or not requests:
        return window
    return replace(
        window,
        canary=replace(window.canary, cpu=ours / requests),
        baseline=replace(window.baseline, cpu=usual / requests),
    )


def _with_memory(window: Window, within: Sequence[tuple[Counters, Sequence[Minute]]]) -> Window:
    """Of the fullest instance at any target."""
    shares = [
        minute.canary.memory_bytes / counters.memory_limit
        for counters, minutes in within
        for minute in minutes
        if counters.memory_limit and minute.canary is not None and minute.canary.memory_bytes is not None
    ]
    if window.canary is None or not shares:
        return window
    return replace(window, canary=replace(window.canary, memory=max(shares)))
