"""KQL texts: the packaged ones, and the parameters that are put in front of every query as `let` statements."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files

from slipway.promotion.telemetry import Flagged


@dataclass(frozen=True)
class Success:
    """What counts as one: an event's name, or a request's; and users who count nowhere."""

    event: str
    request: str
    testers: Sequence[str]


@dataclass(frozen=True)
class Parameters:
    """What a query is asked for: moments from `begins` until before `ends`, in ticks of `span` of `bins` bins each.
    With `flagged` it sees what lies between `since` and `begins`, too."""

    begins: datetime
    ends: datetime
    role: str
    versions: Sequence[str]
    span: timedelta
    bins: int = 1
    since: datetime | None = None
    flagged: Flagged | None = None
    success: Success | None = None

    @property
    def sees_from(self) -> datetime:
        return self.since or self.begins

    def before(self, query: str) -> str:
        """`query` with these parameters in front. Raises ValueError for a name that no KQL text can hold.

        `bin_of(moment)` is the number of its bin, from 0: whole numbers, since `bin()` counts from the calendar
        instead of `begins`, and a sixth of a tick may be no whole number of microseconds.
        """
        span_us = self.span // timedelta(microseconds=1)
        values = {
            "begins": _moment(self.begins),
            "ends": _moment(self.ends),
            "role": _text(self.role),
            "versions": _texts(self.versions),
            "bins": str(self.bins),
            "bin_of": f"(t: datetime) {{ datetime_diff('microsecond', t, begins) * {self.bins} / {span_us} }}",
        }
        if self.flagged is not None:
            values |= {
                "since": _moment(self.sees_from),
                "feature": _text(self.flagged.feature),
                "variant": _text(self.flagged.variant),
                "release": _text(self.flagged.release),
                "slow_ms": f"real({float(self.flagged.slow_ms)!r})",
            }
        if self.success is not None:
            values |= {
                "event": _text(self.success.event),
                "request": _text(self.success.request),
                "testers": _texts(self.success.testers),
            }
        return "".join(f"let {name} = {value};\n" for name, value in values.items()) + query


@cache
def packaged(name: str) -> str:
    """The text of `queries/{name}.kql`."""
    return (files(__package__) / "queries" / f"{name}.kql").read_text(encoding="utf-8")


def _text(value: str) -> str:
    """A KQL string literal, which JSON's is as long as nothing but quotes and backslashes is escaped in it."""
    if not value.isprintable():
        raise ValueError(f"{value!r} cannot be asked for: it holds characters that do not print")
    return json.dumps(value, ensure_ascii=False)


def _texts(values: Sequence[str]) -> str:
    return f"dynamic([{', '.join(_text(value) for value in values)}])"


def _moment(at: datetime) -> str:
    return f"datetime({at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z)"
