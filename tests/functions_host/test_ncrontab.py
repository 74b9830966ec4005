"""NCRONTAB: what a schedule means, held against a slow and plain reading of the same words."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.local.functions.ncrontab import Schedule

MONDAY = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "following"),
    [
        ("0 */5 * * * *", ["2026-01-05 09:05:00", "2026-01-05 09:10:00"]),
        ("0 0 * * * *", ["2026-01-05 10:00:00", "2026-01-05 11:00:00"]),
        ("0 30 9 * * 1-5", ["2026-01-05 09:30:00", "2026-01-06 09:30:00"]),
        ("0 30 9 * * Mon-Fri", ["2026-01-05 09:30:00", "2026-01-06 09:30:00"]),
        ("0 30 9 * Jan mon", ["2026-01-05 09:30:00", "2026-01-12 09:30:00"]),
        ("5,8,10 * * * * *", ["2026-01-05 09:00:05", "2026-01-05 09:00:08", "2026-01-05 09:00:10"]),
        ("0 5 * * * *", ["2026-01-05 09:05:00", "2026-01-05 10:05:00"]),
        ("0 0 */2 * * *", ["2026-01-05 10:00:00", "2026-01-05 12:00:00"]),
        ("0 0 9-17/4 * * *", ["2026-01-05 13:00:00", "2026-01-05 17:00:00", "2026-01-06 09:00:00"]),
        ("0 0 0 31 * *", ["2026-01-31 00:00:00", "2026-03-31 00:00:00"]),
        ("0 0 0 29 2 *", ["2028-02-29 00:00:00", "2032-02-29 00:00:00"]),
        ("*/15 * * * *", ["2026-01-05 09:15:00", "2026-01-05 09:30:00"]),
        ("0 20/20 * * * *", ["2026-01-05 09:20:00", "2026-01-05 09:40:00", "2026-01-05 10:20:00"]),
        ("0 0 12 13 * 5", ["2026-02-13 12:00:00", "2026-03-13 12:00:00", "2026-11-13 12:00:00"]),  # both must fit
    ],
)
def test_schedule_comes_when_its_words_say(schedule: str, following: list[str]) -> None:
    parsed, at = Schedule.parse(schedule), MONDAY
    for expected in following:
        at = parsed.after(at)
        assert f"{at:%Y-%m-%d %H:%M:%S}" == expected


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("* * * *", "six fields"),
        ("0 60 * * * *", "'60' is not a valid minute: 0 to 59"),
        ("0 0 0 0 * *", "'0' is not a valid day: 1 to 31"),
        ("0 0 0 * * 7", "'7' is not a valid day of the week: 0 to 6"),
        ("0 0 0 ? * *", "'\\?' is not a valid day"),
        ("0 0 0 L * *", "'L' is not a valid day"),
        ("0 0 0 * * Moon", "'Moon' is not a valid day of the week"),
        ("0 */0 * * * *", "the step must be at least 1"),
        ("0 30-10 * * * *", "ends before it begins"),
        ("0 1, * * * *", "'' is not a valid minute"),
        ("0 0 0 30 2 *", "never comes"),
        ("@hourly", "six fields"),
    ],
)
def test_what_azure_would_not_take_is_refused_in_words(schedule: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Schedule.parse(schedule)


RANGES = {"second": (0, 59), "minute": (0, 59), "hour": (0, 23), "day": (1, 31), "month": (1, 12), "weekday": (0, 6)}


@st.composite
def fields(draw: st.DrawFn, name: str) -> tuple[str, frozenset[int]]:
    """A field's text and what it means."""
    least, most = RANGES[name]
    number = st.integers(least, most)
    parts, values = [], set()
    for _ in range(draw(st.integers(1, 2))):
        step = draw(st.integers(1, 7))
        match draw(st.sampled_from(["star", "one", "range", "from"])):
            case "star":
                parts.append(f"*/{step}")
                values |= set(range(least, most + 1, step))
            case "one":
                one = draw(number)
                parts.append(f"{one}")
                values.add(one)
            case "range":
                first, last = sorted((draw(number), draw(number)))
                parts.append(f"{first}-{last}/{step}")
                values |= set(range(first, last + 1, step))
            case "from":
                first = draw(number)
                parts.append(f"{first}/{step}")
                values |= set(range(first, most + 1, step))
    return ",".join(parts), frozenset(values)


MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2029, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))


@settings(max_examples=150, deadline=None)
@given(fields("second"), fields("minute"), fields("hour"), MOMENTS)
def test_next_time_of_a_day_is_the_first_that_fits(
    second: tuple[str, frozenset[int]],
    minute: tuple[str, frozenset[int]],
    hour: tuple[str, frozenset[int]],
    at: datetime,
) -> None:
    found = Schedule.parse(f"{second[0]} {minute[0]} {hour[0]} * * *").after(at)
    assert at < found <= at + timedelta(days=1, seconds=1)
    times = sorted((h, m, s) for h in hour[1] for m in minute[1] for s in second[1])
    now = (at.hour, at.minute, at.second)
    later = next((moment for moment in times if moment > now), times[0])
    assert (found.hour, found.minute, found.second) == later


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 28).map(lambda day: (f"{day}/3", frozenset(range(day, 32, 3)))), fields("month"), MOMENTS)
def test_next_date_is_the_first_that_fits(
    day: tuple[str, frozenset[int]], month: tuple[str, frozenset[int]], at: datetime
) -> None:
    found = Schedule.parse(f"0 0 0 {day[0]} {month[0]} 1-6").after(at)
    date = at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    while not (date.day in day[1] and date.month in month[1] and date.weekday() != 6):
        date += timedelta(days=1)
    assert found == date


@settings(max_examples=50, deadline=None)
@given(fields("minute"), fields("hour"), MOMENTS)
def test_times_only_ever_grow(
    minute: tuple[str, frozenset[int]], hour: tuple[str, frozenset[int]], at: datetime
) -> None:
    schedule = Schedule.parse(f"{minute[0]} {hour[0]} * * *")
    first = schedule.after(at)
    assert schedule.after(first - timedelta(microseconds=1)) == first
    assert schedule.after(first) > first
