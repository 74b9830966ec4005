"""A promotion as a tree: its stages, what was done in each, what it waits for.

Pure functions from the API's answer and a moment to what rich prints. The colour says whose turn it is
(blue: Slipway works; magenta: a person is asked; yellow: it waits; red: speaks against the release;
green: done), and an icon and a word always say the same, so nothing is lost in a pipe.
"""

import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from slipway.cli.api_answers import Approval, Promotion, Stage, Step, Target
from slipway.cli.printing import clean
from slipway.cli.times import ago, between, until


class Look(NamedTuple):
    """How a state shows: icon and style."""

    icon: str
    style: str


class Detail(Enum):
    """How much a tree shows."""

    STAGES = "a line a stage"
    ACTIVE = "the steps where something is under way or went wrong"
    STEPS = "every step"


WORKS = Look("»", "blue")
LOOKS = {
    "pending": Look("·", "dim"),
    "waiting": Look("?", "magenta"),
    "waiting for approval": Look("?", "magenta"),
    "waiting for the lock": Look("…", "yellow"),
    "rolling back": Look("↩", "red"),
    "passed": Look("✓", "green"),
    "failed": Look("✗", "red"),
    "cancelled": Look("⊘", "dim"),
    "broken": Look("!", "yellow"),
    "not enough evidence": Look("!", "yellow"),
}
SAID_BY = {"deploying": "deploy", "rolling out": "swap", "verifying live": "verify live", "baking": "bake"}
QUIET = {"pending", "passed", "cancelled"}  # stages that need no steps below them


def look(state: str) -> Look:
    """Icon and style of a state of a promotion, stage or step; an unknown one is something under way."""
    return LOOKS.get(state, WORKS)


def tree(promotion: Promotion, now: datetime, detail: Detail = Detail.ACTIVE) -> RenderableType:
    """The promotion at `now` (the server's time)."""
    stages = Table.grid(padding=(0, 1), expand=True)
    stages.add_column(width=1)
    stages.add_column(no_wrap=True)
    stages.add_column(ratio=1)
    stages.add_column(justify="right", no_wrap=True, style="dim")
    for stage in promotion.stages:
        stages.add_row(*_stage_row(stage, now, detail))
        if detail is Detail.STEPS or (detail is Detail.ACTIVE and stage.state not in QUIET):
            for row in _approval_rows(stage, now):
                stages.add_row(*row)
            for step in stage.steps:
                stages.add_row(*_step_row(step, now))
            for target in stage.targets:
                stages.add_row(*_target_row(target))
    below = [] if detail is Detail.STAGES else [*_origin(promotion, now), *_sentences(promotion)]
    return Group(_title(promotion, now), *below, stages)


def plain(promotion: Promotion, now: datetime, width: int = 80, detail: Detail = Detail.ACTIVE) -> str:
    """The same tree as text of at most `width` columns: no colours, no trailing blanks."""
    page = io.StringIO()
    Console(file=page, width=width, no_color=True, highlight=False).print(tree(promotion, now, detail))
    return "\n".join(line.rstrip() for line in page.getvalue().splitlines()) + "\n"


def stage_words(stage: Stage) -> str:
    """What there is to say beside a stage's name: whom or what it waits for, why it ended, else its state."""
    if stage.state == "waiting for approval" and stage.approval:
        return _question(stage.approval)
    if stage.state == "pending":
        return f"after {', '.join(stage.needs)}" if stage.needs else "not begun"
    if stage.state == "passed":
        return " · ".join(["passed", *_proofs(stage.steps)])
    words = stage.words if stage.ended_at else stage.waits_for
    return f"{stage.state} · {words}" if words else stage.state


def _title(promotion: Promotion, now: datetime) -> RenderableType:
    """Name and state, and on the right how long it takes."""
    shown = look(promotion.state)
    title = Table.grid(expand=True)
    title.add_column(ratio=1)
    title.add_column(justify="right", no_wrap=True, style="dim")
    name = (clean(f"{promotion.service} {promotion.version}"), "bold")
    state = (f"{shown.icon} {clean(promotion.state)}", shown.style)
    title.add_row(Text.assemble(name, "  ", state), between(promotion.started_at, promotion.ended_at or now))
    return title


