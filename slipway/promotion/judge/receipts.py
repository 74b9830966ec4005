"""What a verdict rests on: numbers of every metric, and what would have made it another verdict."""

from slipway.promotion.judge import bounds, ramp
from slipway.promotion.judge.metric import Metric
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.ramp import Outlook
from slipway.promotion.judge.state import State
from slipway.promotion.judge.verdict import MetricEvidence, Receipt

LACKS_HALVES = (
    "the baseline came without halves, so bursts are judged from ticks that follow each other: a healthy release "
    "may be rolled back in 2 % of ramps instead of the chance allowed"
)


def receipt_of(state: State, now: int, policy: Policy, ahead: Outlook) -> Receipt:
    """The receipt, but for what would have changed the verdict."""
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
        metrics=tuple(numbers(name, state.metrics[name], share, policy) for name, share in policy.shares().items()),
        weakened_by=weakened,
    )


def numbers(name: str, metric: Metric, share: float, policy: Policy) -> MetricEvidence:
    """One metric as it stands. Its counts are of cold ticks only while there are no others."""
    theta0 = policy.tolerated(name)
    n, x, m, y = metric.counts if metric.counts.n else metric.cold
    ratio = (x / n) / (y / m) if n and m and y else None
    at_most = bounds.at_most(metric.sums, theta0) if metric.counts.n else None
    if at_most is not None and ratio is not None and at_most < ratio:
        at_most = None  # it speaks of the canary's best time, and harm has begun since
    return MetricEvidence(
        name=name,
        ratio=ratio,
        at_least=bounds.at_least(metric.sums, theta0, policy.threshold) if metric.counts.n else None,
        at_most=at_most,
        canary_requests=n,
        canary_bad=x,
        baseline_requests=m,
        baseline_bad=y,
        e_value=metric.evidence.e_value,
        share=share,
        dispersion=metric.phi,
    )


def changed_by(code: str, receipt: Receipt, otherwise: str = "") -> tuple[str, ...]:
    """What would have made it another verdict. `otherwise` says so where the code alone does not tell."""
    proof = f"evidence for harm of {receipt.threshold:,.0f} instead of {receipt.e_value:.3g}: rollback"
    calm = "what is missing, with the canary as calm as now: advance"
    return {
        "HARM_PROVEN": (f"evidence that had never reached {receipt.threshold:,.0f}: no rollback",),
        "BLIND": ("a complete window of both arms: judged as usual", proof),
        "BLIND_TOO_LONG": (otherwise,),
        "NEVER_WARM": (otherwise,),
        "WARMING_UP": (proof, "instances of the canary that are all older than the warm-up: as usual"),
        "RAMP_OVER": (proof,),
        "WITHIN_BUDGET": (proof, f"evidence for harm of {ramp.DISQUIET:g}: wait"),
        "PATIENCE_OVER": (proof, f"evidence for harm of {ramp.DISQUIET:g}: wait"),
        "HELD": (proof, "nothing outside that holds the ramp: advance"),
        "DISQUIET": (proof, f"evidence for harm below {ramp.DISQUIET:g}: as usual"),
        "SATURATED": (proof, f"{otherwise}: as usual"),
        "METRIC_MISSING": (proof, "a window with all metrics: as usual"),
    }.get(code, (proof, calm))
