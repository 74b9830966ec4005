"""What a ramp's judge knows between two ticks: plain JSON under 16 KB."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from slipway.promotion.errors import SlipwayError
from slipway.promotion.judge.checked import all_of, count, counts_of, evidence_of, number, numbers, plain, several, word
from slipway.promotion.judge.dispersion import LEARNING_TICKS, Dispersion
from slipway.promotion.judge.latency import UsualLatencies, latency_halves
from slipway.promotion.judge.metric import Metric
from slipway.promotion.judge.new_bursts import NewBursts
from slipway.promotion.judge.policy import FAILURES, Policy
from slipway.promotion.judge.recent import Recent
from slipway.promotion.judge.saturation import Saturation
from slipway.promotion.judge.windows import Counts, Window

VERSION = 3
START_REQUESTS, START_TICKS, START_AT_MOST = 50, 10, 0.50  # low traffic starts where this many come in time
USUAL_OVER = 60  # ticks before the ramp: the service's traffic

BEGAN_ANEW = (
    "the state was of an older version: evidence began anew at this weight, and the false-rollback budget counts "
    "once more"
)
SHORT_HISTORY = "the history before the ramp was short: how bursty the service is was assumed, not measured"


class StateInvalid(SlipwayError):
    """A state that this version cannot go on from."""


@dataclass(frozen=True)
class State:
    """Everything the judge carries from tick to tick.

    `since` is the tick at which the present weight was set, `before` the weight until then, `judged_here` the warm and
    complete windows judged of the time since. Due ticks up to `settled` are judged or counted blind; of the latter
    those in `missing` may still come, and `late_by` is by how many ticks one of them came late just now. `cold`: the
    last judged one was; `cold_ticks`: how many were at this weight, less the warm ones after a warm-up; `partly`: how
    many running lacked a promised metric. `proven` is the e-value at which harm was proven, for ever. `per_tick`
    requests had the last judged tick, `requests` the last ones. `unheard` requests were due from an arm since it last
    served its part. `notes` weaken the promise.
    """

    step: int
    since: int = 0
    before: float = 0.0
    settled: int = 0
    missing: tuple[int, ...] = ()
    blind: int = 0
    blind_words: str = ""
    late_by: int = 0
    judged: int = 0
    judged_here: int = 0
    cold: bool = False
    cold_ticks: int = 0
    partly: int = 0
    partly_words: str = ""
    per_tick: float = 0.0
    requests: Recent = field(default_factory=Recent)
    unheard_canary: float = 0.0
    unheard_baseline: float = 0.0
    proven: float = 0.0
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    latencies: UsualLatencies = field(default_factory=UsualLatencies)
    saturation: Saturation = field(default_factory=Saturation)
    notes: tuple[str, ...] = ()

    def e_values(self) -> dict[str, float]:
        return {name: metric.evidence.e_value for name, metric in self.metrics.items()}

    def e_value(self, policy: Policy) -> float:
        """Of all metrics together: an average of e-values is one, however they depend on each other."""
        return sum(share * self.metrics[name].evidence.e_value for name, share in policy.shares().items())

    @property
    def pace(self) -> float:
        """Requests a tick to reckon times with: of batches, with empty ticks between, the mean."""
        return self.requests.mean if 2 * self.requests.mean < self.per_tick else self.per_tick

    def dump(self) -> dict[str, Any]:
        """Plain JSON, under 16 KB."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "version": VERSION,
            "missing": list(self.missing),
            "notes": list(self.notes),
            "requests": {**vars(self.requests), "totals": list(self.requests.totals)},
            "metrics": {name: _dump_metric(metric) for name, metric in self.metrics.items()},
            "latencies": {str(bucket): weight for bucket, weight in self.latencies.weights.items()},
            "saturation": {**vars(self.saturation), "memory": [list(pair) for pair in self.saturation.memory]},
        }


_PLAIN = (
    *("step", "since", "before", "settled", "blind", "blind_words", "late_by", "judged", "judged_here"),
    *("cold", "cold_ticks"),
    *("partly", "partly_words", "per_tick", "unheard_canary", "unheard_baseline", "proven"),
)


