"""The last page of the demo of a SaaS product."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from slipway.cli.laptop.summary import End, answers_now, claims_of, compared, met_by
from slipway.cli.laptop.users import Met
from slipway.cli.times import span


@dataclass(frozen=True, kw_only=True)
class Day(End):
    """`rings`: what the users of each met; `began` and `ended` in virtual time."""

    rings: Mapping[str, Met]
    began: str
    ended: str


def summary(day: Day) -> RenderableType:
    """What was shown, what the users of each ring met, what answers where, and where to go next."""
    took = (datetime.fromisoformat(day.ended) - datetime.fromisoformat(day.began)).total_seconds()
    return Group(
        Text(f"\n{span(took)} of virtual time shown in {day.seconds:.0f} s, all of it checked:", style="bold"),
        claims_of(day.claims),
        Text("\nWhat users met, who were drawn from a seed, as the telemetry of each ring has it:", style="bold"),
        met_by("ring", day.rings),
        "",
        compared(day.all_at_once),
        Text("\nWhat answers where:", style="bold"),
        answers_now(day.environments),
        Text("Integration keeps a build that only a ring found bad: the next one replaces it there.", style="dim"),
        Text(
            "\nNow yourself: `slipway run --virtual-time`, `slipway submit tenanthub 1.1.0`, `slipway clock 5m`; "
            "docs/rings.md says what rings are."
        ),
    )
