"""One turn of the loop: queues feed their receivers, SQLite commits, and only then anybody hears of it."""

import asyncio
import sqlite3
from collections.abc import Sequence
from typing import Protocol

from slipway.local.servicebus.entry import Entry, SessionState, Sighting
from slipway.local.servicebus.errors import Refusal
from slipway.local.servicebus.namespace import Namespace, NamespaceConfig
from slipway.local.servicebus.outlet import Consumer, Outlet
from slipway.local.servicebus.queue import Clock, Queue
from slipway.local.servicebus.rules.rule import RuleSet
from slipway.local.servicebus.store import Changes, Store

# A timer runs on the monotonic clock, which stands still while a laptop sleeps; locks end by the wall clock.
_LONGEST_NAP_S = 10.0


class Speaker(Protocol):
    """Holds words back until the turn is committed, e.g. a connection."""

    def flush(self) -> None: ...


class Broker:
    """The queues' journal. Whatever happens in one turn of the loop becomes one transaction at its end.

    If it cannot be written, `failure` carries the error and nothing more is promised to anybody.
    """

    def __init__(
        self, config: NamespaceConfig, store: Store, clock: Clock, refusals: Sequence[tuple[str, str]] = ()
    ) -> None:
        self._refusals = list(refusals)
        self._loop = asyncio.get_running_loop()
        self._store = store
        self._clock = clock
        self.namespace = Namespace.build(config, clock, self)
        self.failure: asyncio.Future[None] = self._loop.create_future()
        self._outlets = {queue: Outlet(queue) for queue in self.namespace.queues()}
        self._changes = Changes()
        self._touched: dict[Queue, None] = {}
        self._speakers: dict[Speaker, None] = {}
        self._ending = False
        for queue, consumer in self.namespace.inner_consumers():
            self._outlets[queue].consumers.append(consumer)
        for queue in self._outlets:
            store.load(queue, clock())
            self.touch(queue)
        for subscription in self.namespace.subscriptions():
            subscription.rules = RuleSet(store.rules(subscription.queue.name, list(subscription.rules)))

    def check(self, entity: str) -> None:
        """Raise the next of the refusals on purpose, if one is left for a message to `entity`."""
        for refusal in self._refusals:
            if refusal[0] == entity:
                self._refusals.remove(refusal)
                raise Refusal(refusal[1], f"refused on purpose: {entity}")

    # The journal

    def changed(self, queue: Queue, entry: Entry) -> None:
        self._changes.messages[queue, entry.seq] = entry
        self.touch(queue)

    def removed(self, queue: Queue, entry: Entry) -> None:
        self._changes.messages[queue, entry.seq] = None
        self.touch(queue)

    def sighted(self, queue: Queue, message_id: bytes, sighting: Sighting) -> None:
        self._changes.sightings.append((queue, message_id, sighting))

    def session_changed(self, queue: Queue, session_id: str, state: SessionState | None) -> None:
        self._changes.states[queue, session_id] = state
        self.touch(queue)

    def rules_changed(self, queue: Queue, rules: RuleSet) -> None:
        self._changes.rules[queue] = list(rules)
        self.touch(queue)

    # Those who take part

    def join(self, queue: Queue, consumer: Consumer) -> None:
        """From now on the queue feeds this consumer too."""
        self._outlets[queue].consumers.append(consumer)
        self.touch(queue)

    def leave(self, queue: Queue, consumer: Consumer) -> None:
        self._outlets[queue].consumers.remove(consumer)

    def touch(self, queue: Queue) -> None:
        """Something changed for this queue: look at it at the end of the turn."""
        self._touched[queue] = None
        self._turn()

    def speak(self, speaker: Speaker) -> None:
        """It has something to say: let it at the end of the turn."""
        self._speakers[speaker] = None
        self._turn()

    def serve(self, queue: Queue) -> None:
        """Hand out what there is right now, not only at the end of the turn."""
        self._outlets[queue].pump()

    # The turn

    def _turn(self) -> None:
        if not self._ending:
            self._ending = True
            self._loop.call_soon(self.end_turn)

    def end_turn(self) -> None:
        """Feed, commit, speak; in that order."""
        try:
            while self._touched:
                queue, _ = self._touched.popitem()
                self._outlets[queue].pump()
                self._set_alarm(self._outlets[queue])
        finally:
            self._ending = False
        if self._commit():
            speakers, self._speakers = self._speakers, {}
            for speaker in speakers:
                speaker.flush()

    def _commit(self) -> bool:
        """Write what changed; False if that failed, now or earlier: then memory is ahead of the file for good."""
        if self.failure.done():
            return False
        changes, self._changes = self._changes, Changes()
        if changes:
            try:
                self._store.commit(changes)
            except sqlite3.Error as error:
                self.failure.set_exception(error)
                return False
        return True

    def _set_alarm(self, outlet: Outlet) -> None:
        moment = outlet.queue.next_moment
        if moment is None or (outlet.alarm is not None and outlet.alarm_ms <= moment):
            return
        if outlet.alarm is not None:
            outlet.alarm.cancel()
        nap = min(max(moment - self._clock(), 0) / 1000 + 0.001, _LONGEST_NAP_S)
        outlet.alarm_ms = moment
        outlet.alarm = self._loop.call_later(nap, self._ring, outlet)

    def _ring(self, outlet: Outlet) -> None:
        outlet.alarm = None
        outlet.queue.run_due()
        self.touch(outlet.queue)
