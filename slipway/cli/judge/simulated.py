"""Simulated ramps as a page and as a chart."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from slipway.cli.charts.bars import bar, log_share
from slipway.cli.charts.chart import Chart, Line
from slipway.cli.printing import out
from slipway.promotion.judge.simulation.figures import Figures
from slipway.promotion.judge.simulation.matrix import OURS

BAR, BESIDE_BAR = 28, 26  # columns
STOPPED = 0.9  # of all ramps


@dataclass(frozen=True)
class Row:
    """One rule: a healthy release, and one for each harm. `minute`: the rule's ticks in minutes."""

    rule: str
    healthy: Figures
    harmful: dict[float, Figures]
    minute: float


def page(head: Text, rows: Sequence[Row], base_error: float) -> RenderableType:
    """Table, words and bars. `base_error`: the share (0..1) that fails anyway."""
    words = "under a harm: mean excess failures, share of ramps stopped; what is not stopped counts 15 min at 100 %\n"
    if bound := _bound(rows[0], base_error):
        words += f"ours over the least possible (Wald's test, which knows the harm): {bound}\n"
    return Group(head, _table(rows), Text(f"\n{words}", style="dim"), _bars(rows))


def _bound(ours: Row, base_error: float) -> str:
    """Of the harms that are as large as they are called and are stopped as a rule: what is missed is charged fifteen
    minutes, which Wald's test is not."""
    shown = {
        times: figure.times_bound.value
        for times, figure in ours.harmful.items()
        if figure.times_bound and figure.rolled_back.value >= STOPPED and times * base_error <= 1
    }
    return ", ".join(f"×{times:g} {ratio:.1f}" for times, ratio in shown.items())


def _table(rows: Sequence[Row]) -> RenderableType:
    """A table, or where that has no room the same a rule at a time."""
    names = ["", "false rollbacks", "withdrawn", "to 100 %", *(f"×{times:g}" for times in rows[0].harmful)]
    cells = [_cells(row) for row in rows]
    if out().width < sum(max(map(len, column)) + 1 for column in zip(names, *cells, strict=True)) + 1:
        return Group(*(_narrow(names, each) for each in cells))
    table = Table(box=None, padding=(0, 1), collapse_padding=True)
    for name in names:
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    for row, each in zip(rows, cells, strict=True):
        table.add_row(*each, style="bold" if row.rule == OURS else "")
    return table


def _cells(row: Row) -> list[str]:
    back = row.healthy.rolled_back
    return [
        row.rule,
        f"{_percent(back.value)} [{100 * back.low:.1f}–{100 * back.high:.1f}]",
        f"{row.healthy.withdrawn:,}",
        "never" if row.healthy.promoted.value < 0.5 else f"{row.healthy.tick_median * row.minute:.0f} min",
        *(f"{figure.excess_mean:,.0f} {_percent(figure.rolled_back.value)}" for figure in row.harmful.values()),
    ]


def _narrow(names: Sequence[str], cells: Sequence[str]) -> Text:
    lines = [f"  {name}: {cell}" for name, cell in zip(names[1:], cells[1:], strict=True)]
    return Text("\n".join([cells[0], *lines]), style="bold" if cells[0] == OURS else "")


def _bars(rows: Sequence[Row]) -> RenderableType:
    seen = [max(figure.excess_mean, 1.0) for row in rows for figure in row.harmful.values()]
    high = max(seen, default=1.0) * 1.2
    table = Table(box=None, padding=(0, 1), show_header=False)
    for times in rows[0].harmful:
        for number, row in enumerate(rows):
            excess = row.harmful[times].excess_mean
            drawn_bar = bar(log_share(excess, 0.5, high), max(1, min(BAR, out().width - BESIDE_BAR)))
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
