"""What the command puts on the terminal: one JSON document, or words; never both, and safe to look at."""

import json
import sys
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from slipway.cli.failure import Failure
from slipway.cli.moments import spoken


def out() -> Console:
    """Standard output. In a pipe: 80 columns, no colours, no cursor movement."""
    return Console(highlight=False, soft_wrap=False)


def animated(console: Console) -> bool:
    """Whether lines may be drawn again there: a real terminal, whatever FORCE_COLOR says."""
    return console.file.isatty() and not console.is_dumb_terminal


def err() -> Console:
    """Standard error, for what went wrong."""
    return Console(stderr=True, highlight=False)


def clean(text: str) -> str:
    """`text` from outside without control characters, so that no commit author moves our cursor."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def print_json(document: Any) -> None:
    """Exactly one document on standard output."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def show(console: Console, words: RenderableType) -> None:
    """Print; in a pipe without the blanks that fill a table's lines."""
    if console.is_terminal:
        console.print(words)
        return
    with console.capture() as page:
        console.print(words)
    console.file.writelines(f"{line.rstrip()}\n" for line in page.get().splitlines())
    console.file.flush()


def answer(document: Any, words: RenderableType, as_json: bool) -> None:
    """The same answer for a script or for a person."""
    if as_json:
        print_json(document)
    else:
        show(out(), words)


def print_failure(failure: Failure, as_json: bool) -> None:
    """What went wrong: words, then the code, small; further lines (a log's) below, indented."""
    if as_json:
        print_json(failure.document)
        return
    words, *further = spoken(failure.words, failure.at).splitlines() or [failure.code]
    text = Text.assemble(("✗ ", "red"), clean(words), (f"  {clean(failure.code)}", "dim"))
    console = err()
    console.print(text, soft_wrap=not console.is_terminal)
    for line in further:
        console.print(Text(f"  {clean(line)}", "dim"), soft_wrap=not console.is_terminal)
