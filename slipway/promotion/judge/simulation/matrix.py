"""Many ramps, in processes side by side. The same seed gives the same figures, on however many."""

import os
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context, parent_process

from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.simulation.ours import Ours
from slipway.promotion.judge.simulation.peers.argo import Argo
from slipway.promotion.judge.simulation.peers.flagger import Flagger
from slipway.promotion.judge.simulation.peers.kayenta import Kayenta
from slipway.promotion.judge.simulation.peers.plain import Plain
from slipway.promotion.judge.simulation.ramp import RampResult, run
from slipway.promotion.judge.simulation.rule import Rule
from slipway.promotion.judge.simulation.scenarios import Scenario
from slipway.promotion.judge.simulation.traffic import Stream
from slipway.promotion.judge.state import begin

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
    """The ramps of each job, in the order of the jobs."""
    groups = [(number, group) for number, job in enumerate(jobs) for group in _groups(job)]
    workers = processes or os.cpu_count() or 1
    results: list[list[RampResult]] = [[] for _ in jobs]
    for (number, _), part in zip(groups, _mapped(jobs, groups, seed, workers), strict=True):
        results[number] += part
    return results


def run_group(job: Job, group: int, seed: int) -> list[RampResult]:
    """The ramps that share one history."""
    name = f"{seed}/{job.scenario.name}/{group}"
    traffic, harm = job.scenario.traffic, job.scenario.harm
    traffic = replace(traffic, tick_s=job.policy.tick_s if job.rule == OURS else PEERS_TICK_S)
    if job.rule != OURS:
        harm = harm.in_ticks_of(PEERS_TICK_S / job.policy.tick_s)
    first = group * GROUP
    ramps = range(first, min(first + GROUP, job.ramps))
    state = begin(job.policy, Stream(traffic, f"{name}/history").history()) if job.rule == OURS else None

    def rule() -> Rule:
        return Ours(job.policy, state) if state is not None else PEERS[job.rule]()

    return [run(rule(), Stream(traffic, f"{name}/{ramp}"), harm, job.scenario.dispersion) for ramp in ramps]


def together(job: Job) -> int:
    """How many ramps in a row of a job's results share what was learned from one history; a peer learns nothing."""
    return GROUP if job.rule == OURS else 1


def _groups(job: Job) -> range:
    return range(-(-job.ramps // GROUP))


def _mapped(
    jobs: Sequence[Job], groups: Sequence[tuple[int, int]], seed: int, workers: int
) -> Iterable[list[RampResult]]:
    tasks = [(jobs[number], group, seed) for number, group in groups]
    if workers == 1 or len(tasks) == 1:
        yield from (run_group(*task) for task in tasks)
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), _end_with_the_parent) as pool:
        yield from pool.map(run_group, *zip(*tasks, strict=True))


def _end_with_the_parent() -> None:
    """A worker whose parent was killed ends too, instead of waiting for work for ever."""
    threading.Thread(target=_await_the_parents_end, daemon=True).start()


def _await_the_parents_end() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
