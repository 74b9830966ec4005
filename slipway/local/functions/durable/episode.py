"""One episode of an orchestration: the SDK replays the code, the replayed actions say what is new.

Pure but for the call of the orchestrator; runs on a thread of its own. Nothing takes effect before the outcome is
committed, so an episode that is lost is simply played again.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from slipway.local.functions.durable.actions import OrchestratorState, parse_state, state_in
from slipway.local.functions.durable.backend import Backend
from slipway.local.functions.durable.contract import Functions, Limits
from slipway.local.functions.durable.decisions import Decision
from slipway.local.functions.durable.history import HistoryEvent, Kind, wire
from slipway.local.functions.durable.model import Instance, Status
from slipway.local.functions.durable.nondeterminism import NonDeterministic
from slipway.local.functions.durable.replay import Refused, Replay, require

_quote = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Ended:
    """`output` is JSON text, or plain text after a failure, with `details` for a parent."""

    status: Status
    output: str | None
    details: str | None = None


@dataclass(frozen=True, slots=True)
class Continued:
    """Continues as new with this input (JSON text) and these events."""

    input: str
    carried: tuple[HistoryEvent, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`events` are to be appended to the history, `wires` are they in the SDK's JSON.

    `custom_status` None leaves the one that is there; `cancelled` are the sequence numbers of timers.
    """

    events: tuple[HistoryEvent, ...]
    wires: tuple[str, ...]
    decisions: tuple[Decision, ...]
    cancelled: frozenset[int]
    custom_status: str | None
    end: Ended | Continued | None


@dataclass(frozen=True, slots=True)
class _Scope:
    instance: str
    execution: str
    parent: str | None
    functions: Functions
    backend: Backend
    max_actions: int

    def kind(self, name: str) -> str | None:
        return self.functions.kind(name)


def play(
    functions: Functions,
    limits: Limits,
    backend: Backend,
    instance: Instance,
    past: Sequence[HistoryEvent],
    past_wire: Sequence[str],
    arrived: Sequence[HistoryEvent],
    at: datetime,
) -> Outcome:
    """Plays the episode that starts `at` with what has `arrived`; `past_wire` is `past` in the SDK's JSON."""
    new = [HistoryEvent(Kind.ORCHESTRATOR_STARTED, at)]
    if not past:
        new.append(HistoryEvent(Kind.EXECUTION_STARTED, at, name=instance.name, version=instance.version))
    new += arrived
    wires = _wires(new)
    try:
        body = _body(instance, [*past_wire, *wires], bool(past), backend)
        state = parse_state(_orchestrate(functions, instance, body))
        _check_size(state.custom_status, limits.custom_status_kb)
        parent = instance.parent.instance if instance.parent else None
        backend.check_payload("output of the orchestration", state.output)
        scope = _Scope(instance.id, instance.execution, parent, functions, backend, limits.actions)
        replay = Replay(scope, state.actions)
        for event in (*past, *new):
            replay.feed(event)
    except NonDeterministic as problem:
        return _failed(new, at, str(problem), "")
    except (Refused, ValueError) as problem:  # of the code, or over a limit
        return _failed(new, at, f"Orchestrator function '{instance.name}' failed: {problem}", str(problem))
    decisions = replay.decisions
    decided = [decision.event(at) for decision in decisions]
    new += decided
    wires += _wires(decided)
    end = _end(instance, state, replay)
    if isinstance(end, Ended):
        new.append(_completion(end, at))
    cancelled = frozenset(replay.cancelled)
    return Outcome(tuple(new), tuple(wires), tuple(decisions), cancelled, state.custom_status, end)


def _wires(events: Sequence[HistoryEvent]) -> list[str]:
    return [text for event in events if (text := wire(event)) is not None]


def _orchestrate(functions: Functions, instance: Instance, body: str) -> str:
    """Raises ValueError with the error's text when the code broke outside of the SDK's protocol."""
    require(functions, instance.name, "orchestrator")
    try:
        return functions.orchestrate(instance.name, body)
    except Exception as problem:  # the SDK raises a bare Exception for whatever the code raised
        state = state_in(str(problem))
        if state is None:
            raise ValueError(str(problem) or type(problem).__name__) from problem
        return state


def _body(instance: Instance, wires: Sequence[str], replaying: bool, backend: Backend) -> str:
    """The orchestration trigger. Where it names limits of timers the SDK splits the longer ones."""
    timers = ""
    if backend.timer_limits is not None:
        longest, piece = backend.timer_limits
        timers = f',"maximumShortTimerDuration":"{longest}","longRunningTimerIntervalDuration":"{piece}"'
    parent = _quote(instance.parent.instance) if instance.parent else "null"
    return (
        f'{{"history":[{",".join(wires)}],"input":{instance.input or "null"},"instanceId":{_quote(instance.id)},'
        f'"isReplaying":{"true" if replaying else "false"},"parentInstanceId":{parent},"upperSchemaVersion":1,'
        f'"upperSchemaVersionNew":2,"defaultHttpAsyncRequestSleepTimeMillseconds":30000{timers}}}'
    )


def _check_size(custom_status: str | None, limit_kb: int) -> None:
    size_kb = len((custom_status or "").encode("utf-16-le")) // 1024
    if size_kb > limit_kb:
        raise ValueError(
            f"The UTF-16 size of the JSON-serialized payload must not exceed {limit_kb} KB. "
            f"The current payload size is {size_kb} KB."
        )


def _end(instance: Instance, state: OrchestratorState, replay: Replay) -> Ended | Continued | None:
    if replay.open or not replay.through:
        return None
    if state.error:
        output = f"Orchestrator function '{instance.name}' failed: {state.error}"
        return Ended(Status.FAILED, output, f"Message: {state.error}, StackTrace: ")
    if replay.continued is not None:
        return Continued(_quote(replay.continued.input), tuple(replay.carried))
    return Ended(Status.COMPLETED, state.output) if state.done else None


def _failed(new: list[HistoryEvent], at: datetime, output: str, details: str) -> Outcome:
    end = Ended(Status.FAILED, output, details)
    return Outcome((*new, _completion(end, at)), (), (), frozenset(), None, end)


def _completion(end: Ended, at: datetime) -> HistoryEvent:
    return HistoryEvent(Kind.EXECUTION_COMPLETED, at, name=end.status.value, result=end.output)
