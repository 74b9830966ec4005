"""A recording judged again, as a page and as a chart."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from slipway.cli.charts.bars import log_share, spark
from slipway.cli.charts.chart import Chart, Line
from slipway.cli.judge.options import ramp_words
from slipway.cli.printing import clean, out
from slipway.promotion.judge.policy import Policy
from slipway.promotion.judge.verdict import Verdict
from slipway.promotion.judge.windows import Window

TABLE_COLUMNS = 76


@dataclass(frozen=True)
class Judged:
    """A tick of the recording: the canary's share as it was, and the verdict of now."""

    window: Window
    share: float | None
    verdict: Verdict


def page(judged: Sequence[Judged], policy: Policy, history: int) -> RenderableType:
    """Every tick, and the last verdict in full."""
    head = f"{ramp_words(policy)} · rolled back from {policy.threshold:,.0f} on · {history} windows of history\n"
    last = judged[-1].verdict
    shares = [log_share(max(each.verdict.e_value, 0.1), 0.1, policy.threshold) for each in judged]
    return Group(
        Text(head, style="dim"),
        _ticks(judged),
        Text(f"\nevidence {spark(shares)}  to {policy.threshold:,.0f}, logarithmic"),
        Text(clean(f"{last.action}: {last.words}"), style="bold"),
        Text(clean("would have changed it: " + "; ".join(last.receipt.changed_by)), style="dim"),
    )


def _ticks(judged: Sequence[Judged]) -> RenderableType:
    """A table, or where that has no room the same words one tick a line."""
    names = ("tick", "share", "canary", "baseline", "evidence", "verdict", "wants")
    rows = [_cells(each) for each in judged]
    if out().width < TABLE_COLUMNS:
        return Group(*(Text(" · ".join(cells)) for cells in (names, *rows)))
    table = Table(box=None, padding=(0, 1))
    for name in names:
        table.add_column(name, justify="left" if name == "verdict" else "right", no_wrap=True)
    for cells in rows:
        table.add_row(*cells)
    return table


def _cells(each: Judged) -> tuple[str, ...]:
    verdict = each.verdict
    return (
        str(verdict.receipt.now),
        "–" if each.share is None else f"{each.share:.1%}",
        _counts(each.window, True),
        _counts(each.window, False),
        f"{verdict.e_value:.3g}",
        f"{verdict.action} {verdict.code}",
        f"{verdict.weight:.0%}",
    )


def _counts(window: Window, canary: bool) -> str:
    arm = window.canary if canary else window.baseline
    return "–" if arm is None else f"{arm.failed:,}/{arm.total:,}"


def chart(judged: Sequence[Judged], policy: Policy, title: str) -> Chart:
    """Evidence and the canary's share over the ticks."""
    evidence = [(float(each.verdict.receipt.now), max(each.verdict.e_value, 1e-3)) for each in judged]
    shares = [(float(each.verdict.receipt.now), 100 * each.share) for each in judged if each.share]
    lines = [Line("evidence for harm", evidence), Line("canary's share, %", shares)]
    return Chart(
        title, "tick", "evidence; share in % (logarithmic)", lines, [("rollback", policy.threshold)], log_y=True
    )
