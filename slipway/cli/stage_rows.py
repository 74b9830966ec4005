"""One stage as rows of text: itself, and below it who was asked, what was done, what answers where."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from rich.text import Text

from slipway.cli.api_answers import Approval, Comparison, Ramp, Stage, Step, Target
from slipway.cli.gates_view import gate_row_words, override_words
from slipway.cli.looks import Look, look
from slipway.cli.moments import spoken
from slipway.cli.printing import clean
from slipway.cli.reasons import is_command, look_of, short_name, told, worth_a_line
from slipway.cli.times import between, clock, until
from slipway.promotion.approval import SWITCH
from slipway.promotion.overrides import OVERRIDDEN

VOTE_OF = {"approved": "approve", "rejected": "reject"}
RAMPING = "ramping"
LOG_LINES = 5
SAID_BY = {
    RAMPING: "ramp",
    "migrating": "expand",
    "deploying": "deploy",
    "rolling out": "swap",
    "verifying live": "verify live",
    "baking": "bake",
}

_TRY = re.compile(r":([1-9]\d*)\Z")


class Row(NamedTuple):
    """Icon, name, words, how long it takes or took, and a command to type below the words."""

    icon: Text
    name: Text
    words: Text
    time: str = ""
    command: str = ""


def stage_words(stage: Stage) -> str:
    """What there is to say beside a stage's name: whom or what it waits for, why it ended, else its state."""
    if stage.state == "waiting for approval" and stage.approval:
        return _verdict(stage.approval) if stage.approval.decision else _question(stage.approval)
    if stage.state == "pending":
        after = f"after {', '.join(stage.needs)}" if stage.needs else "not begun"
        return f"{stage.ring} · {after}" if stage.ring else after
    if stage.state == RAMPING and stage.ramp:
        return f"{RAMPING} · {_share(stage.ramp)}"
    if stage.state == "passed":
        return " · ".join(["passed", *_proofs(stage)])
    words = stage.words if stage.ended_at else stage.waits_for
    return f"{stage.state} · {words}" if words else stage.state


def stage_name(stage: Stage) -> str:
    """`production`, from the second attempt on `production (try 2)`."""
    return clean(stage.name) + (f" (try {stage.attempt})" if stage.attempt > 1 else "")


def step_name(step: Step, stage: Stage) -> str:
    """`deploy weu`; the target goes without saying where there is one."""
    return clean(f"{step.name} {step.target}".rstrip() if len(stage.targets) > 1 else step.name)


def stage_row(stage: Stage, now: datetime, with_steps: bool) -> Row:
    """The stage's own row, which names the steps that run now when they have no rows of their own."""
    shown = _look(stage)
    words = stage_words(stage)
    if with_steps and stage.state == "waiting for the lock" and worth_a_line(stage.may_promote):
        words = stage.state  # the rows below say for what
    if not with_steps and (under_way := _under_way(stage)):
        words = f"{words} · {under_way}"
    return Row(
        Text(shown.icon, shown.style),
        Text(stage_name(stage), "dim" if stage.state == "pending" else "bold"),
        Text(clean(spoken(words, now)), "" if stage.state == "passed" else shown.style),
        between(stage.started_at, stage.ended_at or now),
    )


def _look(stage: Stage) -> Look:
    """An approval that is decided asks nobody any more, though the stage has not gone on yet."""
    decided = stage.state == "waiting for approval" and stage.approval and stage.approval.decision
    return look("approved" if decided else stage.state)


def retry_rows(stage: Stage, promotion: str, now: datetime) -> Iterator[Row]:
    """Until when a stage that did not pass may be tried again, and by which command."""
    if stage.may_be_retried and stage.deadline and stage.deadline > now:
        words = Text(f"may be tried again {until(stage.deadline, now)}", "magenta")
        yield Row(Text("?", "magenta"), Text("retry"), words, command=f"slipway retry {clean(promotion)}")


def ramp_rows(stage: Stage, now: datetime) -> Iterator[Row]:
    """How much of the traffic a canary has and since when, and what the judge says of it."""
    ramp = stage.ramp
    if stage.state != RAMPING or ramp is None:
        return
    shown = look(RAMPING)
    parts = [_share(ramp) + (f" since {clock(ramp.since, now)}" if ramp.since else "")]
    parts += [f"it has {until(ramp.deadline, now)}"] if ramp.deadline else []
    yield Row(
        Text(shown.icon, shown.style),
        Text("users" if ramp.flag else "traffic"),
        Text(" · ".join(parts)),
        between(ramp.since, now),
    )
    said = f"after tick {ramp.tick}: {spoken(ramp.words, now)}" if ramp.words else "no tick was judged yet"
    style = "red" if ramp.code == "HARM_PROVEN" else "dim"
    yield Row(Text(" "), Text("judge", "dim"), Text(clean(said), style))
    asks = ramp.calls or ramp.move == "HOLD_POINT"
    if asks or (ramp.move and ramp.move not in (ramp.code, "BEGINS")):
        icon, style = ("?", "magenta") if asks else (" ", "dim")
        yield Row(Text(icon, style), Text("held", style), Text(clean(spoken(ramp.move_words, now)), style))
    if ramp.comparison and ramp.comparison.began_at:
        yield from _compared(ramp.comparison)
    if ramp.notes:
        yield Row(Text(" "), Text("note", "dim"), Text(clean(ramp.notes), "dim"))


