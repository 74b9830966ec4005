"""What the engine keeps: instances, their queues, and the work that goes on outside of them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from slipway.local.functions.durable.decisions import EntityRequest
from slipway.local.functions.durable.history import HistoryEvent


class Status(StrEnum):
    PENDING = "Pending"
    RUNNING = "Running"
    COMPLETED = "Completed"
    FAILED = "Failed"
    TERMINATED = "Terminated"

    @property
    def ended(self) -> bool:
        return self in (Status.COMPLETED, Status.FAILED, Status.TERMINATED)


@dataclass(frozen=True, slots=True)
class Parent:
    """Who waits for a sub-orchestration's end, and under which sequence number."""

    instance: str
    execution: str
    task: int


@dataclass(frozen=True, slots=True)
class Instance:
    """An orchestration. `input`, `custom_status` and `output` are JSON text; a failure's output is plain text."""

    id: str
    name: str
    execution: str  # one per generation
    created: datetime
    updated: datetime
    decided: datetime  # newest OrchestratorStarted; the next one is later, whatever the clock says
    input: str | None = None
    version: str | None = None
    parent: Parent | None = None
    status: Status = Status.PENDING
    suspended: bool = False
    custom_status: str | None = None
    output: str | None = None
    carried: tuple[HistoryEvent, ...] = ()  # events for the first episode of this generation

    @property
    def runtime_status(self) -> str:
        return "Suspended" if self.suspended and not self.status.ended else self.status.value


@dataclass(frozen=True, slots=True)
class Message:
    """A line in an inbox: an event for an orchestration, a request for an entity.

    With `execution`, only the generation of that id takes it.
    """

    seq: int
    target: str
    execution: str | None
    body: HistoryEvent | EntityRequest


@dataclass(frozen=True, slots=True)
class Activity:
    """A scheduled activity without a recorded answer."""

    instance: str
    execution: str
    id: int
    name: str
    input: str


@dataclass(frozen=True, slots=True)
class Timer:
    instance: str
    execution: str
    id: int
    due: datetime


@dataclass(frozen=True, slots=True)
class Selection:
    """Which instances: None selects all. Times are those of creation."""

    prefix: str | None = None
    statuses: frozenset[str] | None = None  # runtime statuses, "Suspended" among them
    created_from: datetime | None = None
    created_to: datetime | None = None
