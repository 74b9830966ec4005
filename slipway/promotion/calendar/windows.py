"""The windows of a calendar, and when each of them is in force.

A freeze begins when its clocks show `begins` for the first time and ends when they never show less than `ends` again;
business hours begin at the later of both and end at the earlier: where clocks are put back, less is open.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from slipway.promotion.calendar.local_time import first_reached, last_reached, shown
from slipway.promotion.stored import known

FINISH, PAUSE, ROLL_BACK = "finish", "pause", "roll-back"
WEEKLY, YEARLY = "weekly", "yearly"
HOTFIX = "hotfix"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY, _WEEK = timedelta(days=1), timedelta(days=7)
_A_LEAP_YEAR = 2024

Interval = tuple[datetime, datetime]


@dataclass(frozen=True)
class Freeze:
    """Nothing enters from `begins` until `ends`, but for `but` (`hotfix`). Both are what clocks of `time_zone` show:
    `2026-11-25T18:00`, of a weekly one `fri 18:00`, of a yearly one `12-20T18:00`. `on_begin` says what becomes of a
    rollout that is on its way when it begins."""

    name: str
    begins: str
    ends: str
    time_zone: str = "UTC"
    but: tuple[str, ...] = ()
    on_begin: str = FINISH
    recurring: str = ""

    @property
    def words(self) -> str:
        """`the freeze black-friday, 2026-11-25 00:00 to 2026-12-03 00:00 (Europe/Berlin)`."""
        begins, ends = (each.replace("T", " ") for each in (self.begins, self.ends))
        when = f"{self.recurring} {begins}" if self.recurring else begins
        return f"the freeze {self.name}, {when} to {ends} ({self.time_zone})"

    def around(self, at: datetime) -> Iterator[Interval]:
        """Its times in order: those that `at` may fall into, and the next one."""
        for begins, ends in self._walls(shown(at, self.time_zone)):
            yield first_reached(begins, self.time_zone), last_reached(ends, self.time_zone)

    def _walls(self, at: datetime) -> Iterator[Interval]:
        match self.recurring:
            case "weekly":
                monday = datetime.combine(at.date() - timedelta(days=at.weekday()), datetime.min.time())
                begins, ends = _in_the_week(self.begins), _in_the_week(self.ends)
                lasts = (ends - begins) % _WEEK or _WEEK
                for week in range(-2, 3):
                    yield monday + week * _WEEK + begins, monday + week * _WEEK + begins + lasts
            case "yearly":
                for year in range(max(at.year - 2, 1), at.year + 3):
                    ends_in = year if self.ends > self.begins else year + 1  # as written: 29 February may be missing
                    yield _in_the_year(self.begins, year), _in_the_year(self.ends, ends_in)
            case _:
                yield datetime.fromisoformat(self.begins), datetime.fromisoformat(self.ends)


@dataclass(frozen=True)
class Hours:
    """Builds enter on these `days` (0 is Monday) from `begins` until `ends` alone, after midnight where that is no
    later; but for `but`."""

    days: tuple[int, ...]
    begins: str
    ends: str
    time_zone: str = "UTC"
    but: tuple[str, ...] = ()
    on_begin: str = FINISH

    @property
    def words(self) -> str:
        """`the business hours, mon tue 09:00 to 16:00 (Europe/Berlin)`."""
        days = " ".join(WEEKDAYS[day] for day in self.days)
        return f"the business hours, {days} {self.begins} to {self.ends} ({self.time_zone})"

    def around(self, at: datetime) -> Iterator[Interval]:
        """When it is open, in order: around `at`, and three weeks on."""
        begins, ends = minutes_of(self.begins), minutes_of(self.ends)
        lasts = ends - begins if ends > begins else ends - begins + _DAY
        today = shown(at, self.time_zone).date()
        for day in (today + timedelta(days=n) for n in range(-2, 23)):
            if day.weekday() in self.days:
                opens = datetime.combine(day, datetime.min.time()) + begins
                interval = last_reached(opens, self.time_zone), first_reached(opens + lasts, self.time_zone)
                if interval[0] < interval[1]:
                    yield interval


@dataclass(frozen=True)
class Rate:
    """At most so many releases within `per_s` seconds."""

    at_most: int
    per_s: float


@dataclass(frozen=True)
class Calendar:
    """All that a stage's pipeline says of when builds may enter."""

    freezes: tuple[Freeze, ...] = ()
    hours: Hours | None = None
    rate: Rate | None = None

    def __bool__(self) -> bool:
        return bool(self.freezes or self.hours or self.rate)

    @classmethod
    def load(cls, data: dict[str, Any] | None) -> "Calendar":
        """From its JSON; without any there are no windows."""
        data = data or {}
        hours, rate = data.get("hours"), data.get("rate")
        freezes = tuple(
            Freeze(**{**known(Freeze, each), "but": tuple(each["but"])}) for each in data.get("freezes", ())
        )
        days = {"days": tuple(hours["days"]), "but": tuple(hours["but"])} if hours else {}
        return cls(
            freezes,
            Hours(**{**known(Hours, hours), **days}) if hours else None,
            Rate(**known(Rate, rate)) if rate else None,
        )


def minutes_of(time: str) -> timedelta:
    """Of `09:30`, since midnight; `24:00` is the next one. Raises ValueError."""
    hours, minutes = time.split(":")
    found = timedelta(hours=int(hours), minutes=int(minutes))
    if len(time) != 5 or int(minutes) > 59 or found > _DAY:
        raise ValueError(time)
    return found


def day_after(month_and_day: str) -> str:
    """Of `02-28` it is `02-29`, which in other years is the first of March. Raises ValueError."""
    return (date.fromisoformat(f"{_A_LEAP_YEAR}-{month_and_day}") + _DAY).strftime("%m-%d")


def _in_the_week(written: str) -> timedelta:
    day, time = written.split(" ")
    return WEEKDAYS.index(day) * _DAY + minutes_of(time)


def _in_the_year(written: str, year: int) -> datetime:
    """29 February is 1 March where there is none."""
    day, time = written.split("T")
    try:
        return datetime.combine(date.fromisoformat(f"{year:04d}-{day}"), datetime.min.time()) + minutes_of(time)
    except ValueError:
        return datetime(year, 3, 1) + minutes_of(time)