def _compared(comparison: Comparison) -> Iterator[Row]:
    """The variants of a flag: users of each, who succeeded, and by how much they differ."""
    for arm in comparison.arms:
        name = f" ({arm.name})" if arm.name else ""
        part = arm.converted / max(arm.users, 1)
        words = f"{arm.users:,} users{name} · {part:.2%} {comparison.success} · {arm.bad:,} met a failure"
        yield Row(Text(" "), Text(arm.variant, "dim"), Text(clean(words)))
    ends = ", ".join("open" if end is None else f"{end:+.1%}" for end in (comparison.low, comparison.high))
    lift = "no estimate yet" if comparison.lift is None else f"treatment {comparison.lift:+.1%} [{ends}]"
    words = f"{lift} at {comparison.sure:.0%}, whenever you look · look {comparison.look}"
    missed = f" · without an answer: {comparison.missed}" if comparison.missed else ""
    yield Row(Text(" "), Text("compares", "dim"), Text(clean(words + missed)))


def reason_rows(stage: Stage, now: datetime) -> Iterator[Row]:
    """Why the build may not go there now, beside what the stage's other rows say; for how long that is so."""
    for reason in worth_a_line(stage.may_promote):
        shown = look_of(reason)
        words = Text(clean(told(reason, now)), shown.style)
        lasts = between(reason.since, now) if reason.blocks else ""
        command = clean(reason.ended_by) if is_command(reason) else ""
        yield Row(Text(shown.icon, shown.style), Text(clean(short_name(reason))), words, lasts, command)


def gate_rows(stage: Stage, now: datetime) -> Iterator[Row]:
    """What each gate says, of those that were asked or are asked now."""
    for gate in stage.gates:
        if gate.outcome or stage.state == "checking gates":
            shown = look("not enough evidence" if gate.code == OVERRIDDEN else gate.outcome or "pending")
            yield Row(Text(shown.icon, shown.style), Text(clean(f"gate {gate.name}")), gate_row_words(gate, now))
    if stage.override:
        yield Row(Text("!", "yellow"), Text("override"), Text(clean(override_words(stage.override, now)), "yellow"))


def approval_rows(stage: Stage, now: datetime) -> Iterator[Row]:
    """Until when people may answer, who is missing, what they approve, and what they answered so far."""
    approval = stage.approval
    if approval is None:
        return
    asks = stage.state == "waiting for approval" and not approval.decision
    if asks and (deadline := approval.deadline or stage.deadline):
        yield Row(Text(" "), Text("answer", "dim"), Text(until(deadline, now) + _excluded(approval), "dim"))
        yield from _missing_rows(approval)
    if asks and approval.gate == SWITCH:
        yield from _change_rows(stage)
    for vote in approval.votes:
        shown = look("passed" if vote.decision == "approve" else "failed")
        said = clean(f"{vote.decision} {vote.reason}".rstrip())
        name = f"{vote.name} for {vote.delegator}" if vote.delegator else vote.name
        yield Row(Text(shown.icon, shown.style), Text(clean(name)), Text(said, "dim"))


def _excluded(approval: Approval) -> str:
    """`; not the author; others join then`: who may not, and what comes at the deadline."""
    _, _, exclusions = approval.asks.partition(", not ")
    told = [f"not {exclusions}"] if exclusions else ["not the author"] if approval.not_author else []
    told += ["then others may, too"] if approval.on_expiry == "escalate" else []
    told += ["others have joined"] if approval.escalated_at else []
    return "".join(f"; {each}" for each in told)


def _missing_rows(approval: Approval) -> Iterator[Row]:
    """Who is missing, where that is not said by the count alone; and what a yes is sealed to."""
    if approval.missing and (len(approval.slots) > 1 or approval.votes):
        yield Row(Text(" "), Text("missing", "dim"), Text(clean(approval.missing), "dim"))
    if approval.comment != "optional":
        wanted = {"required": "with each vote", "on-approve": "with a yes", "on-reject": "with a no"}
        yield Row(Text(" "), Text("reason", "dim"), Text(f"wanted {wanted.get(approval.comment, '')}".rstrip(), "dim"))
    if approval.seal:
        words = f"{approval.seal.digest[:12]} of {', '.join(approval.seal.parts)}"
        yield Row(Text(" "), Text("seal", "dim"), Text(clean(words), "dim"))


