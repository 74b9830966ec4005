"""How a plan shows when builds enter a stage, and what has to be live first."""

from collections.abc import Iterator

from slipway.promotion.calendar.windows import FINISH, HOTFIX, Freeze, Hours
from slipway.promotion.pipeline.times import written
from slipway.promotion.plan import StagePlan


def calendar_lines(stage: StagePlan) -> Iterator[tuple[str, str]]:
    """A line each."""
    calendar = stage.calendar
    for freeze in calendar.freezes:
        yield "frozen", f"by {freeze.words}{_more(freeze)}"
    if calendar.hours:
        yield "enters", f"in {calendar.hours.words}{_more(calendar.hours)}"
    if calendar.rate:
        yield "rate", f"at most {calendar.rate.at_most} releases within {written(calendar.rate.per_s)}"
    for each in stage.after:
        yield "waits for", f"{each.service} {each.at_least} or later to be live in {each.environment}"


def _more(window: Freeze | Hours) -> str:
    more = "; hotfixes enter" if HOTFIX in window.but else ""
    return more + (f"; a rollout on its way then: {window.on_begin}" if window.on_begin != FINISH else "")
