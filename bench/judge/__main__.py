"""Prints targets with ✓ or ✗, the tables of healthy and bad releases, and where the promise ends.

A target is compared with the point estimate; its interval counts the ramps of one history as one observation."""

import argparse
import os
import resource
import sys
import time
from collections.abc import Sequence

from bench.judge import rows, tables, watches
from bench.judge.cost import cost
from bench.judge.targets import checks
from slipway.promotion.judge.simulation.figures import figures, wilson
from slipway.promotion.judge.simulation.matrix import OURS, run_matrix, together
from slipway.promotion.judge.simulation.scenario import Scenario
from slipway.promotion.judge.simulation.scenarios import (
    BEYOND_THE_PROMISE,
    HARMFUL_ROWS,
    HEALTHY_ROWS,
    OTHER_HARMS,
    SATURATION,
)

LONGEST_S = 120.0
LONGEST_TICK_MS, LARGEST_STATE = 2.0, 16 * 1024
HEALTHY_MOST = 0.01


def main(arguments: Sequence[str]) -> int:
    """Exit code 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.judge", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ramps", type=int, default=400, help="of ours in each row with a target (default 400)")
    parser.add_argument("--peer-ramps", type=int, default=100, help="of each peer in each row (default 100)")
    parser.add_argument("--days", type=int, default=16, help="watches of one arm in each row (default 16)")
    parser.add_argument("--targets", action="store_true", help="only the targets")
    parser.add_argument("--processes", type=int, default=None)
    asked = parser.parse_args(arguments)
    print(f"seed {asked.seed} · {asked.ramps} ramps a row, peers {asked.peer_ramps} · [95 % intervals]")
    began, busy = time.perf_counter(), _cpu_s()
    jobs = rows.targets(asked.ramps) if asked.targets else rows.everything(asked.ramps, asked.peer_ramps)
    results = run_matrix(list(jobs.values()), asked.seed, asked.processes)
    found = {
        key: figures(ramps, job.scenario.harm.is_harm, together(job))
        for (key, job), ramps in zip(jobs.items(), results, strict=True)
    }
    missed = _print_targets(found, list(rows.with_reach(jobs)))
    if not asked.targets:
        missed += _print_rows(found)
        missed += watches.report(asked.seed, asked.days, asked.processes)
        missed += _print_cost(asked.seed, time.perf_counter() - began, _cpu_s() - busy)
    return 1 if missed else 0


def _print_targets(found: tables.Found, scenarios: Sequence[Scenario]) -> int:
    """How many are missed."""
    print("\ntargets")
    missed = 0
    for scenario in scenarios:
        name = f"{scenario.name} · {scenario.words}"
        for check in checks(scenario, found[scenario.name, OURS]):
            missed += not check.reached
            print(f"{'✓' if check.reached else '✗'} {name:60.60} {check.words}")
            name = ""
    return missed


def _print_rows(found: tables.Found) -> int:
    """How many targets are missed: one, that of all healthy rows together."""
    print(f"\nhealthy releases: rolled back, %; minutes to 100 %\n\n{tables.healthy(found, HEALTHY_ROWS)}")
    hits, ramps = tables.pooled(found, HEALTHY_ROWS)
    share = wilson(hits, ramps)
    reached = share.value <= HEALTHY_MOST
    words = (
        f"{100 * share.value:.2f} % [{100 * share.low:.2f}–{100 * share.high:.2f}], at most {100 * HEALTHY_MOST:g} %"
    )
    print(f"\n{'✓' if reached else '✗'} all {len(HEALTHY_ROWS)} rows together: {hits} of {ramps:,}, {words}")
    print(f"\nwhere the 1 % does not hold\n\n{tables.healthy(found, BEYOND_THE_PROMISE, [OURS])}")
    print("\nbad releases: excess failures; (stopped in, when not in all); × Wald: mean over its mean; median/90 %")
    print(f"\n{tables.harmful(found, HARMFUL_ROWS)}")
    print(f"\nlatencies and users' own metrics\n\n{tables.other_harms(found, OTHER_HARMS)}")
    print(f"\nCPU and memory hold a ramp, and never roll it back\n\n{tables.saturation(found, SATURATION)}")
    return not reached


def _print_cost(seed: int, took_s: float, cpu_s: float) -> int:
    tick_ms, size = cost(seed)
    cores = os.cpu_count() or 1
    idle_s = cpu_s / 2
    lines = (
        (f"a tick of 5 metrics, JSON to JSON: {tick_ms:.2f} ms, below {LONGEST_TICK_MS:g}", tick_ms < LONGEST_TICK_MS),
        (f"state {size:,} bytes, below {LARGEST_STATE:,}", size < LARGEST_STATE),
        (
            f"processor time {cpu_s:.0f} s: {idle_s:.0f} s if two cores were idle, below {LONGEST_S:g}",
            idle_s < LONGEST_S,
        ),
    )
    print("\ncost")
    for words, reached in lines:
        print(f"{'✓' if reached else '✗'} {words}")
    load = os.getloadavg()[0]
    print(f"  it took {took_s:.0f} s here and now ({cores} cores, load average {load:.1f})")
    return sum(not reached for _, reached in lines)


def _cpu_s() -> float:
    usages = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
