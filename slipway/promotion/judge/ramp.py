"""When a ramp goes on: the harm that the next weight could still do must fit a budget of bad requests."""

import math
from dataclasses import dataclass

from slipway.promotion.judge import bounds
from slipway.promotion.judge.evidence import COLD, TOLERATED
from slipway.promotion.judge.metric import Metric
from slipway.promotion.judge.policy import FAILURES, Policy
from slipway.promotion.judge.state import State

FEWEST_REQUESTS = 50  # canary requests judged before any step
FEWEST_TICKS = 2  # at a weight
DISQUIET = 2.0  # an e-value from which nothing advances
REACT_TICKS, REACT_TICKS_AT_THE_END = 3, 5  # until harm at the next weight would be stopped
MORE_PATIENCE_AT_THE_END = 2
LEANING = 0.5  # an e-value; below it the evidence speaks for the canary
TIMES_PATIENCE_LEANING = 2
USUAL_TICKS = 5  # the budget: so many ticks of the service's usual failures
FEWEST_IN_BUDGET = 5.0
USUAL_RATE_AT_LEAST = 0.001
END_SHARE, END_RATE = 0.25, 0.0001  # of the baseline's rate, and at least: what may remain unknown before 100 %
SURE_OF_COLD = 4.0  # standard deviations
PLAUSIBLE = math.log(10)  # 90 %


@dataclass(frozen=True)
class Outlook:
    """What the next step may cost. Rates are shares of requests, `budget` counts bad requests."""

    worst: float
    baseline_rate: float
    excess_rate: float
    per_tick: float
    budget: float
    excess: float

    def cost(self, step: int, policy: Policy) -> float:
        """Bad requests beyond the usual until harm at that step would be stopped, at worst."""
        return self.excess_rate * self.per_tick * policy.steps[step] * _ticks_to_react(step, policy)

    def fits(self, step: int, policy: Policy) -> bool:
        """The step's cost is within the budget; before 100 % the rate itself must be small: no baseline is left."""
        if step == policy.last and self.excess_rate > max(END_SHARE * self.baseline_rate, END_RATE):
            return False
        return self.cost(step, policy) <= self.budget


def _ticks_to_react(step: int, policy: Policy) -> int:
    """Until harm at that step would be stopped."""
    return (REACT_TICKS_AT_THE_END if step == policy.last else REACT_TICKS) + policy.delay_ticks


def outlook(state: State, policy: Policy) -> Outlook:
    """From the failures of the ramp's warm ticks."""
    metric = state.metrics[FAILURES]
    theta0 = policy.tolerated(FAILURES)
    n, x, m, y = metric.counts
    worst = bounds.at_most(metric.sums, theta0) or bounds.WORST * theta0 / TOLERATED
    baseline_rate = (y + 0.5) / m if m else 1.0
    phi = metric.phi
    canary_rate = (x + phi * PLAUSIBLE + math.sqrt(2 * x * phi * PLAUSIBLE)) / n if n else 1.0
    excess_rate = max(0.0, min((worst - 1) * baseline_rate, canary_rate, 1.0))
    whole = metric.counts.plus(metric.cold)
    excess = whole.x - whole.y * whole.n / whole.m if whole.m else 0.0
    return Outlook(worst, baseline_rate, excess_rate, state.per_tick, _budget(state, policy, baseline_rate), excess)


def cold_failures_unexplained(state: State, policy: Policy) -> float:
    """Bad requests of cold ticks beyond chance and beyond what warm-ups explain: one after each step so far, five times
    as bad as the baseline. Below 0: all are explained."""
    metric = state.metrics[FAILURES]
    n, x, m, y = metric.cold
    if not n or not m:
        return 0.0
    starting = policy.warm_up_ticks * state.per_tick * sum(policy.steps[: state.step + 1])
    explained = (COLD * policy.tolerated(FAILURES) / TOLERATED - 1) * (y + 0.5) / m * starting
    chance = SURE_OF_COLD * math.sqrt(metric.phi * (x + y * (n / m) ** 2))
    return x - y * n / m - explained - chance


