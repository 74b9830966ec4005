"""What happened to promotions, stages, approvals and locks, in the words of `slipway.promotion.transitions`."""

import json
from typing import Any

from slipway.promotion import decisions, lock
from slipway.promotion.machine import Transition
from slipway.promotion.stage_run import StageRun
from slipway.promotion.stage_transitions import stage_transition
from slipway.promotion.transitions import (
    ABORTED,
    ENDED,
    PROMOTION,
    approval_state,
    lock_state,
    promotion_state,
)

CONTINUE_AS_NEW = 4
Seen = dict[str, set[Transition]]


def nothing_seen() -> Seen:
    return {"promotion": set(), "stage": set(), "approval": set(), "lock": set()}


def of_a_stage(seen: Seen, body: str, answer: str) -> None:
    """From one episode of the orchestration `stage`."""
    if f'"actionType": {CONTINUE_AS_NEW}' not in answer:
        return
    last = json.loads(answer)["actions"][0][-1]
    if last["actionType"] == CONTINUE_AS_NEW:
        before, after = (StageRun.load(json.loads(text)) for text in (json.loads(body)["input"], last["input"]))
        seen["stage"].add(stage_transition(before, after))


def of_an_entity(seen: Seen, name: str, body: str) -> None:
    """From one batch of an entity. The domain is pure, so each operation of it can be carried out once more."""
    batch = json.loads(body)
    apply, empty, of_one = {
        "environment": (lock.apply, lock.empty, _of_the_lock),
        "decisions": (decisions.apply, decisions.empty, of_decisions),
    }[name]
    state = json.loads(batch["state"] or "null") or empty()
    for operation in batch["batch"]:
        given = json.loads(json.loads(operation["input"]))
        after, answer = apply(state, operation["name"], given)
        of_one(seen, state, after, operation["name"], given, answer)
        state = after


def lock_transition(
    before: dict[str, Any], after: dict[str, Any], name: str, given: dict[str, Any], answer: dict[str, Any]
) -> Transition:
    """What an operation of the lock came to."""
    if name == "release":
        said = given["result"] if answer["lock"] in ("free", "broken") else answer["lock"]
    elif name in ("hold", "reject", "freeze", "stop"):
        said = name
    elif name == "ask_intents":
        said = answer["do"]
    elif name == "ask_at_least":
        said = "missing" if answer["missing"] else "there"
    elif name == "lift" and "refused" in answer:
        said = "refused"
    elif name == "lift":
        said = "broken" if given["id"] == "broken" else "rejected" if given["id"].startswith("rejected-") else "hold"
    elif name in ("ask_watch", "end_watch"):
        said = answer["watch"]
    else:
        said = answer["lock"]
    return Transition(lock_state(before), name, lock_state(after), said)


def _of_the_lock(
    seen: Seen, before: dict[str, Any], after: dict[str, Any], name: str, given: dict[str, Any], answer: dict[str, Any]
) -> None:
    seen["lock"].add(lock_transition(before, after, name, given, answer))


def of_decisions(
    seen: Seen, before: dict[str, Any], after: dict[str, Any], name: str, given: dict[str, Any], answer: dict[str, Any]
) -> None:
    if given.get("command") in before["answers"]:
        return  # given twice: it hears the first answer, and nothing changes
    if "status" in answer:
        said = "taken" if answer["status"] == 200 else answer["code"]
    else:
        said = str(answer.get("do", ""))
    heard = name != "vote" or promotion_state(before) not in (ABORTED, ENDED)
    if name in ("vote", "ask_approval", "close", "close_stage") and heard:
        here, to = (approval_state(state["stages"].get(given["stage"], {})) for state in (before, after))
        answers = {"taken": "counted"} if name == "vote" else {"": answer.get("decision") or "it escalates"}
        seen["approval"].add(Transition(here, name, to, str(answers.get("" if name == "close" else said, said))))
        said = "to the approval" if name == "vote" else said
    if name in {each.event for each in PROMOTION.transitions}:
        said = "" if name in ("begin", "report", "end") else said
        seen["promotion"].add(Transition(promotion_state(before), name, promotion_state(after), said))
