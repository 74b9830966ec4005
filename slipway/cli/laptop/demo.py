"""`slipway demo`: two builds travel through a real system; what is claimed was seen, or the demo fails."""

import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from slipway.cli.failure import ExitCode, Failure
from slipway.cli.laptop.layout import ANY_PORTS, Layout, checkout
from slipway.cli.laptop.screen import Screen
from slipway.cli.laptop.story import NotShown, Story
from slipway.cli.laptop.summary import summary
from slipway.cli.laptop.supervisor import FUNCTIONS, Laptop
from slipway.cli.options import AsJson
from slipway.cli.printing import err, out, print_json, show

INTRODUCTION = (
    "Two builds of `checkout` travel from dev to production on this machine: a sound one, and one that fails "
    "a request in five. Everything is real but Azure itself: a Service Bus broker that speaks AMQP, Durable "
    "Functions orchestrators, web servers that answer with their version. It takes about a minute.\n"
)


def demo(
    state: Annotated[
        Path | None, typer.Option(help="Keep the state there (an empty folder); else nothing is kept.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Watch two builds travel: one to production, one stopped by its load test. Nothing is left behind."""
    console = Console(quiet=True) if as_json else out()
    console.print(INTRODUCTION, width=min(console.width, 100))
    with ExitStack() as stack:
        folder = state or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slipway-demo-")))
        if folder.is_dir() and any(folder.iterdir()):
            raise Failure("USAGE", f"{folder} is not empty; the demo begins from nothing", ExitCode.USAGE)
        layout = Layout(checkout(), folder.absolute(), ANY_PORTS)
        screen = stack.enter_context(Screen(console))
        screen.act("starting Azure stand-in, Service Bus broker and Functions host")
        laptop = stack.enter_context(Laptop(layout, screen.say))
        try:
            end = Story(laptop, layout, screen).tell()
        except NotShown:
            err().print(Text("\n".join(["The host's last lines:", *laptop.tail(FUNCTIONS)]), style="dim"))
            raise
    if as_json:
        print_json(asdict(end))
    show(console, summary(end))