def next_step(state: State, policy: Policy, ahead: Outlook) -> int | None:
    """The step to go to, for a ramp in which nothing speaks against it; None: not yet."""
    if policy.ramp != "fixed":
        reachable = (state.step + 2, state.step + 1)
        allowed = [step for step in reachable if step < policy.last or step == state.step + 1]
        fitting = next((step for step in allowed if step <= policy.last and ahead.fits(step, policy)), None)
        if fitting is not None:
            return fitting
    return state.step + 1 if _patience_is_over(state, policy) else None


def leans_to_harm(state: State, policy: Policy) -> bool:
    """The canary looks worse than tolerable, and evidence does not speak against it: too little for a proof."""
    n, x, m, y = state.metrics[FAILURES].counts
    return x * m > policy.tolerated(FAILURES) * y * n and state.e_value(policy) >= LEANING


def _patience_is_over(state: State, policy: Policy) -> bool:
    """Enough calm ticks. Before 100 % a canary that leans to harm is watched longer: weak harm shows best there."""
    return state.judged_here >= _calm_asked_for(state, policy)


def _calm_asked_for(state: State, policy: Policy) -> int:
    calm = patience_at(state.step, policy)
    at_the_end = state.step + 1 == policy.last and policy.ramp != "fixed"
    return calm * TIMES_PATIENCE_LEANING if at_the_end and leans_to_harm(state, policy) else calm


def patience_at(step: int, policy: Policy) -> int:
    """Calm ticks at a step after which the ramp goes one on all the same; before 100 % more, except if fixed."""
    at_the_end = step + 1 == policy.last and policy.ramp != "fixed"
    return policy.patience + (MORE_PATIENCE_AT_THE_END if at_the_end else 0)


def missing_requests(state: State, policy: Policy, ahead: Outlook) -> float:
    """How many more canary requests until the ramp could go on, if the canary is as good as the baseline.

    The smallest of what the proof needs and what patience waits for; never fewer than the least of all ramps.
    """
    metric = state.metrics[FAILURES]
    here = policy.steps[state.step] * state.per_tick
    least = max(FEWEST_REQUESTS - metric.counts.n, (FEWEST_TICKS - state.judged_here) * here, 0.0)
    waiting = max(0.0, _calm_asked_for(state, policy) - state.judged_here) * here
    return max(least, min(waiting, _for_the_proof(metric, state, policy, ahead)))


def _for_the_proof(metric: Metric, state: State, policy: Policy, ahead: Outlook) -> float:
    step = state.step + 1
    if policy.ramp == "fixed" or step > policy.last or not metric.counts.m:
        return math.inf
    served = ahead.per_tick * policy.steps[step] * _ticks_to_react(step, policy)
    allowed = ahead.budget / served if served else 0.0
    if step == policy.last:
        allowed = min(allowed, max(END_SHARE * ahead.baseline_rate, END_RATE))
    scale = policy.tolerated(FAILURES) / TOLERATED
    needed = 1 + allowed / ahead.baseline_rate
    below = [c for c, theta in enumerate(bounds.GRID) if c > 0 and 1 < theta * scale <= needed]
    if not below:
        return math.inf
    c = below[-1]
    equal = bounds.GRID.index(1.0)
    gap = PLAUSIBLE + math.log(c) - (metric.sums[equal] - metric.sums[c])
    weight = policy.steps[state.step]
    gain = information(1.0, bounds.GRID[c] * scale, ahead.baseline_rate, weight) / metric.phi
    return max(0.0, gap / gain)


def information(truth: float, other: float, baseline_rate: float, weight: float) -> float:
    """Nats that one canary request is expected to bring for the ratio `truth` against `other`, undivided."""
    odds = weight / (1 - weight) if weight < 1 else math.inf
    if math.isinf(odds):
        return 0.0
    bad = baseline_rate * (truth + 1 / odds)
    shift = math.log1p(other * odds) - math.log1p(truth * odds)
    return truth * baseline_rate * math.log(truth / other) + bad * shift


def _budget(state: State, policy: Policy, baseline_rate: float) -> float:
    if policy.ramp == "careful" and policy.budget is None:
        return 0.0
    if policy.budget is not None:
        return policy.budget
    return max(FEWEST_IN_BUDGET, USUAL_TICKS * state.per_tick * max(baseline_rate, USUAL_RATE_AT_LEAST))
