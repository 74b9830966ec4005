"""Orchestration `approval`: waits until people have decided on a stage, or its deadline has passed."""

from typing import Any

import azure.durable_functions as df

from orchestrators.waiting import Durable, ask_decisions, nudge_or
from slipway.promotion.outcomes import moment

bp = df.Blueprint()


@bp.orchestration_trigger(context_name="context", orchestration="approval")
def approval(context: df.DurableOrchestrationContext) -> Durable:
    """A waiter on the promotion's decisions.

    Input: promotion, stage, policy, deadline. Returns what `decisions` answered last: `do` is `end`
    (with decision and votes) or `cancel`.
    """
    asked: dict[str, Any] = context.get_input()
    context.set_custom_status({"state": "waiting", "waits_for": "approval", "deadline": asked["deadline"]})
    answer = yield from ask_decisions(
        context, asked["promotion"], "ask_approval", {**asked, "waiter": context.instance_id}
    )
    deadline = moment(answer.get("deadline", asked["deadline"]))  # the one of the first ask counts
    if answer["do"] == "wait" and context.current_utc_datetime >= deadline:
        answer = yield from ask_decisions(context, asked["promotion"], "close", {"stage": asked["stage"]})
    if answer["do"] != "wait":
        return {key: value for key, value in answer.items() if key != "nudge"}
    yield from nudge_or(context, deadline)
    context.continue_as_new(asked)
    return None
