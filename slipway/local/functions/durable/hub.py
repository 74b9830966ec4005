"""The task hub: who is waiting for what. All changes of state go through here, each in one transaction.

The inboxes and timers are also in memory; instances, histories and entities are read from the state file.
"""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from uuid import uuid4

from slipway.local.functions.clock import Clock
from slipway.local.functions.durable.decisions import EntityRequest
from slipway.local.functions.durable.history import HistoryEvent, Kind
from slipway.local.functions.durable.model import Activity, Instance, Message, Parent, Selection, Status, Timer
from slipway.local.functions.durable.rewinding import rewound
from slipway.local.functions.durable.store import Store
from slipway.local.functions.durable.timers import Timers


class AlreadyExists(Exception):
    """A start under the id of an instance that has not ended."""

    def __init__(self, status: str) -> None:
        super().__init__(f"An Orchestration instance with the status {status} already exists.")


class NoSuchInstance(Exception):
    pass


class Gone(Exception):
    """The instance has ended."""


class WrongState(Exception):
    """The instance is alive, but not in a state for this."""


class Hub:
    """`wake` is called with the id of an orchestration or entity that has something to do, `begin` with an activity
    that has been scheduled; both only after the commit.
    """

    def __init__(
        self, store: Store, clock: Clock, wake: Callable[[str], None], begin: Callable[[Activity], None]
    ) -> None:
        self.store = store
        self.clock = clock
        self.timers = Timers(clock, self._fire)
        self._wake, self._begin = wake, begin
        self._inboxes: defaultdict[str, list[Message]] = defaultdict(list)
        self._after: list[Callable[[], None]] = []
        self._seq = itertools.count(1)

    def resume_all(self) -> None:
        """Takes up whatever the state file says is unfinished."""
        messages = self.store.messages()
        self._seq = itertools.count(messages[-1].seq + 1 if messages else 1)
        for message in messages:
            self._inboxes[message.target].append(message)
        for timer in self.store.timers():
            self.timers.add(timer)
        for target in {*self.store.live_instances(), *self._inboxes}:
            self._wake(target)
        for activity in self.store.activities():
            self._begin(activity)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """What the methods below do takes effect together, or not at all."""
        self._after = []
        with self.store.transaction():
            yield
        effects, self._after = self._after, []
        for effect in effects:
            effect()

    def inbox(self, target: str) -> Sequence[Message]:
        return tuple(self._inboxes.get(target, ()))

    def wake_at(self, entity_id: str, when: datetime) -> None:
        """Not kept in the state file: a restart wakes every entity that has messages."""
        self.timers.add(Timer(entity_id, "", 0, when))

    # within a transaction

    def start(
        self,
        name: str,
        instance_id: str,
        input_json: str | None,
        version: str | None,
        parent: Parent | None = None,
        override: bool = False,
    ) -> None:
        """Makes a new instance, in the place of one that has ended, or, with `override`, of any.

        Raises AlreadyExists.
        """
        now = self.clock.now()
        before = self.store.instance(instance_id)
        if before is not None:
            if not before.status.ended and not override:
                raise AlreadyExists(before.runtime_status)
            self.forget(before)
        decided = before.decided if before else now
        new = Instance(instance_id, name, uuid4().hex, now, now, decided, input_json, version, parent)
        self.store.put_instance(new)
        self._after.append(lambda: self._wake(instance_id))

    def post(self, target: str, body: HistoryEvent | EntityRequest, execution: str | None = None) -> None:
        """Puts a message into an inbox; drops it when the orchestration, or that generation of it, is no more."""
        if not target.startswith("@"):
            current = self.store.instance(target)
            if current is None or current.status.ended or execution not in (None, current.execution):
                return
        message = Message(next(self._seq), target, execution, body)
        self.store.put_message(message)
        self._after.append(lambda: self._deliver(message))

    def take(self, messages: Sequence[Message]) -> None:
        """Removes messages that have been read."""
        if messages:
            self.store.delete_messages(messages)
            taken, target = {message.seq for message in messages}, messages[0].target
            self._after.append(lambda: self._remove(target, taken))

    def schedule(self, activity: Activity) -> None:
        self.store.put_activity(activity)
        self._after.append(lambda: self._begin(activity))

    def set_timer(self, timer: Timer) -> None:
        self.store.put_timer(timer)
        self._after.append(lambda: self.timers.add(timer))

    def drop_timers(self, timers: Sequence[Timer]) -> None:
        for timer in timers:
            self.store.delete_timer(timer)
        if timers:
            self._after.append(lambda: self.timers.remove(timers))

    def end(self, instance: Instance, details: str | None = None) -> None:
        """Writes an instance that has just ended, tells its parent, and abandons all that it has open."""
        self.store.progress(instance)
        self.take(self.inbox(instance.id))
        self.abandon_work(instance.id)
        if (parent := instance.parent) is not None:
            self.post(parent.instance, _answer(instance, parent, details), parent.execution)

    def abandon_work(self, instance_id: str) -> None:
        """Forgets the activities and timers that an instance has open; answers that still come are dropped."""
        self.store.delete_work(instance_id)
        self._after.append(lambda: self.timers.remove_all(instance_id))

    def forget(self, instance: Instance) -> None:
        self.take(self.inbox(instance.id))
        self.abandon_work(instance.id)
        self.store.delete_history(instance.id)
        self.store.delete_instance(instance.id)

    # what clients ask for

    def create(
        self, name: str, instance_id: str, input_json: str | None, version: str | None, override: bool = False
    ) -> None:
        with self.transaction():
            self.start(name, instance_id, input_json, version, override=override)

    def raise_event(self, instance_id: str, name: str, input_json: str) -> None:
        """Raises NoSuchInstance or Gone, as do the operations below."""
        self._alive(instance_id)
        with self.transaction():
            self.post(instance_id, HistoryEvent(Kind.EVENT_RAISED, self.clock.now(), name=name, input=input_json))

    def terminate(self, instance_id: str, reason: str) -> None:
        instance = self._alive(instance_id)
        now = self.clock.now()
        with self.transaction():
            self.end(replace(instance, status=Status.TERMINATED, output=reason, updated=now))

    def suspend(self, instance_id: str) -> None:
        """Raises WrongState when it is suspended already."""
        if self._alive(instance_id).suspended:
            raise WrongState(f"Cannot suspend the orchestration instance {instance_id}: it is suspended.")
        with self.transaction():
            self.store.set_suspended(instance_id, True)

    def resume(self, instance_id: str) -> None:
        """Raises WrongState when it is not suspended."""
        if not self._alive(instance_id).suspended:
            raise WrongState(f"Cannot resume the orchestration instance {instance_id}: it is not suspended.")
        with self.transaction():
            self.store.set_suspended(instance_id, False)
        self._wake(instance_id)

    def rewind(self, instance_id: str, reason: str) -> None:
        """Has a failed instance go on from before its failure. Raises NoSuchInstance; Gone when it ended otherwise;
        WrongState when it has not ended."""
        instance = self.store.instance(instance_id)
        if instance is None:
            raise NoSuchInstance(instance_id)
        if not instance.status.ended:
            raise WrongState("The rewind operation is only supported on failed orchestration instances.")
        if instance.status is not Status.FAILED:
            raise Gone(instance_id)
        with self.transaction():
            self._rewind(instance, reason)

    def _rewind(self, instance: Instance, reason: str) -> None:
        """A new run on what stays of the history. Its failed children are rewound, too, and answer this run."""
        execution, now = uuid4().hex, self.clock.now()
        stays = rewound(self.store.history(instance.id))
        self.store.delete_history(instance.id)
        for number, events in enumerate(stays.episodes):
            self.store.append_history(instance.id, number, events)
        again = replace(instance, execution=execution, status=Status.RUNNING, output=None, updated=now)
        self.store.put_instance(again)
        found = (self.store.instance(child) for child in stays.children)
        children = [child for child in found if child is not None and child.status is Status.FAILED]
        for child in children:
            parent = replace(child.parent, execution=execution) if child.parent else None
            self._rewind(replace(child, parent=parent), reason)
        if not children:
            self.post(instance.id, HistoryEvent(Kind.GENERIC_EVENT, now, input=reason), execution)

    def purge(self, which: Selection | str) -> int:
        """Deletes an instance, or the selected ones that have ended; says how many."""
        if isinstance(which, str):
            one = self.store.instance(which)
            chosen = [one] if one else []
        else:
            chosen = [instance for instance in self.store.select(which) if instance.status.ended]
        with self.transaction():
            for instance in chosen:
                self.forget(instance)
        return len(chosen)

    def signal(self, entity_id: str, operation: str, input_json: str | None) -> None:
        with self.transaction():
            self.post(entity_id, EntityRequest(str(uuid4()), operation, input_json, signal=True))

    def _alive(self, instance_id: str) -> Instance:
        instance = self.store.instance(instance_id)
        if instance is None:
            raise NoSuchInstance(instance_id)
        if instance.status.ended:
            raise Gone(instance_id)
        return instance

    def _deliver(self, message: Message) -> None:
        self._inboxes[message.target].append(message)
        self._wake(message.target)

    def _remove(self, target: str, taken: set[int]) -> None:
        left = [message for message in self._inboxes.pop(target, ()) if message.seq not in taken]
        if left:
            self._inboxes[target] = left

    def _fire(self, due: Sequence[Timer]) -> None:
        now = self.clock.now()
        with self.transaction():
            for timer in due:
                self._after.append(partial(self._wake, timer.instance))
                if timer.instance.startswith("@"):
                    continue
                self.store.delete_timer(timer)
                fired = HistoryEvent(Kind.TIMER_FIRED, now, task=timer.id, fire_at=timer.due)
                self.post(timer.instance, fired, timer.execution)


def _answer(ended: Instance, parent: Parent, details: str | None) -> HistoryEvent:
    at, task, output = ended.updated, parent.task, ended.output
    if ended.status is Status.COMPLETED:
        return HistoryEvent(Kind.SUB_ORCHESTRATION_COMPLETED, at, task=task, result=output)
    return HistoryEvent(Kind.SUB_ORCHESTRATION_FAILED, at, task=task, reason=output, details=details)
