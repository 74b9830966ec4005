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
from slipway.promotion.stage_run import RAMP, STATE_OF_PHASE

GRACE = timedelta(minutes=30)  # twice the longest wait between two looks
OVER = {*Outcome, "rolled back", "pending", ""}


@dataclass(frozen=True)
class Overdue:
    """A stage that should have gone on `by` ago from `state`, in which it has been since `since`."""

    stage: str
    state: str
    since: str
    by: timedelta


def overdue(rows: dict[str, dict[str, Any]], at: datetime) -> Iterator[Overdue]:
    """Of a promotion's `rows` by key. One that has not begun yet has nothing that is overdue here."""
    row = rows.get("promotion")
    if not row or row["state"] != "running":
        return
    plan = PromotionPlan.load(row["frozen_plan"])
    for stage in plan.stages:
        shown = rows.get(f"stage:{stage.name}")
        if not shown or shown["state"] in OVER or not shown["since"]:
            continue
        deadline = shown["deadline"]
        if shown["state"] == STATE_OF_PHASE[RAMP]:
            deadline = rows.get(f"ramp:{stage.name}", {}).get("deadline") or deadline
        works_until = moment(shown["since"]) + timedelta(seconds=stage.longest_operation_s + stage.bake_s)
        limit = (moment(deadline) if deadline else works_until) + GRACE
        if at > limit:
            yield Overdue(stage.name, shown["state"], shown["since"], at - limit)
