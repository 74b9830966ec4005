"""Orchestration `intent`: what a person says of a service and environment reaches its lock."""

from typing import Any

import azure.durable_functions as df

from orchestrators.environment_lock import ask_environment
from orchestrators.waiting import Durable, NotTaken, given, insist, now

bp = df.Blueprint()


@bp.orchestration_trigger(context_name="context", orchestration="intent")
def intent(context: df.DurableOrchestrationContext) -> Durable:
    """Change the lock, copy it into the read model, record it. Returns what the lock answered.

    Input: operation (`hold`, `reject`, `freeze`, `stop` or `lift`), given, environment, service, by, words. Safe to
    begin again.
    """
    asked: dict[str, Any] = given(context)
    where = {"environment": asked["environment"], "service": asked["service"]}
    context.set_custom_status({"state": "running", "since": now(context), **where})
    try:
        answer = yield from ask_environment(
            context, asked["environment"], asked["service"], asked["operation"], asked["given"]
        )
        yield from insist(context, "mirror_environment", where)
        record = {
            "chain": f"environment-{asked['environment']}--{asked['service']}",
            "source": f"/slipway/environments/{asked['environment']}/services/{asked['service']}",
            "id": context.instance_id,
            "at": now(context),
            "actor": asked["by"],
            "action": "intent.refused" if "refused" in answer else f"intent.{asked['operation']}",
            "words": asked["words"],
            "evidence": asked["given"],
            "about": where,
        }
        yield from insist(context, "record", record)
    except NotTaken:
        context.continue_as_new(asked)
        return None
    return {key: value for key, value in answer.items() if key != "nudge"}
