"""Whether today's code can go on with what an older one left: stored histories replayed, stored batches run again.

A replay is the runtime's own: the real SDK runs the orchestrator over the history, and what it then asks for is held
against what the history says was begun, by kind, name and number.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from slipway.local.functions.durable.actions import OUT_OF_PROC_LABEL
from slipway.local.functions.durable.backend import DTS
from slipway.local.functions.durable.contract import Functions, Limits
from slipway.local.functions.durable.episode import Ended, Outcome, play
from slipway.local.functions.durable.history import wire
from slipway.local.functions.durable.model import Instance, Parent, Status
from tests.upgrades.stored import Batch, History

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def finding(functions: Functions, history: History) -> str | None:
    """What is wrong with going on from any of the points at which it waited, in words; None when it waits there."""
    points = (replace(history, episodes=history.episodes[: n + 1]) for n in range(len(history.episodes)))
    return next((words for point in points if (words := _finding_at(functions, point))), None)


def _finding_at(functions: Functions, history: History) -> str | None:
    heard = _Heard(functions)
    outcome = _replayed(heard, history)
    if heard.raised:
        return f"it raises: {heard.raised}"
    if isinstance(outcome.end, Ended) and outcome.end.status is Status.FAILED:
        return outcome.end.output or "it fails"
    if outcome.end is not None:
        return f"it ends here ({type(outcome.end).__name__.lower()}), where it waited"
    if outcome.decisions:
        more = ", ".join(getattr(each, "name", "") or type(each).__name__ for each in outcome.decisions)
        return f"it begins something more here: {more}"
    return None


def finding_of(functions: Functions, batch: Batch) -> str | None:
    """What is wrong with the entity's answers, in words; None when it can read its state and do what was asked."""
    answer = json.loads(functions.run_entity(batch.entity, json.dumps(batch.body)))
    for asked, result in zip(batch.body["batch"], answer["results"], strict=True):
        said = json.loads(result["result"]) if result["result"] else None
        if result["isError"] or (isinstance(said, dict) and said.get("code") == "BAD_OPERATION"):
            return f"{asked['name']}: {result['result']}"
    return None


class _Heard:
    """The functions, and what the orchestrator raised: the runtime would speak of what it did not come to any more."""

    def __init__(self, functions: Functions) -> None:
        self.kind, self.run_entity, self.run_activity = functions.kind, functions.run_entity, functions.run_activity
        self._functions = functions
        self.raised = ""

    def orchestrate(self, name: str, body: str) -> str:
        try:
            return self._functions.orchestrate(name, body)
        except Exception as error:  # the SDK raises a bare Exception for whatever the code raised
            self.raised = str(error).split(OUT_OF_PROC_LABEL)[0].strip()
            raise


def _replayed(functions: Functions, history: History) -> Outcome:
    events = history.events
    wires = [text for event in events if (text := wire(event)) is not None]
    at = events[-1].at + timedelta(microseconds=1)
    return play(functions, Limits(), DTS, _instance(history), events, wires, arrived=(), at=at)


def _instance(history: History) -> Instance:
    parent = Parent(history.parent, "its execution", 0) if history.parent else None
    given: Any = json.dumps(history.input, ensure_ascii=False)
    times = (LONG_AGO, LONG_AGO, LONG_AGO)
    return Instance(
        history.instance, history.orchestrator, "its execution", *times, given, history.version, parent, Status.RUNNING
    )
