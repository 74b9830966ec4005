"""Activity `watch_tick`: what users meet after 100 %, one release judged against the time before it."""

from datetime import timedelta
from typing import TYPE_CHECKING

import azure.durable_functions as df

from activities.answering import Order, answering
from activities.telemetry import source_of, telemetry
from slipway.adapters.receipts import Receipts
from slipway.promotion.canary_plan import CanaryPlan
from slipway.promotion.outcomes import Answer, moment, passed
from slipway.promotion.telemetry import Question, spans_from

if TYPE_CHECKING:
    from slipway.promotion.judge.one_arm import WatchState

bp = df.Blueprint()

HISTORY_TICKS = 1440  # a day of minutes


@bp.activity_trigger(input_name="order", activity="watch_tick")
@answering
def watch_tick(order: Order) -> Answer:
    """Judge `version` at the end of `tick`, counted from `began_at`; without a `state`, learn first what was usual in
    the day before `usual_until`. Result: the `state`, and the `verdict`. The first answer of a tick stays."""
    from slipway.promotion.judge.one_arm import WatchState
    from slipway.promotion.judge.one_arm import watch_tick as judge

    book, promotion, operation = Receipts(), order["promotion"], order["operation"]
    receipt = book.begin(promotion, operation)
    if receipt.answer is not None:
        return receipt.answer
    canary, tick = CanaryPlan.load(order["canary"]), int(order["tick"])
    policy = canary.policy
    state = WatchState.load(order["state"]) if order["state"] else _begun(order, canary)
    first = min([*state.missing, state.settled + 1])
    began_at, length = moment(order["began_at"]), timedelta(seconds=policy.tick_s)
    spans = spans_from(began_at, length, first, tick - policy.delay_ticks)
    windows = []
    if spans:
        sides = {"canary": order["version"], "baseline": ""}
        windows = telemetry().windows(Question(source_of(canary), **sides, spans=spans, latencies=False))
    state, verdict = judge(state, windows, tick, policy)
    said = {"action": str(verdict.action), "code": verdict.code, "words": verdict.words, "e_value": verdict.e_value}
    return book.ended(promotion, operation, passed(verdict.words, state=state.dump(), verdict=said))


def _begun(order: Order, canary: CanaryPlan) -> "WatchState":
    from slipway.promotion.judge.one_arm import begin_watch

    tick = timedelta(seconds=canary.policy.tick_s)
    begins = moment(order["usual_until"]) - tick * HISTORY_TICKS
    sides = {"canary": "", "baseline": order["baseline"]}
    question = Question(source_of(canary), **sides, spans=spans_from(begins, tick, 1, HISTORY_TICKS), latencies=False)
    return begin_watch(canary.policy, telemetry().windows(question))
