"""Tells a story on a laptop whose clock stands until the story moves it."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TypeVar

from rich.console import Console
from rich.text import Text

from slipway.cli.laptop.following import NotShown
from slipway.cli.laptop.layout import Layout
from slipway.cli.laptop.screen import Screen
from slipway.cli.laptop.supervisor import FUNCTIONS, Laptop
from slipway.cli.laptop.virtual.system import VirtualSystem
from slipway.cli.printing import err

STARTS_AT = datetime(2026, 11, 30, 7, tzinfo=UTC)  # a Monday: the same day, and the same users, in every demo
S = TypeVar("S", bound=VirtualSystem)
T = TypeVar("T")


def tell(console: Console, layout: Layout, use: Callable[[Laptop], S], story: Callable[[S, Screen], T]) -> T:
    """What the story comes to, on a system that starts at `STARTS_AT`. Raises NotShown, with the host's last lines on
    the way, ChildDied, Failure as the API does."""
    with ExitStack() as stack:
        system: S | None = None
        screen = stack.enter_context(Screen(console, lambda: system.now() if system else STARTS_AT))
        screen.act("starting Azure stand-in, Service Bus broker and Functions host; their clock stands at 07:00")
        laptop = stack.enter_context(Laptop(layout, screen.say))
        system = use(laptop)
        try:
            return story(system, screen)
        except NotShown:
            err().print(Text("\n".join(["The host's last lines:", *laptop.tail(FUNCTIONS)]), style="dim"))
            raise
