"""NCRONTAB schedules, as timer triggers have them: five or six fields, in UTC.

`{second} {minute} {hour} {day} {month} {day of the week}`; without seconds they are 0. A field is a list of `*`, values
and ranges, each with an optional step; `7/10` means from 7 on. Months and days may be named, by any beginning of their
English names; Sunday is 0, there is no 7. Unlike in cron, a date must fit day AND day of the week. (Source: NCrontab's
CrontabFieldImpl and CrontabSchedule. The cron libraries of Python combine the two days by OR and read more than Azure
would take, so this is a parser of its own.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
LONGEST_GAP_YEARS = 40  # a 29th of February on one day of the week comes at least every 40 years


@dataclass(frozen=True)
class _Field:
    name: str
    least: int
    most: int
    names: Sequence[str] = ()

    def parse(self, text: str) -> frozenset[int]:
        return frozenset(value for part in text.split(",") for value in self._part(part))

    def _part(self, part: str) -> range:
        span, slash, step_text = part.partition("/")
        step = self._number(step_text, part) if slash else 1
        if step < 1:
            raise ValueError(f"'{part}' is not a valid {self.name}: the step must be at least 1")
        if span == "*":
            return range(self.least, self.most + 1, step)
        first_text, dash, last_text = span.partition("-")
        first = self._value(first_text, part)
        if dash:
            last = self._value(last_text, part)
        else:
            last = self.most if slash else first
        if last < first:
            raise ValueError(f"'{part}' is not a valid {self.name}: it ends before it begins")
        return range(first, last + 1, step)

    def _value(self, text: str, part: str) -> int:
        if text[:1].isdigit():
            value = self._number(text, part)
            if not self.least <= value <= self.most:
                raise ValueError(f"'{part}' is not a valid {self.name}: {self.least} to {self.most}")
            return value
        for index, name in enumerate(self.names):
            if text and name.lower().startswith(text.lower()):
                return index + self.least
        raise ValueError(f"'{part}' is not a valid {self.name}")

    def _number(self, text: str, part: str) -> int:
        if not (text.isascii() and text.isdecimal()):
            raise ValueError(f"'{part}' is not a valid {self.name}")
        return int(text)


_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, MONTHS),
    _Field("day of the week", 0, 6, DAYS),
)


@dataclass(frozen=True)
class Schedule:
    """When a timer fires; `text` is as the author wrote it."""

    text: str
    seconds: Sequence[int]  # ascending, as are minutes and hours
    minutes: Sequence[int]
    hours: Sequence[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]  # Sunday is 0

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        """Raises ValueError with the part that is wrong, also for a schedule that never comes."""
        words = text.split()
        if len(words) not in (5, 6):
            raise ValueError(f"'{text}' is not an NCRONTAB schedule: it needs six fields, or five without seconds")
        if len(words) == 5:
            words = ["0", *words]
        second, minute, hour, day, month, weekday = (
            field.parse(word) for field, word in zip(_FIELDS, words, strict=True)
        )
        schedule = cls(text, sorted(second), sorted(minute), sorted(hour), day, month, weekday)
        schedule.after(datetime(2000, 1, 1, tzinfo=UTC))
        return schedule

    def after(self, base: datetime) -> datetime:
        """The first occurrence later than `base`, which must be aware; in UTC, a whole second."""
        base = base.astimezone(UTC).replace(microsecond=0)
        midnight = base.replace(hour=0, minute=0, second=0)
        if self._fits(midnight) and (found := self._within(midnight, base)) is not None:
            return found
        for _ in range(LONGEST_GAP_YEARS * 366):
            midnight += timedelta(days=1)
            if midnight.month not in self.months:
                midnight = _end_of_month(midnight)
            elif self._fits(midnight):
                return midnight.replace(hour=self.hours[0], minute=self.minutes[0], second=self.seconds[0])
        raise ValueError(f"'{self.text}' never comes: no date fits it")

    def _fits(self, date: datetime) -> bool:
        weekday = date.isoweekday() % 7
        return date.month in self.months and date.day in self.days and weekday in self.weekdays

    def _within(self, midnight: datetime, base: datetime) -> datetime | None:
        """The first occurrence of that day later than `base`."""
        for hour in self.hours:
            if hour < base.hour:
                continue
            for minute in self.minutes:
                if (hour, minute) < (base.hour, base.minute):
                    continue
                for second in self.seconds:
                    if (hour, minute, second) > (base.hour, base.minute, base.second):
                        return midnight.replace(hour=hour, minute=minute, second=second)
        return None


def _end_of_month(date: datetime) -> datetime:
    first_of_next = (date.replace(day=28) + timedelta(days=4)).replace(day=1)
    return first_of_next - timedelta(days=1)
