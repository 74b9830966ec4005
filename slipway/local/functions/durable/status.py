"""An instance as clients see it: status, and the history with what was scheduled folded into what came of it."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from slipway.local.functions.durable.history import HistoryEvent, Kind
from slipway.local.functions.durable.model import Instance

_NAMES = {
    Kind.EXECUTION_STARTED: "ExecutionStarted",
    Kind.EXECUTION_COMPLETED: "ExecutionCompleted",
    Kind.TASK_COMPLETED: "TaskCompleted",
    Kind.TASK_FAILED: "TaskFailed",
    Kind.SUB_ORCHESTRATION_COMPLETED: "SubOrchestrationInstanceCompleted",
    Kind.SUB_ORCHESTRATION_FAILED: "SubOrchestrationInstanceFailed",
    Kind.TIMER_FIRED: "TimerFired",
    Kind.EVENT_SENT: "EventSent",
    Kind.EVENT_RAISED: "EventRaised",
}
_SCHEDULED = (Kind.TASK_SCHEDULED, Kind.SUB_ORCHESTRATION_CREATED)


def status_json(instance: Instance, show_input: bool = True) -> dict[str, Any]:
    return {
        "name": instance.name,
        "instanceId": instance.id,
        "runtimeStatus": instance.runtime_status,
        "input": json_or_text(instance.input) if show_input else None,
        "customStatus": json_or_text(instance.custom_status),
        "output": json_or_text(instance.output),
        "createdTime": f"{instance.created:%Y-%m-%dT%H:%M:%SZ}",
        "lastUpdatedTime": f"{instance.updated:%Y-%m-%dT%H:%M:%SZ}",
    }


def history_json(
    instance: Instance, events: Iterable[HistoryEvent], show_input: bool, show_output: bool
) -> list[dict[str, Any]]:
    """Events by name; scheduled ones are left out, their name and time are with the event that ended them."""
    scheduled: dict[int | None, HistoryEvent] = {}
    shown = []
    for event in events:
        if event.kind in _SCHEDULED:
            scheduled[event.id] = event
        elif event.kind in _NAMES:
            begun = scheduled.get(event.task) if event.task is not None else None
            shown.append(_shown(instance, event, begun, show_input, show_output))
    return shown


def _shown(
    instance: Instance, event: HistoryEvent, begun: HistoryEvent | None, show_input: bool, show_output: bool
) -> dict[str, Any]:
    shown: dict[str, Any] = {"EventType": _NAMES[event.kind], "Timestamp": _precise(event.at)}
    if begun is not None:
        shown |= {"ScheduledTime": _precise(begun.at), "FunctionName": begun.name}
        if show_input:
            shown["Input"] = begun.input
    match event.kind:
        case Kind.EXECUTION_STARTED:
            shown["FunctionName"] = event.name
            if show_input:
                shown["Input"] = instance.input
        case Kind.EXECUTION_COMPLETED:
            shown["OrchestrationStatus"] = event.name
        case Kind.TASK_FAILED | Kind.SUB_ORCHESTRATION_FAILED:
            shown |= {"Reason": event.reason, "Details": event.details}
        case Kind.TIMER_FIRED if event.fire_at is not None:
            shown["FireAt"] = _precise(event.fire_at)
        case Kind.EVENT_SENT:
            shown |= {"Name": event.name, "InstanceId": event.instance}
        case Kind.EVENT_RAISED:
            shown |= {"Name": event.name, "Input": json_or_text(event.input)}
    if show_output and event.kind in (
        Kind.EXECUTION_COMPLETED,
        Kind.TASK_COMPLETED,
        Kind.SUB_ORCHESTRATION_COMPLETED,
    ):
        shown["Result"] = json_or_text(event.result)
    return shown


def json_or_text(text: str | None) -> Any:
    """What the text says if it is JSON; a failure's words and a reason for termination are themselves."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def _precise(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"
