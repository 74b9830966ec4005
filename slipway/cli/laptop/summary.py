"""The demo's last page: what was shown, what answers where, and where to go next."""

from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from slipway.cli.laptop.screen import Claim


@dataclass(frozen=True)
class EnvironmentSeen:
    """What the sites of one environment answered at the beginning and at the end."""

    environment: str
    target: str
    url: str
    before: str
    after: str


@dataclass(frozen=True)
class End:
    """All that was shown."""

    claims: list[Claim]
    environments: list[EnvironmentSeen]
    seconds: float


def summary(end: End) -> RenderableType:
    """What was shown, what answers where, and where to go next."""
    claims = Table.grid(padding=(0, 1))
    claims.add_column(justify="right", style="dim", no_wrap=True)
    claims.add_column()
    claims.add_column()
    for claim in end.claims:
        claims.add_row(f"{claim.at_s:.1f} s", Text("✓", style="green"), Text(claim.words))
    answers = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for head in ("environment", "site", "before", "now"):
        answers.add_column(head)
    for seen in end.environments:
        style = "" if seen.before == seen.after else "green"
        answers.add_row(seen.environment, seen.url, seen.before, Text(seen.after, style=style))
    return Group(
        Text(f"\nShown in {end.seconds:.0f} s, all of it checked:", style="bold"),
        claims,
        "",
        answers,
        Text("dev has no load test, so the broken build passed there.", style="dim"),
        Text("\nNow yourself: `make run`, then the tour in README.md; `slipway --help` lists all commands."),
    )
