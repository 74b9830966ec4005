"""After 100 %: one arm, judged against the same service's time before the ramp.

There is no baseline any more, so what happens to the whole service (a dependency that fails, a busy hour) looks like
the release's doing. Four things take care. The tolerated ratio is 1.5, over the day's worst hours. The dispersion is
measured on the whole history, at scales up to hours. A tick counts four times the typical failures at most, before
and after. And it adds so little evidence that a shock as long as the history's longest, doubled, proves nothing, and
ten ticks at least are needed. So harm that lasts is rolled back, after ten minutes at the earliest; an outage is left
to the health probe and the pipeline's absolute limits, which see it at once.

Failures are Poisson about `rate`·requests; the log-ratio of a tick is [x·ln(θj/θ0) - n·rate·(θj - θ0)]/φ, with the
same mixture over harms and onsets as in `evidence.py`. `rate` is the history's upper bound of 99 %, or the rate of
its worst four hours.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from slipway.promotion.judge import words
from slipway.promotion.judge.checked import all_of, count, evidence_of, several, word
from slipway.promotion.judge.dispersion import LEARNING_TICKS, SHOCK_AT_LEAST
from slipway.promotion.judge.evidence import HARMS, TOLERATED, Evidence
from slipway.promotion.judge.policy import FAILURES, Policy
from slipway.promotion.judge.silence import few
from slipway.promotion.judge.state import SHORT_HISTORY, StateInvalid
from slipway.promotion.judge.usual import CARE, Care, Usual, learn_usual
from slipway.promotion.judge.verdict import Action, MetricEvidence, Receipt, Verdict
from slipway.promotion.judge.windows import Arm, Window, shortened

VERSION, BEFORE_PAUSES = 4, 3
STILL_AWAITED = 5
PAUSES = 2  # times the longest pause of the day before are a pause yet


@dataclass(frozen=True)
class WatchState:
    """`most` nats a tick may add; `requests` and `failures` count those of the watch; `pause`: how many ticks running
    had hardly any; the rest is as in `State`."""

    usual: Usual
    most: float
    evidence: Evidence
    settled: int = 0
    missing: tuple[int, ...] = ()
    blind: int = 0
    blind_words: str = ""
    late_by: int = 0
    requests: int = 0
    failures: int = 0
    unheard: float = 0.0
    pause: int = 0
    proven: float = 0.0
    notes: tuple[str, ...] = ()

    def dump(self) -> dict[str, Any]:
        """Plain JSON, about 1 KB."""
        data = asdict(self)
        return {**data, "version": VERSION, "missing": list(self.missing), "notes": list(self.notes)}

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> "WatchState":
        """The reverse of `dump`. Raises StateInvalid for another version, or what is no state."""
        if not isinstance(data, Mapping) or data.get("version") not in (VERSION, BEFORE_PAUSES):
            raise StateInvalid("STATE_UNREADABLE", "this is no state of the watch of this version: begin it anew")
        try:
            bare = {key: value for key, value in data.items() if key != "version"}
            if data["version"] == BEFORE_PAUSES:
                bare |= {"pause": 0, "usual": {**data["usual"], "longest_pause": 0}}
            return _load(bare)
        except (KeyError, TypeError, ValueError) as error:
            raise StateInvalid("STATE_UNREADABLE", f"the watch's state is damaged: {error!r}") from error


def _load(data: Mapping[str, Any]) -> WatchState:
    usual = Usual(**all_of(data["usual"], Usual()))
    if usual.worse_at_most < 1:
        raise ValueError(f"{usual.worse_at_most} × the usual")
    bare = WatchState(usual, 0.0, Evidence())
    apart = ("usual", "evidence", "missing", "notes")
    return WatchState(
        **all_of(data, bare, apart=apart),
        usual=usual,
        evidence=evidence_of(data["evidence"]["ticks"], data["evidence"]["logs"]),
        missing=tuple(count(tick) for tick in several(data["missing"])),
        notes=tuple(word(note) for note in several(data["notes"])),
    )


def begin_watch(policy: Policy, history: Sequence[Window], now: int = 0, care: Care = CARE) -> WatchState:
    """The state before the first tick at 100 %. `history` are the windows before the ramp, 24 hours of them if there
    are so many; see `learn_usual`."""
    usual = learn_usual(history, care)
    return WatchState(
        usual=usual,
        most=math.log(policy.threshold) / max(care.fewest_ticks, care.shocks * usual.longest_shock),
        evidence=Evidence(),
        settled=now,
        notes=() if usual.ticks >= LEARNING_TICKS else (SHORT_HISTORY,),
    )


def watch_tick(state: WatchState, windows: Sequence[Window], now: int, policy: Policy) -> tuple[WatchState, Verdict]:
    """Judge the windows that are due; the live release is their `canary`. Never advances, never withdraws.

    ROLLBACK HARM_PROVEN, or WAIT with CALM, DISQUIET, BLIND or, when a person must be called, BLIND_TOO_LONG or
    NO_HISTORY.
    """
    state = replace(state, late_by=0)
    until = now - policy.delay_ticks
    due = set(range(max(state.settled + 1, until - 10 * policy.blind_ticks), until + 1))
    awaited = {window.tick for window in windows if window.tick in state.missing}
    for tick in sorted(due | awaited):
        readings = [window for window in windows if window.tick == tick]
        whole = next((window for window in readings if _complete(window, state)), None)
        if whole is not None:
            state = _judge(state, whole, policy, late_by=until - tick if tick <= state.settled else 0)
        elif tick > state.settled:
            text = shortened(_silence(readings[0] if readings else None, state))
            missing = (*state.missing, tick)[-STILL_AWAITED:]
            state = replace(state, blind=state.blind + 1, blind_words=text, missing=missing, settled=tick)
    state = replace(state, settled=max(state.settled, until))
    return state, _verdict(state, now, policy)


def _complete(window: Window, state: WatchState) -> bool:
    if window.trouble or window.canary is None:
        return False
    return _unheard(window.canary, state) < SHOCK_AT_LEAST


def _unheard(arm: Arm, state: WatchState) -> float:
    """Requests that were due since the release last served its part: less than in any hour of a usual day is lost. In
    a pause like those of the day before, between two batches, none are due."""
    if state.usual.is_served(arm.total):
        return 0.0
    if state.pause < PAUSES * state.usual.longest_pause:
        return state.unheard
    return state.unheard + state.usual.quietest


def _silence(window: Window | None, state: WatchState) -> str:
    if window is None or window.trouble or window.canary is None or not window.canary.total:
        return (window.trouble if window is not None else "") or "telemetry has nothing of the release"
    return f"the release has {few(window.canary.total, state.usual.quietest)}"


def _judge(state: WatchState, window: Window, policy: Policy, late_by: int) -> WatchState:
    arm = window.canary
    assert arm is not None
    n, x = arm.total, state.usual.counted(arm.total, arm.failed)
    tolerated = state.usual.worse_at_most
    evidence = state.evidence.next_tick()
    phi = max(state.usual.phi, window.items)
    logs = []
    for log, harm in zip(evidence.logs, HARMS, strict=True):
        theta = harm * tolerated / TOLERATED
        gain = x * math.log(theta / tolerated) - n * state.usual.rate * (theta - tolerated)
        logs.append(log + min(gain / phi, state.most))
    evidence = replace(evidence, logs=tuple(logs))
    e_value = evidence.e_value
    return replace(
        state,
        evidence=evidence,
        settled=max(state.settled, window.tick),
        missing=tuple(tick for tick in state.missing if tick != window.tick),
        blind=state.blind if late_by else 0,
        blind_words=state.blind_words if late_by else "",
        late_by=late_by,
        requests=state.requests + n,
        failures=state.failures + arm.failed,
        unheard=_unheard(arm, state),
        pause=0 if state.usual.is_served(arm.total) else state.pause + 1,
        proven=max(state.proven, e_value if e_value >= policy.threshold else 0.0),
    )


def _verdict(state: WatchState, now: int, policy: Policy) -> Verdict:
    e_value = state.evidence.e_value
    rate = state.failures / state.requests if state.requests else 0.0
    ratio = rate / state.usual.mean_rate if state.usual.mean_rate and state.requests else None
    seen = f"{state.failures:,} failures in {state.requests:,} requests"
    if ratio is not None:
        seen = f"{seen}, {words.times(ratio)} as often as before the ramp"
    lacking = words.late(state.late_by, policy.delay_ticks) if state.late_by else state.blind_words
    action, code, text = Action.WAIT, "CALM", seen
    if state.proven:
        proof = f"harm that lasts is proven (evidence {state.proven:,.0f}, needed {policy.threshold:,.0f})"
        action, code, text = Action.ROLLBACK, "HARM_PROVEN", f"{seen}; {proof}"
    elif state.blind >= policy.blind_ticks:
        code, text = "BLIND_TOO_LONG", f"{lacking}: a person must look; nothing is rolled back blindly"
    elif not state.usual.requests:
        code, text = "NO_HISTORY", f"{seen}; nothing from before the ramp to compare with: a person must look"
    elif state.blind:
        code, text = "BLIND", f"{lacking}; waiting for telemetry"
    elif e_value >= 2:
        code, text = "DISQUIET", f"{seen}; evidence for harm is {e_value:.3g}, proof from {policy.threshold:,.0f} on"
    excess = state.failures - state.requests * state.usual.mean_rate
    metric = MetricEvidence(
        name=FAILURES,
        ratio=ratio,
        at_least=None,
        at_most=None,
        canary_requests=state.requests,
        canary_bad=state.failures,
        baseline_requests=state.usual.requests,
        baseline_bad=state.usual.failures,
        e_value=e_value,
        share=1.0,
        dispersion=state.usual.phi,
    )
    receipt = Receipt(
        tick=state.settled,
        now=now,
        step=policy.last,
        weight=1.0,
        e_value=e_value,
        threshold=policy.threshold,
        blind=state.blind,
        missing=state.missing,
        excess=excess,
        budget=0.0,
        excess_rate_at_worst=0.0,
        requests_per_tick=state.usual.per_tick,
        metrics=(metric,),
        changed_by=(_otherwise(code, e_value, policy),),
        weakened_by=state.notes,
    )
    weight = 0.0 if action is Action.ROLLBACK else 1.0
    return Verdict(action, code, "; ".join((text, *state.notes)), policy.last, weight, receipt)


def _otherwise(code: str, e_value: float, policy: Policy) -> str:
    """What would have made it another verdict."""
    proof = f"evidence for harm of {policy.threshold:,.0f} instead of {e_value:.3g}: rollback"
    seen = "a complete window of the release in time: judged as usual"
    return {
        "HARM_PROVEN": f"evidence that had never reached {policy.threshold:,.0f}: no rollback",
        "NO_HISTORY": "telemetry from before the ramp: judged as usual",
        "BLIND": seen,
        "BLIND_TOO_LONG": seen,
    }.get(code, proof)