def _origin(promotion: Promotion, now: datetime) -> Iterator[Text]:
    """Where the build comes from, on one line however long its names are."""
    parts = [promotion.branch, promotion.commit[:7], promotion.author]
    if promotion.started_at:
        parts.append(f"started {ago(promotion.started_at, now)}")
    yield Text(clean(" · ".join(part for part in parts if part)), style="dim", no_wrap=True, overflow="ellipsis")


def _sentences(promotion: Promotion) -> Iterator[Text]:
    """Who aborted it, and why it did not pass unless a stage says so below."""
    if promotion.stranded:
        words = f"Slipway itself failed: the orchestration is {promotion.runtime}; the host's log says why"
        yield Text(words, style="red")
    if promotion.aborted:
        by, reason = promotion.aborted.by, promotion.aborted.reason
        yield Text(clean(f"aborted by {by}: {reason}"), style=LOOKS["broken"].style)
    said = any(stage.words and stage.words in (promotion.words or "") for stage in promotion.stages)
    if promotion.over and promotion.state != "passed" and promotion.words and not said:
        yield Text(clean(promotion.words), style=look(promotion.state).style)


def _stage_row(stage: Stage, now: datetime, detail: Detail) -> tuple[Text, Text, Text, str]:
    shown = look(stage.state)
    name = clean(stage.name) + (f" (try {stage.attempt})" if stage.attempt > 1 else "")
    calm = "" if stage.state == "passed" else shown.style
    words = stage_words(stage)
    if detail is Detail.STAGES and (under_way := _under_way(stage)):
        words = f"{words} · {under_way}"
    return (
        Text(shown.icon, style=shown.style),
        Text(name, style="dim" if stage.state == "pending" else "bold"),
        Text(clean(words), style=calm),
        between(stage.started_at, stage.ended_at or now),
    )


def _under_way(stage: Stage) -> str:
    """`weu, neu` or `verify health, load peak`: what runs now, without what the stage's state says already."""
    many = len(stage.targets) > 1
    parts = [
        ("" if step.name == SAID_BY.get(stage.state) else step.name, step.target if many else "")
        for step in stage.steps
        if step.state == "running"
    ]
    return ", ".join(words for part in parts if (words := " ".join(part).strip()))


def _step_row(step: Step, now: datetime) -> tuple[str, Text, Text, str]:
    shown = look(step.state)
    name = clean(f"{step.name} {step.target}".rstrip())
    words = clean(step.words or ("" if step.state in {"running", "passed"} else step.state))
    return (
        "",
        Text.assemble((shown.icon, shown.style), " ", name),
        Text(words, style="dim" if step.state in {"running", "passed"} else shown.style),
        between(step.started_at, step.ended_at or now),
    )


def _target_row(target: Target) -> tuple[str, Text, Text, str]:
    versions = [f"live {target.live}"] if target.live else []
    versions += [f"idle {target.idle}"] if target.idle else []
    address = [target.address] if target.address else []
    return (
        "",
        Text(clean(f"  {target.name}"), style="dim"),
        Text(clean(" · ".join(versions + address)), style="dim"),
        "",
    )


def _question(approval: Approval) -> str:
    """`asks role:release-manager · 1 of 2`."""
    yes = sum(vote.decision == "approve" for vote in approval.votes)
    return f"asks {' or '.join(approval.approvers)} · {yes} of {approval.at_least}"


def _approval_rows(stage: Stage, now: datetime) -> Iterator[tuple[str, Text, Text, str]]:
    """Until when it may be answered, and what was answered so far."""
    approval = stage.approval
    if approval is None:
        return
    if stage.state == "waiting for approval" and (deadline := approval.deadline or stage.deadline):
        excluded = "; not the author" if approval.not_author else ""
        yield "", Text("  answer", style="dim"), Text(until(deadline, now) + excluded, style="dim"), ""
    for vote in approval.votes:
        shown = LOOKS["passed" if vote.decision == "approve" else "failed"]
        name = Text.assemble((shown.icon, shown.style), " ", clean(vote.name))
        yield "", name, Text(clean(f"{vote.decision} {vote.reason}".rstrip()), style="dim"), ""


def _proofs(steps: Iterable[Step]) -> list[str]:
    """What a load test measured: the one thing worth a line once all is well."""
    return [step.words for step in steps if step.name.startswith("load") and step.words]
