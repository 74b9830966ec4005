"""One tick: what to do with the traffic, and why. A pure function of the state, the windows and the tick's number."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from slipway.promotion.judge import ramp, words
from slipway.promotion.judge.looking import look
from slipway.promotion.judge.policy import FAILURES, Policy
from slipway.promotion.judge.possible import check
from slipway.promotion.judge.ramp import Outlook
from slipway.promotion.judge.receipts import changed_by, receipt_of
from slipway.promotion.judge.state import State, moved
from slipway.promotion.judge.verdict import Action, Receipt, Verdict
from slipway.promotion.judge.windows import Window


def tick(state: State, windows: Sequence[Window], now: int, policy: Policy, held: str = "") -> tuple[State, Verdict]:
    """Judge the windows that are due at the end of tick `now` (from 1), and decide.

    Windows judged before are left alone, so the last five may be handed in again at every tick. `held` says why the
    ramp must not advance whatever is found, if something outside keeps it. Raises StateInvalid for a state that no ramp
    has at this time.
    """
    check(state, now)
    state = look(state, windows, now, policy)
    ahead = ramp.outlook(state, policy)
    decision = _decide(state, policy, ahead, receipt := receipt_of(state, now, policy, ahead))
    if held and decision.action is Action.ADVANCE:
        decision = _Decision(Action.WAIT, "HELD", f"{decision.words}; held: {held}")
    verdict = _verdict(decision, state, policy, receipt)
    return moved(state, verdict.step, now, policy) if verdict.action is Action.ADVANCE else state, verdict


@dataclass(frozen=True)
class _Decision:
    action: Action
    code: str
    words: str
    missing: float | None = None  # canary requests; None: nothing that requests could mend
    step: int | None = None
    otherwise: str = ""  # what would have made it another decision, where the code does not tell


def _decide(state: State, policy: Policy, ahead: Outlook, receipt: Receipt) -> _Decision:
    """The first reason that holds, in the order of what may not wait."""
    if state.proven:
        return _Decision(Action.ROLLBACK, "HARM_PROVEN", _proof(state, receipt))
    if max(state.blind, state.partly) >= policy.blind_ticks:
        text = f"{_lacking(state, policy)}: blind for too long; the traffic goes back, the release is not blamed"
        whole = "both arms" if state.blind >= policy.blind_ticks else "all metrics"
        otherwise = f"a complete window of {whole} in time: judged as usual"
        return _Decision(Action.WITHDRAW, "BLIND_TOO_LONG", text, otherwise=otherwise)
    if never_warm := _never_warm(state, policy):
        restless, otherwise = never_warm
        text = f"{restless}; the traffic goes back, the release is not blamed"
        return _Decision(Action.WITHDRAW, "NEVER_WARM", text, otherwise=f"{otherwise}: judged as usual")
    if state.step == policy.last:
        return _Decision(Action.WAIT, "RAMP_OVER", "the canary has all the traffic; the watch judges it from here on")
    if state.blind:
        return _Decision(
            Action.WAIT, "BLIND", f"{_lacking(state, policy)}; waiting for telemetry, and no release is blamed"
        )
    return (
        _too_little(state, policy, ahead) or _unrest(state, policy, receipt) or _onward(state, policy, ahead, receipt)
    )


def _lacking(state: State, policy: Policy) -> str:
    if state.blind and state.late_by:
        return words.late(state.late_by, policy.delay_ticks)
    return state.blind_words or state.partly_words


def _never_warm(state: State, policy: Policy) -> tuple[str, str] | None:
    """Why the canary's cold ticks are no warm-up, and what would have made them one; None if they may be one."""
    if state.cold_ticks > policy.cold_ticks:
        cold = f"an instance of the canary was younger than its warm-up in {state.cold_ticks} ticks at this weight"
        enough = f"{policy.cold_ticks} cold ticks at most, warm ones taken off"
        return f"{cold}, warm ones taken off: it restarts or scales without end", enough
    if ramp.cold_failures_unexplained(state, policy) > 0:
        n, x, m, y = state.metrics[FAILURES].cold
        failed = f"{x:,} of {n:,} requests failed while instances of the canary were cold, baseline {y:,} of {m:,}"
        return f"{failed}: more than a warm-up after each step explains", "fewer failures while instances were cold"
    return None


