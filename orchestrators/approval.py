"""Orchestration `approval`: waits until people have decided on a stage, or its deadline has passed."""

from typing import Any

import azure.durable_functions as df

from orchestrators.environment_lock import ask_environment
from orchestrators.reminding import told
from orchestrators.waiting import Durable, ask_decisions, given, nudge_or
from slipway.promotion.outcomes import moment

bp = df.Blueprint()


@bp.orchestration_trigger(context_name="context", orchestration="approval")
def approval(context: df.DurableOrchestrationContext) -> Durable:
    """A waiter on the promotion's decisions, and on newer builds that would take this one's place: one timer at a time,
    of a quarter of an hour at most.

    Input: promotion, stage, policy, deadline, environment, service, announcement; gate and asks_twice where it is for
    the stage's switch; seal, since and about for what is told meanwhile; judged: the evidence that the stage's gates
    have passed on. Returns what was answered last:
    `do` is `end` (with decision and votes), `cancel`, `evidence` (newer than that), or `overtaken` (with the lock's
    answer).
    """
    asked: dict[str, Any] = given(context)
    context.set_custom_status({"state": "waiting", "waits_for": "approval", "deadline": asked["deadline"]})
    question: dict[str, Any] = {
        key: asked[key]
        for key in ("stage", "policy", "deadline", "gate", "asks_twice", "seal", "judged")
        if key in asked
    }
    answer = yield from ask_decisions(
        context, asked["promotion"], "ask_approval", {**question, "waiter": context.instance_id}
    )
    deadline = moment(answer.get("deadline", asked["deadline"]))  # the one of the first ask counts
    if answer["do"] == "wait" and context.current_utc_datetime >= deadline:
        closing = {"stage": asked["stage"], "as": "expired"}
        answer = yield from ask_decisions(context, asked["promotion"], "close", closing)
        deadline = moment(answer["deadline"])  # a later one, where others have joined
    if answer["do"] == "wait":
        announced = asked["announcement"]
        where = asked["environment"], asked["service"]
        place = yield from ask_environment(context, *where, "announce", announced)
        if place["lock"] != "go":
            closing = {"stage": asked["stage"], "as": "withdrawn"}
            answer = yield from ask_decisions(context, asked["promotion"], "close", closing)
            if answer["decision"] == "withdrawn":
                return {**place, "do": "overtaken"}
    if answer["do"] in ("cancel", "evidence"):
        # The stage that asked may be no more, and what was announced since would stay so for ever.
        yield from ask_environment(context, asked["environment"], asked["service"], "leave", asked["announcement"])
    if answer["do"] != "wait":
        return {key: value for key, value in answer.items() if key != "nudge"}
    asked = yield from told(context, asked, answer)
    yield from nudge_or(context, deadline)
    context.continue_as_new(asked)
    return None
