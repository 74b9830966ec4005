"""Whether builds may enter at a moment, until when that is so, and by which window.

Asked by the entity `environment` alone: rules of time zones change with a package, and an orchestration that is
replayed must not find others than it did.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from slipway.promotion.calendar.windows import Calendar, Freeze, Hours

_MOST_STEPS = 500  # from window to window; whoever is still not open by then never is
Window = Freeze | Hours


@dataclass(frozen=True)
class Opening:
    """`closed_by` is the window that keeps builds out, None when they may enter. `until` then it is so, for all that
    the calendar says; None: for ever."""

    closed_by: Window | None
    until: datetime | None

    @property
    def is_open(self) -> bool:
        return self.closed_by is None


def opening(calendar: Calendar, at: datetime, excepted: Collection[str] = ()) -> Opening:
    """How it stands at `at` for a build that is `excepted` as that (`hotfix`)."""
    windows = _for(calendar, excepted)
    first = _closed_by(windows, at)
    if first is None:
        return Opening(None, _closes_at(windows, at))
    until = at
    for _ in range(_MOST_STEPS):
        closed = _closed_by(windows, until)
        if closed is None:
            return Opening(first, until)
        ends = _ends_at(closed, until)
        if ends is None:
            break
        until = ends
    return Opening(first, None)


def in_force(calendar: Calendar, at: datetime, excepted: Collection[str] = ()) -> list[Window]:
    """Every window that keeps builds out at `at`: freezes as they are written, then the hours."""
    return [window for window in _for(calendar, excepted) if _is_closed(window, at)]


def _for(calendar: Calendar, excepted: Collection[str]) -> list[Window]:
    windows: list[Window] = [*calendar.freezes, *([calendar.hours] if calendar.hours else [])]
    return [window for window in windows if not set(window.but) & set(excepted)]


def _closed_by(windows: list[Window], at: datetime) -> Window | None:
    return next((window for window in windows if _is_closed(window, at)), None)


def _is_closed(window: Window, at: datetime) -> bool:
    inside = any(begins <= at < ends for begins, ends in window.around(at))
    return inside if isinstance(window, Freeze) else not inside


def _ends_at(window: Window, at: datetime) -> datetime | None:
    """When a window that is closed at `at` opens."""
    if isinstance(window, Freeze):
        return max((ends for begins, ends in window.around(at) if begins <= at < ends), default=None)
    return next((begins for begins, _ in window.around(at) if begins > at), None)


def _closes_at(windows: list[Window], at: datetime) -> datetime | None:
    """When the next window closes, if any does."""
    for _ in range(_MOST_STEPS):
        closes = [each for window in windows if (each := _next_close(window, at))]
        if not closes:
            return None
        at = min(closes)
        if _closed_by(windows, at):
            return at
    return None


def _next_close(window: Window, at: datetime) -> datetime | None:
    edges = window.around(at)
    if isinstance(window, Freeze):
        return next((begins for begins, ends in edges if begins > at and ends > begins), None)
    return next((ends for _, ends in edges if ends > at), None)
