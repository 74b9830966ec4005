"""One scenario: a service's traffic and a release's harm, and what our judge is to reach there."""

from dataclasses import dataclass

from slipway.promotion.judge.simulation.harm import HEALTHY, Harm
from slipway.promotion.judge.simulation.traffic import Traffic

LONGEST = 600  # ticks of a ramp


@dataclass(frozen=True)
class Reach:
    """Limits; None: not asked. Shares are 0..1, `median_tick` is of 100 %, `ticks_to_stop` (90 %) counts from the
    onset of harm, `times_bound` is mean excess over Wald's mean excess, `promoted` is the share that got all traffic
    within the scenario's longest time."""

    rolled_back_at_most: float | None = None
    median_tick_at_most: float | None = None
    caught_at_least: float | None = None
    ticks_to_stop: float | None = None
    times_bound_at_most: float | None = None
    always_at_tick: int | None = None
    promoted_at_least: float | None = None
    promoted_at_most: float | None = None


@dataclass(frozen=True)
class Scenario:
    """`traffic` under a release with `harm`. A ramp that has not ended after `longest` ticks is left undecided."""

    name: str
    traffic: Traffic
    harm: Harm = HEALTHY
    reach: Reach | None = None
    words: str = ""
    longest: int = LONGEST

    @property
    def dispersion(self) -> float:
        """What Wald's test knows of the canary's bursts."""
        burst = self.harm.burst_mean or self.traffic.burst_mean
        return 2 * max(burst, self.traffic.burst_mean) - 1
