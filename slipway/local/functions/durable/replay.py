"""Replays an orchestrator's list of actions against its history, as the Durable extension does.

The extension awaits each action of the list before it starts the next, while DurableTask.Core feeds it the
history event by event; what then was started but is not in the history is new. Sequence numbers come from one
counter, in the order in which things are started. (Sources: OutOfProcOrchestrationShim, DurableOrchestrationContext,
TaskOrchestrationContext, RetryInterceptor.)
"""

import json
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol
from uuid import NAMESPACE_URL, uuid5

from slipway.local.functions.durable.actions import (
    Action,
    CallActivity,
    CallSubOrchestrator,
    ContinueAsNew,
    CreateTimer,
    Retry,
    Unsupported,
    UseEntity,
    WaitForEvent,
    When,
)
from slipway.local.functions.durable.backend import Backend
from slipway.local.functions.durable.decisions import (
    Decision,
    EntityRequest,
    ScheduleTask,
    SendRequest,
    StartSubOrchestration,
    StartTimer,
)
from slipway.local.functions.durable.history import HistoryEvent, Kind
from slipway.local.functions.durable.nondeterminism import check_replay


class Refused(Exception):
    """An action that the runtime does not take; the orchestration fails, and its code cannot catch it."""


class Known(Protocol):
    def kind(self, name: str) -> str | None: ...


def require(known: Known, name: str, kind: str) -> None:
    """Raises Refused, in the extension's words, unless `name` is a function of this kind."""
    if known.kind(name) != kind:
        article = "a" if kind[0] not in "aeiou" else "an"
        raise Refused(f"The function '{name}' doesn't exist, is disabled, or is not {article} {kind} function.")


class Scope(Known, Protocol):
    """Whose actions these are, and what may be called."""

    @property
    def instance(self) -> str: ...
    @property
    def execution(self) -> str: ...
    @property
    def parent(self) -> str | None: ...
    @property
    def backend(self) -> Backend: ...
    @property
    def max_actions(self) -> int: ...


class _Task:
    """Something awaited. Tells its parent once when it has ended; `failed` matters to retries only."""

    __slots__ = ("_parent", "done")

    def __init__(self, parent: "_Group | None") -> None:
        self.done = False
        self._parent = parent

    def end(self, failed: bool = False) -> None:
        if not self.done:
            self.done = True
            if self._parent is not None:
                self._parent.child_ended(self, failed)


class _Group(_Task):
    """Ends when `needed` of its children have ended."""

    __slots__ = ("_needed",)

    def __init__(self, parent: "_Group | None", needed: int) -> None:
        super().__init__(parent)
        self._needed = needed
        if needed == 0:
            self.end()

    def child_ended(self, child: _Task, failed: bool) -> None:
        self._needed -= 1
        if self._needed == 0:
            self.end()


class _Retrying(_Group):
    """Starts again after each failure, with a timer between, and with one more, due at once, after the last."""

    __slots__ = ("_attempt", "_attempts", "_pause", "_pausing", "_retry")

    def __init__(
        self,
        parent: _Group | None,
        retry: Retry,
        attempt: Callable[["_Retrying"], _Task],
        pause: Callable[["_Retrying", bool], _Task],
    ) -> None:
        super().__init__(parent, 1)
        self._retry, self._attempt, self._pause = retry, attempt, pause
        self._attempts = 1
        self._pausing = False
        attempt(self)

    def child_ended(self, child: _Task, failed: bool) -> None:
        last = self._attempts >= self._retry.attempts
        if self._pausing and last:
            self.end(failed=True)
        elif self._pausing:
            self._pausing = False
            self._attempts += 1
            self._attempt(self)
        elif failed:
            self._pausing = True
            self._pause(self, last)
        else:
            self.end()


