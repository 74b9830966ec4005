"""`slipway judge power`: what a ramp can see at a traffic, before it starts."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from slipway.cli.charts.bars import bar, log_share
from slipway.cli.charts.chart import Chart, Line, drawn
from slipway.cli.judge.options import BaseError, Plot, StageName, TrafficRate, policy_of, ramp_words, write_plot
from slipway.cli.judge.ramps import plan_lines, planned
from slipway.cli.options import AsJson
from slipway.cli.printing import answer, clean
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.power import TrafficPlan
from slipway.promotion.judge.words import lasting

PLOTTED = (1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
BAR = 30


def power(
    pipeline: Annotated[str, typer.Argument(metavar="SERVICE|FILE", help="checkout, or a pipeline's file.")],
    traffic: TrafficRate,
    base_error: BaseError,
    stage: StageName = None,
    harm: Annotated[float, typer.Option(help="The harm that is to show.")] = 2.0,
    dispersion: Annotated[float, typer.Option(min=1, max=1e6, help="Burstiness: 1 for independent failures.")] = 1.0,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """How many requests and minutes a harm needs to show at each step, and whether the step is long enough."""
    policy, origin = policy_of(pipeline, stage)
    plan = planned(policy, traffic, base_error, harm, dispersion)
    if plot:
        title = f"{traffic:g}/s, {100 * base_error:g} % failing: {ramp_words(policy)}"
        write_plot(plot, drawn(_chart(policy, traffic, base_error, dispersion, title)))
    head = Text.assemble(
        (clean(origin), "bold"), f"\n{ramp_words(policy)}\n{traffic:g}/s, {100 * base_error:g} % failing"
    )
    answer(asdict(plan), Group(head, "", *(Text(line) for line in plan_lines(plan)), "", _bars(plan)), as_json)


def _bars(plan: TrafficPlan) -> RenderableType:
    seconds = [step.seconds for step in plan.steps if step.seconds]
    low, high = min(seconds, default=1.0) / 2, max([*seconds, *(step.lasts_s for step in plan.steps)])
    table = Table(box=None, padding=(0, 1), show_header=False)
    for step in plan.steps:
        shows = bar(log_share(step.seconds, low, high), BAR) if step.seconds else "never"
        style = "green" if step.long_enough else "yellow"
        table.add_row(f"{step.weight:.0%}", "shows after", Text(shows, style), _minutes(step.seconds))
        table.add_row(
            "", "step lasts", Text(bar(log_share(step.lasts_s, low, high), BAR), "dim"), _minutes(step.lasts_s)
        )
    return table


def _minutes(seconds: float | None) -> str:
    return "" if seconds is None else lasting(seconds)


def _chart(policy: Policy, traffic: float, base_error: float, dispersion: float, title: str) -> Chart:
    harms = [harm for harm in PLOTTED if harm > 1 + policy.error_margin and harm * base_error <= 1]
    plans = [(harm, planned(policy, traffic, base_error, harm, dispersion)) for harm in harms]
    lines = [Line(f"{step:.0%}", _points(plans, number)) for number, step in enumerate(policy.steps[:-1][:6])]
    return Chart(title, "harm: fails so many times as often", "minutes until it shows", lines, log_x=True, log_y=True)


def _points(plans: Sequence[tuple[float, TrafficPlan]], number: int) -> list[tuple[float, float]]:
    return [(harm, (plan.steps[number].seconds or math.nan) / 60) for harm, plan in plans]
