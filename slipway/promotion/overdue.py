"""Which stages of a promotion have been at one thing for longer than it can take. Pure, from the read model's rows.

Whatever waits has a deadline, and whatever works has operations with deadlines; who is past them and a grace besides is
not waiting: it is stuck.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from slipway.promotion.outcomes import Outcome, moment
from slipway.promotion.plan import PromotionPlan
from slipway.promotion.stage_phases import APPROVAL, LOCK, RAMP, STATE_OF_PHASE

GRACE = timedelta(minutes=30)  # twice the longest wait between two looks
NOTHING_DUE = {*Outcome, "rolled back", "pending"}
BEFORE_WORK = {"pending", *(STATE_OF_PHASE[phase] for phase in (APPROVAL, LOCK))}
HOLDS_THE_LOCK = "holding the lock"


@dataclass(frozen=True)
class Overdue:
    """A stage that should have gone on `by` ago from `state`, in which it has been since `since`."""

    stage: str
    state: str
    since: str
    by: timedelta


def overdue(rows: dict[str, dict[str, Any]], held: dict[str, str], at: datetime) -> Iterator[Overdue]:
    """Of a promotion's `rows` by key; `held` is since when a stage of its holds a lock. The lock knows earlier than the
    row when work begins. One that has not begun yet has nothing that is overdue here."""
    row = rows.get("promotion")
    if not row or row["state"] != "running":
        return
    for stage in PromotionPlan.load(row["frozen_plan"]).stages:
        now = _now(rows.get(f"stage:{stage.name}", {}), rows.get(f"ramp:{stage.name}", {}), held.get(stage.name, ""))
        if now is None:
            continue
        works_until = moment(now.since) + timedelta(seconds=stage.longest_operation_s + stage.bake_s)
        limit = (moment(now.deadline) if now.deadline else works_until) + GRACE
        if at > limit:
            yield Overdue(stage.name, now.state, now.since, at - limit)


@dataclass(frozen=True)
class _Now:
    """What a stage is at; without a `deadline` it works."""

    state: str
    since: str
    deadline: str = ""


def _now(stage: dict[str, Any], ramp: dict[str, Any], locked_since: str) -> _Now | None:
    """None for a stage of which nothing is due: it is over, or waits for others of its promotion."""
    state = stage.get("state", "pending")
    if locked_since and state in BEFORE_WORK:
        return _Now(HOLDS_THE_LOCK, locked_since)
    if state in NOTHING_DUE or not stage.get("since"):
        return None
    if state == STATE_OF_PHASE[RAMP]:
        return _Now(state, stage["since"], ramp.get("deadline") or stage["deadline"])
    return _Now(state, stage["since"], stage["deadline"])
