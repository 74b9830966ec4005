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
    then = f"A previous execution of this orchestration scheduled {_what(event)}"
    if decision is None:
        raise NonDeterministic(f"{then}, but the current replay execution hasn't (yet?) scheduled this task.")
    if not isinstance(decision, _EXPECTED[event.kind]):
        raise NonDeterministic(
            f"{then}, but the current orchestration replay instead produced a {decision.ACTION} action with this "
            "sequence number."
        )
    if isinstance(decision, ScheduleTask | StartSubOrchestration):
        name = event.name or ""
        if name.lower() != decision.name.lower():
            task = "an activity" if isinstance(decision, ScheduleTask) else "a sub-orchestration"
            raise NonDeterministic(
                f"{then}, but the current orchestration replay instead scheduled {task} task named "
                f"'{decision.name}' with this sequence number."
            )


def _what(event: HistoryEvent) -> str:
    match event.kind:
        case Kind.TASK_SCHEDULED:
            return f"an activity task with sequence ID {event.id} and name '{event.name}' (version '')"
        case Kind.TIMER_CREATED:
            return f"a timer task with sequence number {event.id}"
        case Kind.SUB_ORCHESTRATION_CREATED:
            return (
                f"a sub-orchestration task with sequence ID {event.id} and name '{event.name}' "
                f"(version '', instance ID '{event.instance}')"
            )
        case _:
            return (
                f"a send event task with sequence ID {event.id}, type 'EventSent', name '{event.name}', "
                f"instance ID '{event.instance}'"
            )
