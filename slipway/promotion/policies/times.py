"""Whether the times of a stage keep out at least what a policy's do."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil

from slipway.promotion.calendar.windows import FINISH, PAUSE, ROLL_BACK, Freeze, Hours, Rate

_STRICTNESS = (FINISH, PAUSE, ROLL_BACK)
_A_YEAR = tuple(timedelta(weeks=2 * n) for n in range(27))  # both changes of the clocks are among them


def freeze_is_kept(wanted: Freeze, has: Sequence[Freeze], at: datetime) -> bool:
    """Whether one of the freezes covers that one. One that is over for ever wants nothing more."""
    if not wanted.recurring and all(ends <= at for _, ends in wanted.around(at)):
        return True
    return any(_covers(each, wanted, at) for each in has)


def _covers(has: Freeze, wanted: Freeze, at: datetime) -> bool:
    if not set(has.but) <= set(wanted.but) or not _as_strict(has.on_begin, wanted.on_begin):
        return False
    if wanted.recurring or has.recurring:
        same = (has.recurring, has.begins, has.ends, has.time_zone)
        return same == (wanted.recurring, wanted.begins, wanted.ends, wanted.time_zone)
    ((begins, ends),), ((from_, to),) = has.around(at), wanted.around(at)
    return begins <= max(from_, at) and to <= ends


def hours_are_kept(wanted: Hours, has: Hours | None, at: datetime) -> bool:
    """Whether a stage is open at no time, in the year after `at`, at which the policy is not."""
    if has is None or not set(has.but) <= set(wanted.but) or not _as_strict(has.on_begin, wanted.on_begin):
        return False
    for later in _A_YEAR:
        allowed = list(wanted.around(at + later))
        first, last = at + later - timedelta(days=1), at + later + timedelta(days=15)
        for begins, ends in has.around(at + later):
            inside = any(opens <= begins and ends <= closes for opens, closes in allowed)
            if first <= begins <= last and not inside:
                return False
    return True


def rate_is_kept(wanted: Rate, has: Rate | None) -> bool:
    """Whether the stage's rate lets no more in, in any time as long as the policy's."""
    return has is not None and has.at_most * ceil(wanted.per_s / has.per_s) <= wanted.at_most


def _as_strict(has: str, wanted: str) -> bool:
    return _STRICTNESS.index(has) >= _STRICTNESS.index(wanted)