def _too_little(state: State, policy: Policy, ahead: Outlook) -> _Decision | None:
    here = f"{policy.steps[state.step]:.0%}"
    requests = state.metrics[FAILURES].counts.n
    missing = ramp.missing_requests(state, policy, ahead)
    if state.cold:
        return _Decision(Action.WAIT, "WARMING_UP", "an instance of the canary is still warming up")
    if state.cold_ticks > policy.warm_up_ticks:
        return _Decision(Action.WAIT, "WARMING_UP", "instances of the canary start again and again")
    if state.judged_here < ramp.FEWEST_TICKS and not state.partly:
        text = f"{state.judged_here} of at least {ramp.FEWEST_TICKS} ticks judged at {here}"
        return _Decision(Action.WAIT, "TOO_SOON", text, missing)
    if requests < ramp.FEWEST_REQUESTS:
        text = f"{requests} of at least {ramp.FEWEST_REQUESTS} canary requests judged"
        return _Decision(Action.WAIT, "NOT_ENOUGH_EVIDENCE", text, missing)
    return None


def _unrest(state: State, policy: Policy, receipt: Receipt) -> _Decision | None:
    if receipt.e_value >= ramp.DISQUIET:
        text = words.compared(receipt.worst, receipt.confidence)
        unrest = f"evidence for harm is {receipt.e_value:.3g}: proof from {receipt.threshold:,.0f} on, calm below 2"
        return _Decision(Action.WAIT, "DISQUIET", f"{text}; {unrest}")
    if state.partly:
        text = f"{state.partly_words} in the last window; without it nothing advances"
        return _Decision(Action.WAIT, "METRIC_MISSING", text)
    if state.saturation.holds or (state.step + 1 == policy.last and state.saturation.is_short):
        calm = "three ticks running" if state.saturation.holds else "the next reading"
        otherwise = f"{calm} within the limits of CPU and memory"
        return _Decision(Action.WAIT, "SATURATED", state.saturation.words, otherwise=otherwise)
    return None


def _onward(state: State, policy: Policy, ahead: Outlook, receipt: Receipt) -> _Decision:
    failures = receipt.metrics[0]
    seen = f"{words.compared(failures, receipt.confidence)}; {words.excess(ahead.excess, ahead.budget)}"
    step = ramp.next_step(state, policy, ahead)
    onward = state.step + 1 if step is None else step
    risk = f"at {policy.steps[onward]:.0%} harm could cost {ahead.cost(onward, policy):,.0f} more at worst"
    if step is None:
        missing = ramp.missing_requests(state, policy, ahead)
        return _Decision(Action.WAIT, "NOT_ENOUGH_EVIDENCE", f"{seen}; {risk}", missing)
    if policy.ramp != "fixed" and ahead.fits(step, policy):
        return _Decision(Action.ADVANCE, "WITHIN_BUDGET", f"{seen}; {risk}", step=step)
    calm = f"{state.judged_here} calm ticks at {policy.steps[state.step]:.0%}"
    return _Decision(Action.ADVANCE, "PATIENCE_OVER", f"{seen}; {calm}", step=step)


def _proof(state: State, receipt: Receipt) -> str:
    worst = receipt.worst
    parts = [words.compared(replace(worst, at_most=None), receipt.confidence)]  # how bad at most helps nobody now
    last = state.metrics[worst.name].last
    if (worst.at_least or 0.0) <= 1 + 1e-9 and last.n and last.m:
        parts.append(f"in the last tick judged {last.x:,} of {last.n:,} requests, baseline {last.y:,} of {last.m:,}")
    parts.append(words.excess(receipt.excess, receipt.budget))
    parts.append(f"harm is proven (evidence {state.proven:,.0f}, needed {receipt.threshold:,.0f})")
    return "; ".join(parts)


def _verdict(decision: _Decision, state: State, policy: Policy, receipt: Receipt) -> Verdict:
    step = state.step if decision.step is None else decision.step
    away = decision.action in (Action.ROLLBACK, Action.WITHDRAW)
    text, missing, seconds = decision.words, 0, None
    if decision.missing is not None:
        canary_a_tick = policy.steps[state.step] * state.pace
        never = math.isinf(decision.missing) or canary_a_tick <= 0
        missing = 0 if math.isinf(decision.missing) else max(1, math.ceil(decision.missing))
        seconds = None if never else policy.tick_s * math.ceil(missing / canary_a_tick)
        text = f"{text}; {words.still_needed(missing, seconds)}"
    return Verdict(
        action=decision.action,
        code=decision.code,
        words="; ".join((text, *receipt.weakened_by)),
        step=step,
        weight=0.0 if away else policy.steps[step],
        receipt=replace(receipt, changed_by=changed_by(decision.code, receipt, decision.otherwise)),
        missing_requests=missing,
        missing_s=seconds,
    )
