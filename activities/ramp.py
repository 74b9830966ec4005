"""Activities of a canary ramp: learn what is usual, divide traffic, look between ticks, judge a tick."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import azure.durable_functions as df

from activities.answering import Order, answering, unless_aborted
from activities.consumption import Consumption
from activities.once import first_answer, once
from activities.telemetry import due_spans, sides_of, source_of, telemetry
from activities.top_up import STRETCH_S, Sending, address_of
from slipway.adapters import clock
from slipway.adapters.alerts import await_alerts
from slipway.adapters.read_model import write_row
from slipway.promotion.canary_plan import WAIT, CanaryPlan
from slipway.promotion.flags.plan import place_of
from slipway.promotion.flags.words import of_users
from slipway.promotion.outcomes import Answer, iso, moment, passed, running
from slipway.promotion.plain import plain
from slipway.promotion.plan import Target
from slipway.promotion.ramp_run import LOOK_EVERY_S
from slipway.promotion.telemetry import Question, spans_from

if TYPE_CHECKING:
    from slipway.promotion.judge.verdict import Verdict
    from slipway.promotion.judge.windows import Window

bp = df.Blueprint()

HISTORY_TICKS = 480  # eight hours of minutes
LATENCY_TICKS = 60  # of them with latencies, which are many rows
UNWELL, UNWELL_AT_LEAST = 4.0, 10.0  # times the usual failures of a tick, and so many: the live release is unwell
FIRST_SEEN_BEFORE = timedelta(hours=1)  # verification began a release before its ramp


@bp.activity_trigger(input_name="order", activity="begin_ramp")
@answering
@unless_aborted
def begin_ramp(order: Order) -> Answer:
    """What is usual before a ramp, which alerts on its targets wake from now on. Result: the judge's `state`, the first
    `share`, and the `usual_rate` of failures.

    `running` while telemetry has nothing at all: no ramp begins blind. A top-up fills it meanwhile, so that a service
    without users has something by which to learn.
    """
    from slipway.promotion.judge.state import begin
    from slipway.promotion.judge.usual import learn_usual

    canary = CanaryPlan.load(order["canary"])
    for target in order.get("watched") or order.get("targets", ()):
        await_alerts(target["resource"], order["waiter"])
    if canary.flag is not None:
        await_alerts(place_of(canary.flag.label, canary.flag.name), order["waiter"])
    tick = timedelta(seconds=canary.policy.tick_s)
    handle = order.get("handle") or {}
    until = _now(order, handle) - tick * canary.policy.delay_ticks
    spans = spans_from(until - tick * HISTORY_TICKS, tick, 1, HISTORY_TICKS)
    older, newer = spans[:-LATENCY_TICKS], spans[-LATENCY_TICKS:]
    asked = {"source": source_of(canary), **sides_of(order, canary), "canary": ""}
    if canary.flag is not None:  # in one question: a user who failed counts once in all of the time before
        windows = telemetry().windows(Question(**asked, spans=spans, latencies=False))
    else:
        windows = [
            *telemetry().windows(Question(**asked, spans=older, latencies=False)),
            *telemetry().windows(Question(**asked, spans=newer)),
        ]
    if all(window.trouble for window in windows):
        whom = order["baseline"] if canary.flag is None else "users: requests tell none (UserId)"
        words = f"there is no telemetry of {whom}: {windows[-1].trouble}"
        return _topped_up(order, canary, handle, words) if canary.top_up.rate_per_s else running({}, 15.0, words)
    added = canary.top_up.rate_per_s * canary.policy.tick_s
    state, usual = begin(canary.policy, windows, added_per_tick=added), learn_usual(windows)
    share = canary.policy.steps[state.step]
    words = f"{usual.requests:,} requests of {order['baseline']}, {usual.mean_rate:.3%} failed"
    if canary.flag is not None:
        words = f"{usual.requests / max(usual.ticks, 1):,.0f} users a tick, {usual.mean_rate:.3%} met a failure"
    return passed(words, state=state.dump(), share=share, usual_rate=usual.typical_rate)


def _now(order: Order, handle: dict[str, Any]) -> datetime:
    """What was asked is the past, and stays it however late its telemetry comes; what a top-up sends comes after."""
    since = handle.get("topped_up_since")
    return moment(order["at"]) + (clock.now() - moment(since) if since else timedelta())


def _topped_up(order: Order, canary: CanaryPlan, handle: dict[str, Any], words: str) -> Answer:
    addresses = {name: address_of(canary, site) for name, site in order["sites"].items()}
    every_s = min(LOOK_EVERY_S, canary.policy.tick_s)
    with ThreadPoolExecutor(len(addresses)) as threads:
        sent = Sending(threads, canary.top_up, addresses, every_s, handle.get("no_top_up", "")).ended()
    going = {"topped_up_since": handle.get("topped_up_since") or iso(clock.now())}
    going |= {"no_top_up": sent.words if sent.refused else ""}
    return running(going, every_s - min(STRETCH_S, every_s), f"{words}; {sent.words or 'topping up'}")


@bp.activity_trigger(input_name="order", activity="judge_tick")
@answering
def judge_tick(order: Order) -> Answer:
    """Judge what telemetry has at the end of `tick`. Result: the judge's `state` and its `verdict`, for how many ticks
    running the live release has been `unwell`, and the `exposure`: how far users meet the share.

    The first answer of a tick stays: asked again, telemetry might tell more than the verdict rested on.
    """
    return first_answer(order, lambda: _judged(order))


def _judged(order: Order) -> Answer:
    from slipway.promotion.exposure import Exposure
    from slipway.promotion.judge.state import load
    from slipway.promotion.judge.windows import shortened, with_exposure
    from slipway.promotion.ramp_tick import judge_tick

    canary, tick = CanaryPlan.load(order["canary"]), int(order["tick"])
    policy, state = canary.policy, load(order["state"], canary.policy)
    windows: list[Window] = []
    unmeasured = ""
    if spans := due_spans(canary, order["began_at"], tick, state.settled, state.missing):
        targets = [Target(**each) for each in order.get("targets", ())]
        consumption = Consumption(canary, order["began_at"], order["version"], targets)
        consumption.ask(spans)
        since = moment(order["began_at"]) - FIRST_SEEN_BEFORE
        asked = {**sides_of(order, canary), "latencies": canary.flag is None}
        windows = with_exposure(
            telemetry().windows(
                Question(source_of(canary), **asked, spans=spans, warm_up_s=policy.warm_up_s, since=since)
            ),
            order.get("exposed_from", 1),
        )
        windows, unmeasured = consumption.joined(windows)
    exposure = Exposure.load(order.get("exposure", {}))
    share = order.get("share", policy.steps[state.step]) if canary.unmet == WAIT else None
    lags = canary.front_door is not None
    state, verdict, exposure = judge_tick(state, windows, tick, policy, order["held"], exposure, share, lags)
    if canary.flag is not None:
        verdict = replace(verdict, words=of_users(verdict.words))
    if unmeasured:
        verdict = replace(verdict, words=f"{verdict.words}; {shortened(unmeasured)}")
    unwell = _unwell(windows, order["usual_rate"], order["unwell"])
    found = {"state": state.dump(), "verdict": _document(verdict), "unwell": unwell, "exposure": plain(exposure)}
    return passed(verdict.words, **found)


@bp.activity_trigger(input_name="order", activity="split")
@answering
@unless_aborted
def split(order: Order) -> Answer:
    """Give `version` the `share` of a target's traffic, or poll the change that `handle` names."""
    from slipway.adapters.platforms import router_of

    target, version, share = Target(**order["target"]), order["version"], float(order["share"])
    router = router_of(target)
    return once(
        order,
        lambda receipt: router.start_split(target, version, share, order["operation"], resuming=not receipt.new),
        lambda handle: router.poll_split(target, handle, version, share),
    )


