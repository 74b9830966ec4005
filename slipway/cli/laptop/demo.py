"""`slipway demo`: two builds travel through a real system; what is claimed was seen, or the demo fails."""

import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console, RenderableType
from rich.text import Text

from slipway.cli.failure import ExitCode, Failure
from slipway.cli.laptop.following import NotShown
from slipway.cli.laptop.layout import ANY_PORTS, Layout, checkout
from slipway.cli.laptop.screen import Screen
from slipway.cli.laptop.sites import shipped_sites, users_go_to
from slipway.cli.laptop.story import Story
from slipway.cli.laptop.summary import Told, summary
from slipway.cli.laptop.supervisor import FUNCTIONS, Laptop
from slipway.cli.laptop.users import Users, bearable
from slipway.cli.options import AsJson
from slipway.cli.printing import err, out, print_json, show
from slipway.cli.state_folder import state_folder

USERS_PER_S = 300
AUDITORS = "demo-audit"  # the folder of what the auditor takes away, which stays
INTRODUCTION = (
    "Three builds of `checkout` travel from dev to production on this machine. A sound one gets the traffic of "
    "users step by step. One fails a request in five, and its load test stops it. One fails so seldom that only "
    "users' traffic can show it: the canary catches it and takes it back. Everything is real but Azure itself: a "
    "Service Bus broker that speaks AMQP, Durable Functions orchestrators, web servers behind a weighted router, "
    f"{USERS_PER_S} requests a second, half of it where the machine has other work. It takes two to three minutes.\n"
)


def demo(
    state: Annotated[
        Path | None, typer.Option(help="Keep the state there (an empty folder); else nothing is kept.")
    ] = None,
    kill: Annotated[
        bool, typer.Option("--kill", help="Kill the Functions host in the middle of both ramps, too.")
    ] = False,
    saas: Annotated[
        bool, typer.Option("--saas", help="Another story: a SaaS product's regions and tenants, in virtual time.")
    ] = False,
    retail: Annotated[
        bool, typer.Option("--retail", help="Another story: a shop on AKS with its database, in virtual time.")
    ] = False,
    audit: Annotated[
        bool, typer.Option("--audit", help="Another story: a day that an auditor asks about, in virtual time.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Watch three builds travel: to production, stopped by a load test, caught by its canary. Nothing is left
    behind."""
    if saas + retail + audit + kill > 1:
        words = "--saas, --retail, --audit and --kill are of four stories: one at a time"
        raise Failure("USAGE", words, ExitCode.USAGE)
    console = Console(quiet=True) if as_json else out()
    with ExitStack() as stack:
        folder = state or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slipway-demo-")))
        if folder.is_dir() and any(folder.iterdir()):
            raise Failure("USAGE", f"{folder} is not empty; the demo begins from nothing", ExitCode.USAGE)
        if audit:
            kept = folder / AUDITORS if state else state_folder() / AUDITORS
            told, page = _audited(console, folder.absolute(), kept.absolute())
        elif retail:
            told, page = _season(console, folder.absolute())
        else:
            told, page = _day(console, folder.absolute()) if saas else _three_builds(console, folder.absolute(), kill)
    if as_json:
        print_json(asdict(told))
    show(console, page)


def _audited(console: Console, folder: Path, kept: Path) -> tuple[Told, RenderableType]:
    from slipway.cli.laptop.audited.demo import tell
    from slipway.cli.laptop.audited.summary import summary as page_of

    audited = tell(console, folder, kept)
    return audited, page_of(audited)


def _season(console: Console, folder: Path) -> tuple[Told, RenderableType]:
    from slipway.cli.laptop.retail.demo import tell
    from slipway.cli.laptop.retail.summary import summary as page_of

    season = tell(console, folder)
    return season, page_of(season)


def _day(console: Console, folder: Path) -> tuple[Told, RenderableType]:
    from slipway.cli.laptop.saas.demo import tell
    from slipway.cli.laptop.saas.summary import summary as page_of

    day = tell(console, folder)
    return day, page_of(day)


def _three_builds(console: Console, folder: Path, kill: bool) -> tuple[Told, RenderableType]:
    console.print(INTRODUCTION, width=min(console.width, 100))
    with ExitStack() as stack:
        layout = Layout(checkout(), folder, ANY_PORTS)
        screen = stack.enter_context(Screen(console))
        screen.act("starting Azure stand-in, Service Bus broker and Functions host")
        laptop = stack.enter_context(Laptop(layout, screen.say))
        sites = shipped_sites(layout, laptop.azure["sites"])
        users = stack.enter_context(Users(users_go_to(sites), bearable(USERS_PER_S), layout.log("users")))
        try:
            end = Story(laptop, sites, screen, users, kill).tell()
            return end, summary(end)
        except NotShown:
            err().print(Text("\n".join(["The host's last lines:", *laptop.tail(FUNCTIONS)]), style="dim"))
            raise
