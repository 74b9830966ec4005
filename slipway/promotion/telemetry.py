"""What a ramp asks telemetry for."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from slipway.promotion.outcomes import moment

BUILTIN = "builtin"
NEARLY_WHOLE = 0.1  # of a tick: so much of it may lie before a moment, and it still counts as after it


class Span(NamedTuple):
    """One tick of a ramp: its number (from 1), and from when until when (not including) it lasted."""

    tick: int
    begins: datetime
    ends: datetime


@dataclass(frozen=True)
class Source:
    """Where a service's telemetry lies: `workspace` is the id of a Log Analytics workspace, `role` the service's name
    there (`AppRoleName`). `query` is KQL in place of the built-in one, `latency_query` likewise; `metrics` are the
    users' own by name (columns and parameters: `docs/canary.md`)."""

    workspace: str
    role: str
    query: str = BUILTIN
    latency_query: str = BUILTIN
    metrics: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Flagged:
    """Users of `release` are asked for, with the feature flag `feature` and without it: those are the question's
    versions. `variant` is the one that counts as having it; empty for a flag without variants. A request above
    `slow_ms` counts as failed (0: none)."""

    feature: str
    release: str
    variant: str = ""
    slow_ms: float = 0.0


@dataclass(frozen=True)
class Question:
    """Windows of a ramp: one a span, spans of equal length and in order, without gaps.

    `canary` and `baseline` are versions as the application reports them; without a canary it is the history that is
    asked for, the baseline alone. An instance of the canary younger than `warm_up_s` at a span's end makes its window
    cold; `since` is when the canary's first instance can have begun. With `flagged`, users are counted and not
    requests, and `since` is from when on a user who met a failure is left out.
    """

    source: Source
    canary: str
    baseline: str
    spans: tuple[Span, ...]
    warm_up_s: float = 0.0
    since: datetime | None = None
    latencies: bool = True
    flagged: Flagged | None = None


class Cohort(NamedTuple):
    """The users of one variant since a comparison began: how many met it first, how many of them succeeded afterwards,
    and how many met a failure; each counts once."""

    users: int = 0
    converted: int = 0
    bad: int = 0


NOBODY = Cohort()


@dataclass(frozen=True)
class Cohorts:
    """Both variants' users; `fault` says in words why they are not known."""

    control: Cohort = NOBODY
    treatment: Cohort = NOBODY
    fault: str = ""


@dataclass(frozen=True)
class CohortsQuestion:
    """The users who met `flagged` from `begins` until before `ends`, testers aside, and who of them succeeded: told the
    event `event`, or was answered well by the request `request`; one of the two is empty."""

    source: Source
    flagged: Flagged
    begins: datetime
    ends: datetime
    event: str = ""
    request: str = ""
    testers: tuple[str, ...] = ()


def spans_from(began_at: datetime, length: timedelta, first: int, last: int) -> tuple[Span, ...]:
    """The ticks `first` to `last` of those that began at `began_at`, each so long; none when `last` is before."""
    return tuple(
        Span(number, began_at + length * (number - 1), began_at + length * number) for number in range(first, last + 1)
    )


def last_tick(began_at: str, tick_s: float, at: datetime) -> int:
    """The number of the tick that ended last at `at`, of those that began at `began_at`; 0 before the first has."""
    return max(0, int((at - moment(began_at)).total_seconds() / tick_s + 1e-6))


def first_tick_after(began_at: str, tick_s: float, at: datetime) -> int:
    """The number of the first tick that lies after `at`, but for a tenth of it, of those that began at `began_at`."""
    return max(1, math.ceil((at - moment(began_at)).total_seconds() / tick_s - NEARLY_WHOLE) + 1)
