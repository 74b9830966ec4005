"""The history of one generation of an orchestration, as Durable Task keeps it and as the Python SDK reads it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from enum import IntEnum
from typing import Any

_quote = json.JSONEncoder(ensure_ascii=False).encode


class Kind(IntEnum):
    """`EventType` of the protocol."""

    EXECUTION_STARTED = 0
    EXECUTION_COMPLETED = 1
    EXECUTION_FAILED = 2
    EXECUTION_TERMINATED = 3
    TASK_SCHEDULED = 4
    TASK_COMPLETED = 5
    TASK_FAILED = 6
    SUB_ORCHESTRATION_CREATED = 7
    SUB_ORCHESTRATION_COMPLETED = 8
    SUB_ORCHESTRATION_FAILED = 9
    TIMER_CREATED = 10
    TIMER_FIRED = 11
    ORCHESTRATOR_STARTED = 12
    ORCHESTRATOR_COMPLETED = 13
    EVENT_SENT = 14
    EVENT_RAISED = 15
    GENERIC_EVENT = 17  # wakes, and says no more


@dataclass(frozen=True, slots=True)
class HistoryEvent:
    """One event. Which of the optional fields are set depends on its kind."""

    kind: Kind
    at: datetime
    id: int = -1  # EventId: the sequence number of what was scheduled, created or sent
    task: int | None = None  # TaskScheduledId or TimerId: the sequence number of what has ended
    name: str | None = None
    input: str | None = None
    result: str | None = None
    reason: str | None = None
    details: str | None = None
    fire_at: datetime | None = None
    instance: str | None = None
    version: str | None = None


_TIMES = {"at", "fire_at"}
_DEFAULTS = {field.name: field.default for field in fields(HistoryEvent)}


def dump_events(events: Iterable[HistoryEvent]) -> str:
    """JSON text for the state file; `load_events` reads it back."""
    return json.dumps([_dump(event) for event in events], ensure_ascii=False, separators=(",", ":"))


def load_events(text: str) -> list[HistoryEvent]:
    return [_load(dumped) for dumped in json.loads(text)]


def _dump(event: HistoryEvent) -> dict[str, Any]:
    dumped: dict[str, Any] = {}
    for name, default in _DEFAULTS.items():
        value = getattr(event, name)
        if value != default:
            dumped[name] = value.isoformat() if name in _TIMES else value
    return dumped


def _load(dumped: dict[str, Any]) -> HistoryEvent:
    times = {name: datetime.fromisoformat(dumped[name]) for name in _TIMES if name in dumped}
    return HistoryEvent(**{**dumped, **times, "kind": Kind(dumped["kind"])})


def wire(event: HistoryEvent) -> str | None:
    """The event as JSON for the SDK's replay; None for kinds that the replay ignores.

    Nine tenths of a replay's cost is dateutil reading one Timestamp per event, and the replay uses only that of
    OrchestratorStarted. So that one has the basic ISO format, which parses fastest, and all others just a date.
    """
    kind = event.kind
    if kind == Kind.ORCHESTRATOR_STARTED:
        return f'{{"EventType":12,"EventId":-1,"IsPlayed":false,"Timestamp":"{event.at:%Y%m%dT%H%M%S.%fZ}"}}'
    head = f'{{"EventType":{kind},"EventId":{event.id},"IsPlayed":false,"Timestamp":"{event.at:%Y%m%d}"'
    match kind:
        case Kind.EXECUTION_STARTED:
            return f'{head},"Name":{_quote(event.name)},"Version":{_quote(event.version)}}}'
        case Kind.TASK_COMPLETED | Kind.SUB_ORCHESTRATION_COMPLETED:
            return f'{head},"TaskScheduledId":{event.task},"Result":{_quote(event.result)}}}'
        case Kind.TASK_FAILED | Kind.SUB_ORCHESTRATION_FAILED:
            said = f'"Reason":{_quote(event.reason)},"Details":{_quote(event.details)}'
            return f'{head},"TaskScheduledId":{event.task},{said}}}'
        case Kind.TIMER_FIRED:
            return f'{head},"TimerId":{event.task}}}'
        case Kind.EVENT_SENT | Kind.EVENT_RAISED:
            return f'{head},"Name":{_quote(event.name)},"Input":{_quote(event.input)}}}'
    return None