def begin(
    policy: Policy,
    history: Sequence[Window] = (),
    now_weight: float | None = None,
    now: int = 0,
    added_per_tick: float = 0.0,
) -> State:
    """The state before the first tick of a ramp.

    `history` are the service's windows before it, the baseline alone, oldest first; eight hours or more measure how
    bursty it is. `now_weight` is where the canary stands already; None: the first step, or with low traffic the
    first that brings 50 canary requests in ten ticks. `now` is the number of the tick that has just ended. So many
    requests a tick as are `added` will come besides.
    """
    metrics = {name: Metric() for name in policy.shares()}
    latencies = UsualLatencies()
    totals: list[int] = []
    requests = Recent()
    for window in history:
        if window.baseline is None or window.trouble:
            continue
        requests = requests.after(window.baseline.total)
        totals.append(window.baseline.total)
        for name, (served, bad, halves) in _of_baseline(window, latencies, policy).items():
            metrics[name] = metrics[name].learn(served, bad, halves)
        latencies = latencies.after(window.baseline.latencies)
    per_tick = of_all_traffic(totals) + added_per_tick
    step = start(policy, per_tick) if now_weight is None else _nearest(policy, now_weight)
    notes = () if len(totals) >= LEARNING_TICKS else (SHORT_HISTORY,)
    weight = policy.steps[step]
    return State(
        step,
        now,
        weight,
        settled=now,
        per_tick=per_tick,
        requests=requests,
        metrics=metrics,
        latencies=latencies,
        notes=notes,
    )


def start(policy: Policy, per_tick: float) -> int:
    """The step to begin with: with low traffic the first that brings 50 canary requests in ten ticks, at most 50 %."""
    if per_tick <= 0:
        return 0
    for step, weight in enumerate(policy.steps):
        if weight > START_AT_MOST:
            return max(0, step - 1)
        if weight * per_tick * START_TICKS >= START_REQUESTS:
            return step
    return policy.last


def of_all_traffic(totals: Sequence[int]) -> float:
    """Requests a tick that the whole service has, from those of its live version, oldest first.

    That version may itself have been a canary of late, or a baseline, and have had a part of the traffic only. So it is
    the mean of the busiest ten ticks running of the last hour; ten, because a service may have its requests in batches.
    """
    if not totals:
        return 0.0
    recent = totals[-USUAL_OVER:]
    runs = [recent[end - START_TICKS : end] for end in range(len(recent), START_TICKS - 1, -START_TICKS)] or [recent]
    return max(sum(run) / len(run) for run in runs)


