"""Activities on a stage's feature flag: have it dark before a release is live, and ask whether testers have it."""

from datetime import timedelta

import azure.durable_functions as df

from activities.answering import Order, answering, unless_aborted
from activities.once import once
from slipway.adapters import clock
from slipway.promotion.errors import SlipwayError
from slipway.promotion.flags.plan import FlagPlan
from slipway.promotion.outcomes import Answer, broken, passed, running

bp = df.Blueprint()

SOON_S = 1.0
DARK, ON, OFF = "dark", "on", "off"


@bp.activity_trigger(input_name="order", activity="prepare_flag")
@answering
@unless_aborted
def prepare_flag(order: Order) -> Answer:
    """The flag for its testers alone; made when there is none, with owner and day of expiry noted on it.

    Result: its `state`: `dark`, or `on` for everybody already, or `off` by a person's word, and neither is changed; the
    `variant` that is ramped, and what the flag `was` before the `release` (the id of its stage). Broken: FLAG_IN_USE,
    FLAG_SHAPE_UNKNOWN, FLAG_NOT_STICKY, VARIANT_UNKNOWN.
    """
    flag = FlagPlan.load(order["flag"])
    return once(order, lambda _: _prepared(flag, order), lambda _: _prepared(flag, order))


def _prepared(flag: FlagPlan, order: Order) -> Answer:
    from slipway.adapters.flags.before import FlagsInRows
    from slipway.adapters.flags.conclusion import Conclusion
    from slipway.adapters.flags.release import FlagsOfRelease, Remembering
    from slipway.adapters.flags.store import Flags
    from slipway.adapters.flags.switch import Changing, Note, Switch

    expires = (clock.now() + timedelta(seconds=flag.expires_s)).date().isoformat()
    note, release = Note(flag.owner, expires, order["service"]), str(order.get("release", order["promotion"]))
    try:
        store = Remembering(Flags(), FlagsInRows(), release)
        found = Switch(store).prepare(flag.name, flag.label, flag.testers, note, order["operation"], release)
    except Changing as error:
        return running({"kind": "intended"}, SOON_S, error.words)
    if flag.compare and not found.off and found.share < 1:
        Conclusion().check(flag.name, flag.label, flag.compare)
    if found.off:
        return passed(f"{flag.where} stays off: {found.off}", state=OFF, variant="", why=found.off)
    if found.share >= 1:
        return passed(f"everybody has {flag.where} already", state=ON, variant=found.variant, why="")
    words = f"{flag.where} is {'made, ' if found.created else ''}on for testers alone"
    was = FlagsOfRelease(Flags(), FlagsInRows(), release).was(flag.name, flag.label)
    return passed(words, state=DARK, variant=found.variant, why="", was=was)


@bp.activity_trigger(input_name="order", activity="check_testers")
@answering
@unless_aborted
def check_testers(order: Order) -> Answer:
    """Whether every tester has the flag, as its document says. Broken TESTER_NOT_TARGETED, FLAG_GONE."""
    from slipway.adapters.flags.switch import Switch

    flag = FlagPlan.load(order["flag"])
    try:
        lacking = Switch().without(flag.name, flag.label, flag.testers.users, flag.testers.groups)
    except SlipwayError as error:
        if error.code == "FLAG_GONE":
            return broken(error.code, error.words)
        raise
    if lacking:
        words = f"{', '.join(lacking)} should have {flag.where} and does not: the flag excludes them, or somebody did"
        return broken("TESTER_NOT_TARGETED", words)
    count = len(flag.testers.users) + len(flag.testers.groups)
    return passed(f"all {count} testers have {flag.where}" if count else f"{flag.where} has no testers")
