"""Runs orchestrations: plays an episode whenever messages have arrived, and commits its outcome in one transaction."""

import asyncio
import json
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from uuid import uuid4

from slipway.local.functions.durable.backend import Backend
from slipway.local.functions.durable.contract import Functions, Limits
from slipway.local.functions.durable.decisions import (
    Decision,
    ScheduleTask,
    SendRequest,
    StartSubOrchestration,
    StartTimer,
)
from slipway.local.functions.durable.episode import Continued, Ended, Outcome, play
from slipway.local.functions.durable.history import HistoryEvent, Kind, wire
from slipway.local.functions.durable.hub import AlreadyExists, Hub
from slipway.local.functions.durable.model import Activity, Instance, Message, Parent, Status, Timer
from slipway.local.functions.durable.pace import Pace
from slipway.local.functions.durable.versions import MISMATCH, Versioning

log = logging.getLogger(__name__)
_TICK = timedelta(microseconds=1)


@dataclass(slots=True)
class _Generation:
    """A history as the next episode needs it."""

    execution: str
    episodes: int = 0
    events: list[HistoryEvent] = field(default_factory=list)
    wires: list[str] = field(default_factory=list)


class Orchestrations:
    def __init__(
        self, functions: Functions, hub: Hub, pace: Pace, limits: Limits, backend: Backend, versioning: Versioning
    ) -> None:
        self._functions, self._hub, self._pace, self._limits = functions, hub, pace, limits
        self._backend, self._versioning = backend, versioning
        self._refused: set[str] = set()  # executions that the log has named
        self._slots = asyncio.Semaphore(limits.orchestrations)
        self._cache: OrderedDict[str, _Generation] = OrderedDict()

    async def step(self, instance_id: str) -> bool:
        """Plays one episode, if there is something to play; says whether there may be more."""
        async with self._slots:
            instance = self._hub.store.instance(instance_id)
            if instance is None or instance.suspended or instance.status.ended:
                return False
            inbox = self._hub.inbox(instance_id)
            taken = [message for message in inbox if message.execution in (None, instance.execution)]
            generation = self._generation(instance)
            if generation.events and not taken:
                return self._drop(inbox)
            if self._versioning.refuses(instance.version):
                return self._refuse(instance, generation)
            arrived = [*instance.carried, *(body for m in taken if isinstance(body := m.body, HistoryEvent))]
            at = max(self._hub.clock.now(), instance.decided + _TICK)
            past = generation.events, generation.wires
            episode = partial(
                play, self._functions, self._limits, self._backend, instance, *past, arrived=arrived, at=at
            )
            outcome = await self._pace.run(instance.name.lower(), episode)
            current = self._hub.store.instance(instance_id)
            if current is None or current.execution != instance.execution or current.status.ended:
                return True  # terminated or purged meanwhile
            decided = replace(
                current,
                decided=at,
                updated=self._hub.clock.now(),
                status=Status.RUNNING,
                custom_status=outcome.custom_status or current.custom_status,
                carried=(),
            )
            self._commit(decided, generation, outcome, inbox)
            return True

    def _generation(self, instance: Instance) -> _Generation:
        cached = self._cache.get(instance.id)
        if cached is not None and cached.execution == instance.execution:
            self._cache.move_to_end(instance.id)
            return cached
        episodes = self._hub.store.history(instance.id)
        events = [event for episode in episodes for event in episode]
        wires = [text for event in events if (text := wire(event)) is not None]
        generation = self._cache[instance.id] = _Generation(instance.execution, len(episodes), events, wires)
        if len(self._cache) > self._limits.cached_histories:
            self._cache.popitem(last=False)
        return generation

    def _refuse(self, instance: Instance, generation: _Generation) -> bool:
        """An instance of a version that is not for this host waits as it is for a host that it is for, or fails."""
        mine = self._versioning.default or "no version"
        words = f"orchestration {instance.id} has version {instance.version}, this host {mine}"
        if self._versioning.failure == "Reject":
            if instance.execution not in self._refused:
                self._refused.add(instance.execution)
                log.warning("%s (%s): it waits for a host that takes it", words, self._versioning.match)
            return False
        log.error("%s (%s): it fails", words, self._versioning.match)
        now = self._hub.clock.now()
        failed = replace(instance, status=Status.FAILED, output=MISMATCH, updated=now)
        completed = HistoryEvent(Kind.EXECUTION_COMPLETED, now, name=failed.status.value, result=failed.output)
        with self._hub.transaction():
            self._hub.store.append_history(instance.id, generation.episodes, [completed])
            self._hub.end(failed, MISMATCH)
        self._cache.pop(instance.id, None)
        return False

    def _drop(self, stale: Sequence[Message]) -> bool:
        """Throws away what was meant for an older generation."""
        if stale:
            with self._hub.transaction():
                self._hub.take(stale)
        return False

    def _commit(self, instance: Instance, generation: _Generation, outcome: Outcome, inbox: Sequence[Message]) -> None:
        hub = self._hub
        with hub.transaction():
            hub.take(inbox)
            for decision in outcome.decisions:
                self._carry_out(decision, instance, last=outcome.end is not None)
            match outcome.end:
                case Continued() as continued:
                    self._continue_as_new(instance, continued)
                case Ended() as ended:
                    hub.store.append_history(instance.id, generation.episodes, outcome.events)
                    hub.end(replace(instance, status=ended.status, output=ended.output), ended.details)
                case None:
                    hub.store.append_history(instance.id, generation.episodes, outcome.events)
                    hub.store.progress(instance)
                    hub.drop_timers([t for t in hub.timers.of(instance.id) if t.id in outcome.cancelled])
        if outcome.end is not None:
            self._cache.pop(instance.id, None)
        else:
            generation.episodes += 1
            generation.events += outcome.events
            generation.wires += outcome.wires

    def _carry_out(self, decision: Decision, instance: Instance, last: bool) -> None:
        """In the last episode of a generation nothing waits for activities or timers, but messages still go out."""
        hub = self._hub
        match decision:
            case SendRequest(entity=entity, request=request):
                hub.post(entity, request)
            case StartSubOrchestration():
                parent = Parent(instance.id, instance.execution, decision.id)
                version = decision.version or self._versioning.default
                try:
                    hub.start(decision.name, decision.instance, json.dumps(decision.input), version, parent)
                except AlreadyExists as refusal:
                    failed = HistoryEvent(
                        Kind.SUB_ORCHESTRATION_FAILED, hub.clock.now(), task=decision.id, reason=str(refusal)
                    )
                    hub.post(instance.id, failed, instance.execution)
            case ScheduleTask() if not last:
                hub.schedule(Activity(instance.id, instance.execution, decision.id, decision.name, decision.input))
            case StartTimer(cancelled=False) if not last:
                hub.set_timer(Timer(instance.id, instance.execution, decision.id, decision.fire_at))

    def _continue_as_new(self, instance: Instance, continued: Continued) -> None:
        hub = self._hub
        hub.abandon_work(instance.id)
        hub.store.delete_history(instance.id)
        hub.store.put_instance(
            replace(instance, execution=uuid4().hex, input=continued.input, carried=continued.carried)
        )
