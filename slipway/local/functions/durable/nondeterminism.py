"""Holds a replay against the history: the checks and the words of DurableTask.Core's TaskOrchestrationContext."""

from slipway.local.functions.durable.decisions import (
    Decision,
    ScheduleTask,
    SendRequest,
    StartSubOrchestration,
    StartTimer,
)
from slipway.local.functions.durable.history import HistoryEvent, Kind

_QUESTION = "Was a change made to the orchestrator code after this instance had already started running?"
_EXPECTED: dict[Kind, type] = {
    Kind.TASK_SCHEDULED: ScheduleTask,
    Kind.TIMER_CREATED: StartTimer,
    Kind.SUB_ORCHESTRATION_CREATED: StartSubOrchestration,
    Kind.EVENT_SENT: SendRequest,
}


class NonDeterministic(Exception):
    """The orchestrator now does something else than its history says."""

    def __init__(self, words: str) -> None:
        super().__init__(f"Non-Deterministic workflow detected: {words} {_QUESTION}")


def check_replay(event: HistoryEvent, decision: Decision | None) -> None:
    """`event` says what was scheduled before, `decision` what the replay has scheduled under this number.

    Raises NonDeterministic.
    """
    then = "A previous execution of this orchestration scheduled"
    if decision is None:
        raise NonDeterministic(
            f"{then} {_missing(event)} the current replay execution hasn't (yet?) scheduled this task."
        )
    if not isinstance(decision, _EXPECTED[event.kind]):
        raise NonDeterministic(f"{then} {_of_another_kind(event, decision.ACTION)}")
    if isinstance(decision, ScheduleTask | StartSubOrchestration):
        name = event.name or ""
        if name.lower() != decision.name.lower():
            raise NonDeterministic(f"{then} {_of_another_name(event, decision.name)}")


# Core words each case by hand: "sequence ID" here, "sequence number" there, and a slip or two ("named but").


def _missing(event: HistoryEvent) -> str:
    match event.kind:
        case Kind.TASK_SCHEDULED:
            return f"an activity task with sequence ID {event.id} and name '{event.name}' (version ''), but"
        case Kind.TIMER_CREATED:
            return f"a timer task with sequence number {event.id} but"
        case Kind.SUB_ORCHESTRATION_CREATED:
            return f"{_sub_orchestration(event)}, but"
        case _:
            sent = f"type 'EventSent' name '{event.name}', instance ID '{event.instance}'"
            return f"a send event task with sequence ID {event.id}, {sent}, but"


def _of_another_kind(event: HistoryEvent, action: str) -> str:
    instead = "but the current orchestration replay instead"
    match event.kind:
        case Kind.TASK_SCHEDULED:
            task = f"an activity task with sequence number {event.id} named '{event.name}'"
            return f"{task}, {instead} produced a {action} action with this sequence number."
        case Kind.TIMER_CREATED:
            task = f"a timer task with sequence number {event.id} named"
            return f"{task} {instead} produced a {action} action with this sequence number."
        case Kind.SUB_ORCHESTRATION_CREATED:
            return f"{_sub_orchestration(event)}, {instead} produced a {action} action at this sequence number."
        case _:
            sent = f"type 'EventSent', name '{event.name}', instance ID '{event.instance}'"
            task = f"a send event task with sequence ID {event.id}, {sent}"
            return f"{task}, {instead} scheduled a {action} task at this sequence number."


def _of_another_name(event: HistoryEvent, name: str) -> str:
    instead = "but the current orchestration replay instead scheduled"
    if event.kind is Kind.TASK_SCHEDULED:
        task = f"an activity task with sequence number {event.id} named '{event.name}'"
        return f"{task}, {instead} an activity task named '{name}' with this sequence number. "
    return f"{_sub_orchestration(event)}, {instead} a sub-orchestration task with name {name} at this sequence number."


def _sub_orchestration(event: HistoryEvent) -> str:
    return (
        f"a sub-orchestration task with sequence ID {event.id} and name '{event.name}' "
        f"(version '', instance ID '{event.instance}')"
    )
