"""What a stored state cannot be as a whole, though each of its values can: a judge that went on from it would be blind
or mute for good."""

from collections.abc import Mapping

from slipway.promotion.judge.metric import Metric
from slipway.promotion.judge.policy import LATENCY_QUANTILES
from slipway.promotion.judge.state import State, StateInvalid

SLACK = 1e6  # a sum of squares is less than the square of so many times its variance, whatever was counted


def check(state: State, now: int) -> None:
    """Raises StateInvalid for a state that no ramp has at the end of tick `now`."""
    if trouble := _trouble(state, now):
        raise StateInvalid("STATE_UNREADABLE", f"the judge's state is damaged: {trouble}")


def _trouble(state: State, now: int) -> str:
    if max(state.settled, state.since, *state.missing, 0) > now:
        return f"it is of a time after tick {now}"
    if not state.judged_here <= state.judged <= max(state.settled, 0):
        return f"{state.judged_here} of {state.judged} ticks judged, {state.settled} are over"
    if not state.latencies.weights and any(state.metrics[name].dispersion.seen for name in LATENCY_QUANTILES):
        return "latencies were seen, and none are kept"
    return next((f"{name}: {words}" for name, words in _each(state.metrics, state.judged) if words), "")


def _each(metrics: Mapping[str, Metric], judged: int) -> list[tuple[str, str]]:
    return [(name, _trouble_of(metric, judged)) for name, metric in metrics.items()]


def _trouble_of(metric: Metric, judged: int) -> str:
    if metric.evidence.ticks > judged:
        return f"evidence of {metric.evidence.ticks} ticks, {judged} were judged"
    dispersion = metric.dispersion
    sums = (
        metric.residue[:2],
        (dispersion.squares, dispersion.variance),
        (dispersion.squares_together, dispersion.variance_together),
        (metric.new_bursts.squares, metric.new_bursts.variance),
    )
    if any(squares > (SLACK * (1 + variance)) ** 2 for squares, variance in sums):
        return "squares beyond what its counts can have"
    return ""
