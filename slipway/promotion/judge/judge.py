"""One tick: what to do with the traffic, and why. A pure function of the state, the windows and the tick's number."""

import math
from collections.abc import Sequence
from dataclasses import replace

from slipway.promotion.judge import bounds, ramp, words
from slipway.promotion.judge.looking import look
from slipway.promotion.judge.metric import Metric
from slipway.promotion.judge.policy import FAILURES, Policy
from slipway.promotion.judge.ramp import Outlook
from slipway.promotion.judge.state import State
from slipway.promotion.judge.verdict import Action, MetricEvidence, Receipt, Verdict
from slipway.promotion.judge.windows import Window

LACKS_HALVES = (
    "the baseline came without halves, so bursts are judged from ticks that follow each other: a healthy release may "
    "be rolled back in 2 % of ramps instead of the chance allowed"
)


def tick(state: State, windows: Sequence[Window], now: int, policy: Policy) -> tuple[State, Verdict]:
    """Judge the windows that are due at the end of tick `now` (from 1), and decide. The first reason that holds counts.

    Windows judged before are left alone, so the last five may be handed in again at every tick.
    """
    state = look(state, windows, now, policy)
    ahead = ramp.outlook(state, policy)
    verdict = _decide(state, now, policy, ahead)
    if verdict.action is Action.ADVANCE:
        before = policy.steps[state.step]
        state = replace(state, step=verdict.step, since=now, before=before, judged_here=0)
    return state, verdict


def _decide(state: State, now: int, policy: Policy, ahead: Outlook) -> Verdict:
    receipt = _receipt(state, now, policy, ahead)
    failures = receipt.metrics[0]
    e_value = receipt.e_value
    missing = ramp.missing_requests(state, policy, ahead)

    def answer(action: Action, code: str, text: str, step: int = state.step, short: float = 0.0) -> Verdict:
        away = action in (Action.ROLLBACK, Action.WITHDRAW)
        requests = 0 if math.isinf(short) else math.ceil(short)
        a_tick = policy.steps[state.step] * state.per_tick
        seconds = policy.tick_s * math.ceil(short / a_tick) if a_tick > 0 and not math.isinf(short) else None
        return Verdict(
            action,
            code,
            "; ".join((text, *receipt.weakened_by)),
            step,
            0.0 if away else policy.steps[step],
            replace(receipt, changed_by=_changed_by(code, receipt, policy, ahead, step)),
            requests,
            seconds if requests else 0.0,
        )

    def short_of(text: str) -> str:
        a_tick = policy.steps[state.step] * state.per_tick
        if a_tick <= 0 or math.isinf(missing):
            return f"{text}; at this traffic it will never be enough"
        lasts = words.lasting(policy.tick_s * math.ceil(missing / a_tick))
        return f"{text}; about {words.number(missing)} more canary requests are needed, {lasts} at this traffic"

    if state.proven:
        worst = max(receipt.metrics, key=lambda metric: metric.share * metric.e_value)
        text = words.compared(worst, 100 * (1 - policy.false_rollback))
        proof = f"harm is proven (evidence {state.proven:,.0f}, needed {receipt.threshold:,.0f})"
        return answer(Action.ROLLBACK, "HARM_PROVEN", f"{text}; {words.excess(failures, ahead.budget)}; {proof}")
    if state.blind >= policy.blind_ticks:
        text = f"{state.blind_words}: blind for too long; the traffic goes back, the release is not blamed"
        return answer(Action.WITHDRAW, "BLIND_TOO_LONG", text)
    if state.step == policy.last:
        return answer(Action.WAIT, "RAMP_OVER", "the canary has all the traffic; the watch judges it from here on")
    if state.blind:
        return answer(Action.WAIT, "BLIND", f"{state.blind_words}; waiting for telemetry, and no release is blamed")
    if state.judged_here < ramp.FEWEST_TICKS:
        text = f"{state.judged_here} of {ramp.FEWEST_TICKS} ticks judged at {policy.steps[state.step]:.0%}"
        return answer(Action.WAIT, "TOO_SOON", short_of(text), short=missing)
    if state.was_cold:
        return answer(Action.WAIT, "WARMING_UP", "instances of the canary are still warming up", short=missing)
    if failures.canary_requests < ramp.FEWEST_REQUESTS or state.metrics[FAILURES].counts.n < ramp.FEWEST_REQUESTS:
        text = f"{state.metrics[FAILURES].counts.n} of {ramp.FEWEST_REQUESTS} canary requests judged"
        return answer(Action.WAIT, "NOT_ENOUGH_EVIDENCE", short_of(text), short=missing)
    if e_value >= ramp.DISQUIET:
        worst = max(receipt.metrics, key=lambda metric: metric.share * metric.e_value)
        text = words.compared(worst, 100 * (1 - policy.false_rollback))
        unrest = f"evidence for harm {e_value:.3g}; from {receipt.threshold:,.0f} on it is proven, below 2 it is calm"
        return answer(Action.WAIT, "DISQUIET", f"{text}; {unrest}")
    if state.saturation.holds:
        return answer(Action.WAIT, "SATURATED", state.saturation.words)
    step = ramp.next_step(state, policy, ahead)
    shown = f"{words.compared(failures, 99)}; {words.excess(failures, ahead.budget)}"
    if step is None:
        cost = ahead.cost(state.step + 1, policy)
        text = f"{shown}; the step to {policy.steps[state.step + 1]:.0%} could cost {cost:,.0f} failures at worst"
        return answer(Action.WAIT, "NOT_ENOUGH_EVIDENCE", short_of(text), short=missing)
    if policy.ramp != "fixed" and ahead.fits(step, policy):
        text = f"{shown}; at {policy.steps[step]:.0%} harm could cost {ahead.cost(step, policy):,.0f} failures at worst"
        return answer(Action.ADVANCE, "WITHIN_BUDGET", text, step)
    text = f"{shown}; {state.judged_here} calm ticks at {policy.steps[state.step]:.0%}"
    return answer(Action.ADVANCE, "PATIENCE_OVER", text, step)