def _change_rows(stage: Stage) -> Iterator[Row]:
    """What people decide on where it was planned: line by line, what is deleted in red."""
    for target in (each for each in stage.targets if each.changes):
        name = f"changes {target.name}" if len(stage.targets) > 1 else "changes"
        for line in target.changes.split("\n"):
            deletes = line.startswith(("DELETES", "- delete"))
            yield Row(
                Text("!" if deletes else " ", "red"), Text(clean(name), "dim"), Text(clean(line), "red" * deletes)
            )
            name = ""


def work_rows(stage: Stage, now: datetime) -> Iterator[Row]:
    """What was done, and what answers where."""
    for step, of_try in zip(stage.steps, tries(stage), strict=True):
        yield _step_row(step, stage, now, of_try)
        if step.log and of_try == stage.attempt:
            yield from _log_rows(step.log)
    for target in stage.targets:
        if target.live or target.idle or target.address:
            yield _target_row(target)


def tries(stage: Stage) -> list[int]:
    """Of which try of the stage each step is: the number that ends its operation's id.

    A step without one (a bake, an id that was too long) is of the same try as the step before it: steps stand in
    the order in which they began. Without any number they are taken to be new.
    """
    found, latest = [], stage.attempt
    for step in stage.steps:
        number = _TRY.search(step.operation)
        latest = int(number[1]) if number else latest
        found.append(latest)
    return found


def _step_row(step: Step, stage: Stage, now: datetime, of_try: int) -> Row:
    """A step of an earlier try is dim, and says so."""
    shown = look(step.state)
    old = of_try < stage.attempt
    calm = old or step.state in {"running", "passed"}
    words = step.words or ("" if step.state in {"running", "passed"} else step.state)
    words = f"try {of_try} · {words or step.state}" if old else words
    return Row(
        Text(shown.icon, "dim" if old else shown.style),
        Text(step_name(step, stage), "dim" if old else ""),
        Text(clean(spoken(words, now)), "dim" if calm else shown.style),
        between(step.started_at, step.ended_at or now),
    )


def _log_rows(log: str) -> Iterator[Row]:
    """The end of what it printed; `--json` has more of it."""
    for line in log.rstrip().splitlines()[-LOG_LINES:]:
        yield Row(Text(" "), Text(""), Text(clean(line), "dim"))


def _target_row(target: Target) -> Row:
    versions = [f"live {target.live}"] if target.live else []
    versions += [f"idle {target.idle}"] if target.idle else []
    preview = [f"preview {target.preview}"] if target.preview else []
    words = " · ".join([*versions, *preview, *([target.address] if target.address else [])])
    return Row(Text(" "), Text(clean(target.name), "dim"), Text(clean(words), "dim"))


def _share(ramp: Ramp) -> str:
    """`25 % of the traffic`, or of the users of a flag."""
    if ramp.flag:
        return f"{100 * ramp.share:.4g} % of the users have {clean(ramp.flag)}"
    return f"{100 * ramp.share:.4g} % of the traffic"


def _under_way(stage: Stage) -> str:
    """`weu, neu` or `verify health, load peak`: what runs now, without what the stage's state says already."""
    many = len(stage.targets) > 1
    parts = [
        ("" if step.name == SAID_BY.get(stage.state) else step.name, step.target if many else "")
        for step in stage.steps
        if step.state == "running"
    ]
    return ", ".join(words for part in parts if (words := " ".join(part).strip()))


def _question(approval: Approval) -> str:
    """`asks role:release-manager · 1 of 2`."""
    yes = sum(vote.decision == "approve" for vote in approval.votes)
    before = "before the switch, " if approval.gate == SWITCH else ""
    return f"{before}asks {' or '.join(approval.approvers)} · {yes} of {approval.at_least}"


def _verdict(approval: Approval) -> str:
    """`approved by Alice Adams`, `rejected by …`, `expired`: what was decided a moment ago."""
    by = [vote.name for vote in approval.votes if VOTE_OF.get(approval.decision or "") == vote.decision]
    return f"{approval.decision} by {', '.join(by)}" if by else str(approval.decision)


def _proofs(stage: Stage) -> list[str]:
    """What a load test measured: the one thing worth a line once all is well."""
    return [step.words for step in stage.steps if step.name.startswith("load") and step.words]
