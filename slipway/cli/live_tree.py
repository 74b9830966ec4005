"""A promotion as a tree: its stages, what was done in each, what it waits for.

Pure functions from the API's answer and a moment to what rich prints.
"""

import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import Enum

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from slipway.cli.api_answers import Promotion, Said, Stage
from slipway.cli.looks import look
from slipway.cli.moments import spoken
from slipway.cli.printing import clean
from slipway.cli.stage_rows import (
    Row,
    approval_rows,
    gate_rows,
    ramp_rows,
    reason_rows,
    retry_rows,
    stage_name,
    stage_row,
    work_rows,
)
from slipway.cli.times import ago, between, until

QUIET = {"pending", "passed", "cancelled"}  # stages that need no rows below them
LONGEST_NAME = 30
TIME_WIDTH = 10


class Detail(Enum):
    """How much a tree shows."""

    STAGES = "a line a stage"
    ACTIVE = "the steps where something is under way or went wrong"
    STEPS = "every step"


def tree(promotion: Promotion, now: datetime, detail: Detail = Detail.ACTIVE) -> RenderableType:
    """The promotion at `now` (the server's time)."""
    parts: list[RenderableType] = [_title(promotion, now)]
    if detail is not Detail.STAGES:
        parts += [*_origin(promotion, now), *_trace(promotion, detail), *_sentences(promotion, now)]
    below = {stage.name: list(_below(stage, promotion.id, now, detail)) for stage in promotion.stages}
    stages_width = max((len(stage_name(stage)) for stage in promotion.stages), default=0)
    steps_width = max((len(row.name) for rows in below.values() for row in rows), default=0)
    for stage in promotion.stages:
        parts.append(_Grid([stage_row(stage, now, detail is not Detail.STAGES)], stages_width))
        if rows := below[stage.name]:
            parts.append(Padding(_Grid(rows, steps_width), (0, 0, 0, 2)))
    return Group(*parts)


def plain(promotion: Promotion, now: datetime, width: int = 80, detail: Detail = Detail.ACTIVE) -> str:
    """The same tree as text of at most `width` columns: no colours, no trailing blanks."""
    page = io.StringIO()
    Console(file=page, width=width, no_color=True, highlight=False).print(tree(promotion, now, detail))
    return "\n".join(line.rstrip() for line in page.getvalue().splitlines()) + "\n"


def _title(promotion: Promotion, now: datetime) -> RenderableType:
    """Name and state, and on the right how long it takes."""
    shown = look(promotion.state)
    title = Table.grid(expand=True)
    title.add_column(ratio=1)
    title.add_column(justify="right", no_wrap=True, style="dim")
    name = (clean(f"{promotion.service} {promotion.version}"), "bold")
    state = (f"{shown.icon} {clean(promotion.state)}", shown.style)
    title.add_row(Text.assemble(name, "  ", state), between(promotion.started_at, promotion.stopped_at or now))
    return title


def _origin(promotion: Promotion, now: datetime) -> Iterator[Text]:
    """Where the build comes from, on one line however long its names are."""
    parts = [promotion.branch, promotion.commit[:7], promotion.author]
    if promotion.started_at:
        parts.append(f"started {ago(promotion.started_at, now)}")
    words = clean(" · ".join(part for part in parts if part))
    yield Text(words, style="dim", no_wrap=True, overflow="ellipsis")


def _trace(promotion: Promotion, detail: Detail) -> Iterator[Text]:
    """By which its spans and log lines are found in the workspace, for who wants to see every step."""
    if promotion.trace and detail is Detail.STEPS:
        yield Text(clean(f"trace {promotion.trace}"), style="dim", no_wrap=True, overflow="ellipsis")


def _sentences(promotion: Promotion, now: datetime) -> Iterator[Text]:
    """Who paused or aborted it, and why it did not pass unless a stage says so below."""
    if promotion.stranded:
        words = f"Slipway itself failed: the orchestration is {promotion.runtime}; the host's log says why"
        yield Text(words, style="red")
    if promotion.waits_for_package and not promotion.over:
        words = (
            f"a newer package of Slipway began it: it waits until one that runs {promotion.waits_for_package} is back"
        )
        yield Text(clean(words), style="yellow")
    if promotion.paused and not promotion.over:
        ends = f", at most {until(promotion.paused.until, now)}" if promotion.paused.until else ""
        words = f"{_told('paused', promotion.paused)}{ends}; slipway resume {promotion.id}"
        yield Text(clean(words), style="yellow")
    if promotion.aborted:
        yield Text(clean(_told("aborted", promotion.aborted)), style="yellow")
    said = any(stage.words and stage.words in (promotion.words or "") for stage in promotion.stages)
    if promotion.over and promotion.state != "passed" and promotion.words and not said:
        yield Text(clean(spoken(promotion.words, now)), style=look(promotion.state).style)


def _told(what: str, said: Said) -> str:
    return f"{what} by {said.by}" + (f": {said.reason}" if said.reason else "")


def _below(stage: Stage, promotion: str, now: datetime, detail: Detail) -> Iterator[Row]:
    if detail is Detail.STAGES:
        return
    whole = detail is Detail.STEPS or stage.state not in QUIET
    yield from retry_rows(stage, promotion, now)
    yield from gate_rows(stage, now) if whole else ()
    yield from approval_rows(stage, now) if whole else ()
    yield from ramp_rows(stage, now)
    yield from reason_rows(stage, now)
    yield from work_rows(stage, now) if whole else ()


class _Grid:
    """Rows whose names are `name_width` wide, so that nothing moves sideways while the promotion goes on.

    A command that is wider than its column has the whole width, below its row: it is never cut, and seldom wrapped.
    """

    def __init__(self, rows: Iterable[Row], name_width: int) -> None:
        self._rows, self._name_width = list(rows), min(name_width, LONGEST_NAME)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = options.max_width - self._name_width - 1 - TIME_WIDTH - 3  # an icon, and a blank after each column
        for row in self._rows:
            fits = len(row.command) <= room
            yield self._table(row, row.command if fits else "")
            if not fits:
                yield Padding(Text(row.command, row.words.style), (0, 0, 0, 2))

    def _table(self, row: Row, command: str) -> Table:
        grid = Table.grid(padding=(0, 1), expand=True)
        grid.add_column(width=1)
        grid.add_column(width=self._name_width, no_wrap=True, overflow="ellipsis")
        grid.add_column(ratio=1, overflow="fold")
        grid.add_column(width=TIME_WIDTH, justify="right", no_wrap=True, style="dim")
        words = Text("\n").join([row.words, Text(command, row.words.style)]) if command else row.words
        grid.add_row(row.icon, row.name, words, row.time)
        return grid
