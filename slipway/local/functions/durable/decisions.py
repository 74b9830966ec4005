"""What an episode decides to do, and how each decision is written into the history.

`ACTION` names are Durable Task's own, for its words on non-determinism.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from slipway.local.functions.durable.history import HistoryEvent, Kind


@dataclass(frozen=True, slots=True)
class EntityRequest:
    """An operation on its way to an entity. `input` is JSON text of JSON text; no `parent`: from a client."""

    id: str
    operation: str
    input: str | None
    signal: bool
    parent: str | None = None
    parent_execution: str | None = None


@dataclass(frozen=True, slots=True)
class ScheduleTask:
    ACTION: ClassVar[str] = "ScheduleTaskOrchestratorAction"
    id: int
    name: str
    input: str

    def event(self, at: datetime) -> HistoryEvent:
        return HistoryEvent(Kind.TASK_SCHEDULED, at, self.id, name=self.name, input=self.input)


@dataclass(frozen=True, slots=True)
class StartTimer:
    """A timer; a cancelled one is written down, because its sequence number is used up, but never fires."""

    ACTION: ClassVar[str] = "CreateTimerOrchestratorAction"
    id: int
    fire_at: datetime
    cancelled: bool

    def event(self, at: datetime) -> HistoryEvent:
        return HistoryEvent(Kind.TIMER_CREATED, at, self.id, fire_at=self.fire_at)


@dataclass(frozen=True, slots=True)
class StartSubOrchestration:
    ACTION: ClassVar[str] = "CreateSubOrchestrationAction"
    id: int
    name: str
    input: str
    instance: str
    version: str | None

    def event(self, at: datetime) -> HistoryEvent:
        return HistoryEvent(
            Kind.SUB_ORCHESTRATION_CREATED, at, self.id, name=self.name, input=self.input, instance=self.instance
        )


@dataclass(frozen=True, slots=True)
class SendRequest:
    ACTION: ClassVar[str] = "SendEventOrchestratorAction"
    id: int
    entity: str
    request: EntityRequest

    def event(self, at: datetime) -> HistoryEvent:
        """Keeps the request's id, by which the SDK finds the answer, but not its input."""
        sent = json.dumps(
            {"id": self.request.id, "op": self.request.operation, "signal": self.request.signal}, ensure_ascii=False
        )
        return HistoryEvent(Kind.EVENT_SENT, at, self.id, name="op", input=sent, instance=self.entity)


Decision = ScheduleTask | StartTimer | StartSubOrchestration | SendRequest
