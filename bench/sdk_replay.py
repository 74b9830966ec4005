"""The peer of a promotion: the Functions SDK alone, replaying one orchestrator whose history keeps growing.

It is how a workflow is written at first: a chain of activities in one generation. Nothing is stored, no
activity does anything; the time is the SDK's own, for reading the history and running the orchestrator again
at each step.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

import azure.durable_functions as df

from bench.figure import ms

_AT = "2026-11-24T12:00:00.000000Z"


def replay_chain(steps: int) -> None:
    """Carry an orchestrator of `steps` activities from its start to its end, one activity an episode."""

    def chain(context: df.DurableOrchestrationContext) -> Iterator[Any]:
        for step in range(steps):
            yield context.call_activity("step", step)

    orchestrate = df.Orchestrator.create(chain)
    history = [_event(12), _event(0, Name="chain", Input="null", Version="")]
    for step in range(steps):
        state = json.loads(orchestrate(_body(history)))
        assert not state["isDone"], f"ended after {step} of {steps} steps"
        history += [_event(4, EventId=step, Name="step"), _event(13)]
        history += [_event(12), _event(5, TaskScheduledId=step, Result="null")]
    assert json.loads(orchestrate(_body(history)))["isDone"]


def _event(kind: int, **more: object) -> str:
    """A history event as the Durable extension hands it to the SDK."""
    return json.dumps({"EventType": kind, "EventId": -1, "IsPlayed": False, "Timestamp": _AT, **more})


def _body(history: list[str]) -> str:
    schema = '"upperSchemaVersion":1,"upperSchemaVersionNew":2'
    given = '"input":null,"instanceId":"chain","parentInstanceId":null,"isReplaying":true'
    return f'{{"history":[{",".join(history)}],{given},{schema}}}'


if __name__ == "__main__":
    print(ms(lambda: replay_chain(int(sys.argv[1]))))
