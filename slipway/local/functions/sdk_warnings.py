"""The SDK's warnings about completions that nothing waits for, less those that are in order.

An external event that comes before its wait, or after the last one, is legitimate, yet the SDK warns "Potential
duplicate Task completion for TaskId: <name of the event>". The same words with a number or a request's id mean that its
count of tasks and ours differ; those must be seen, every time.
"""

import json
import logging
import warnings
from contextvars import ContextVar
from functools import lru_cache

WORDS = "Potential duplicate Task completion for TaskId: "
_EVENT_RAISED, _EVENT_SENT = 15, 14
replayed: ContextVar[str] = ContextVar("replayed", default="")  # the orchestration trigger that is being answered


def tame() -> None:
    """Sends Python's warnings to the log, filtered. For the process that hosts an app."""
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").addFilter(worth_showing)
    warnings.filterwarnings("always", message=WORDS)


def worth_showing(record: logging.LogRecord) -> bool:
    """False for an external event of the orchestration that is being replayed."""
    _, found, rest = record.getMessage().partition(WORDS)
    if not found:
        return True
    name = rest.splitlines()[0]
    return name not in external_events(replayed.get())


@lru_cache(maxsize=1)  # a replay warns once for each of its events
def external_events(trigger: str) -> frozenset[str]:
    """The names of all events that came from outside, in the JSON text of an orchestration trigger."""
    if not trigger:
        return frozenset()
    history = json.loads(trigger)["history"]
    asked = {json.loads(event["Input"])["id"] for event in history if event["EventType"] == _EVENT_SENT}
    return frozenset(event["Name"] for event in history if event["EventType"] == _EVENT_RAISED) - asked
