"""`freeze:`, `hours:`, `rate:` and `after:` of a stage: when its builds may enter, and what has to be live first."""

import re
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema, model_validator

from slipway.promotion import ledger
from slipway.promotion.after import After
from slipway.promotion.calendar.windows import (
    FINISH,
    HOTFIX,
    PAUSE,
    ROLL_BACK,
    WEEKDAYS,
    WEEKLY,
    YEARLY,
    Freeze,
    Hours,
    Rate,
    day_after,
    minutes_of,
)
from slipway.promotion.ids import is_version
from slipway.promotion.pipeline.findings import nearest, quoted
from slipway.promotion.pipeline.section import Section, key
from slipway.promotion.pipeline.units import DURATION_SCHEMA, between, refusal
from slipway.promotion.pipeline.vocabulary import Name, choice, choice_schema

SAME = "same"
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}))?\Z")
_DAY_OF_YEAR = re.compile(r"(\d{2}-\d{2})(?:[T ](\d{2}:\d{2}))?\Z")
_DAY_OF_WEEK = re.compile(rf"({'|'.join(WEEKDAYS)})(?: (\d{{2}}:\d{{2}}))?\Z")
_HOW = {
    "": "a date such as 2026-11-25, or 2026-11-25T18:00",
    WEEKLY: "a weekday such as fri, or fri 18:00",
    YEARLY: "a day such as 12-20, or 12-20T18:00",
}
_ON_BEGIN = (FINISH, PAUSE, ROLL_BACK)


def _time_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ValueError, OSError, KeyError):  # what is no name of a zone at all is looked for in the file system
        words = f"{quoted(text)} is no time zone of the tz database; write one such as Europe/Berlin"
        raise refusal("UNKNOWN_TIME_ZONE", words, nearest(text, available_timezones())) from None
    return text


def _time(text: str) -> str:
    try:
        minutes_of(text)
    except ValueError:
        raise refusal("INVALID_TIME", f"{quoted(text)} is not a time of day; write 09:00, at most 24:00") from None
    return text


def _days(text: str) -> str:
    first, _, last = text.partition("-")
    if first in WEEKDAYS and (last in WEEKDAYS or not _):
        return text
    raise refusal("INVALID_TIME", f"{quoted(text)} is no weekday; write mon, or mon-thu", nearest(text, WEEKDAYS))


def _version(text: str) -> str:
    if is_version(text):
        return text
    raise refusal("INVALID_VALUE", f"{quoted(text)} is no version: letters, digits and . _ + -")


TimeZone = Annotated[str, AfterValidator(_time_zone)]
TimeOfDay = Annotated[str, AfterValidator(_time), WithJsonSchema({"type": "string", "pattern": r"^\d{2}:\d{2}$"})]
Days = Annotated[str, AfterValidator(_days)]
Excepted = Annotated[str, BeforeValidator(choice(HOTFIX)), choice_schema(HOTFIX)]
OnBegin = Annotated[str, BeforeValidator(choice(*_ON_BEGIN)), choice_schema(*_ON_BEGIN)]
Recurring = Annotated[str, BeforeValidator(choice(WEEKLY, YEARLY)), choice_schema(WEEKLY, YEARLY)]
Period = Annotated[float, BeforeValidator(between("1m", "30d")), DURATION_SCHEMA]
Version = Annotated[str, AfterValidator(_version)]


