"""Moments from what a clock on the wall shows, where clocks are put forward and back."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)


@lru_cache(maxsize=1024)
def first_reached(wall: datetime, time_zone: str) -> datetime:
    """The moment at which clocks there show `wall` or later for the first time: of an hour that comes twice the first
    one, of one that is left out the jump."""
    return _moment(wall, time_zone, fold=0)


@lru_cache(maxsize=1024)
def last_reached(wall: datetime, time_zone: str) -> datetime:
    """The moment from which clocks there never show less than `wall` again: of an hour that comes twice the second
    one, of one that is left out the jump."""
    return _moment(wall, time_zone, fold=1)


def shown(at: datetime, time_zone: str) -> datetime:
    """What clocks there show at `at`, without a time zone."""
    return at.astimezone(ZoneInfo(time_zone)).replace(tzinfo=None, fold=0)


def _moment(wall: datetime, time_zone: str, fold: int) -> datetime:
    zone = ZoneInfo(time_zone)
    found = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    if shown(found, time_zone) == wall:
        return found
    # The wall's time is left out. Read with the offset of after it lies before the jump, with that of before after it.
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        before, after = (before, middle) if shown(middle, time_zone) >= wall else (middle, after)
    return after.replace(microsecond=0)
