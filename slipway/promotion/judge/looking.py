"""From windows to evidence: which are due, which are missing, and what each adds to the state."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from slipway.promotion.judge.latency import TICK_AT_MOST, latency_readings
from slipway.promotion.judge.metric import Reading
from slipway.promotion.judge.policy import FAILURES, Policy
from slipway.promotion.judge.recent import SILENT
from slipway.promotion.judge.silence import THIN, silence, unheard
from slipway.promotion.judge.state import State, failure_halves, own_halves
from slipway.promotion.judge.windows import Counts, Window, blocks_of, shortened

STILL_AWAITED = 5  # missing ticks that may come late
LONG_BLIND = 100  # ticks; no need to count further
LONGEST_COLD = 100_000


def look(state: State, windows: Sequence[Window], now: int, policy: Policy) -> State:
    """The state after all windows that are due at the end of tick `now`, oldest first.

    A tick is judged once, `delay_ticks` after it ended, and the first complete window of it counts; what comes again,
    too late or too early is left alone. A due tick without a complete window is counted blind, and so it stays when
    its window comes late and is judged: only one that is there in time ends the blindness.
    """
    state = replace(state, late_by=0)
    until = now - policy.delay_ticks
    if state.step == policy.last:
        until = min(until, state.since)  # there is no baseline afterwards
    delivered: dict[int, list[Window]] = {}
    for window in windows:
        if window.tick <= until and (window.tick > state.settled or window.tick in state.missing):
            delivered.setdefault(window.tick, []).append(window)
    due = range(max(state.settled + 1, until - LONG_BLIND), until + 1)
    for tick in sorted({*delivered, *due}):
        readings = delivered.get(tick, [])
        whole = next((window for window in readings if silence(window, state, policy) is None), None)
        if whole is not None:
            state = _judge(state, whole, policy, late_by=until - tick if tick <= state.settled else 0)
        elif tick > state.settled:
            state = _blind(state, tick, readings[0] if readings else None, policy)
    missing = tuple(tick for tick in state.missing if tick > until - STILL_AWAITED)
    return replace(state, settled=max(state.settled, until), missing=missing)


def _blind(state: State, tick: int, window: Window | None, policy: Policy) -> State:
    ticks, words = silence(window, state, policy) or (0, "")
    return replace(
        state,
        blind=min(state.blind + ticks, LONG_BLIND),
        blind_words=shortened(words),
        missing=(*state.missing, tick),
        settled=tick,
        requests=state.requests.after(window.total) if window is not None and not window.trouble else state.requests,
    )


def _judge(state: State, window: Window, policy: Policy, late_by: int) -> State:
    assert window.canary is not None and window.baseline is not None
    metrics = dict(state.metrics)
    readings = _readings(window, state, policy)
    silent = _silent(window, state, readings, policy)
    for name, reading in readings.items():
        if name in silent:
            continue  # what telemetry lost nearly all of is no sample of it
        metrics[name] = metrics[name].judge(reading, policy.tolerated(name), window.items, window.cold)
    total, partly = window.total, bool(silent or window.unread)
    here = window.tick > state.since and not window.settling
    calm = here and window.canary.total > 0 and not window.cold and not partly
    judged = replace(
        state,
        metrics=metrics,
        latencies=state.latencies.after(window.baseline.latencies),
        saturation=state.saturation if window.cold else state.saturation.after(window, policy.bake_ticks),
        blind=state.blind if late_by else 0,
        blind_words=state.blind_words if late_by else "",
        late_by=late_by,
        missing=tuple(tick for tick in state.missing if tick != window.tick),
        settled=max(state.settled, window.tick),
        judged=state.judged + 1,
        judged_here=state.judged_here + calm,
        cold=window.cold,
        cold_ticks=_cold_ticks(state, window, policy),
        partly=min(state.partly + 1, LONG_BLIND) if partly else 0,
        partly_words=shortened(", ".join((*(f"no {name}" for name in silent), *window.unread))),
        per_tick=float(total) if total else state.per_tick,
        requests=state.requests.after(total),
        unheard_canary=unheard(window, state, policy, True),
        unheard_baseline=unheard(window, state, policy, False),
    )
    e_value = judged.e_value(policy)
    return judged if e_value < policy.threshold else replace(judged, proven=max(state.proven, e_value))


def _cold_ticks(state: State, window: Window, policy: Policy) -> int:
    """Cold ticks of this weight. Those of a warm-up are expected after a step; of more, a warm one takes one back."""
    if window.cold:
        return min(state.cold_ticks + 1, LONGEST_COLD)
    return state.cold_ticks - 1 if state.cold_ticks > policy.warm_up_ticks else state.cold_ticks


def _silent(window: Window, state: State, readings: Mapping[str, Reading], policy: Policy) -> list[str]:
    """Metrics that were promised, by the policy or by the history, and are not there, or hardly, though there were
    requests."""
    if not all(arm is not None and arm.total for arm in (window.canary, window.baseline)):
        return []
    promised = [*policy.own_metrics, *state.latencies.cuts()]
    return [
        name for name in promised if name not in readings or _is_thin(readings[name], state.metrics[name].carry, window)
    ]


def _is_thin(reading: Reading, carry: Counts, window: Window) -> bool:
    """An arm has none of it, or less than a tenth of what was due by the other arm's: in this tick, or in several of a
    rare one."""
    assert window.canary is not None and window.baseline is not None
    counts = carry.plus(reading.counts)
    odds = window.canary.total / window.baseline.total
    return _lacks(counts.n, counts.m * odds) or _lacks(counts.m, counts.n / odds)


def _lacks(came: int, due: float) -> bool:
    return due >= SILENT and came < THIN * due


def _readings(window: Window, state: State, policy: Policy) -> Mapping[str, Reading]:
    canary, baseline = window.canary, window.baseline
    assert canary is not None and baseline is not None
    found = {FAILURES: Reading(blocks_of(canary, baseline), failure_halves(window))}
    found |= latency_readings(window, state.latencies.cuts(), policy.latency_margin)
    for name in policy.own_metrics:
        if name in canary.own and name in baseline.own:
            counts = Counts(*canary.own[name], *baseline.own[name])
            found[name] = Reading((counts,), own_halves(window, name), TICK_AT_MOST)
    return found
