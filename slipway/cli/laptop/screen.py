"""The demo's screen: what it does and claims, and the promotions live below; in a pipe a line for each."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from slipway.cli.api_answers import Promotion
from slipway.cli.changes import Change, changes
from slipway.cli.charts.bars import bar
from slipway.cli.drawing import drawing
from slipway.cli.laptop.ramp_seen import RampSeen
from slipway.cli.laptop.users import Met
from slipway.cli.live_tree import Detail, tree
from slipway.cli.looks import look
from slipway.cli.printing import animated, clean, show

BAR = 30
NEVER_BEGUN = "NEED_NOT_PASSED"


@dataclass(frozen=True)
class Claim:
    """Something the demo has shown, and when: seconds from its start, or, in a system whose time does not pass by
    itself, the time there (`at`)."""

    at_s: float
    words: str
    at: str = ""

    @property
    def when(self) -> str:
        return self.at or f"{self.at_s:.1f} s"


@dataclass(frozen=True)
class Note:
    """A line of the screen: when, whose turn it is (icon, colour), and words."""

    when: str
    icon: str
    colour: str
    words: str
    style: str


class Screen:
    """A context. In a terminal it is drawn again and again while it is open; what remains is the summary.

    `claims` is what was shown so far. `clock` says what time it is in a system whose time does not pass by itself:
    then that is what stands beside the lines, not how long the demo has taken.
    """

    def __init__(self, console: Console, clock: Callable[[], datetime] | None = None) -> None:
        self._console = console
        self._clock = clock
        self._animated = animated(console)
        self._begun = time.monotonic()
        self._notes: list[Note] = []
        self._promotions: dict[str, Promotion] = {}
        self._ramps: dict[str, dict[str, RampSeen]] = {}  # by version and place, that of now last
        self._met = Met()
        self._drawing = ExitStack()
        self.claims: list[Claim] = []

    def __enter__(self) -> "Screen":
        if self._animated:
            self._drawing.enter_context(drawing(self._console, lambda: self, transient=True))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drawing.close()
        if error and self._animated:  # how far it came must not vanish
            self._console.print(_table(self._notes), *self._trees())

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._begun

    def say(self, words: str) -> None:
        """Something on the way, of no weight."""
        self._note("·", "dim", words, "dim")

    def act(self, words: str) -> None:
        """Something that the demo does now."""
        self._note("»", "blue", words, "")

    def shown(self, words: str) -> None:
        """A claim that was just seen to be true."""
        self.claims.append(Claim(self.elapsed_s, words, f"{self._clock():%H:%M}" if self._clock else ""))
        self._note("✓", "green", words, "bold")

    def look(self, latest: Promotion) -> None:
        """The newest answer about a promotion."""
        before = self._promotions.get(latest.id)
        self._promotions[latest.id] = latest
        if not self._animated:
            never_begun = {stage.name for stage in latest.stages if stage.code == NEVER_BEGUN}
            found = [each for each in changes(before, latest) if each.stage not in never_begun]  # why, was told
            for n, change in enumerate(found):
                if _is_told_again(change, found[n + 1 :]):
                    continue
                where = f"{latest.version} in {change.stage}: " if change.stage else ""
                shown = look(change.state)
                self._note(shown.icon, shown.style, where + change.words, "dim")

    def ramp(self, version: str, latest: RampSeen, met: Met, where: str = "") -> None:
        """The newest of a release's ramp, and what users have met; `where` it is, if it has several."""
        before, there = self._ramps.get(version, {}).get(where, RampSeen()), f" in {where}" if where else ""
        self._ramps.setdefault(version, {})[where] = latest
        self._met = met
        if not self._animated:
            for move in latest.moves[len(before.moves) :]:
                words = f"{version} has {move.share:.0%}{there}" + (f": {move.words}" if move.words else "")
                self._note("↗" if move.share else "↩", "blue", words, "dim")
            if met.total and len(latest.steps) > len(before.steps):
                self._note("·", "dim", f"users so far: {_told(met)}", "dim")

    def users(self, met: Met) -> None:
        """What users have met so far."""
        self._met = met

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The promotions, and as many of the newest notes as fit above them."""
        trees = Group(*self._trees())
        room = console.height - len(console.render_lines(trees, options)) - 2
        for count in range(len(self._notes), 0, -1):
            notes = _table(self._notes[-count:])
            if len(console.render_lines(notes, options)) <= room:
                yield notes
                break
        yield trees

    def _note(self, icon: str, colour: str, words: str, style: str) -> None:
        when = f"{self._clock():%H:%M}" if self._clock else f"{self.elapsed_s:.1f} s"
        note = Note(when, icon, colour, clean(words), style)
        self._notes.append(note)
        if not self._animated:
            show(self._console, _table([note]))

    def _trees(self) -> list[RenderableType]:
        now = self._clock() if self._clock else datetime.now(UTC)
        shown: list[RenderableType] = []
        for each in self._promotions.values():
            if each.over:  # its stages have been told, and the room is for those under way
                shown.append(tree(each.model_copy(update={"stages": []}), now, Detail.STAGES))
                continue
            shown += ["", tree(each, now, Detail.STAGES)]
            if any(stage.state == "ramping" for stage in each.stages) and (ramps := self._ramps.get(each.version)):
                shown.append(_ramp(list(ramps.values())[-1]))
        if self._met.total:
            shown += ["", Text.assemble(("users  ", "dim"), clean(_told(self._met)))]
        return shown


def _is_told_again(change: Change, following: Sequence[Change]) -> bool:
    """Whether what comes next says the same in full: a check's figures are its stage's and its promotion's, too."""
    reason = change.words.partition(": ")[2]
    return bool(reason) and any(reason in each.words for each in following)


def _ramp(ramp: RampSeen) -> Table:
    """How much traffic it has, and what the judge says."""
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    full = bar(ramp.share, BAR)
    table.add_row(
        "  share", Text.assemble((full, "green"), ("·" * (BAR - len(full)), "dim"), f" {ramp.share:.0%} of the traffic")
    )
    table.add_row("  judge", Text(clean(ramp.judge)))
    return table


def _told(met: Met) -> str:
    """`12,310 requests, 41 bad · 1.0.0 11,106, 38 bad · 1.1.0 1,204, 3 bad`; in the end those without an answer."""
    each = [f"{version} {count:,}, {met.bad[version]:,} bad" for version, count in met.requests.items() if version]
    each += [f"{met.requests['']:,} without an answer"] if met.requests.get("") else []
    return " · ".join([f"{met.total:,} requests, {met.total_bad:,} bad", *each])


def _table(notes: list[Note]) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", min_width=7, style="dim", no_wrap=True)
    table.add_column()
    table.add_column()
    for note in notes:
        table.add_row(note.when, Text(note.icon, note.colour), Text(note.words, note.style))
    return table
