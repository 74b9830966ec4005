"""`slipway run`: the whole system on this laptop, until Ctrl-C."""

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from slipway.cli.failure import ExitCode, Failure
from slipway.cli.laptop.layout import ANY_PORTS, FUNCTIONS_STATE, Layout, Ports, checkout, people_of
from slipway.cli.laptop.sites import all_shipped_sites, users_go_to
from slipway.cli.laptop.supervisor import Laptop
from slipway.cli.laptop.users import Users
from slipway.cli.options import AsJson
from slipway.cli.printing import clean, out, print_json, show
from slipway.cli.state_folder import RunFile, state_folder

MOMENTS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"]
NEXT = (
    "slipway login --as alice",
    "slipway submit checkout 1.1.0",
    "slipway status checkout--1.1.0 --watch",
)


def run(
    state: Annotated[
        Path | None, typer.Option(help="State folder, kept between runs; else $SLIPWAY_STATE or .slipway.")
    ] = None,
    any_ports: Annotated[bool, typer.Option("--any-ports", help="Take free ports, not the usual ones.")] = False,
    virtual_time: Annotated[
        bool, typer.Option("--virtual-time", help="Time stands until `slipway clock 8h` lets it pass, in seconds.")
    ] = False,
    starts_at: Annotated[
        datetime | None,
        typer.Option(
            help="When that time starts (UTC): the same start and seed are the same traffic.", formats=MOMENTS
        ),
    ] = None,
    users: Annotated[
        int, typer.Option(min=0, max=1000, help="So many requests a second to production: a canary needs users.")
    ] = 0,
    policies: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the organisation's policies.", exists=True, file_okay=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the whole system here: Azure stand-in, Service Bus, Functions host. Ctrl-C stops it."""
    folder = (state or state_folder()).absolute()
    if starts_at and not virtual_time:
        raise Failure("USAGE", "--starts-at is for a system whose clock stands: add --virtual-time", ExitCode.USAGE)
    if users and virtual_time:
        words = "--users is for real time: where the clock stands, users are drawn (telemetry.traffic of laptop.yaml)"
        raise Failure("USAGE", words, ExitCode.USAGE)
    begins = starts_at.replace(tzinfo=UTC) if starts_at else None
    if starts_at and (folder / FUNCTIONS_STATE).exists():
        words = (
            f"{folder} has a time of its own already, and goes on from there: take --starts-at out, or a new --state"
        )
        raise Failure("USAGE", words, ExitCode.USAGE)
    rules = policies.absolute() if policies else None
    layout = Layout(checkout(), folder, ANY_PORTS if any_ports else Ports(), virtual_time, begins, rules)
    console = Console(quiet=True) if as_json else out()
    console.print("Starting …", style="dim")
    try:
        with ExitStack() as stack:
            laptop = stack.enter_context(Laptop(layout, lambda words: console.print(Text(f"  {words}", style="dim"))))
            assert laptop.run is not None
            if users:
                where = users_go_to(all_shipped_sites(layout, laptop.azure["sites"]))
                stack.enter_context(Users(where, users, layout.log("users")))
                console.print(Text(f"  Users            {users} requests a second to {', '.join(where)}", style="dim"))
            if as_json:
                print_json(laptop.run.model_dump())
            show(console, _screen(laptop.run, layout))
            laptop.until_interrupted()
    except KeyboardInterrupt:
        console.print(Text(f"\nStopped. The state stays in {folder}; `slipway run` goes on from there."))


def _screen(run: RunFile, layout: Layout) -> RenderableType:
    """What runs where, who can log in, what to type next."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    ports = run.ports
    facts.add_row("  API", run.url)
    facts.add_row("  Azure", f"https://localhost:{ports['azure']} (a stand-in, with real web servers behind)")
    facts.add_row("  Service Bus", f"localhost:{ports['servicebus']}, TLS {ports['servicebus_tls']}")
    facts.add_row("  state", f"{layout.state} (logs in {layout.state / 'logs'})")
    for number, person in enumerate(people_of(layout.people)):
        facts.add_row("" if number else "  people", clean(f"{person.id} ({', '.join(person.roles)})"))
    return Group(
        Text("\nSlipway runs. Ctrl-C stops every process of it; the state stays in its folder.\n", style="bold"),
        facts,
        Text("\nNext, in another terminal:\n"),
        *(Text(f"  {command}", style="bold") for command in NEXT),
    )
