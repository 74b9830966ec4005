"""Activity `watch_tick`: what users meet after 100 %, one release judged against the time before it."""

from datetime import timedelta
from typing import TYPE_CHECKING

import azure.durable_functions as df

from activities.answering import Order, answering
from activities.once import first_answer
from activities.telemetry import due_spans, source_of, telemetry
from slipway.promotion.canary_plan import CanaryPlan
from slipway.promotion.outcomes import Answer, moment, passed
from slipway.promotion.telemetry import Question, spans_from

if TYPE_CHECKING:
    from slipway.promotion.judge.one_arm import WatchState
    from slipway.promotion.judge.windows import Window

bp = df.Blueprint()

HISTORY_TICKS = 1440  # a day of minutes


@bp.activity_trigger(input_name="order", activity="watch_tick")
@answering
def watch_tick(order: Order) -> Answer:
    """Judge `version` at the end of `tick`, counted from `began_at`; without a `state`, learn first what was usual in
    the day before `usual_until`. Result: the `state`, and the `verdict`. The first answer of a tick stays."""
    return first_answer(order, lambda: _judged(order))


def _judged(order: Order) -> Answer:
    from slipway.promotion.judge.one_arm import WatchState
    from slipway.promotion.judge.one_arm import watch_tick as judge

    canary, tick = CanaryPlan.load(order["canary"]), int(order["tick"])
    state = WatchState.load(order["state"]) if order["state"] else _begun(order, canary)
    windows: list[Window] = []
    if spans := due_spans(canary, order["began_at"], tick, state.settled, state.missing):
        sides = {"canary": order["version"], "baseline": ""}
        windows = telemetry().windows(Question(source_of(canary), **sides, spans=spans, latencies=False))
    state, verdict = judge(state, windows, tick, canary.policy)
    said = {"action": str(verdict.action), "code": verdict.code, "words": verdict.words, "e_value": verdict.e_value}
    return passed(verdict.words, state=state.dump(), verdict=said)


def _begun(order: Order, canary: CanaryPlan) -> "WatchState":
    from slipway.promotion.judge.one_arm import begin_watch

    tick = timedelta(seconds=canary.policy.tick_s)
    begins = moment(order["usual_until"]) - tick * HISTORY_TICKS
    sides = {"canary": "", "baseline": order["baseline"]}
    question = Question(source_of(canary), **sides, spans=spans_from(begins, tick, 1, HISTORY_TICKS), latencies=False)
    return begin_watch(canary.policy, telemetry().windows(question))
