"""A scenario's figures against what is to be reached there."""

from collections.abc import Iterator
from dataclasses import dataclass

from slipway.promotion.judge.simulation.figures import Figures
from slipway.promotion.judge.simulation.scenario import Scenario


@dataclass(frozen=True)
class Check:
    """One target: words with the figure and its interval, and whether it is reached."""

    words: str
    reached: bool


def checks(scenario: Scenario, found: Figures) -> Iterator[Check]:
    """Each target of a scenario. Point estimates are compared; the 95 % interval stands beside them."""
    reach = scenario.reach
    if reach is None:
        return
    back, bound = found.rolled_back, found.times_bound
    interval = f"[{100 * back.low:.1f}–{100 * back.high:.1f}]"
    share = f"{100 * back.value:.1f} % {interval}"
    if (most := reach.rolled_back_at_most) is not None:
        yield Check(f"rolled back {share}, at most {100 * most:g} %", back.value <= most)
    if (tick := reach.median_tick_at_most) is not None:
        words = f"100 % at tick {found.tick_median:.0f} (90 %: {found.tick_90:.0f}), at most {tick:g}"
        yield Check(words, found.tick_median <= tick)
    if (least := reach.caught_at_least) is not None:
        yield Check(f"caught {share}, at least {100 * least:g} %", back.value >= least)
    if (ticks := reach.ticks_to_stop) is not None:
        late = found.tick_90 - (scenario.harm.onset - 1)
        words = f"90 % stopped by tick {late:.0f} (median {found.tick_median - scenario.harm.onset + 1:.0f})"
        yield Check(f"{words} after the onset, at most {ticks:g}", late <= ticks)
    if (times := reach.times_bound_at_most) is not None and bound is not None:
        words = f"excess {found.excess_mean:.0f}, {bound.value:.2f} × Wald [{bound.low:.2f}–{bound.high:.2f}]"
        yield Check(f"{words}, at most {times:g}", bound.value <= times)
    if (always := reach.always_at_tick) is not None:
        yield Check(f"last one stopped at tick {found.last_rollback}, at {always}", found.last_rollback == always)
    gets_on = found.missed if scenario.harm.is_harm else found.promoted
    words = f"100 % reached by {100 * gets_on.value:.1f} % [{100 * gets_on.low:.1f}–{100 * gets_on.high:.1f}]"
    if (least := reach.promoted_at_least) is not None:
        yield Check(f"{words}, at least {100 * least:g} %", gets_on.value >= least)
    if (most := reach.promoted_at_most) is not None:
        yield Check(f"{words}, at most {100 * most:g} %", gets_on.value <= most)
