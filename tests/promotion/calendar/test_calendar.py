"""When builds may enter: held against a walk through the minutes of clocks that are put forward and back."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.promotion.calendar.opening import opening
from slipway.promotion.calendar.windows import WEEKDAYS, Calendar, Freeze, Hours
from slipway.promotion.plain import plain

MINUTE = timedelta(minutes=1)
# Where clocks jump, by an hour, by half of one, by a whole day; and where years and Februaries end.
PLACES = (
    ("Europe/Berlin", datetime(2026, 3, 29, 1)),
    ("Europe/Berlin", datetime(2026, 10, 25, 1)),
    ("America/New_York", datetime(2026, 11, 1, 6)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15)),
    ("Pacific/Apia", datetime(2011, 12, 30, 10)),
    ("Asia/Kathmandu", datetime(2028, 2, 29, 12)),
    ("UTC", datetime(2026, 12, 31, 23)),
)
AROUND = timedelta(days=3)


@cache
def walk(place: int) -> list[tuple[datetime, datetime]]:
    """Every minute around the place's moment, with what its clocks show."""
    from zoneinfo import ZoneInfo

    name, middle = PLACES[place]
    zone, begin = ZoneInfo(name), middle.replace(tzinfo=UTC) - AROUND
    moments = [begin + n * MINUTE for n in range(int(2 * AROUND / MINUTE))]
    return [(at, at.astimezone(zone).replace(tzinfo=None, fold=0)) for at in moments]


def reached(minutes: list[tuple[datetime, datetime]], wall: datetime, last: bool) -> datetime:
    """The first minute that shows `wall` or later, or the one after the last that shows less."""
    shows = [at for at, shown in minutes if (shown < wall if last else shown >= wall)]
    if not shows:
        return minutes[0][0] if last else minutes[-1][0] + MINUTE
    return shows[-1] + MINUTE if last else shows[0]


walls = st.tuples(st.integers(-2 * 24 * 12, 2 * 24 * 12), st.integers(1, 24 * 12))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(PLACES) - 1), walls, st.integers(0, 6 * 24 * 60 - 1))
def test_a_freeze_is_in_force_in_the_minutes_between_what_its_clocks_show(
    place: int, wall: tuple[int, int], minute: int
) -> None:
    minutes, (name, _) = walk(place), PLACES[place]
    middle = minutes[len(minutes) // 2][1]
    begins = middle + wall[0] * 5 * MINUTE
    ends = begins + wall[1] * 5 * MINUTE
    calendar = Calendar((Freeze("f", begins.isoformat(timespec="minutes"), ends.isoformat(timespec="minutes"), name),))
    first, over = reached(minutes, begins, last=False), reached(minutes, ends, last=True)
    at = minutes[minute][0]
    found = opening(calendar, at)
    assert found.is_open == (not first <= at < over)
    if not found.is_open:
        assert found.until == over or over > minutes[-1][0]
    elif at < first < over:
        assert found.until == first or first > minutes[-1][0]


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, len(PLACES) - 1),
    st.sets(st.integers(0, 6), min_size=1, max_size=7),
    st.integers(0, 47),
    st.integers(0, 48),
    st.integers(2 * 24 * 60, 4 * 24 * 60),
)
def test_hours_are_open_in_the_minutes_between_what_their_clocks_show(
    place: int, days: set[int], begins: int, ends: int, minute: int
) -> None:
    minutes, (name, _) = walk(place), PLACES[place]
    times = [f"{half // 2:02d}:{half % 2 * 30:02d}" for half in (begins, ends)]
    lasts = (ends - begins) * 30 * MINUTE + (timedelta(days=1) if ends <= begins else timedelta())
    at, today = minutes[minute][0], minutes[minute][1].date()
    is_open = False
    for day in (today + timedelta(days=n) for n in (-2, -1, 0, 1)):
        opens = datetime.combine(day, datetime.min.time()) + begins * 30 * MINUTE
        first, over = reached(minutes, opens, last=True), reached(minutes, opens + lasts, last=False)
        is_open |= day.weekday() in days and first <= at < over
    calendar = Calendar(hours=Hours(tuple(sorted(days)), times[0], times[1], name))
    found = opening(calendar, at)
    assert found.is_open == is_open
    if found.until and found.until < minutes[-1][0] - timedelta(days=1):
        just_before = opening(
            Calendar(hours=Hours(tuple(sorted(days)), times[0], times[1], name)), found.until - MINUTE
        )
        assert just_before.is_open == is_open, "so it stays until then"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text + "+00:00")


