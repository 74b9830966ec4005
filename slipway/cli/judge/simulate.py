"""`slipway judge simulate`: a pipeline's own ramp on simulated traffic, next to what others' rules do there."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from slipway.cli.charts.chart import drawn
from slipway.cli.failure import ExitCode, Failure
from slipway.cli.judge.options import (
    BaseError,
    Plot,
    StageName,
    TrafficRate,
    policy_of,
    ramp_words,
    shocks_of,
    write_plot,
)
from slipway.cli.judge.simulated import Row, chart, page
from slipway.cli.options import AsJson
from slipway.cli.printing import answer, clean
from slipway.cli.times import rounded
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.reading import dump_window
from slipway.promotion.judge.simulation.figures import Figures, figures
from slipway.promotion.judge.simulation.harm import Harm
from slipway.promotion.judge.simulation.latencies import Latency
from slipway.promotion.judge.simulation.matrix import OURS, PEERS, PEERS_TICK_S, Job, run_matrix, together
from slipway.promotion.judge.simulation.ours import Ours
from slipway.promotion.judge.simulation.ramp import run
from slipway.promotion.judge.simulation.rule import Move
from slipway.promotion.judge.simulation.scenario import Scenario
from slipway.promotion.judge.simulation.stream import Stream
from slipway.promotion.judge.simulation.traffic import Traffic
from slipway.promotion.judge.state import begin
from slipway.promotion.judge.windows import Window

HARMS = (1.5, 2.0, 5.0, 50.0)


def simulate(
    pipeline: Annotated[str, typer.Argument(metavar="SERVICE|FILE", help="checkout, or a pipeline's file.")],
    traffic: TrafficRate,
    base_error: BaseError,
    stage: StageName = None,
    ramps: Annotated[int, typer.Option(min=1, max=100_000, help="Ramps in each cell.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed gives the same figures.")] = 1,
    harm: Annotated[list[float] | None, typer.Option(help="Fails so many times as often; may be repeated.")] = None,
    onset: Annotated[int, typer.Option(min=1, help="The tick in which harm begins.")] = 1,
    growth: Annotated[float, typer.Option(min=0, max=1e6, help="A leak: harm grows by so much a tick.")] = 0.0,
    slower: Annotated[
        float, typer.Option(min=0.1, max=1e6, help="Harmful releases answer so many times as slowly.")
    ] = 1.0,
    burst: Annotated[float, typer.Option(min=1, max=1e6, help="Failures come in bursts of this mean size.")] = 1.0,
    burst_before: Annotated[
        float | None, typer.Option(min=1, max=1e6, help="Mean burst before the ramp, if another.")
    ] = None,
    canary_burst: Annotated[
        float | None, typer.Option(min=1, max=1e6, help="Mean burst of the release, if another.")
    ] = None,
    noise: Annotated[float, typer.Option(min=0, max=3, help="Noise of an instance's failure rate (log-sd).")] = 0.0,
    memory: Annotated[float, typer.Option(min=0, max=0.9999, help="Its autocorrelation from minute to minute.")] = 0.8,
    shocks: Annotated[
        str, typer.Option(metavar="SHOCKS", help="Both arms fail for minutes: chance, rate, length: 5%,15%,3-7.")
    ] = "",
    wave: Annotated[float, typer.Option(min=0, max=0.95, help="Traffic swings by this share in a day.")] = 0.0,
    instances: Annotated[int, typer.Option(min=4, max=1_000, help="Instances of the whole service.")] = 20,
    halves: Annotated[bool, typer.Option(help="Telemetry has the baseline in two halves by instance.")] = True,
    latency: Annotated[bool, typer.Option("--latency", help="Judge latencies too (slower).")] = False,
    peers: Annotated[bool, typer.Option(help="Show the others' rules too.")] = True,
    processes: Annotated[int | None, typer.Option(min=1, help="Processes; else one a core.")] = None,
    record: Annotated[Path | None, typer.Option(metavar="FILE", help="Write one ramp's telemetry for replay.")] = None,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Ramps of a pipeline on simulated traffic: false rollbacks, harm done until it is stopped, time to 100 %."""
    policy, origin = policy_of(pipeline, stage)
    service = Traffic(
        traffic,
        base_error,
        burst_mean=burst,
        burst_before=burst_before,
        noise_sd=noise,
        noise_memory=memory,
        shocks=shocks_of(shocks),
        latency=Latency() if latency or slower != 1 else None,
        instances=instances,
        wave=wave,
        halves=halves,
        tick_s=policy.tick_s,
    )
    harms = _harms(harm)
    if base_error >= 1:
        raise Failure("USAGE", "a service that fails always cannot get worse: --base-error below 100%", ExitCode.USAGE)
    healthy = Harm(burst_mean=canary_burst)
    bad = {times: replace(healthy, times=times, onset=onset, growth=growth, slower=slower) for times in harms}
    if record:
        _record(record, policy, service, bad[harms[0]] if harm else healthy, seed)
    began = time.perf_counter()
    rows = _rows(policy, service, healthy, bad, [OURS, *PEERS] if peers else [OURS], ramps, seed, processes)
    took_s = time.perf_counter() - began
    if plot:
        write_plot(plot, drawn(chart(rows, f"{traffic:g}/s, {100 * base_error:g} % failing: {ramp_words(policy)}")))
    head = Text.assemble(
        (clean(origin), "bold"),
        f"\n{ramp_words(policy)}, a tick is {rounded(policy.tick_s)}\n",
        f"{traffic:g}/s, {100 * base_error:g} % failing · {ramps} ramps a cell · seed {seed} · {took_s:.1f} s\n",
    )
    capped = [f"×{times:g}" for times in harms if times * base_error > 1]
    if capped:
        head.append(f"{', '.join(capped)} of {100 * base_error:g} % would be more than all: all requests fail there\n")
    if onset > rows[0].healthy.tick_median:
        head.append(f"half of the ramps and more are over before tick {onset}, and meet no harm\n")
    document = {"policy": asdict(policy), "traffic": asdict(service), "seed": seed, "ramps": ramps}
    answer({**document, "rules": [_document(row) for row in rows]}, page(head, rows, base_error), as_json)


