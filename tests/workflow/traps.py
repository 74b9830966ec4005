"""The traps of Durable Functions for Python, seen in what an orchestrator was told and what it answered.

Each is a thing that passes on a kind laptop and hangs, spins or fails in Azure. Every episode that the tests of
`tests/workflow` drive is looked at (`conftest.py`); `test_traps.py` proves that each of them would be seen.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

CALLS = {0, 2, 7}  # activity, sub-orchestration, entity
WITH_RETRY, CONTINUE_AS_NEW, TIMER, WAIT, CALL_HTTP, ANY, ALL = {1, 3}, 4, 5, 6, 8, 11, 12
STARTED, FIRED = 12, 11
WIDEST = 20
LONGEST_TIMER = timedelta(minutes=15, seconds=1)
LONGEST_STATUS = 8000

Action = dict[str, Any]


def traps(told: str, answered: str) -> list[str]:
    """The traps that one episode stepped into, in words; `told` and `answered` are the SDK's JSON."""
    answer = json.loads(answered)
    actions = [action for round in answer["actions"] for action in round]
    leaves = list(_leaves(actions))
    found = [*_waits(actions, leaves), *_composites(actions)]
    if any(action["actionType"] == TIMER for action in leaves):
        history = json.loads(told)["history"]  # it is long, and says nothing of anything but timers
        found += _timers(leaves, history)
        if answer["isDone"]:
            found += _left_open(leaves, history)
    if "customStatus" in answer:
        found += _status(answer["customStatus"])
    if any(action["actionType"] in WITH_RETRY for action in leaves):
        found.append("a retry by the SDK: it knows no back-off, and waits once more after its last failure")
    if any(action["actionType"] == CALL_HTTP for action in leaves):
        found.append("call_http: 1.7 does not poll a 202, and its header says text/plain")
    return found


def _waits(actions: list[Action], leaves: list[Action]) -> Iterator[str]:
    waits = [action for action in leaves if action["actionType"] == WAIT]
    if any(wait["externalEventName"] != "nudge" for wait in waits):
        yield "an event of another name, or another case: the extension takes it, the code never hears of it"
    if len(waits) > 1:
        yield "two waits for one name in a generation: both get the last event"
    first = next((n for n, action in enumerate(actions) if _holds_a_wait(action)), None)
    if first is not None and not any(action["actionType"] in CALLS for action in _leaves(actions[:first])):
        yield "a generation that begins with the wait: a nudge that was carried over makes it spin"


def _composites(actions: list[Action]) -> Iterator[str]:
    for action in actions:
        children = action.get("compoundActions")
        if children is None:
            continue
        if any("compoundActions" in child for child in children):
            yield "a composite within a composite: one child that fails fails the instance"
        if action["actionType"] == ALL and len(children) > WIDEST:
            yield f"{len(children)} children: the history grows with its square"
        if action["actionType"] == ANY and sorted(child["actionType"] for child in children) != [TIMER, WAIT]:
            yield "a task_any of other than one new wait and one new timer: a task that is used again is left out"


def _timers(leaves: list[Action], history: list[dict[str, Any]]) -> Iterator[str]:
    now = max(_moment(event["Timestamp"]) for event in history if event["EventType"] == STARTED)
    begun = min(_moment(event["Timestamp"]) for event in history if event["EventType"] == STARTED)
    for action in leaves:
        if action["actionType"] == TIMER and not begun <= _moment(action["fireAt"]) <= now + LONGEST_TIMER:
            yield f"a timer at {action['fireAt']}: not in UTC, or longer than our 15 minutes"


def _left_open(leaves: list[Action], history: list[dict[str, Any]]) -> Iterator[str]:
    open_timers = sum(action["actionType"] == TIMER and not action["isCanceled"] for action in leaves)
    if open_timers > sum(event["EventType"] == FIRED for event in history):
        yield "a timer is left open: the generation cannot end before it fires"


def _status(status: object) -> Iterator[str]:
    if not isinstance(status, dict) or not status:
        yield "a custom status that is no object with something in it"
    if len(json.dumps(status)) > LONGEST_STATUS:
        yield "a custom status beyond 8,000 characters: the instance fails at 16 KB"


def _leaves(actions: list[Action]) -> Iterator[Action]:
    for action in actions:
        if "compoundActions" in action:
            yield from _leaves(action["compoundActions"])
        else:
            yield action


def _holds_a_wait(action: Action) -> bool:
    return any(leaf["actionType"] == WAIT for leaf in _leaves([action]))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
