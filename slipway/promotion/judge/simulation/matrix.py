"""Many ramps, in processes side by side. The same seed gives the same figures, on however many."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from slipway.promotion.judge.policy import FAILURES, Policy
from slipway.promotion.judge.simulation.ours import Ours
from slipway.promotion.judge.simulation.peers.argo import Argo
from slipway.promotion.judge.simulation.peers.flagger import Flagger
from slipway.promotion.judge.simulation.peers.kayenta import Kayenta
from slipway.promotion.judge.simulation.peers.plain import Plain
from slipway.promotion.judge.simulation.ramp import RampResult, run
from slipway.promotion.judge.simulation.rule import Rule
from slipway.promotion.judge.simulation.scenario import Scenario
from slipway.promotion.judge.simulation.side_by_side import mapped
from slipway.promotion.judge.simulation.stream import Stream
from slipway.promotion.judge.simulation.traffic import Traffic
from slipway.promotion.judge.simulation.wald import Wald
from slipway.promotion.judge.state import begin
from slipway.promotion.judge.windows import Window

OURS = "ours"
PEERS: dict[str, type[Flagger] | type[Argo] | type[Kayenta] | type[Plain]] = {
    "binomial": Plain,
    "flagger": Flagger,
    "argo": Argo,
    "kayenta": Kayenta,
}
PEERS_TICK_S = 60.0  # their documented intervals are minutes
GROUP = 20  # ramps that share a history


@dataclass(frozen=True)
class Job:
    """`ramps` of a scenario under a rule: `ours` with its policy, or a peer, whose ticks are minutes. The harm's
    ticks are the policy's."""

    scenario: Scenario
    rule: str = OURS
    policy: Policy = field(default_factory=Policy)
    ramps: int = 400


def run_matrix(jobs: Sequence[Job], seed: int, processes: int | None = None) -> list[list[RampResult]]:
    """The ramps of each job, in the order of the jobs. Jobs of one traffic share its histories."""
    members: dict[tuple[Traffic, int], list[int]] = {}
    for number, job in enumerate(jobs):
        for group in range(-(-job.ramps // GROUP)):
            members.setdefault((_traffic(job), group), []).append(number)
    tasks = [([jobs[number] for number in numbers], group, seed) for (_, group), numbers in members.items()]
    results: list[list[RampResult]] = [[] for _ in jobs]
    for numbers, parts in zip(members.values(), mapped(run_group, tasks, processes), strict=True):
        for number, part in zip(numbers, parts, strict=True):
            results[number] += part
    return results


def run_group(jobs: Sequence[Job], group: int, seed: int) -> list[list[RampResult]]:
    """Of each job, all of one traffic, the ramps that begin from one history."""
    traffic = _traffic(jobs[0])
    history: list[Window] = []
    if any(job.rule == OURS for job in jobs):
        history = Stream(traffic, f"{seed}/{traffic}/{group}/history").history()
    return [_ramps(job, traffic, group, seed, history) for job in jobs]


def _ramps(job: Job, traffic: Traffic, group: int, seed: int, history: Sequence[Window]) -> list[RampResult]:
    ours, harm = job.rule == OURS, job.scenario.harm
    if not ours:
        harm = harm.in_ticks_of(PEERS_TICK_S / job.policy.tick_s)
    state = begin(job.policy, history) if ours else None
    results = []
    for ramp in range(group * GROUP, min((group + 1) * GROUP, job.ramps)):
        stream = Stream(traffic, f"{seed}/{job.scenario.name}/{ramp}", detailed=ours)
        rule: Rule = Ours(job.policy, state) if state is not None else PEERS[job.rule]()
        results.append(run(rule, stream, harm, _wald(job), job.scenario.longest))
    return results


def _wald(job: Job) -> Wald | None:
    """The bound for a harm beyond the job's own margin."""
    tolerated = job.policy.tolerated(FAILURES)
    if not job.scenario.harm.fails_more(tolerated):
        return None
    return Wald(job.scenario.dispersion, tolerated, job.policy.false_rollback)


def _traffic(job: Job) -> Traffic:
    """As the rule sees it; peers look at failures only."""
    if job.rule == OURS:
        return replace(job.scenario.traffic, tick_s=job.policy.tick_s)
    return replace(job.scenario.traffic, tick_s=PEERS_TICK_S, latency=None, own=None, resources=None)


def together(job: Job) -> int:
    """How many ramps in a row of a job's results share what was learned from one history; a peer learns nothing."""
    return GROUP if job.rule == OURS else 1
