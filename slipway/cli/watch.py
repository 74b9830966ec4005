"""Following a promotion to its end: a live tree in a terminal, a line per change in a pipe."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

import typer
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from slipway.cli.api_answers import Promotion
from slipway.cli.changes import Change, changes
from slipway.cli.connection import Api, promotion_path, understood
from slipway.cli.drawing import drawing
from slipway.cli.failure import ExitCode, Failure
from slipway.cli.live_tree import Detail, tree
from slipway.cli.printing import animated, answer, clean, err, out

LOOK_EVERY_S = 0.7
PATIENCE_S = 60.0  # how long a server may be away before the watch gives up


class View(Protocol):
    """What a watch shows while it goes on."""

    def look(self, latest: Promotion) -> None:
        """The newest answer."""

    def away(self, words: str) -> None:
        """The server gives no answer; said once each time."""


class Quiet:
    """Shows nothing; that the server is away it says on standard error."""

    def look(self, latest: Promotion) -> None: ...

    def away(self, words: str) -> None:
        err().print(Text(words), soft_wrap=True)


class Tree:
    """A tree that counts its seconds between the answers; a line a stage where more does not fit."""

    def __init__(self, api: Api, promotion: str, detail: Detail) -> None:
        self._api, self._promotion, self._detail = api, promotion, detail
        self._latest: Promotion | None = None
        self._away = ""

    def look(self, latest: Promotion) -> None:
        self._latest, self._away = latest, ""

    def away(self, words: str) -> None:
        self._away = words

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self._latest is None:
            yield Text(f"{clean(self._promotion)} …", style="dim")
        else:
            whole = tree(self._latest, self._api.now(), self._detail)
            fits = len(console.render_lines(whole, options)) < console.height
            yield whole if fits else tree(self._latest, self._api.now(), Detail.STAGES)
        if self._away:
            yield Text(self._away, style="yellow")


class Lines:
    """A line for each change; `now` tells the server's time."""

    def __init__(self, console: Console, every_step: bool, now: Callable[[], datetime]) -> None:
        self._console, self._every_step, self._now = console, every_step, now
        self._before: Promotion | None = None

    def look(self, latest: Promotion) -> None:
        for change in changes(self._before, latest, self._every_step):
            self._console.print(Text(change.line(self._now())), soft_wrap=True)
        if latest.over:
            again = f"may be tried again: slipway retry {latest.id}"
            for stage in latest.stages:
                if stage.may_be_retried:
                    self._console.print(Text(Change(stage.name, "waiting", again).line(self._now())), soft_wrap=True)
        self._before = latest

    def away(self, words: str) -> None:
        self._console.print(Text(words), soft_wrap=True)


def follow(
    api: Api,
    promotion: str,
    *,
    detail: Detail = Detail.ACTIVE,
    as_json: bool = False,
    quiet: bool = False,
    appears_within_s: float = 0.0,
) -> None:
    """Show the promotion until it is over. Raises Exit (6) when it did not pass, Failure as the API does.

    `quiet` shows the end only; `appears_within_s` is how long the promotion may be unknown at first,
    while its message is on the queue.
    """
    console = out()
    if as_json or quiet:
        document, last = until_over(api, promotion, Quiet(), appears_within_s)
        answer(document, tree(last, api.now(), detail), as_json)
    elif animated(console):
        view = Tree(api, promotion, detail)
        with drawing(console, lambda: view):
            _, last = until_over(api, promotion, view, appears_within_s)
    else:
        lines = Lines(console, detail is Detail.STEPS, api.now)
        _, last = until_over(api, promotion, lines, appears_within_s)
    if last.state != "passed":
        raise typer.Exit(ExitCode.NOT_PASSED)


def until_over(api: Api, promotion: str, view: View, appears_within_s: float = 0.0) -> tuple[dict[str, Any], Promotion]:
    """Ask until the promotion is over: the last answer, as it came and as it is understood.

    A server that gives no answer is waited for, from the first look on. Raises Failure.
    """
    begun = heard = time.monotonic()
    silent = False
    while True:
        try:
            document = api.get(promotion_path(promotion))
        except Failure as failure:
            now = time.monotonic()
            coming = failure.exit_code == ExitCode.NOT_FOUND and now - begun < appears_within_s
            away = failure.exit_code == ExitCode.NOT_REACHABLE and now - heard < PATIENCE_S
            if not (coming or away):
                raise
            if away and not silent:
                view.away(f"The server gives no answer; asking again for up to {PATIENCE_S:.0f} s.")
                silent = True
        else:
            heard, silent = time.monotonic(), False
            latest = understood(Promotion, document)
            view.look(latest)
            if latest.over:
                return document, latest
        time.sleep(LOOK_EVERY_S)
