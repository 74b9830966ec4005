"""Before a ramp: how many requests and how much time a harm needs to show, step by step.

A harm of the ratio h shows after about (ln(1/α) + 2.3)/I canary requests, I nats being what one of them brings to the
best of the harms that the judge bets on (`ramp.information`, over the dispersion): below the smallest of them, 1.25,
that is less than h itself would, and below about 1.17 nothing. The 2.3 is what the mixture over harms and onsets costs
beyond Wald's test of a known harm; simulated ramps at one weight needed 6.9 to 7.8 nats on average where α is 1 %.
What the judge allows for unseen noise is left out; it makes weak harm slower: ×1.25 at 5,000/s and 50 % took 18 minutes
instead of 11, ×1.2 50 instead of 29.
"""

import math
from dataclasses import dataclass

from slipway.promotion.judge import ramp, words
from slipway.promotion.judge.evidence import HARMS, TOLERATED
from slipway.promotion.judge.policy import FAILURES, Policy
from slipway.promotion.judge.state import start

MIXTURE_COSTS = 2.3


@dataclass(frozen=True)
class StepPlan:
    """One step's traffic. Times in seconds; None means never at this traffic.

    `requests` of the canary show the harm on average, after `seconds`; `lasts_s` is what the step lasts when the
    canary is calm and no proof comes earlier. `long_enough`: the harm would show within it.
    """

    weight: float
    requests_per_tick: float
    requests: int | None
    seconds: float | None
    lasts_s: float
    long_enough: bool
    words: str


@dataclass(frozen=True)
class TrafficPlan:
    """`start` is the index of the step to begin with; at low traffic not the first. `words` sum up."""

    harm: float
    start: int
    steps: tuple[StepPlan, ...]
    words: str


def traffic_plan(
    policy: Policy, requests_per_s: float, base_error_rate: float, harm: float = 2.0, dispersion: float = 1.0
) -> TrafficPlan:
    """What this ramp can see at this traffic.

    `base_error_rate` is a share (0..1) of requests, `harm` the ratio that is to show, `dispersion` the variance of
    failures over that of independent ones. Raises ValueError for numbers that cannot be.
    """
    if not (0 <= requests_per_s < math.inf and 0 <= base_error_rate <= 1 and dispersion >= 1):
        raise ValueError("traffic must not be negative, an error rate is a share, dispersion is at least 1")
    if not policy.tolerated(FAILURES) < harm < math.inf:
        raise ValueError(f"a harm of {harm} × is within the margin, or none")
    if base_error_rate * harm > 1:
        text = f"a service of which {100 * base_error_rate:g} % fails cannot fail {words.times(harm)} as often"
        raise ValueError(f"{text}: that would be more than all its requests")
    per_tick = requests_per_s * policy.tick_s
    first = start(policy, per_tick)
    steps = tuple(_step(step, policy, per_tick, base_error_rate, harm, dispersion) for step in range(policy.last))
    return TrafficPlan(harm, first, steps, _sum_up(first, steps, policy))


def requests_to_show(policy: Policy, weight: float, rate: float, harm: float, dispersion: float = 1.0) -> float:
    """Canary requests until the harm is proven, on average; infinite when it cannot be."""
    tolerated = policy.tolerated(FAILURES)
    bets = [each * tolerated / TOLERATED for each in HARMS]
    lost = min(ramp.information(harm, bet, rate, weight) for bet in bets)
    gain = (ramp.information(harm, tolerated, rate, weight) - lost) / dispersion
    return (math.log(policy.threshold) + MIXTURE_COSTS) / gain if gain > 0 else math.inf


def _step(step: int, policy: Policy, per_tick: float, rate: float, harm: float, dispersion: float) -> StepPlan:
    weight = policy.steps[step]
    canary = weight * per_tick
    needed = requests_to_show(policy, weight, rate, harm, dispersion)
    never = math.isinf(needed) or canary <= 0
    ticks = math.inf if never else max(1, math.ceil(needed / canary))
    calm = ramp.patience_at(step, policy)
    lasts = max(calm, math.ceil(ramp.FEWEST_REQUESTS / canary)) if canary > 0 else calm
    seconds = None if never else (ticks + policy.delay_ticks) * policy.tick_s
    harm_words = "a doubling" if harm == 2 else f"{words.times(harm)} as many failures"
    if seconds is None:
        why = "never shows at this traffic" if rate * canary <= 0 else "is too close to the margin ever to be proven"
        text = f"at {weight:.0%} {harm_words} {why}"
    else:
        shows = f"shows after {math.ceil(needed):,} canary requests on average, about {words.lasting(seconds)}"
        text = f"at {weight:.0%} {harm_words} {shows}"
        if harm <= HARMS[0] * policy.tolerated(FAILURES) / TOLERATED:
            text += " or, so near to the margin, up to twice that"
    enough = ticks <= lasts
    verdict = "long enough" if enough else "too short"
    text = f"{text}; this step lasts {words.lasting(lasts * policy.tick_s)} when nothing is proven earlier: {verdict}"
    requests = None if never else math.ceil(needed)
    return StepPlan(weight, canary, requests, seconds, lasts * policy.tick_s, enough, text)


def _sum_up(first: int, steps: tuple[StepPlan, ...], policy: Policy) -> str:
    sees = next((step for step in steps[first:] if step.long_enough), None)
    begins = f"the ramp begins at {policy.steps[first]:.0%}"
    if first:
        begins += " because lower steps would bring too few requests"
    if sees is None:
        return f"{begins}; no step is long enough to show this harm: more patience or more traffic would be"
    return f"{begins}; from {sees.weight:.0%} on its steps are long enough to show this harm"
