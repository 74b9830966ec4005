"""Orchestration `operation`: one activity, called until it has an outcome or its time is over."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from orchestrators.waiting import Durable, called, given, now, nudge_or
from slipway.promotion.outcomes import broken, moment

bp = df.Blueprint()


@bp.orchestration_trigger(context_name="context", orchestration="operation")
def operation(context: df.DurableOrchestrationContext) -> Durable:
    """Start something outside, then poll it: one call a generation. Returns an `Answer` as JSON.

    Input: `activity`, `order` (what it is given each time), `deadline`, and from the second generation
    on the `handle` that the activity answered. Instance id = the operation's id.
    """
    asked: dict[str, Any] = given(context)
    order = {**asked["order"], "operation": context.instance_id, "handle": asked.get("handle", {})}
    answer = yield from called(context, asked["activity"], order)
    context.set_custom_status({"state": answer.state, "waits_for": asked["activity"], "deadline": asked["deadline"]})
    if not answer.running:
        return replace(answer, at=now(context)).dump()
    deadline = moment(asked["deadline"])
    pause = timedelta(seconds=max(answer.after_s, 0.05))
    begun = bool(answer.handle)
    # What has begun is looked at once more at its deadline; what has not must not begin then.
    if context.current_utc_datetime + (timedelta() if begun else pause) >= deadline:
        words = f"{asked['activity']} had no outcome by {asked['deadline']}"
        return broken("TIMED_OUT", f"{words}: {answer.words}" if answer.words else words).dump()
    yield from nudge_or(context, min(context.current_utc_datetime + pause, deadline))
    context.continue_as_new({**asked, "handle": answer.handle})
    return None
