"""Simulated comparisons of two variants: users who come by the hour, and succeed at once or days later."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from slipway.promotion.flags.comparison import COMPARING, compared
from slipway.promotion.flags.comparison_plan import ComparisonPlan
from slipway.promotion.judge.simulation.draws import Draws
from slipway.promotion.telemetry import Cohort, Cohorts

HOUR_S, DAY_LOOKS = 3600.0, 24
Z_95, Z_POWER = 1.959964, 0.841621  # two-sided 5 %, power of 80 %
AT_ONCE, LATER = 0.6, (1, 4, 12, 24, 36, 48)  # of the successes; the others come so many looks later

PLAN = ComparisonPlan(0.5, "x", better_by=0.05, at_least_s=0.0)


@dataclass(frozen=True)
class World:
    """`converting` (0..1) of the users succeed with the control, `1 + lift` times as many with the treatment, as far as
    they are seen by the end. A fixed test would need `fixed_days` to show a lift of `plan.better_by` with a power of
    80 %: that is how many users come. `by_day`: how far their number and their success swing within a day. `split`:
    the share who really get the treatment."""

    name: str
    lift: float
    converting: float = 0.05
    fixed_days: float = 7.0
    by_day: float = 0.4
    split: float | None = None
    plan: ComparisonPlan = PLAN


@dataclass(frozen=True)
class Ended:
    """How a comparison ended, and at which look; `peeked`: what a z-test of 5 % had said at any look until then, or
    until time was over."""

    code: str
    look: int
    peeked: bool


def fixed_users(converting: float, lift: float, share: float) -> float:
    """Users whom a fixed test of two proportions needs for that lift."""
    treated = converting * (1 + lift)
    variance = treated * (1 - treated) / share + converting * (1 - converting) / (1 - share)
    return (Z_95 + Z_POWER) ** 2 * variance / (converting * lift) ** 2


def ended(world: World, seed: str, peeks: bool = False) -> Ended:
    """One comparison, looked at every hour. With `peeks` it goes on until time is over, to see what peeking says."""
    plan = world.plan
    code, last, peeked = COMPARING, 0, False
    for look, seen in enumerate(looks(world, seed), 1):
        peeked = peeked or (peeks and _z(seen) > Z_95)
        if code == COMPARING:
            last, code = look, compared(plan, seen, look * HOUR_S).code
        if code != COMPARING and not peeks:
            break
    return Ended(code, last, peeked)


def looks(world: World, seed: str) -> Iterator[Cohorts]:
    """What telemetry has at each look."""
    plan, draws = world.plan, Draws(f"{seed}:{world.name}")
    share = plan.share if world.split is None else world.split
    usual = fixed_users(world.converting, plan.better_by, plan.share) / (world.fixed_days * DAY_LOOKS)
    due: dict[int, Counter[bool]] = defaultdict(Counter)
    users, converted = Counter[bool](), Counter[bool]()
    for look in range(round(plan.within_s / HOUR_S)):
        swing = 1 + world.by_day * math.sin(2 * math.pi * look / DAY_LOOKS)
        for arm, part in ((True, share), (False, 1 - share)):
            rate = min(world.converting * swing * (1 + world.lift if arm else 1.0), 1.0)
            mean = usual * swing * part
            later = [mean * rate * (1 - AT_ONCE) / len(LATER)] * len(LATER)
            others, at_once, *delayed = draws.poissons([mean * (1 - rate), mean * rate * AT_ONCE, *later])
            users[arm] += others + at_once + sum(delayed)
            converted[arm] += at_once + due[look][arm]
            for turns, count in zip(LATER, delayed, strict=True):
                due[look + turns][arm] += count
        yield Cohorts(Cohort(users[False], converted[False]), Cohort(users[True], converted[True]))


def _z(seen: Cohorts) -> float:
    t, c = seen.treatment, seen.control
    if not (t.converted and c.converted):
        return 0.0
    both = (t.converted + c.converted) / (t.users + c.users)
    return abs(t.converted / t.users - c.converted / c.users) / math.sqrt(
        both * (1 - both) * (1 / t.users + 1 / c.users)
    )
