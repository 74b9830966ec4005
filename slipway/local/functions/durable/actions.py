"""What an orchestrator answered: the list of all actions of its generation, read from the SDK's JSON.

Action types and field names: `models/actions` of azure-functions-durable, replay schema V3.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

OUT_OF_PROC_LABEL = "$OutOfProcData$:"


@dataclass(frozen=True, slots=True)
class Retry:
    interval: timedelta
    attempts: int


@dataclass(frozen=True, slots=True)
class CallActivity:
    name: str
    input: str
    retry: Retry | None = None


@dataclass(frozen=True, slots=True)
class CallSubOrchestrator:
    name: str
    input: str
    instance: str | None
    version: str | None
    retry: Retry | None = None


@dataclass(frozen=True, slots=True)
class ContinueAsNew:
    input: str


@dataclass(frozen=True, slots=True)
class CreateTimer:
    fire_at: datetime
    cancelled: bool


@dataclass(frozen=True, slots=True)
class WaitForEvent:
    name: str


@dataclass(frozen=True, slots=True)
class UseEntity:
    """A call, or a signal when nobody waits for the answer; `entity` is `@name@key`."""

    entity: str
    operation: str
    input: str
    signal: bool


@dataclass(frozen=True, slots=True)
class When:
    """`task_all`, or `task_any` when the first of the children is enough."""

    children: Sequence["Action"]
    any: bool


@dataclass(frozen=True, slots=True)
class Unsupported:
    what: str


Action = (
    CallActivity | CallSubOrchestrator | ContinueAsNew | CreateTimer | WaitForEvent | UseEntity | When | Unsupported
)


@dataclass(frozen=True, slots=True)
class OrchestratorState:
    """An orchestrator's answer. `output` and `custom_status` are JSON text, or None where there is none."""

    done: bool
    actions: Sequence[Action]
    output: str | None
    error: str | None
    custom_status: str | None


def parse_state(text: str) -> OrchestratorState:
    """Reads an answer of the SDK. Raises ValueError for one of another protocol."""
    state = json.loads(text)
    outer = state["actions"]
    if state.get("schemaVersion") != 2 or len(outer) != 1:
        raise ValueError(f"the orchestrator answered in replay schema {state.get('schemaVersion')}, not 2 (V3)")
    return OrchestratorState(
        done=state["isDone"],
        actions=[_action(raw) for raw in outer[0]],
        output=_json_text(state.get("output")),
        error=state.get("error"),
        custom_status=_json_text(state.get("customStatus")),
    )


def state_in(error_text: str) -> str | None:
    """The state that a failed orchestrator puts behind its exception's text, if it is there."""
    _, label, state = error_text.rpartition(OUT_OF_PROC_LABEL)
    return state if label else None


def _json_text(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _action(raw: dict[str, Any]) -> Action:
    match raw["actionType"]:
        case 0 | 1:
            return CallActivity(raw["functionName"], raw["input"], _retry(raw))
        case 2 | 3:
            instance, version = raw.get("instanceId") or None, raw.get("version")
            return CallSubOrchestrator(raw["functionName"], raw["input"], instance, version, _retry(raw))
        case 4:
            return ContinueAsNew(raw["input"])
        case 5:
            return CreateTimer(datetime.fromisoformat(raw["fireAt"]), raw["isCanceled"])
        case 6:
            return WaitForEvent(raw["externalEventName"])
        case 7 | 9:
            return UseEntity(raw["instanceId"], raw["operation"], raw["input"], raw["actionType"] == 9)
        case 8:
            return Unsupported("call_http: call an activity instead")
        case 11 | 12:
            return When([_action(child) for child in raw["compoundActions"]], raw["actionType"] == 11)
        case other:
            return Unsupported(f"action type {other}")


def _retry(raw: dict[str, Any]) -> Retry | None:
    options = raw.get("retryOptions")
    if options is None:
        return None
    return Retry(timedelta(milliseconds=options["firstRetryIntervalInMilliseconds"]), options["maxNumberOfAttempts"])