def a_freeze(begins: str, ends: str, recurring: str = "") -> Freeze:
    return Freeze("x", begins, ends, recurring=recurring)


LEAP = a_freeze("02-29T00:00", "03-01T00:00", "yearly")
WEEKEND, AN_HOUR = a_freeze("fri 16:00", "mon 08:00", "weekly"), a_freeze("sun 22:00", "sun 23:00", "weekly")
HOLIDAYS, ONCE = a_freeze("12-20T00:00", "01-07T00:00", "yearly"), a_freeze("2028-02-29T00:00", "2028-03-01T00:00")


@pytest.mark.parametrize(
    ("freeze", "closed", "is_open"),
    [
        (WEEKEND, ["2026-11-27T16:00", "2026-11-29T12:00"], ["2026-11-30T08:00", "2026-11-27T15:59"]),
        (AN_HOUR, ["2026-11-29T22:30"], ["2026-11-29T23:00", "2026-11-28T22:30"]),
        (HOLIDAYS, ["2026-12-20T00:00", "2027-01-06T23:59"], ["2027-01-07T00:00", "2026-12-19T23:59"]),
        (LEAP, ["2028-02-29T12:00"], ["2027-02-28T12:00", "2027-03-01T00:00", "2028-03-01T00:00"]),
        (ONCE, ["2028-02-29T23:59"], ["2028-02-28T23:59", "2028-03-01T00:00"]),
    ],
)
def test_windows_over_midnights_years_ends_and_leap_days(freeze: Freeze, closed: list[str], is_open: list[str]) -> None:
    calendar = Calendar((freeze,))
    assert [opening(calendar, at(each)).is_open for each in closed] == [False] * len(closed)
    assert [opening(calendar, at(each)).is_open for each in is_open] == [True] * len(is_open)


def test_until_is_when_all_windows_together_open_again() -> None:
    freeze = Freeze("black-friday", "2026-11-25T00:00", "2026-12-03T00:00", "Europe/Berlin")
    calendar = Calendar((freeze,), Hours((0, 1, 2, 3), "09:00", "16:00", "Europe/Berlin", but=("hotfix",)))
    found = opening(calendar, at("2026-11-26T10:00"))
    assert (found.closed_by, found.until) == (freeze, at("2026-12-03T08:00")), "a Thursday, at nine in Berlin"
    assert opening(calendar, at("2026-11-24T10:00")).until == at("2026-11-24T15:00")
    hotfix = opening(calendar, at("2026-12-05T10:00"), ("hotfix",))
    assert hotfix.is_open and hotfix.until is None, "for ever: a Saturday is no matter to a hotfix"


def test_a_calendar_that_is_never_open_says_so() -> None:
    week = Freeze("all", "mon 00:00", "mon 00:00", recurring="weekly")
    assert opening(Calendar((week,)), at("2026-11-24T10:00")).until is None


def test_a_calendar_travels_as_json() -> None:
    freeze = Freeze("x", "fri 16:00", "mon 08:00", but=("hotfix",), recurring="weekly")
    whole = Calendar((freeze,), Hours((0, 4), "09:00", "16:00"), None)
    stored: Any = plain(whole)
    assert Calendar.load(stored) == whole and Calendar.load(None) == Calendar() and not Calendar()
    assert WEEKDAYS[4] == "fri"
