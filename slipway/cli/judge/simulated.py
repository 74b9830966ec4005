"""Simulated ramps as a page and as a chart."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from slipway.cli.charts.bars import bar, log_share
from slipway.cli.charts.chart import Chart, Line
from slipway.promotion.judge.simulation.figures import Figures
from slipway.promotion.judge.simulation.matrix import OURS

BAR = 28


@dataclass(frozen=True)
class Row:
    """One rule: a healthy release, and one for each harm. `minute`: the rule's ticks in minutes."""

    rule: str
    healthy: Figures
    harmful: dict[float, Figures]
    minute: float


def page(head: Text, rows: Sequence[Row]) -> RenderableType:
    """Table, words and bars."""
    table = Table(box=None, padding=(0, 1), collapse_padding=True)
    table.add_column("")
    table.add_column("false rollbacks", justify="right", no_wrap=True)
    table.add_column("withdrawn", justify="right", no_wrap=True)
    table.add_column("to 100 %", justify="right", no_wrap=True)
    for times in rows[0].harmful:
        table.add_column(f"×{times:g}", justify="right", no_wrap=True)
    for row in rows:
        back = row.healthy.rolled_back
        cells = [
            f"{_percent(back.value)} [{100 * back.low:.1f}–{100 * back.high:.1f}]",
            f"{row.healthy.withdrawn:,}",
            "never" if row.healthy.promoted.value < 0.5 else f"{row.healthy.tick_median * row.minute:.0f} min",
            *(f"{figure.excess_mean:,.0f} {_percent(figure.rolled_back.value)}" for figure in row.harmful.values()),
        ]
        table.add_row(row.rule, *cells, style="bold" if row.rule == OURS else "")
    ours = rows[0].harmful
    bound = ", ".join(
        f"×{times:g} {figure.times_bound.value:.1f}" for times, figure in ours.items() if figure.times_bound
    )
    words = "under a harm: mean excess failures, share of ramps stopped; what is not stopped counts 15 min at 100 %\n"
    if bound:
        words += f"ours over the least possible (Wald's test, which knows the harm): {bound}\n"
    return Group(head, table, Text(f"\n{words}", style="dim"), _bars(rows))


def _bars(rows: Sequence[Row]) -> RenderableType:
    seen = [max(figure.excess_mean, 1.0) for row in rows for figure in row.harmful.values()]
    high = max(seen, default=1.0) * 1.2
    table = Table(box=None, padding=(0, 1), show_header=False)
    for times in rows[0].harmful:
        for number, row in enumerate(rows):
            excess = row.harmful[times].excess_mean
            drawn_bar = bar(log_share(excess, 0.5, high), BAR)
            style = "blue" if row.rule == OURS else "dim"
            table.add_row(f"×{times:g}" if number == 0 else "", row.rule, Text(drawn_bar, style), f"{excess:,.0f}")
    return Group(Text("excess failures, logarithmic", style="dim"), table)


def chart(rows: Sequence[Row], title: str) -> Chart:
    """Excess failures over harm, a line for each rule."""
    lines = [
        Line(row.rule, [(times, max(figure.excess_mean, 0.5)) for times, figure in sorted(row.harmful.items())])
        for row in rows
    ]
    return Chart(title, "harm: fails so many times as often", "excess failures, mean", lines, log_x=True, log_y=True)


def _percent(share: float) -> str:
    """`0.5 %`, `38 %`, `100 %`; never 100 when one ramp is missing."""
    percent = 100 * share
    return f"{percent:.1f} %" if 0 < percent < 1 or 99 < percent < 100 else f"{percent:.0f} %"
