"""The demo's last page: what was shown, what users met, what answers where, and where to go next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from slipway.cli.laptop.screen import Claim
from slipway.cli.laptop.users import Met
from slipway.cli.times import span


@dataclass(frozen=True)
class EnvironmentSeen:
    """What the sites of one environment answered at the beginning and at the end."""

    environment: str
    target: str
    url: str
    before: str
    after: str


@dataclass(frozen=True)
class RampTold:
    """A move of a release's ramp: when, to which share (0..1), and why."""

    version: str
    at: str
    share: float
    code: str
    words: str


@dataclass(frozen=True)
class AllAtOnce:
    """A harmful release whose ramp lasted `seconds`, in which users sent `requests`. It `answered` some of them, of
    which `bad` went wrong; all at once it would have met them all. `error_rate` (0..1) is what it is built to fail."""

    version: str
    seconds: float
    requests: int
    error_rate: float
    answered: int
    bad: int

    @property
    def would_be_bad(self) -> int:
        return round(self.requests * self.error_rate)


@dataclass(frozen=True, kw_only=True)
class Told:
    """What every demo has to tell at its end."""

    claims: list[Claim]
    environments: list[EnvironmentSeen]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class End(Told):
    """All that was shown. `users`: what they met from the beginning to the end."""

    ramps: list[RampTold]
    users: Met
    all_at_once: AllAtOnce


NO_ANSWER = (
    "no answer: a connection that ended without one, so no release can be named; a side was stopped or replaced."
)


def summary(end: End) -> RenderableType:
    """What was shown, what users met, what answers where, and where to go next."""
    return Group(
        Text(f"\nShown in {end.seconds:.0f} s, all of it checked:", style="bold"),
        claims_of(end.claims),
        Text("\nWhat users of production met:", style="bold"),
        _met(end.users),
        *([Text(NO_ANSWER, style="dim")] if "" in end.users.requests else []),
        "",
        compared(end.all_at_once),
        Text("\nWhat answers where:", style="bold"),
        answers_now(end.environments),
        Text(
            "A build that is stopped stays in the environments that it passed: only a later one replaces it there.",
            style="dim",
        ),
        Text("\nNow yourself: `make run`, then the tour in README.md; `slipway --help` lists all commands."),
    )


def claims_of(claims: Sequence[Claim]) -> Table:
    """What was shown, and when."""
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column()
    table.add_column()
    for claim in claims:
        table.add_row(claim.when, Text("✓", style="green"), Text(claim.words))
    return table


def answers_now(environments: Sequence[EnvironmentSeen]) -> Table:
    """What each site answered at first, and answers now."""
    table = _table("environment", "site", "before", "now")
    for seen in environments:
        style = "" if seen.before == seen.after else "green"
        table.add_row(seen.environment, seen.url, seen.before, Text(seen.after, style=style))
    return table


def _met(met: Met) -> Table:
    table = _table("release")
    for head in ("requests", "bad", "share bad"):
        table.add_column(head, justify="right")
    for version in sorted(met.requests, key=lambda each: (not each, each)):
        requests, bad = met.requests[version], met.bad[version]
        table.add_row(version or "no answer", f"{requests:,}", f"{bad:,}", f"{bad / max(requests, 1):.2%}")
    table.add_row(
        "all", f"{met.total:,}", f"{met.total_bad:,}", f"{met.total_bad / max(met.total, 1):.2%}", style="bold"
    )
    return table


def met_by(what: str, places: Mapping[str, Met]) -> Table:
    """What users of each place met, by release; `what` such a place is."""
    table = _table(what, "release")
    for head in ("requests", "bad", "share bad"):
        table.add_column(head, justify="right")
    for place, met in places.items():
        for number, version in enumerate(sorted(met.requests)):
            requests, bad = met.requests[version], met.bad[version]
            shares = f"{requests:,}", f"{bad:,}", f"{bad / max(requests, 1):.2%}"
            table.add_row("" if number else place, version or "no answer", *shares)
    return table


def compared(instead: AllAtOnce) -> Text:
    """What a harmful release broke, and what it would have broken all at once."""
    return Text.assemble(
        (f"{instead.version} broke {instead.bad:,} requests", "bold"),
        f" of {instead.answered:,} in the {span(instead.seconds)} until it was caught. "
        "All at once it would have broken ",
        (f"about {instead.would_be_bad:,}", "bold"),
        f" in the same time: {instead.requests:,} requests × {instead.error_rate:.1%}, "
        "the rate that it is built to fail.",
    )


def _table(*heads: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for head in heads:
        table.add_column(head)
    return table
