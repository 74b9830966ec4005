"""`python -m bench.judge.plots`: the pictures of `docs/judge.md`, into docs/judge/; about two minutes."""

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bench.judge.rows import OURS_CAREFUL, VARIANTS
from slipway.cli.charts.chart import Chart, Line, drawn
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.simulation.figures import Figures, figures
from slipway.promotion.judge.simulation.harm import HEALTHY, Harm
from slipway.promotion.judge.simulation.matrix import OURS, PEERS, Job, run_matrix, together
from slipway.promotion.judge.simulation.ours import Ours
from slipway.promotion.judge.simulation.scenario import Scenario
from slipway.promotion.judge.simulation.stream import Stream
from slipway.promotion.judge.simulation.traffic import Traffic
from slipway.promotion.judge.state import begin

FOLDER = Path("docs/judge")
STEADY = Traffic(500, 0.001)
HARMS = (1.3, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0)
BURSTS = (1.0, 2.0, 3.0, 5.0, 8.0, 12.0)
RATES = (2, 5, 15, 50, 150, 500, 1500, 5000)
CAREFUL, PLAIN, KAYENTA = "careful", "binomial", "kayenta"
TICKS = 14


def excess(seed: int, ramps: int, processes: int | None) -> Chart:
    """What harm costs until it is stopped, under each rule."""
    rules = {OURS: (OURS, Policy()), CAREFUL: (OURS, VARIANTS[OURS_CAREFUL])}
    rules |= {peer: (peer, Policy()) for peer in PEERS if peer != PLAIN}
    cases = [(name, harm) for name in rules for harm in HARMS]
    jobs = [Job(Scenario(f"x{harm:g}", STEADY, Harm(times=harm)), *rules[name], ramps) for name, harm in cases]
    found = dict(zip(cases, _figures(jobs, seed, processes), strict=True))
    lines = [Line(name, [(harm, max(1.0, found[name, harm].excess_mean)) for harm in HARMS]) for name in rules]
    bound = [(harm, _bound(found[OURS, harm])) for harm in HARMS]
    return Chart(
        "500/s, 0.1 % failing: what harm costs until it is stopped",
        "harm: fails so many times as often",
        "excess failures",
        [*lines, Line("Wald", bound)],
        log_x=True,
        log_y=True,
    )


def false_rollbacks(seed: int, ramps: int, processes: int | None) -> Chart:
    """Healthy releases of a service whose failures come in bursts."""
    rules = (OURS, PLAIN, KAYENTA)
    cases = [(rule, burst) for rule in rules for burst in BURSTS]
    jobs = [
        Job(Scenario(f"b{burst:g}", replace(STEADY, burst_mean=burst, noise_sd=0.3)), rule, Policy(), ramps)
        for rule, burst in cases
    ]
    found = dict(zip(cases, _figures(jobs, seed, processes), strict=True))
    lines = [Line(rule, [(burst, 100 * found[rule, burst].rolled_back.value) for burst in BURSTS]) for rule in rules]
    return Chart(
        "healthy releases, 500/s, 0.1 % failing, noise 0.3",
        "mean burst of failures",
        "rolled back, %",
        lines,
        [("1 %", 1.0)],
    )


def time_to_stop(seed: int, ramps: int, processes: int | None) -> Chart:
    """How traffic buys time."""
    harms = (2.0, 5.0, 20.0)
    cases = [(harm, rate) for harm in harms for rate in RATES]
    jobs = [
        Job(Scenario(f"{harm:g} {rate:g}", Traffic(rate, 0.001), Harm(times=harm)), OURS, Policy(), ramps)
        for harm, rate in cases
    ]
    healthy = [Job(Scenario(f"h {rate:g}", Traffic(rate, 0.001)), OURS, Policy(), ramps) for rate in RATES]
    found = dict(
        zip([*cases, *((1.0, rate) for rate in RATES)], _figures([*jobs, *healthy], seed, processes), strict=True)
    )
    lines = [
        Line(f"×{harm:g} stopped", [(rate, _until_stopped(found[harm, rate])) for rate in RATES]) for harm in harms
    ]
    lines.append(Line("healthy at 100 %", [(rate, found[1.0, rate].tick_median) for rate in RATES]))
    return Chart(
        "0.1 % failing, adaptive ramp: how long it takes",
        "requests a second of the whole service",
        "minutes, median",
        lines,
        log_x=True,
        log_y=True,
    )


def evidence(seed: int) -> Chart:
    """Three single ramps, tick by tick."""
    state = begin(Policy(), Stream(STEADY, f"{seed}/evidence/history").history())
    lines = []
    for name, harm in (("healthy", HEALTHY), ("×2", Harm(times=2)), ("×5 from minute 5", Harm(times=5, onset=5))):
        rule = Ours(Policy(), state)
        lines.append(Line(name, list(_evidence(rule, Stream(STEADY, f"{seed}/evidence/{name}"), harm))))
    return Chart(
        "three ramps at 500/s, 0.1 %: evidence for harm", "minute", "e-value", lines, [("rollback", 100.0)], log_y=True
    )


def _evidence(rule: Ours, stream: Stream, harm: Harm) -> Iterator[tuple[float, float]]:
    for tick in range(1, TICKS + 1):
        move = rule.after(stream.window(tick, rule.weight, harm))
        assert rule.verdict is not None
        yield float(tick), min(max(rule.verdict.e_value, 0.01), 1e4)
        if move.ended:
            return


def _figures(jobs: Sequence[Job], seed: int, processes: int | None) -> list[Figures]:
    results = run_matrix(jobs, seed, processes)
    return [figures(ramps, job.scenario.harm.is_harm, together(job)) for job, ramps in zip(jobs, results, strict=True)]


def _until_stopped(found: Figures) -> float:
    """Ticks; NaN, which is not drawn, where more than one ramp in ten misses the harm."""
    return found.tick_median if found.rolled_back.value >= 0.9 else math.nan


def _bound(found: Figures) -> float:
    """Wald's mean excess."""
    return found.excess_mean / found.times_bound.value if found.times_bound else 0.0


def main(arguments: Sequence[str]) -> int:
    """Writes all pictures."""
    parser = argparse.ArgumentParser(prog="python -m bench.judge.plots", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ramps", type=int, default=60, help="for each point (default 60)")
    parser.add_argument("--processes", type=int, default=None)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    asked = parser.parse_args(arguments)
    asked.folder.mkdir(parents=True, exist_ok=True)
    charts = {
        "excess": excess(asked.seed, asked.ramps, asked.processes),
        "bursts": false_rollbacks(asked.seed, asked.ramps, asked.processes),
        "time": time_to_stop(asked.seed, asked.ramps, asked.processes),
        "evidence": evidence(asked.seed),
    }
    for name, chart in charts.items():
        file = asked.folder / f"{name}.png"
        file.write_bytes(drawn(chart))
        print(f"{file} {file.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
