"""The last page of the demo for auditors."""

from dataclasses import dataclass
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from slipway.cli.laptop.summary import Told, answers_now, claims_of
from slipway.cli.times import span

PIPELINE = "examples/audit/payments.yaml"


@dataclass(frozen=True, kw_only=True)
class Audited(Told):
    """`files` is the folder of what the auditor took away; `began` and `ended` in virtual time."""

    files: str
    began: str
    ended: str


def summary(audited: Audited) -> RenderableType:
    """What was shown, what lies where, and where to go next."""
    took = (datetime.fromisoformat(audited.ended) - datetime.fromisoformat(audited.began)).total_seconds()
    files = audited.files
    return Group(
        Text(f"\n{span(took)} of virtual time shown in {audited.seconds:.0f} s, all of it checked:", style="bold"),
        claims_of(audited.claims),
        Text("\nWhat answers where:", style="bold"),
        answers_now(audited.environments),
        Text("\nWhat the auditor took away:", style="bold"),
        Text(f"{files}/report.html  a page to print\n{files}/report.csv   the same as a table"),
        Text(f"{files}/trail.jsonl  every record, with its signatures\n{files}/keys.json    the key to trust"),
        Text("\nNow yourself, on any machine, without a server:", style="bold"),
        Text(f"slipway audit verify {files}/trail.jsonl --key {files}/keys.json"),
        Text(f"slipway audit report --environment production --file {files}/trail.jsonl --key {files}/keys.json"),
        Text(f"slipway roles {PIPELINE}"),
        Text("docs/compliance.md says which record answers which question of an audit."),
    )