class Replay:
    """Feed it the whole history; then read what is new (`decisions`), `through`, `open`, `continued`, `carried`."""

    def __init__(self, scope: Scope, actions: Sequence[Action]) -> None:
        self._scope = scope
        self._actions = iter(actions)
        self._current: _Task | None = None
        self._now = datetime.min.replace(tzinfo=UTC)
        self._ids = 0
        self._guids = 0
        self._waits: defaultdict[str, list[_Task]] = defaultdict(list)  # newest last
        self._early: defaultdict[str, deque[HistoryEvent]] = defaultdict(deque)
        self._new: dict[int, Decision] = {}
        self.open: dict[int, _Task] = {}
        self.cancelled: set[int] = set()  # timers
        self.through = False
        self.continued: ContinueAsNew | None = None
        self.carried: list[HistoryEvent] = []

    @property
    def decisions(self) -> list[Decision]:
        return [self._new[number] for number in sorted(self._new)]

    def feed(self, event: HistoryEvent) -> None:
        """Raises Refused, OverLimit, and NonDeterministic where the history knows of something that was not started."""
        match event.kind:
            case Kind.ORCHESTRATOR_STARTED:
                self._now = event.at
            case Kind.EXECUTION_STARTED:
                self._advance()
            case Kind.TASK_SCHEDULED | Kind.TIMER_CREATED | Kind.SUB_ORCHESTRATION_CREATED | Kind.EVENT_SENT:
                check_replay(event, self._new.get(event.id))
                del self._new[event.id]
            case Kind.EVENT_RAISED if self.continued is not None:
                self.carried.append(event)
            case Kind.EVENT_RAISED:
                self._raise(event)
                self._advance()
            case _ if event.task is not None and (task := self.open.pop(event.task, None)):
                task.end(event.kind in (Kind.TASK_FAILED, Kind.SUB_ORCHESTRATION_FAILED))
                self._advance()

    def _advance(self) -> None:
        while self._current is None or self._current.done:
            action = next(self._actions, None)
            if action is None:
                self.through = True
                return
            self._current = self._start(action, None)

    def _start(self, action: Action, parent: _Group | None) -> _Task:
        match action:
            case CallActivity():
                return self._tried(action.retry, parent, lambda of: self._activity(action, of))
            case CallSubOrchestrator():
                return self._tried(action.retry, parent, lambda of: self._sub_orchestration(action, of))
            case CreateTimer():
                return self._timer(action.fire_at, parent, action.cancelled)
            case WaitForEvent():
                return self._wait(action.name, parent)
            case UseEntity():
                return self._entity(action, parent)
            case When():
                group = _Group(parent, 1 if action.any else len(action.children))
                for child in action.children:
                    self._start(child, group)
                return group
            case ContinueAsNew():
                self._scope.backend.check_payload("input of the next generation", action.input)
                self.continued = action
                return _Group(parent, 0)
            case Unsupported():
                raise Refused(f"This host does not support {action.what}.")

    def _decide(self, decision: Decision) -> int:
        self._new[decision.id] = decision
        return decision.id

    def _next_id(self) -> int:
        if self._ids >= self._scope.max_actions:
            raise Refused(f"Maximum amount of orchestration actions ({self._scope.max_actions}) has been reached.")
        self._ids += 1
        return self._ids - 1

    def _opened(self, number: int, parent: _Group | None) -> _Task:
        task = self.open[number] = _Task(parent)
        return task

    def _activity(self, action: CallActivity, parent: _Group | None) -> _Task:
        require(self._scope, action.name, "activity")
        self._scope.backend.check_payload(f"input of the activity '{action.name}'", action.input)
        return self._opened(self._decide(ScheduleTask(self._next_id(), action.name, action.input)), parent)

    def _sub_orchestration(self, action: CallSubOrchestrator, parent: _Group | None) -> _Task:
        require(self._scope, action.name, "orchestrator")
        given = action.instance
        if given is not None and given.lower() in (self._scope.instance.lower(), (self._scope.parent or "").lower()):
            raise Refused(
                "The instance ID of a sub-orchestration must be different than the instance ID of a parent "
                "orchestration."
            )
        if given is not None and given.startswith("@"):
            raise Refused("Orchestration instance ids must not start with @")
        self._scope.backend.check_payload(f"input of the orchestration '{action.name}'", action.input)
        number = self._next_id()
        instance = given or f"{self._scope.execution}:{number}"
        self._scope.backend.check_id(instance)
        start = StartSubOrchestration(number, action.name, action.input, instance, action.version)
        return self._opened(self._decide(start), parent)

    def _timer(self, fire_at: datetime, parent: _Group | None, cancelled: bool = False) -> _Task:
        number = self._decide(StartTimer(self._next_id(), fire_at, cancelled))
        if not cancelled:
            return self._opened(number, parent)
        self.cancelled.add(number)
        timer = _Task(parent)
        timer.end()
        return timer

    def _tried(self, retry: Retry | None, parent: _Group | None, attempt: Callable[[_Group | None], _Task]) -> _Task:
        if retry is None:
            return attempt(parent)

        def pause(of: _Retrying, last: bool) -> _Task:
            return self._timer(self._now if last else self._now + retry.interval, of)

        return _Retrying(parent, retry, attempt, pause)

    def _entity(self, action: UseEntity, parent: _Group | None) -> _Task:
        require(self._scope, action.entity.split("@")[1], "entity")
        self._scope.backend.check_id(action.entity)
        self._scope.backend.check_payload(f"input of the entity {action.entity}", action.input)
        guid = str(uuid5(NAMESPACE_URL, f"{self._scope.instance}_{self._now.isoformat()}_{self._guids}"))
        self._guids += 1
        request = EntityRequest(
            guid, action.operation, json.dumps(action.input), action.signal, self._scope.instance, self._scope.execution
        )
        self._decide(SendRequest(self._next_id(), action.entity, request))
        return _Group(parent, 0) if action.signal else self._wait(guid, parent)

    def _wait(self, name: str, parent: _Group | None) -> _Task:
        task = _Task(parent)
        self._waits[name.lower()].append(task)
        if early := self._early[name.lower()]:
            self._raise(early.popleft())
        return task

    def _raise(self, event: HistoryEvent) -> None:
        name = (event.name or "").lower()
        if waits := self._waits[name]:
            waits.pop().end()
        else:
            self._early[name].append(event)
