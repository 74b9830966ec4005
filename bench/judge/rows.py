"""Which ramps are run: each scenario once under each rule, as many as its figures need."""

from collections.abc import Iterator, Sequence

from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.simulation.matrix import OURS, PEERS, Job
from slipway.promotion.judge.simulation.scenario import Scenario
from slipway.promotion.judge.simulation.scenarios import (
    BEYOND_THE_PROMISE,
    HARMFUL_ROWS,
    HEALTHY_ROWS,
    OTHER_HARMS,
    SATURATION,
    TARGETS,
)

OURS_FIXED, OURS_CAREFUL = "ours, fixed", "ours, careful"
VARIANTS = {OURS: Policy(), OURS_FIXED: Policy(ramp="fixed", patience_ticks=10), OURS_CAREFUL: Policy(ramp="careful")}
Key = tuple[str, str]  # scenario and rule


def targets(ramps: int) -> dict[Key, Job]:
    """Those with numbers to reach."""
    return {(scenario.name, OURS): _ours(scenario, ramps) for scenario in TARGETS}


def everything(ramps: int, peer_ramps: int) -> dict[Key, Job]:
    """All rows; fewer ramps where nothing is to be reached, and where they are long or their ticks dear."""
    jobs = targets(ramps)
    for scenario in (*HEALTHY_ROWS, *HARMFUL_ROWS):
        jobs.setdefault((scenario.name, OURS), _ours(scenario, ramps // 2))
        jobs |= {(scenario.name, peer): Job(scenario, peer, Policy(), peer_ramps) for peer in PEERS}
    for scenario in HARMFUL_ROWS:
        for name in (OURS_FIXED, OURS_CAREFUL):
            jobs[scenario.name, name] = Job(scenario, OURS, VARIANTS[name], peer_ramps // 2)
    for scenario in (*OTHER_HARMS, *SATURATION):
        jobs.setdefault((scenario.name, OURS), _ours(scenario, ramps // 4))
    for scenario in BEYOND_THE_PROMISE:
        jobs[scenario.name, OURS] = _ours(scenario, ramps // (4 if scenario.traffic.latency else 2))
    return jobs


def with_reach(jobs: dict[Key, Job]) -> Iterator[Scenario]:
    """The scenarios of these jobs that have something to reach, each once."""
    for name, rule in jobs:
        scenario = jobs[name, rule].scenario
        if rule == OURS and scenario.reach:
            yield scenario


def rules(healthy: bool) -> Sequence[str]:
    """The columns of a table."""
    return [OURS, *PEERS] if healthy else [OURS, OURS_FIXED, OURS_CAREFUL, *PEERS]


def _ours(scenario: Scenario, ramps: int) -> Job:
    own = scenario.traffic.own
    return Job(scenario, OURS, Policy(own_metrics=(own.name,) if own else ()), ramps)
