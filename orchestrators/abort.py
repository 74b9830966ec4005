"""Orchestration `abort`: marks a promotion whose abort was accepted later than its trigger could wait."""

from typing import Any

import azure.durable_functions as df

from orchestrators.waiting import Durable, NotTaken, ask_decisions, given, insist, nudge_all

bp = df.Blueprint()


@bp.orchestration_trigger(context_name="context", orchestration="abort")
def abort(context: df.DurableOrchestrationContext) -> Durable:
    """Once the promotion's decisions have come to the abort: mark it, and wake the operations under way.

    Input: promotion, operations. The abort was signalled before this was started, so the
    answer to a question of ours comes after it; one that was refused marks nothing. Returns whether it is aborted.
    """
    asked: dict[str, Any] = given(context)
    going = yield from ask_decisions(
        context, asked["promotion"], "ask_going_on", {"waiter": context.instance_id, "past_pause": True}
    )
    if going["do"] != "cancel":
        return False
    try:
        yield from insist(context, "mark_aborted", {"promotion": asked["promotion"]})
    except NotTaken:
        context.continue_as_new(asked)
        return None
    yield from nudge_all(context, {"nudge": asked["operations"]})
    return True
