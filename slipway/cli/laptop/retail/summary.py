"""The last page of the demo of a retailer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from slipway.cli.laptop.summary import Told, answers_now, claims_of, met_by
from slipway.cli.laptop.users import Met
from slipway.cli.times import span


@dataclass(frozen=True, kw_only=True)
class Season(Told):
    """`users`: what they met, by region; `databases`: their versions at the beginning and at the end, by name; `began`
    and `ended` in virtual time."""

    users: Mapping[str, Met]
    databases: Mapping[str, tuple[int, int]]
    began: str
    ended: str


def summary(season: Season) -> RenderableType:
    """What was shown, what users met in each region, what answers where, and where to go next."""
    took = (datetime.fromisoformat(season.ended) - datetime.fromisoformat(season.began)).total_seconds()
    return Group(
        Text(f"\n{span(took)} of virtual time shown in {season.seconds:.0f} s, all of it checked:", style="bold"),
        claims_of(season.claims),
        Text("\nWhat users met, who came whenever time passed:", style="bold"),
        met_by("region", season.users),
        Text("\nWhat answers where:", style="bold"),
        answers_now(season.environments),
        Text("A build that is stopped later stays in dev and staging: the next one replaces it there.", style="dim"),
        Text("\nThe databases:", style="bold"),
        _databases(season.databases),
        Text(
            "\nNow yourself: `slipway run --virtual-time`, `slipway submit storefront 1.1.0`, `slipway clock 5m`; "
            "docs/retail.md says how the pieces fit."
        ),
    )


def _databases(databases: Mapping[str, tuple[int, int]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for head in ("database", "before", "now"):
        table.add_column(head)
    for name, (before, now) in databases.items():
        table.add_row(name, f"schema {before}", f"schema {now}")
    return table