@bp.activity_trigger(input_name="order", activity="show_ramp")
@answering
def show_ramp(order: Order) -> Answer:
    """Write the ramp's row: of ticks the audit keeps only what changed, and people see them all."""
    row = order["row"]
    write_row(order["promotion"], row["key"], row["rev"], row["doc"])
    return passed()


def _unwell(windows: list["Window"], usual_rate: float, so_far: int) -> int:
    """How many ticks running the live release has failed far more than is usual for it."""
    for window in windows:
        baseline = window.baseline
        if window.trouble or baseline is None or not baseline.total:
            continue
        most = max(UNWELL * usual_rate * baseline.total, UNWELL_AT_LEAST)
        so_far = so_far + 1 if baseline.failed > most else 0
    return so_far


def _document(verdict: "Verdict") -> dict[str, Any]:
    """A verdict as it travels: what decides, and the numbers that it rests on."""
    receipt = verdict.receipt
    return {
        "action": str(verdict.action),
        "code": verdict.code,
        "words": verdict.words,
        "step": verdict.step,
        "weight": verdict.weight,
        "missing_requests": verdict.missing_requests,
        "missing_s": verdict.missing_s,
        "e_value": receipt.e_value,
        "threshold": receipt.threshold,
        "excess": receipt.excess,
        "budget": receipt.budget,
        "changed_by": list(receipt.changed_by),
        "metrics": [asdict(metric) for metric in receipt.metrics],
    }
