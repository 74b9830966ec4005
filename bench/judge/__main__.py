"""Prints targets with ✓ or ✗, the tables of healthy and bad releases, and where the promise ends.

A target is compared with the point estimate; its interval counts the ramps of one history as one observation."""

import argparse
import os
import resource
import sys
import time
from collections.abc import Sequence

from bench.judge.cost import cost
from bench.judge.targets import checks
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.simulation.figures import Figures, figures
from slipway.promotion.judge.simulation.matrix import OURS, PEERS, Job, run_matrix, together
from slipway.promotion.judge.simulation.scenarios import (
    BEYOND_THE_PROMISE,
    HARMFUL_ROWS,
    HEALTHY_ROWS,
    TARGETS,
    Scenario,
)

LONGEST_S = 120.0
LONGEST_TICK_MS, LARGEST_STATE = 2.0, 16 * 1024
FIXED = Policy(ramp="fixed", patience_ticks=10)
CAREFUL = Policy(ramp="careful")
OURS_FIXED, OURS_CAREFUL = "ours, fixed", "ours, careful"
VARIANTS = {OURS: Policy(), OURS_FIXED: FIXED, OURS_CAREFUL: CAREFUL}


def main(arguments: Sequence[str]) -> int:
    """Exit code 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.judge", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ramps", type=int, default=400, help="of ours in each row (default 400)")
    parser.add_argument("--peer-ramps", type=int, default=200, help="of each peer in each row (default 200)")
    parser.add_argument("--targets", action="store_true", help="only the targets")
    parser.add_argument("--processes", type=int, default=None)
    asked = parser.parse_args(arguments)
    print(f"seed {asked.seed} · {asked.ramps} ramps a row, peers {asked.peer_ramps} · [95 % intervals]")
    began, busy = time.perf_counter(), _cpu_s()
    parts = [part for part in _parts(asked.ramps, asked.peer_ramps) if part[0] == "targets" or not asked.targets]
    results = run_matrix([job for _, job in parts], asked.seed, asked.processes)
    took_s, cpu_s = time.perf_counter() - began, _cpu_s() - busy
    found = {
        (job.scenario.name, _rule(job), part): figures(ramps, job.scenario.harm.is_harm, together(job))
        for (part, job), ramps in zip(parts, results, strict=True)
    }
    missed = _print_targets(found)
    if asked.targets:
        return 1 if missed else 0
    _print_healthy(
        found, "healthy releases: rolled back [95 %]; minutes to 100 %, median/90 %", HEALTHY_ROWS, "healthy"
    )
    _print_healthy(found, "where the 1 % does not hold", BEYOND_THE_PROMISE, "beyond")
    _print_harmful(found)
    missed += _print_cost(asked.seed, took_s, cpu_s)
    return 1 if missed else 0


def _parts(ramps: int, peer_ramps: int) -> list[tuple[str, Job]]:
    parts = [("targets", Job(scenario, OURS, Policy(), ramps)) for scenario in TARGETS]
    for name, rows in (("healthy", HEALTHY_ROWS), ("harmful", HARMFUL_ROWS)):
        for scenario in rows:
            parts.append((name, Job(scenario, OURS, Policy(), ramps)))
            parts += [(name, Job(scenario, peer, Policy(), peer_ramps)) for peer in PEERS]
    for scenario in HARMFUL_ROWS:
        parts += [("harmful", Job(scenario, OURS, policy, peer_ramps)) for policy in (FIXED, CAREFUL)]
    parts += [("beyond", Job(scenario, OURS, Policy(), ramps)) for scenario in BEYOND_THE_PROMISE]
    return parts


def _rule(job: Job) -> str:
    if job.rule != OURS:
        return job.rule
    return next(name for name, policy in VARIANTS.items() if policy == job.policy)


Found = dict[tuple[str, str, str], Figures]


def _print_targets(found: Found) -> int:
    """How many are missed."""
    print("\ntargets")
    missed = 0
    for scenario in TARGETS:
        name = f"{scenario.name} · {scenario.words}"
        for check in checks(scenario, found[scenario.name, OURS, "targets"]):
            missed += not check.reached
            print(f"{'✓' if check.reached else '✗'} {name:62.62} {check.words}")
            name = ""
    return missed


def _print_healthy(found: Found, title: str, rows: Sequence[Scenario], part: str) -> None:
    rules = [OURS, *PEERS] if part == "healthy" else [OURS]
    print(f"\n{title}")
    print(" " * 44 + "".join(f"{rule:>25}" for rule in rules))
    for scenario in rows:
        cells = [_healthy_cell(found[scenario.name, rule, part]) for rule in rules]
        print(f"{scenario.words:44.44}" + "".join(f"{cell:>25}" for cell in cells))


def _healthy_cell(one: Figures) -> str:
    back = one.rolled_back
    ticks = f"{one.tick_median:.0f}/{one.tick_90:.0f}" if one.promoted.value > 0 else "–"
    return f"{100 * back.value:.1f} [{100 * back.low:.1f}–{100 * back.high:.1f}] {ticks}"


def _print_harmful(found: Found) -> None:
    rules = [OURS, OURS_FIXED, OURS_CAREFUL, *PEERS]
    print("\nbad releases: excess failures, median/90 %; (stopped in, when not in all); ours: × mean over Wald's mean")
    print(" " * 38 + f"{'ticks':>7}{'× Wald':>19}" + "".join(f"{rule:>20}" for rule in rules))
    for scenario in HARMFUL_ROWS:
        ours = found[scenario.name, OURS, "harmful"]
        bound = ours.times_bound
        wald = f"{bound.value:.2f} [{bound.low:.2f}–{bound.high:.2f}]" if bound else ""
        cells = [_harmful_cell(found[scenario.name, rule, "harmful"]) for rule in rules]
        ticks = f"{ours.tick_median:.0f}/{ours.tick_90:.0f}"
        print(f"{scenario.words:38.38}{ticks:>7}{wald:>19}" + "".join(f"{cell:>20}" for cell in cells))


def _harmful_cell(one: Figures) -> str:
    excess = f"{_short(one.excess_median)}/{_short(one.excess_90)}"
    return excess if one.rolled_back.value == 1 else f"{excess} ({100 * one.rolled_back.value:.0f} %)"


def _short(count: float) -> str:
    return f"{count / 1000:.1f}k" if count >= 10_000 else f"{count:.0f}"


def _print_cost(seed: int, took_s: float, cpu_s: float) -> int:
    tick_ms, size = cost(seed)
    cores = os.cpu_count() or 1
    idle_s = cpu_s / 2
    rows = (
        (f"a tick of 5 metrics, JSON to JSON: {tick_ms:.2f} ms, below {LONGEST_TICK_MS:g}", tick_ms < LONGEST_TICK_MS),
        (f"state {size:,} bytes, below {LARGEST_STATE:,}", size < LARGEST_STATE),
        (
            f"processor time {cpu_s:.0f} s: {idle_s:.0f} s if two cores were idle, below {LONGEST_S:g}",
            idle_s < LONGEST_S,
        ),
    )
    print("\ncost")
    for words, reached in rows:
        print(f"{'✓' if reached else '✗'} {words}")
    load = os.getloadavg()[0]
    print(f"  it took {took_s:.0f} s here and now ({cores} cores, load average {load:.1f})")
    return sum(not reached for _, reached in rows)


def _cpu_s() -> float:
    usages = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
