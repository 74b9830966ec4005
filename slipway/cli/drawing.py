"""Drawing again and again in the same place, in a terminal."""

import os
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.live import Live


@contextmanager
def drawing(console: Console, view: Callable[[], RenderableType], transient: bool = False) -> Iterator[None]:
    """Draw what `view` returns four times a second; `transient` leaves nothing of it at the end."""
    with _silent_keys(), Live(get_renderable=view, console=console, refresh_per_second=4, transient=transient):
        yield


@contextmanager
def _silent_keys() -> Iterator[None]:
    """Keys are not echoed: the `^C` of an interrupt would push the drawing one line down."""
    if not sys.stdin.isatty() or os.tcgetpgrp(sys.stdin.fileno()) != os.getpgrp():  # a background job may not
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    silent = termios.tcgetattr(sys.stdin)
    silent[3] &= ~termios.ECHO
    termios.tcsetattr(sys.stdin, termios.TCSANOW, silent)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSANOW, before)
