"""The figures as tables that are read in a terminal and in `docs/judge.md` alike."""

from collections.abc import Mapping, Sequence

from bench.judge.rows import Key, rules
from slipway.promotion.judge.simulation.figures import Estimate, Figures
from slipway.promotion.judge.simulation.matrix import OURS
from slipway.promotion.judge.simulation.scenario import Scenario

Found = Mapping[Key, Figures]
NEVER = "–"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown with aligned columns; the first is of words."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    rule = ["-" * width if i == 0 else "-" * (width - 1) + ":" for i, width in enumerate(widths)]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    return "\n".join((line(head), line(rule), *(line(row) for row in rows)))


def healthy(found: Found, scenarios: Sequence[Scenario], columns: Sequence[str] | None = None) -> str:
    """Rolled back in per cent with its interval; ticks until 100 %, median and 90 %."""
    columns = columns or rules(healthy=True)
    rows = [[each.words, *(_healthy(found[each.name, rule]) for rule in columns)] for each in scenarios]
    return table(["", *columns], rows)


def harmful(found: Found, scenarios: Sequence[Scenario]) -> str:
    """Excess failures, median and 90 %; ours also in ticks, and as a multiple of Wald's."""
    columns = rules(healthy=False)
    rows = []
    for each in scenarios:
        ours = found[each.name, OURS]
        bound = _times(ours.times_bound) if ours.times_bound else ""
        cells = [_harmful(found[each.name, rule]) for rule in columns]
        rows.append([each.words, _ticks(ours), bound, *cells])
    return table(["", "ticks", "× Wald", *columns], rows)


def other_harms(found: Found, scenarios: Sequence[Scenario]) -> str:
    """How many are caught, and in how many ticks."""
    rows = []
    for each in scenarios:
        ours = found[each.name, OURS]
        rows.append([each.words, _percent(ours.rolled_back), _ticks(ours)])
    return table(["", "rolled back, %", "ticks"], rows)


def saturation(found: Found, scenarios: Sequence[Scenario]) -> str:
    """Held is what gets all traffic never, or later than a calm one."""
    rows = []
    for each in scenarios:
        ours = found[each.name, OURS]
        on = [_percent(ours.missed if each.harm.is_harm else ours.promoted), _percent(ours.rolled_back)]
        rows.append([each.words, *on, _ticks(ours)])
    return table(["", "100 % reached, %", "rolled back, %", "ticks"], rows)


def pooled(found: Found, scenarios: Sequence[Scenario], rule: str = OURS) -> tuple[int, int]:
    """Rolled back of how many in all these rows."""
    figures = [found[each.name, rule] for each in scenarios]
    return sum(round(each.rolled_back.value * each.ramps) for each in figures), sum(each.ramps for each in figures)


def _healthy(one: Figures) -> str:
    return f"{_percent(one.rolled_back)}; {_ticks(one) if one.promoted.value > 0 else NEVER}"


def _harmful(one: Figures) -> str:
    excess = f"{_short(one.excess_median)}/{_short(one.excess_90)}"
    return excess if one.rolled_back.value == 1 else f"{excess} ({100 * one.rolled_back.value:.0f} %)"


def _ticks(one: Figures) -> str:
    return f"{one.tick_median:.0f}/{one.tick_90:.0f}"


def _percent(share: Estimate) -> str:
    return f"{100 * share.value:.1f} [{100 * share.low:.1f}–{100 * share.high:.1f}]"


def _times(bound: Estimate) -> str:
    return f"{bound.value:.2f} [{bound.low:.2f}–{bound.high:.2f}]"


def _short(count: float) -> str:
    return f"{count / 1000:.1f}k" if count >= 10_000 else f"{count:.0f}"
