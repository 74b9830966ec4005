"""Two variants of a flag compared by the users who succeed: what is found at a look. Pure.

`control` is what users have without the flag, `treatment` what they have with it. The statistics are those of
`judge/coin.py`: whatever the look, a winner is named wrongly with the chance `false_winner` at most.
"""

from dataclasses import dataclass
from typing import Any

from slipway.promotion.flags.comparison_plan import CONTROL, TREATMENT, ComparisonPlan
from slipway.promotion.judge.coin import Coins
from slipway.promotion.stored import known
from slipway.promotion.telemetry import NOBODY, Cohort, Cohorts

COMPARING = "COMPARING"
TREATMENT_BETTER, CONTROL_BETTER, CONTROL_HARMS = "TREATMENT_BETTER", "CONTROL_BETTER", "CONTROL_HARMS"
CONFLICT = "VARIANTS_CONFLICT"
NO_DIFFERENCE, MISMATCH, NO_CONVERSIONS = "NO_DIFFERENCE", "SAMPLE_RATIO_MISMATCH", "NO_CONVERSIONS"

FALSE_MISMATCH = 0.001  # how often a split that is as it was set is held to be another
FEWEST_USERS = 500  # of whom none succeeded: nobody ever will


@dataclass(frozen=True)
class Harm:
    """What of failures is harm: worse by more than `margin` (0..1), found wrongly with the chance `false_alarm`."""

    margin: float = 0.10
    false_alarm: float = 0.01


USUAL_HARM = Harm()


@dataclass(frozen=True)
class Found:
    """Of one look: a code of this module, and in words what it rests on. `lift` is how much more often users succeed
    with the treatment (0.03: 3 % more), `low` and `high` the ends of its interval, which holds at all looks at once;
    None where it is open."""

    code: str = COMPARING
    words: str = "nobody was compared yet"
    control: Cohort = NOBODY
    treatment: Cohort = NOBODY
    lift: float | None = None
    low: float | None = None
    high: float | None = None

    @classmethod
    def load(cls, data: dict[str, Any]) -> "Found":
        """From its JSON."""
        arms = {name: Cohort(*data[name]) for name in (CONTROL, TREATMENT) if name in data}
        return cls(**{**known(cls, data), **arms})


def compared(plan: ComparisonPlan, seen: Cohorts, elapsed_s: float, harm: Harm = USUAL_HARM) -> Found:
    """What the users of both variants show, `elapsed_s` after the comparison began."""
    converted = _coins(plan, seen, "converted")
    low, high = converted.bounds(plan.false_winner)
    found = Found(COMPARING, "", seen.control, seen.treatment, _lift(converted.ratio), _lift(low), _lift(high))
    code, words = _state(plan, seen, converted, elapsed_s, harm)
    return Found(**{**vars(found), "code": code, "words": f"{words}; {told(plan, found)}"})


def told(plan: ComparisonPlan, found: Found) -> str:
    """The numbers of a look, in words."""
    arms = [
        f"{plan.name_of(name)} {arm.converted:,} of {arm.users:,} users ({arm.converted / max(arm.users, 1):.2%})"
        for name, arm in ((TREATMENT, found.treatment), (CONTROL, found.control))
    ]
    return f"{plan.success}: {', '.join(arms)}; {interval(plan, found)}"


def interval(plan: ComparisonPlan, found: Found) -> str:
    """`treatment +3.1 % [+0.4 %, +5.9 %]`."""
    if found.lift is None:
        return "no estimate yet"
    ends = ", ".join("open" if end is None else f"{end:+.1%}" for end in (found.low, found.high))
    return f"treatment {found.lift:+.1%} [{ends}] at {1 - plan.false_winner:.0%}"


def _state(plan: ComparisonPlan, seen: Cohorts, converted: Coins, elapsed_s: float, harm: Harm) -> tuple[str, str]:
    """The first that holds, in the order of what may not wait."""
    users = _coins(plan, seen, "users")
    if users.disproves(1.0, FALSE_MISMATCH):
        got = users.treatment / (users.treatment + users.control)
        words = f"{got:.2%} of the users have the treatment where {plan.share:.2%} were set: they do not compare"
        return MISMATCH, words
    if _control_harms(plan, seen, harm):
        arms = f"{seen.control.bad:,} of {seen.control.users:,}, treatment {seen.treatment.bad:,}"
        words = f"users with the control meet more failures: {arms} of {seen.treatment.users:,}"
        if _is_worse(converted) and converted.disproves(1.0, plan.false_winner):
            return CONFLICT, f"{words}; and fewer succeed with the treatment: who leaves early meets fewer failures"
        return CONTROL_HARMS, words
    if not converted.treatment + converted.control:
        if users.treatment + users.control >= FEWEST_USERS:
            return NO_CONVERSIONS, f"nobody tells {plan.success}: is it the name that the application uses?"
        return COMPARING, f"nobody told {plan.success} yet"
    if elapsed_s < plan.at_least_s:
        return COMPARING, "too early to decide"
    if converted.disproves(1.0, plan.false_winner):
        better = CONTROL if _is_worse(converted) else TREATMENT
        words = f"{plan.name_of(better)} is better"
        return (TREATMENT_BETTER, words) if better == TREATMENT else (CONTROL_BETTER, words)
    margin = 1 + plan.better_by
    if converted.disproves(margin, plan.false_winner) and converted.disproves(1 / margin, plan.false_winner):
        return NO_DIFFERENCE, f"no difference as large as {plan.better_by:.1%}"
    return COMPARING, "not decided yet"


def _control_harms(plan: ComparisonPlan, seen: Cohorts, harm: Harm) -> bool:
    bad = _coins(plan, seen, "bad")
    worse = 1 / (1 + harm.margin)
    return (bad.ratio or float(bad.treatment)) < worse and bad.disproves(worse, harm.false_alarm)


def _is_worse(converted: Coins) -> bool:
    """Whether fewer succeed with the treatment, sure or not."""
    return (converted.ratio or float(converted.treatment)) <= 1


def _coins(plan: ComparisonPlan, seen: Cohorts, what: str) -> Coins:
    return Coins(getattr(seen.treatment, what), getattr(seen.control, what), plan.share)


def _lift(ratio: float | None) -> float | None:
    return None if ratio is None else ratio - 1
