"""`python -m bench.judge.watches`: one arm after 100 %, over a bake and a day; with --constants, under other care."""

import argparse
import sys
from collections.abc import Mapping, Sequence

from bench.judge.tables import table
from slipway.promotion.judge.simulation.figures import Estimate, quantile, wilson
from slipway.promotion.judge.simulation.scenario import Scenario
from slipway.promotion.judge.simulation.side_by_side import mapped
from slipway.promotion.judge.simulation.watch import BAKE_TICKS, DAY_TICKS, WatchResult, watches
from slipway.promotion.judge.simulation.watches import HARM_AFTER, HEALTHY_DAYS, NOT_THE_RELEASE
from slipway.promotion.judge.usual import CARE, Care

HARM_TICKS = 480  # harm that is not noticed by then is missed
SOON_TICKS = 240  # what is not the release is long over by then
GROUP = 4
LATER = 8 * HARM_TICKS
FALSE_IN_A_DAY = 0.01
OTHERS = (
    CARE,
    Care(worse_at_most=1.25),
    Care(worse_at_most=2.0),
    Care(fewest_ticks=5),
    Care(fewest_ticks=20),
    Care(shocks=1.0),
    Care(shocks=3.0),
)
Watched = Mapping[str, Sequence[WatchResult]]


def watched(
    scenarios: Sequence[Scenario], runs: int, ticks: int, seed: int, processes: int | None, care: Care = CARE
) -> Watched:
    """So many watches of each, by the scenario's name; four share a day of history."""
    groups = range(0, runs, GROUP)
    tasks = [
        (each, f"{seed}/{each.name}/{first}", min(GROUP, runs - first), ticks, care)
        for each in scenarios
        for first in groups
    ]
    found: dict[str, list[WatchResult]] = {each.name: [] for each in scenarios}
    for (scenario, *_), results in zip(tasks, mapped(watches, tasks, processes), strict=True):
        found[scenario.name] += results
    return found


def days(scenarios: Sequence[Scenario], found: Watched, all_of_it: str = "in the day") -> str:
    """Rolled back within the bake and within all of it, and in how many of these a person was called."""
    rows = []
    for each in scenarios:
        results = found[each.name]
        cells = [_percent(within(results, BAKE_TICKS)), _percent(within(results, DAY_TICKS)), _percent(called(results))]
        rows.append([each.words, *cells])
    return table(["%", "rolled back in the bake", all_of_it, "a person called"], rows)


def noticed(scenarios: Sequence[Scenario], found: Watched) -> str:
    """Minutes until harm is rolled back."""
    rows = []
    for each in scenarios:
        ticks = [_after_onset(result, each) for result in found[each.name]]
        cells = [
            _minutes(quantile(ticks, 0.5)),
            _minutes(quantile(ticks, 0.9)),
            _percent(within(found[each.name], HARM_TICKS)),
        ]
        rows.append([each.words, *cells])
    return table(["", "median, min", "90 %, min", "rolled back in 8 h, %"], rows)


def _after_onset(result: WatchResult, scenario: Scenario) -> int:
    return LATER if result.rolled_back is None else result.rolled_back - scenario.harm.onset + 1


def _pooled(found: Watched) -> list[WatchResult]:
    return [result for results in found.values() for result in results]


def within(results: Sequence[WatchResult], ticks: int) -> Estimate:
    """The share rolled back by then."""
    return wilson(
        sum(result.rolled_back is not None and result.rolled_back <= ticks for result in results), len(results)
    )


def called(results: Sequence[WatchResult]) -> Estimate:
    """The share in which a person was called."""
    return wilson(sum(result.called > 0 for result in results), len(results))


def constants(seed: int, runs: int, processes: int | None) -> str:
    """What other constants would do: how often nothing but the days is rolled back, and how soon harm is."""
    others = [each for each in NOT_THE_RELEASE if each.name in ("w_soon", "w_half_hour")]
    harm = [each for each in HARM_AFTER if each.name in ("w_doubled", "w_fivefold", "w_fivefold_shocked")]
    worse = next(each for each in HEALTHY_DAYS if each.name == "w_worse_daily")
    rows = []
    for care in OTHERS:
        healthy = watched(HEALTHY_DAYS, runs, DAY_TICKS, seed, processes, care)
        shocks = watched(others, runs, SOON_TICKS, seed, processes, care)
        harmful = watched(harm, runs, HARM_TICKS, seed, processes, care)
        false = [_pooled(healthy), healthy[worse.name], *shocks.values()]
        medians = [quantile([_after_onset(result, each) for result in harmful[each.name]], 0.5) for each in harm]
        words = f"{care.worse_at_most:g}, {care.fewest_ticks} ticks, {care.shocks:g} × the longest shock"
        rows.append([words, *(_short(within(results, DAY_TICKS)) for results in false), *map(_minutes, medians)])
    heads = ["healthy days", worse.words, *(each.words for each in others), *(each.words for each in harm)]
    return table(["tolerated ×", *heads], rows)


def report(seed: int, runs: int, processes: int | None) -> int:
    """Prints all tables; how many targets are missed."""
    healthy = watched(HEALTHY_DAYS, runs, DAY_TICKS, seed, processes)
    print(f"\none arm after 100 %: {runs} days each, after a day of history\n\n{days(HEALTHY_DAYS, healthy)}")
    everything = within(_pooled(healthy), DAY_TICKS)
    harmful = watched(HARM_AFTER, runs, HARM_TICKS, seed, processes)
    print(f"\nminutes from the onset of harm until it is rolled back\n\n{noticed(HARM_AFTER, harmful)}")
    beyond = watched(NOT_THE_RELEASE, runs, SOON_TICKS, seed, processes)
    print(f"\nwhat one arm takes for the release's harm\n\n{days(NOT_THE_RELEASE, beyond, 'in 4 h')}")
    reached = everything.value <= FALSE_IN_A_DAY
    words = f"rolled back {_percent(everything)} %, at most {100 * FALSE_IN_A_DAY:g} %"
    print(f"\n{'✓' if reached else '✗'} all healthy days together: {words}")
    return 0 if reached else 1


def _percent(share: Estimate) -> str:
    return f"{100 * share.value:.1f} [{100 * share.low:.1f}–{100 * share.high:.1f}]"


def _short(share: Estimate) -> str:
    return f"{100 * share.value:.1f} % (≤ {100 * share.high:.0f})"


def _minutes(ticks: float) -> str:
    return "never" if ticks >= LATER else f"{ticks:.0f}"


def main(arguments: Sequence[str]) -> int:
    """Exit code 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.judge.watches", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=200, help="watches in each row (default 200)")
    parser.add_argument("--constants", action="store_true", help="only what other constants would do")
    parser.add_argument("--processes", type=int, default=None)
    asked = parser.parse_args(arguments)
    print(f"seed {asked.seed} · {asked.days} watches a row · [95 % intervals]")
    if asked.constants:
        print(f"\n{constants(asked.seed, asked.days, asked.processes)}")
        return 0
    return 1 if report(asked.seed, asked.days, asked.processes) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
