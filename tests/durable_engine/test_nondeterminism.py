"""The words of DurableTask.Core's TaskOrchestrationContext, slips and all."""

import pytest

from slipway.local.functions.durable.decisions import Decision, ScheduleTask, StartSubOrchestration, StartTimer
from slipway.local.functions.durable.history import HistoryEvent, Kind
from slipway.local.functions.durable.nondeterminism import NonDeterministic, check_replay
from tests.durable_engine.harness import START

PACK = HistoryEvent(Kind.TASK_SCHEDULED, START, 3, name="pack")
NAP = HistoryEvent(Kind.TIMER_CREATED, START, 3)
CHILD = HistoryEvent(Kind.SUB_ORCHESTRATION_CREATED, START, 3, name="child", instance="c1")
ASKED = HistoryEvent(Kind.EVENT_SENT, START, 3, name="op", instance="@till@a")

TIMER = StartTimer(3, START, cancelled=False)
SHIP = ScheduleTask(3, "ship", "null")
OTHER = StartSubOrchestration(3, "other", "null", "c2", None)

A_CHILD = "a sub-orchestration task with sequence ID 3 and name 'child' (version '', instance ID 'c1'), but the current"
INSTEAD = "orchestration replay instead"


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        (
            PACK,
            None,
            "an activity task with sequence ID 3 and name 'pack' (version ''), but the current replay execution hasn't "
            "(yet?) scheduled this task. Was",
        ),
        (
            PACK,
            TIMER,
            f"an activity task with sequence number 3 named 'pack', but the current {INSTEAD} produced a "
            "CreateTimerOrchestratorAction action with this sequence number. Was",
        ),
        (
            PACK,
            SHIP,
            f"an activity task with sequence number 3 named 'pack', but the current {INSTEAD} scheduled an activity "
            "task named 'ship' with this sequence number.  Was",
        ),
        (
            NAP,
            None,
            "a timer task with sequence number 3 but the current replay execution hasn't (yet?) scheduled this task.",
        ),
        (
            NAP,
            SHIP,
            f"a timer task with sequence number 3 named but the current {INSTEAD} produced a "
            "ScheduleTaskOrchestratorAction action with this sequence number. Was",
        ),
        (CHILD, None, f"{A_CHILD} replay execution hasn't (yet?) scheduled this task. Was"),
        (
            CHILD,
            SHIP,
            f"{A_CHILD} {INSTEAD} produced a ScheduleTaskOrchestratorAction action at this sequence number. Was",
        ),
        (
            CHILD,
            OTHER,
            f"{A_CHILD} {INSTEAD} scheduled a sub-orchestration task with name other at this sequence number. Was",
        ),
        (
            ASKED,
            None,
            "a send event task with sequence ID 3, type 'EventSent' name 'op', instance ID '@till@a', but the current "
            "replay execution hasn't (yet?) scheduled this task. Was",
        ),
        (
            ASKED,
            SHIP,
            "a send event task with sequence ID 3, type 'EventSent', name 'op', instance ID '@till@a', but the current "
            f"{INSTEAD} scheduled a ScheduleTaskOrchestratorAction task at this sequence number. Was",
        ),
    ],
)
def test_changed_code_is_told_in_the_extensions_words(before: HistoryEvent, now: Decision | None, words: str) -> None:
    with pytest.raises(NonDeterministic) as told:
        check_replay(before, now)
    begins = "Non-Deterministic workflow detected: A previous execution of this orchestration scheduled "
    assert str(told.value).startswith(begins + words)
    assert str(told.value).endswith(
        "Was a change made to the orchestrator code after this instance had already started running?"
    )
