"""What stays of a failed orchestration's history when it is rewound: all that does not come of a failure.

As `ProcessRewindOrchestrationDecision` of DurableTask.Core does it: a failed activity is forgotten and so is whatever
the code began in the episode in which it heard of the first failure, or later, since it began that because of it. A
failed sub-orchestration stays, and is rewound itself. What was begun before and had not ended stays without an end.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from slipway.local.functions.durable.history import HistoryEvent, Kind

Episodes = Sequence[Sequence[HistoryEvent]]
_FAILED = (Kind.TASK_FAILED, Kind.SUB_ORCHESTRATION_FAILED)
_BEGUN = (Kind.TASK_SCHEDULED, Kind.TIMER_CREATED, Kind.SUB_ORCHESTRATION_CREATED, Kind.EVENT_SENT)


@dataclass(frozen=True, slots=True)
class Rewound:
    """The episodes as they go on, and the ids of the sub-orchestrations to be rewound, too."""

    episodes: tuple[tuple[HistoryEvent, ...], ...]
    children: tuple[str, ...]


def rewound(episodes: Episodes) -> Rewound:
    """A failed instance's history before its failure."""
    events = [event for episode in episodes for event in episode]
    undone = _undone(episodes)
    failed = {event.task for event in events if event.kind is Kind.SUB_ORCHESTRATION_FAILED}
    requests = {_request(event) for event in events if event.kind is Kind.EVENT_SENT and event.id in undone}
    created = (event for event in events if event.kind is Kind.SUB_ORCHESTRATION_CREATED and event.id not in undone)
    kept = (tuple(event for event in episode if _stays(event, undone, requests)) for episode in episodes)
    return Rewound(tuple(kept), tuple(event.instance or "" for event in created if event.id in failed))


def _undone(episodes: Episodes) -> set[int]:
    """The sequence numbers of what is begun anew, or not at all."""
    undone = {event.task for episode in episodes for event in episode if event.kind is Kind.TASK_FAILED}
    first = next((n for n, each in enumerate(episodes) if any(event.kind in _FAILED for event in each)), len(episodes))
    since = {event.id for episode in episodes[first:] for event in episode if event.kind in _BEGUN}
    return {number for number in undone | since if number is not None}


def _stays(event: HistoryEvent, undone: set[int], requests: set[str]) -> bool:
    if event.kind in _FAILED or event.kind is Kind.EXECUTION_COMPLETED:
        return False
    if event.kind in _BEGUN:
        return event.id not in undone
    if event.kind is Kind.EVENT_RAISED:
        return event.name not in requests
    return event.task is None or event.task not in undone


def _request(sent: HistoryEvent) -> str:
    """The id under which an entity's answer comes."""
    return str(json.loads(sent.input or "{}").get("id", ""))