def load(data: Mapping[str, Any], policy: Policy, history: Sequence[Window] = ()) -> State:
    """The reverse of `State.dump`.

    A state of an older version begins anew at the weight where it stands, from `history`, and says so in `notes`.
    Raises StateInvalid for one of a newer version, or that is none.
    """
    version = data.get("version") if isinstance(data, Mapping) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 0:
        raise StateInvalid("STATE_UNREADABLE", "this is no state of the judge: it has no version")
    if version > VERSION:
        words = f"the state is of version {version}, this Slipway knows {VERSION}: deploy the newer Slipway again"
        raise StateInvalid("STATE_NEWER", words)
    if version < VERSION:
        return _anew(data, policy, history)
    try:
        state = _load(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StateInvalid("STATE_UNREADABLE", f"the judge's state is damaged: {error!r}") from error
    if state.step > policy.last:
        raise StateInvalid("STATE_UNREADABLE", f"step {state.step!r} of a ramp with {len(policy.steps)}")
    lacking = policy.shares().keys() - state.metrics.keys()
    if lacking:
        raise StateInvalid("STATE_UNREADABLE", f"the judge's state is damaged: no {', '.join(sorted(lacking))}")
    return replace(state, metrics={name: state.metrics[name] for name in policy.shares()})


def moved(state: State, step: int, now: int, policy: Policy) -> State:
    """From the end of tick `now` on the canary has the weight of that step."""
    return replace(state, step=step, since=now, before=policy.steps[state.step], judged_here=0, cold_ticks=0)


def own_halves(window: Window, name: str) -> Counts | None:
    """The counts of a users' metric in both halves of the baseline."""
    if window.halves is None or not all(name in half.own for half in window.halves):
        return None
    first, second = (half.own[name] for half in window.halves)
    return Counts(*first, *second)


def failure_halves(window: Window) -> Counts | None:
    """Requests and failures of both halves of the baseline."""
    if window.halves is None:
        return None
    first, second = window.halves
    return Counts(first.requests, first.failures, second.requests, second.failures)


def _of_baseline(
    window: Window, latencies: UsualLatencies, policy: Policy
) -> dict[str, tuple[int, int, Counts | None]]:
    baseline = window.baseline
    assert baseline is not None
    found = {FAILURES: (baseline.total, baseline.failed, failure_halves(window))}
    if baseline.latencies is not None:
        cuts = latencies.cuts()
        above = baseline.latencies.counts_above(list(cuts.values()))
        halves = latency_halves(window, list(cuts.values()))
        for i, name in enumerate(cuts):
            found[name] = (baseline.latencies.count, above[i], halves[i] if halves else None)
    for name in policy.own_metrics:
        if name in baseline.own:
            found[name] = (*baseline.own[name], own_halves(window, name))
    return found


def _nearest(policy: Policy, weight: float) -> int:
    """The highest step that is not above the weight."""
    return max([step for step, share in enumerate(policy.steps) if share <= weight + 1e-9], default=0)


def _anew(data: Mapping[str, Any], policy: Policy, history: Sequence[Window]) -> State:
    step, settled = data.get("step"), data.get("settled", data.get("judged", 0))
    step = min(max(step, 0), policy.last) if isinstance(step, int) else 0
    now = settled if isinstance(settled, int) and settled >= 0 else 0
    state = begin(policy, history, policy.steps[step], now)
    return replace(state, notes=(*state.notes, BEGAN_ANEW))


def _dump_metric(metric: Metric) -> dict[str, Any]:
    return {
        "ticks": metric.evidence.ticks,
        "logs": list(metric.evidence.logs),
        "sums": list(metric.sums),
        "counts": [list(counts) for counts in (metric.counts, metric.cold, metric.last, metric.carry)],
        "residue": list(metric.residue),
        "dispersion": {**vars(metric.dispersion), "waiting": list(metric.dispersion.waiting)},
        "new_bursts": dict(vars(metric.new_bursts)),
    }


def _load_metric(data: Mapping[str, Any]) -> Metric:
    counts, cold, last, carry = (counts_of(each) for each in data["counts"])
    squares, variance, storms = numbers(data["residue"], 3)
    dispersion = all_of(data["dispersion"], Dispersion(), signed=("sum_d",), apart=("waiting",))
    requests, bad = (count(each) for each in data["dispersion"]["waiting"])
    return Metric(
        evidence=evidence_of(data["ticks"], data["logs"]),
        sums=numbers(data["sums"], len(Metric().sums), signed=True),
        counts=counts,
        cold=cold,
        last=last,
        carry=carry,
        residue=(squares, variance, storms),
        dispersion=Dispersion(**dispersion, waiting=(requests, bad)),
        new_bursts=NewBursts(**all_of(data["new_bursts"], NewBursts())),
    )


def _load(data: Mapping[str, Any]) -> State:
    saturation, latencies = data["saturation"], data["latencies"]
    state = State(
        **plain(data, State(step=0), _PLAIN),
        missing=tuple(count(tick) for tick in several(data["missing"])),
        notes=tuple(word(note) for note in several(data["notes"])),
        requests=Recent(
            **all_of(data["requests"], Recent(), apart=("totals",)),
            totals=tuple(count(total) for total in several(data["requests"]["totals"])),
        ),
        metrics={name: _load_metric(metric) for name, metric in data["metrics"].items()},
        latencies=UsualLatencies(
            dict(zip(map(int, latencies), numbers([*latencies.values()], len(latencies)), strict=True))
        ),
        saturation=Saturation(
            **all_of(saturation, Saturation(), apart=("memory",)),
            memory=tuple((count(tick), number(share)) for tick, share in several(saturation["memory"])),
        ),
    )
    if FAILURES not in state.metrics or state.before > 1:
        raise ValueError("no failures, or a weight above 1")
    return state