def _harms(harm: list[float] | None) -> tuple[float, ...]:
    wrong = [times for times in harm or () if not 0 < times <= 1e6]
    if wrong:
        raise Failure("USAGE", f"a release cannot fail {wrong[0]:g} times as often", ExitCode.USAGE)
    return tuple(dict.fromkeys(harm)) if harm else HARMS


def _rows(
    policy: Policy,
    traffic: Traffic,
    healthy: Harm,
    bad: dict[float, Harm],
    rules: Sequence[str],
    ramps: int,
    seed: int,
    processes: int | None,
) -> list[Row]:
    cases = {0.0: healthy, **bad}
    jobs = [
        Job(Scenario(f"{times:g}", traffic, harm), rule, policy, ramps)
        for rule in rules
        for times, harm in cases.items()
    ]
    found = [
        figures(results, job.scenario.harm.is_harm, together(job))
        for job, results in zip(jobs, run_matrix(jobs, seed, processes), strict=True)
    ]
    rows = []
    for number, rule in enumerate(rules):
        first, *others = found[number * len(cases) : (number + 1) * len(cases)]
        minute = (policy.tick_s if rule == OURS else PEERS_TICK_S) / 60
        rows.append(Row(rule, first, dict(zip(bad, others, strict=True)), minute))
    return rows


def _document(row: Row) -> dict[str, Any]:
    return {
        "rule": row.rule,
        "healthy": _figures(row.healthy, row.minute),
        "harms": {f"{times:g}": _figures(figure, row.minute) for times, figure in row.harmful.items()},
    }


def _figures(found: Figures, minute: float) -> dict[str, Any]:
    data = json.loads(json.dumps(asdict(found)).replace("NaN", "null"))
    return {**data, "minutes_a_tick": minute}


class _Recorded:
    """A rule whose windows are kept."""

    def __init__(self, rule: Ours) -> None:
        self._rule, self.windows = rule, list[Window]()

    @property
    def weight(self) -> float:
        return self._rule.weight

    def after(self, window: Window) -> Move:
        self.windows.append(window)
        return self._rule.after(window)


def _record(file: Path, policy: Policy, traffic: Traffic, harm: Harm, seed: int) -> None:
    history = Stream(traffic, f"{seed}/record/history").history()
    rule = _Recorded(Ours(policy, begin(policy, history)))
    begins_at = rule.weight
    run(rule, Stream(traffic, f"{seed}/record"), harm)
    document = {
        "policy": asdict(policy),
        "begins_at": begins_at,
        "history": [dump_window(window) for window in history],
        "windows": [dump_window(window) for window in rule.windows],
    }
    try:
        file.write_text(json.dumps(document) + "\n", encoding="utf-8")
    except OSError as error:
        raise Failure("NOT_WRITTEN", f"{file} cannot be written: {error.strerror}", ExitCode.USAGE) from error
