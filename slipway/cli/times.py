"""Durations and moments in few words."""

from datetime import UTC, datetime


def span(seconds: float) -> str:
    """`4.1 s`, `34 s`, `2 min 05 s`, `2 h 47 min`, `3 d 4 h`."""
    seconds = max(0.0, seconds)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def between(start: datetime | None, end: datetime | None) -> str:
    """How long it took; empty when it has not begun."""
    return span((end - start).total_seconds()) if start and end else ""


def ago(moment: datetime, now: datetime) -> str:
    """`22 min ago` within two days, else the date. Short: seconds only under a minute."""
    seconds = max(0.0, (now - moment).total_seconds())
    if seconds < 60:
        return f"{seconds:.0f} s ago"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min ago"
    if seconds < 48 * 3600:
        return f"{seconds // 3600:.0f} h ago"
    return moment.astimezone(UTC).strftime("%Y-%m-%d")


def clock(moment: datetime, now: datetime) -> str:
    """`18:40 UTC`, with its date when that is more than a day away."""
    shown = moment.astimezone(UTC)
    near = abs((moment - now).total_seconds()) < 86400
    return shown.strftime("%H:%M UTC") if near else shown.strftime("%Y-%m-%d %H:%M UTC")


def until(moment: datetime, now: datetime) -> str:
    """`until 18:40 UTC, in 2 h 47 min`; `until 18:40 UTC, over` once it has passed."""
    left = (moment - now).total_seconds()
    return f"until {clock(moment, now)}, " + (f"in {span(left)}" if left > 0 else "over")


def rounded(seconds: float) -> str:
    """A configured duration as a person wrote it: `2 s`, `20 min`, `8 h`, `1.5 h`."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size and seconds % (size / 2) == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
