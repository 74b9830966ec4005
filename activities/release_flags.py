"""Activities on the flags that a release changes: switch one as its stage says, and put one back."""

from collections.abc import Callable
from datetime import timedelta

import azure.durable_functions as df

from activities.answering import Order, answering, unless_aborted
from activities.once import once
from slipway.adapters import clock
from slipway.adapters.flags.release import FlagsOfRelease
from slipway.promotion.errors import SlipwayError
from slipway.promotion.outcomes import Answer, broken, passed, running
from slipway.promotion.release_parts.flag_wish import FlagWish

bp = df.Blueprint()

SOON_S = 1.0
NEEDED_FOR = timedelta(days=90)  # noted on a flag that has no day of expiry, as a ramp does


@bp.activity_trigger(input_name="order", activity="check_flags")
@answering
@unless_aborted
def check_flags(order: Order) -> Answer:
    """Whether the `flags` of a stage could be set for the `release`; nothing is changed.

    Broken: FLAG_GONE, FLAG_IN_USE, FLAG_SHAPE_UNKNOWN, FLAG_NOT_STICKY; the words name all that could not be, the code
    is the first one's.
    """
    wishes = [FlagWish.load(each) for each in order["flags"]]
    answers = [_flags(order).check(wish) for wish in wishes]
    refused = [answer for answer in answers if answer.code]
    if refused:
        return broken(refused[0].code, "; ".join(answer.words for answer in refused))
    return passed("; ".join(answer.words for answer in answers))


@bp.activity_trigger(input_name="order", activity="set_flag")
@answering
@unless_aborted
def set_flag(order: Order) -> Answer:
    """The `flag` on or off for everybody; what it was is kept with the `release`, the id of its stage.

    Result: `was` and `now` in words, empty when it was so already or a person keeps it off. Broken: FLAG_GONE,
    FLAG_SHAPE_UNKNOWN, FLAG_NOT_STICKY.
    """
    wish = FlagWish.load(order["flag"])

    def act(_: object) -> Answer:
        expires = (clock.now() + NEEDED_FOR).date().isoformat()
        return _unless_contended(lambda: _flags(order).set(wish, order["operation"], expires))

    return once(order, act, act)


@bp.activity_trigger(input_name="order", activity="put_flag_back")
@answering
def put_flag_back(order: Order) -> Answer:
    """The flag (`name`, `label`) as it was before the `release`; `when` is `first` or `last`, before its code goes back
    or after. Result: `flag`: `back`, `left` to somebody else, `later`, or `unchanged`."""

    def act(_: object) -> Answer:
        back = _flags(order).back
        return _unless_contended(lambda: back(order["name"], order["label"], order["when"], order["operation"]))

    return once(order, act, act)


def _flags(order: Order) -> FlagsOfRelease:
    from slipway.adapters.flags.before import FlagsInRows
    from slipway.adapters.flags.store import Flags

    return FlagsOfRelease(Flags(), FlagsInRows(), order["release"])


def _unless_contended(act: Callable[[], Answer]) -> Answer:
    try:
        return act()
    except SlipwayError as error:
        if error.code != "FLAG_CONTENDED":
            raise
        return running({"kind": "intended"}, SOON_S, error.words)
