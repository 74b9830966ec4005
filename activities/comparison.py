"""Activities on a flag's comparison: look at its variants' users, and make the one that is kept everybody's."""

import azure.durable_functions as df

from activities.answering import Order, answering, unless_aborted
from activities.once import first_answer, once
from activities.telemetry import source_of, telemetry
from slipway.promotion.canary_plan import CanaryPlan
from slipway.promotion.errors import SlipwayError
from slipway.promotion.flags.plan import FlagPlan
from slipway.promotion.outcomes import Answer, broken, moment, passed, running
from slipway.promotion.plain import plain
from slipway.promotion.telemetry import CohortsQuestion, Flagged

bp = df.Blueprint()

SOON_S = 1.0
REFUSED = ("FLAG_GONE", "FLAG_OFF", "FLAG_CHANGED", "FLAG_SHAPE_UNKNOWN", "FLAG_NOT_STICKY")


@bp.activity_trigger(input_name="order", activity="compare_variants")
@answering
def compare_variants(order: Order) -> Answer:
    """Compare the users of both variants from `began_at` until `ends_at`. Result: what was `found`, or the `fault` why
    there was no answer. The first answer of a look stays: asked again, telemetry might tell more."""
    return first_answer(order, lambda: _compared(order))


def _compared(order: Order) -> Answer:
    from slipway.promotion.flags.comparison import Harm, compared

    canary = CanaryPlan.load(order["canary"])
    flag = canary.flag
    assert flag is not None and flag.compare is not None
    plan, begins, ends = flag.compare, moment(order["began_at"]), moment(order["ends_at"])
    flagged = Flagged(flag.name, order["version"], order.get("variant", ""), flag.slow_ms)
    question = CohortsQuestion(source_of(canary), flagged, begins, ends, plan.event, plan.request, flag.testers.users)
    seen = telemetry().cohorts(question)
    if seen.fault:
        return passed(seen.fault, fault=seen.fault)
    harm = Harm(canary.policy.error_margin, canary.policy.false_rollback)
    found = compared(plan, seen, (ends - begins).total_seconds(), harm)
    return passed(found.words, found=plain(found))


@bp.activity_trigger(input_name="order", activity="conclude_comparison")
@answering
@unless_aborted
def conclude_comparison(order: Order) -> Answer:
    """The variant that it `keeps` for everybody, with the words `why` on the flag. Broken FLAG_CHANGED, FLAG_OFF,
    FLAG_GONE: then nothing was written."""
    flag = FlagPlan.load(order["flag"])
    return once(order, lambda _: _concluded(flag, order), lambda _: _concluded(flag, order))


def _concluded(flag: FlagPlan, order: Order) -> Answer:
    from slipway.adapters import clock
    from slipway.adapters.flags.conclusion import Conclusion

    keeps = order["keeps"]
    words = f"{keeps} kept {clock.now():%Y-%m-%d} by {order['promotion']}: {order['why']}"
    try:
        done = Conclusion().keep(flag.name, flag.label, keeps, words, order["operation"], order.get("release", ""))
    except SlipwayError as error:
        if error.code in REFUSED:
            return broken(error.code, error.words)
        raise
    if not done:
        return running({"kind": "intended"}, SOON_S, f"the flag {flag.where} keeps changing under us")
    return passed(done, keeps=keeps)