class FreezeWindow(Section):
    """A time in which no build enters."""

    called: ClassVar[str] = "a freeze"

    name: Name = key("Name of the freeze, unique in its stage.")
    begins: str = key(f"{_HOW['']}; of a recurring one {_HOW[WEEKLY]}, or {_HOW[YEARLY]}.", alias="from")
    ends: str = key("Likewise; a day without a time is frozen to its end.", alias="to")
    time_zone: TimeZone = key("Whose clocks are meant, such as Europe/Berlin.", "UTC")
    excepted: list[Excepted] = key("What enters all the same: hotfix.", [], alias="except", max_length=1)
    on_begin: OnBegin = key("What becomes of a rollout that is on its way then: finish, pause or roll-back.", FINISH)
    recurring: Recurring | None = key("weekly or yearly; else it is once.", None)

    @model_validator(mode="after")
    def _is_a_time(self) -> Self:
        window = self.window
        if not self.recurring and datetime.fromisoformat(window.ends) <= datetime.fromisoformat(window.begins):
            raise refusal(
                "NEVER_IN_FORCE",
                f'the freeze ends, at {self.ends}, no later than it begins: turn "from" and "to" round',
            )
        return self

    @property
    def window(self) -> Freeze:
        """As the plan has it. Raises PydanticCustomError for what is no time."""
        kind = self.recurring or ""
        begins, ends = _moment(self.begins, kind, at_the_end=False), _moment(self.ends, kind, at_the_end=True)
        return Freeze(self.name, begins, ends, self.time_zone, tuple(self.excepted), self.on_begin, kind)


def _moment(written: str, recurring: str, *, at_the_end: bool) -> str:
    """As a `Freeze` has it; a day without a time is meant whole."""
    pattern = {"": _DATE, WEEKLY: _DAY_OF_WEEK, YEARLY: _DAY_OF_YEAR}[recurring]
    found = pattern.match(written)
    try:
        if found is None:
            raise ValueError(written)
        day, time = found[1], found[2] or "00:00"
        minutes_of(time)
        whole = at_the_end and not found[2]
        if recurring == WEEKLY:
            return f"{WEEKDAYS[(WEEKDAYS.index(day) + whole) % 7]} {time}"
        if recurring == YEARLY:
            following = day_after(day)  # of no day of any year it is none either
            return f"{following if whole else day}T{time}"
        moment = datetime.fromisoformat(f"{day}T{time}") + timedelta(days=whole)
        return moment.isoformat(timespec="minutes")
    except (ValueError, OverflowError):
        words = f"{quoted(written)} is not {_HOW[recurring]}"
        raise refusal("INVALID_TIME", words) from None


class BusinessHours(Section):
    """The times at which builds enter; at all others none does."""

    called: ClassVar[str] = "business hours"

    days: list[Days] = key("Weekdays, as mon or mon-thu.", min_length=1, max_length=7)
    begins: TimeOfDay = key("From when on.", alias="from")
    ends: TimeOfDay = key("Until when; no later than from: after midnight.", alias="to")
    time_zone: TimeZone = key("Whose clocks are meant, such as Europe/Berlin.", "UTC")
    excepted: list[Excepted] = key("What enters all the same: hotfix.", [], alias="except", max_length=1)
    on_begin: OnBegin = key("What becomes of a rollout that is on its way when they end.", FINISH)

    @property
    def hours(self) -> Hours:
        days = {day for written in self.days for day in _range(written)}
        window = (tuple(sorted(days)), self.begins, self.ends, self.time_zone)
        return Hours(*window, tuple(self.excepted), self.on_begin)


def _range(written: str) -> list[int]:
    """`fri-mon` is over the weekend."""
    first, _, last = written.partition("-")
    begin = WEEKDAYS.index(first)
    return [(begin + n) % 7 for n in range((WEEKDAYS.index(last or first) - begin) % 7 + 1)]


class ReleaseRate(Section):
    """How many releases an environment takes in a while."""

    called: ClassVar[str] = "a rate"

    at_most: int = key("How many releases.", ge=1, le=ledger.KEPT, strict=True)
    per: Period = key("In which time, such as 24h; at most 30d.")

    @property
    def rate(self) -> Rate:
        return Rate(self.at_most, self.per)


class LiveFirst(Section):
    """Another service that has to be live before builds enter."""

    called: ClassVar[str] = "an item of after"

    service: Name = key("The other service.")
    at_least: Version = key("Its version that has to be live and proven, or a later one.")
    environment: Name = key("Where; same is the stage's own environment.", SAME)

    def after(self, environment: str) -> After:
        return After(self.service, self.at_least, environment if self.environment == SAME else self.environment)
