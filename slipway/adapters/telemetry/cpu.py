"""What a request cost each arm in CPU time, from platform metrics into the windows of the logs. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from slipway.adapters.telemetry.metrics import MINUTE, Counted, Counters
from slipway.promotion.judge.windows import Arm, Window
from slipway.promotion.telemetry import Question, Span


def with_cpu(windows: Sequence[Window], question: Question, counters: Counters) -> list[Window]:
    """The windows, with `cpu` of each arm in seconds a request where the platform measured it.

    Minutes are the calendar's and ticks are not: a minute belongs to the span that holds its middle, and a tick too
    short to hold one has no CPU of its own.
    """
    return [_window(window, span, counters) for window, span in zip(windows, question.spans, strict=True)]


def _window(window: Window, span: Span, counters: Counters) -> Window:
    within = [minute for minute in counters.minutes if span.begins <= minute.begins + MINUTE / 2 < span.ends]
    return replace(
        window,
        canary=_arm(window.canary, (minute.canary for minute in within)),
        baseline=_arm(window.baseline, (minute.baseline for minute in within)),
    )


def _arm(arm: Arm | None, counted: Iterable[Counted | None]) -> Arm | None:
    """By requests: a quiet minute's CPU is mostly not that of requests."""
    measured = [(each.requests, each.cpu_s_per_request) for each in counted if each and each.cpu_s_per_request]
    requests = sum(count for count, _ in measured)
    if arm is None or not requests:
        return arm
    return replace(arm, cpu=sum(count * cpu_s for count, cpu_s in measured) / requests)
