"""What people say of a service in an environment, as operations of its lock; and what whoever is at work there asks."""

from collections.abc import Callable
from typing import Any

from slipway.promotion.intents import (
    FREEZE,
    HOLD,
    KINDS,
    REJECT,
    SAME_PERSON,
    STOP,
    Intent,
    may_lift,
    record_of,
    with_lifted,
    with_said,
)
from slipway.promotion.precedence import at_work

State = dict[str, Any]
Answer = dict[str, Any]
Given = dict[str, Any]
Operation = Callable[[State, Given], tuple[State, Answer]]
REJECTED_ID = "rejected-"  # before the version: what `lift` takes away of what a release came to
_SAID = ("id", "by", "oid", "reason", "at", "expires_at", "version", "begins_at", "but", "on_begin")


def _says(kind: str) -> Operation:
    """A person says `kind`. `given`: id, by, reason, at, expires_at; oid, version, begins_at, but, on_begin where they
    belong to it. Whoever waits there with a version that is rejected is woken to hear so."""

    def say(state: State, given: Given) -> tuple[State, Answer]:
        said: Intent = {"kind": kind, **{key: given[key] for key in _SAID if key in given}}
        turned_away = [each for each in state["announced"] if kind == REJECT and each["version"] == said["version"]]
        nudged = [*([state["holder"]["holder"]] if state["holder"] else []), *(each["waiter"] for each in turned_away)]
        return _with(state, with_said(state, said)), {kind: said, "nudge": nudged if kind in (REJECT, STOP) else []}

    return say


def lift(state: State, given: Given) -> tuple[State, Answer]:
    """A person takes back what was said (`id`; by, oid, at), or opens a broken lock after a person has looked (`id` is
    `broken` then), or lets a version in again that was rejected for what it did (`rejected-` and the version). A stop
    that the same person said stays, and is `refused`."""
    id, by, at = given["id"], given.get("by", ""), given.get("at", "")
    record = record_of(state)
    if any(each["id"] == id and not may_lift(each, given.get("oid", "")) for each in record):
        return state, {"lifted": "", "refused": SAME_PERSON, "nudge": []}
    if id == "broken":
        state = {**state, "broken": None}
    rejected = [each for each in state.get("rejected", ()) if f"{REJECTED_ID}{each['version']}" != id]
    state = _with({**state, "rejected": rejected}, with_lifted(state, id, by or "a person", at))
    # Who was let past others because these were frozen waits in its turn again.
    queue = [{key: value for key, value in each.items() if key != "kept_until"} for each in state["queue"]]
    waiting = [each["holder"] for each in queue]
    aside = [each["waiter"] for each in state["announced"] if each["holder"] not in waiting]
    return {**state, "queue": queue}, {"lifted": id, "nudge": [*waiting, *aside]}


def ask_intents(state: State, given: Given) -> tuple[State, Answer]:
    """May whoever works there take its next step? `given`: version, at, and calendar and hotfix as in `acquire`.
    Answers as `precedence.at_work`."""
    return state, {**at_work(state, given), "nudge": []}


def _with(state: State, record: list[Intent]) -> State:
    return {**{key: value for key, value in state.items() if key != "holds"}, "intents": record}


OPERATIONS: dict[str, Operation] = {
    **{kind: _says(kind) for kind in (HOLD, REJECT, FREEZE, STOP)},
    "lift": lift,
    "ask_intents": ask_intents,
}
assert set(KINDS) < set(OPERATIONS)