def _receipt(state: State, now: int, policy: Policy, ahead: Outlook) -> Receipt:
    metrics = tuple(_numbers(name, state.metrics[name], share, policy) for name, share in policy.shares().items())
    weakened = state.notes
    if any(metric.dispersion.lacks_halves for metric in state.metrics.values()):
        weakened = (*weakened, LACKS_HALVES)
    return Receipt(
        tick=state.settled,
        now=now,
        step=state.step,
        weight=policy.steps[state.step],
        e_value=state.e_value(policy),
        threshold=policy.threshold,
        blind=state.blind,
        missing=state.missing,
        excess=ahead.excess,
        budget=ahead.budget,
        excess_rate_at_worst=ahead.excess_rate,
        requests_per_tick=state.per_tick,
        metrics=metrics,
        weakened_by=weakened,
    )


def _numbers(name: str, metric: Metric, share: float, policy: Policy) -> MetricEvidence:
    theta0 = policy.tolerated(name)
    counts = metric.counts if metric.counts.n else metric.cold
    n, x, m, y = counts
    return MetricEvidence(
        name=name,
        ratio=(x / n) / (y / m) if n and m and y else None,
        at_least=bounds.at_least(metric.sums, theta0, policy.threshold),
        at_most=bounds.at_most(metric.sums, theta0),
        canary_requests=n,
        canary_bad=x,
        baseline_requests=m,
        baseline_bad=y,
        e_value=metric.evidence.e_value,
        share=share,
        dispersion=metric.phi,
    )


def _changed_by(code: str, receipt: Receipt, policy: Policy, ahead: Outlook, step: int) -> tuple[str, ...]:
    """What would have made it another verdict."""
    if code == "HARM_PROVEN":
        return (f"evidence that had never reached {receipt.threshold:,.0f}",)
    proof = f"evidence for harm of {receipt.threshold:,.0f} instead of {receipt.e_value:.3g}: rollback"
    if code in ("BLIND", "BLIND_TOO_LONG"):
        return ("a complete window of both arms: judged as usual", proof)
    if code in ("WITHIN_BUDGET", "PATIENCE_OVER"):
        return (proof, f"evidence for harm of {ramp.DISQUIET:g}: wait")
    if code == "RAMP_OVER":
        return (proof,)
    return (proof, "what is missing, with the canary as calm as now: advance")
