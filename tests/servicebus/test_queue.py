"""The queue's rules, without network, disk or waiting."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from hypothesis import settings as effort
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from slipway.local.servicebus.entry import Entry, SessionState, Settings, Sighting, State
from slipway.local.servicebus.errors import Refusal
from slipway.local.servicebus.message import Content, section
from slipway.local.servicebus.queue import Queue


class Clock:
    """Stands still until told."""

    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


class Notebook:
    """Keeps what a store would: the last word about every message."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, int], Entry] = {}
        self.seen: dict[bytes, Sighting] = {}
        self.states: dict[str, SessionState] = {}

    def changed(self, queue: Queue, entry: Entry) -> None:
        self.kept[queue.name, entry.seq] = replace(entry)

    def removed(self, queue: Queue, entry: Entry) -> None:
        self.kept.pop((queue.name, entry.seq), None)

    def sighted(self, queue: Queue, message_id: bytes, sighting: Sighting) -> None:
        self.seen[message_id] = sighting

    def session_changed(self, queue: Queue, session_id: str, state: SessionState | None) -> None:
        if state is None:
            self.states.pop(session_id, None)
        else:
            self.states[session_id] = state


class World:
    """A queue with its dead letters, a clock and a notebook."""

    def __init__(self, **settings: object) -> None:
        self.clock = Clock()
        self.notebook = Notebook()
        self.settings = replace(Settings(lock_ms=1_000, max_deliveries=3), **settings)  # type: ignore[arg-type]
        self.queue = self.build()

    def build(self) -> Queue:
        dead = Queue("q/$DeadLetterQueue", Settings(lock_ms=1_000, max_deliveries=None), self.clock, self.notebook)
        return Queue("q", self.settings, self.clock, self.notebook, dead)

    @property
    def dead(self) -> Queue:
        assert self.queue.dead_letters is not None
        return self.queue.dead_letters

    def restarted(self) -> Queue:
        """A queue that knows only what was written down."""
        queue = self.build()
        for each in (queue, queue.dead_letters):
            assert each is not None
            entries = [replace(e) for (name, _), e in sorted(self.notebook.kept.items()) if name == each.name]
            seen = dict(self.notebook.seen) if each is queue else {}
            each.restore(self.queue.next_seq, entries, seen)
        return queue


def a_message(text: str = "", ttl_ms: int | None = None, message_id: str | None = None) -> Content:
    properties = section(0x73, [message_id]) if message_id is not None else b""
    return Content(False, None, ttl_ms, {}, properties + section(0x75, text.encode()))


def token(entry: Entry | None) -> UUID:
    assert entry is not None and entry.lock is not None
    return entry.lock.token


def seq(entry: Entry | None) -> int | None:
    return None if entry is None else entry.seq


def refused(condition: str):  # type: ignore[no-untyped-def]
    return pytest.raises(Refusal, match=condition)


def test_messages_come_in_the_order_in_which_they_were_sent() -> None:
    queue = World().queue
    sent = [queue.put(a_message()) for _ in range(3)]
    assert [seq(queue.take()) for _ in range(3)] == sent
    assert queue.take() is None


def test_an_abandoned_message_comes_again_before_younger_ones_and_counts_the_failure() -> None:
    queue = World().queue
    first, _ = queue.put(a_message()), queue.put(a_message())
    queue.abandon(token(queue.take()))
    again = queue.take()
    assert again is not None and (again.seq, again.failures) == (first, 1)


def test_a_released_message_comes_again_without_counting() -> None:
    queue = World().queue
    queue.put(a_message())
    queue.release(token(queue.take()))
    again = queue.take()
    assert again is not None and again.failures == 0


def test_a_delivery_is_settled_once() -> None:
    queue = World().queue
    queue.put(a_message())
    held = token(queue.take())
    queue.complete(held)
    for settle in (queue.complete, queue.abandon, queue.defer, queue.renew):
        with refused("message-lock-lost"):
            settle(held)


def test_an_expired_lock_counts_as_a_failure_and_its_token_is_worth_nothing() -> None:
    world = World()
    world.queue.put(a_message())
    held = token(world.queue.take())
    world.clock.now += 1_000
    with refused("message-lock-lost"):
        world.queue.complete(held)
    again = world.queue.take()
    assert again is not None and again.failures == 1


def test_a_renewed_lock_holds_for_another_full_time() -> None:
    world = World()
    world.queue.put(a_message())
    held = token(world.queue.take())
    world.clock.now += 900
    assert world.queue.renew(held) == world.clock.now + 1_000
    world.clock.now += 900
    world.queue.complete(held)
    assert world.queue.peek(0, 10) == []


def test_the_last_failure_allowed_sends_a_message_to_the_dead_letters() -> None:
    world = World(max_deliveries=2)
    world.queue.put(a_message("poison"))
    world.queue.abandon(token(world.queue.take()))
    assert world.dead.peek(0, 10) == []
    world.queue.abandon(token(world.queue.take()))
    assert world.queue.peek(0, 10) == []
    (dead,) = world.dead.peek(0, 10)
    assert b"MaxDeliveryCountExceeded" in dead.content.bare


def test_a_deferred_message_waits_for_its_number_and_stays_deferred_when_abandoned() -> None:
    queue = World().queue
    number = queue.put(a_message())
    queue.defer(token(queue.take()))
    assert queue.take() is None
    (held,) = queue.take_deferred([number])
    with refused("message-not-found"):
        queue.take_deferred([number])
    queue.abandon(token(held))
    assert queue.take() is None
    assert [entry.state for entry in queue.peek(0, 10)] == [State.DEFERRED]


def test_asking_for_one_unknown_deferred_message_locks_none_of_the_others() -> None:
    queue = World().queue
    number = queue.put(a_message())
    queue.defer(token(queue.take()))
    for wrong in ([number, 99], [number, number]):
        with refused("message-not-found"):
            queue.take_deferred(wrong)
    assert queue.peek(0, 10)[0].lock is None


def test_a_scheduled_message_appears_at_its_time_with_that_as_its_enqueued_time() -> None:
    world = World()
    due = world.clock.now + 500
    number = world.queue.put(a_message(ttl_ms=100), due)
    assert world.queue.take() is None
    world.clock.now = due
    entry = world.queue.take()
    assert entry is not None and (entry.seq, entry.enqueued_ms, entry.expires_ms) == (number, due, due + 100)


def test_a_cancelled_message_never_appears_and_cannot_be_cancelled_again() -> None:
    world = World()
    number = world.queue.put(a_message(), world.clock.now + 500)
    world.queue.cancel([number])
    world.clock.now += 500
    assert world.queue.take() is None
    with refused("message-not-found"):
        world.queue.cancel([number])


def test_an_expired_message_is_dropped_or_dead_lettered_as_the_queue_says() -> None:
    for dead_letter_expired, dead in ((False, 0), (True, 1)):
        world = World(dead_letter_expired=dead_letter_expired)
        world.queue.put(a_message(ttl_ms=100))
        world.clock.now += 100
        assert world.queue.take() is None
        assert len(world.dead.peek(0, 10)) == dead


def test_the_queue_shortens_a_longer_time_to_live() -> None:
    world = World(ttl_ms=50)
    world.queue.put(a_message(ttl_ms=100))
    world.queue.put(a_message())
    assert [entry.content.ttl_ms for entry in world.queue.peek(0, 10)] == [50, 50]
    world.clock.now += 50
    assert not world.queue.ready


def test_a_message_that_expires_in_a_receivers_hands_can_still_be_completed() -> None:
    world = World(dead_letter_expired=True)
    world.queue.put(a_message(ttl_ms=100))
    held = token(world.queue.take())
    world.clock.now += 500
    world.queue.complete(held)
    assert world.dead.peek(0, 10) == []


def test_nothing_is_dead_lettered_out_of_the_dead_letters() -> None:
    world = World()
    world.queue.put(a_message())
    world.queue.dead_letter(token(world.queue.take()), "why", None)
    held = token(world.dead.take())
    with refused("not-allowed"):
        world.dead.dead_letter(held, "why", None)
    world.dead.complete(held)


def test_a_message_id_seen_within_the_window_is_stored_once_and_also_after_a_restart() -> None:
    world = World(duplicate_window_ms=1_000)
    first = world.queue.put(a_message("a", message_id="same"))
    assert world.queue.put(a_message("b", message_id="same")) == first
    again = world.restarted()
    assert again.put(a_message("c", message_id="same")) == first
    assert len(again.peek(0, 10)) == 1
    world.clock.now += 1_000
    assert again.put(a_message("d", message_id="same")) != first


def test_locks_and_schedules_survive_a_restart() -> None:
    world = World()
    for text in ("held", "deferred", "free"):
        world.queue.put(a_message(text))
    held = token(world.queue.take())
    world.queue.defer(token(world.queue.take()))
    world.queue.put(a_message("later"), world.clock.now + 500)
    again = world.restarted()
    assert seq(again.take()) == 3
    assert again.take() is None
    again.complete(held)
    again.pop_deferred([2])
    world.clock.now += 500
    assert seq(again.take()) == 4


class AnyOrderOfEvents(RuleBasedStateMachine):
    """Whatever clients do: nothing is lost, nothing settled comes back, and the notebook knows it all."""

    tokens = Bundle("tokens")

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.alive: set[int] = set()

    @rule(delay=st.none() | st.integers(1, 3_000))
    def send(self, delay: int | None) -> None:
        at = None if delay is None else self.world.clock.now + delay
        self.alive.add(self.world.queue.put(a_message(), at))

    @rule(target=tokens)
    def take(self) -> UUID:
        entry = self.world.queue.take()
        if entry is None:
            return uuid4()
        assert entry.seq in self.alive and entry.state is State.ACTIVE
        return token(entry)

    @rule(target=tokens)
    def take_deferred(self) -> UUID:
        free = [e for e in self.world.queue.peek(0, 100) if e.state is State.DEFERRED and e.lock is None]
        return token(self.world.queue.take_deferred([free[0].seq])[0]) if free else uuid4()

    @rule(held=tokens, how=st.sampled_from(["complete", "abandon", "release", "defer", "renew", "bury"]))
    def settle(self, held: UUID, how: str) -> None:
        queue = self.world.queue
        holders = {token(e): e.seq for e in queue.peek(0, 1_000) if e.lock is not None}
        try:
            if how == "bury":
                queue.dead_letter(held, "why", "because")
            else:
                getattr(queue, how)(held)
        except Refusal:
            assert held not in holders
            return
        assert held in holders
        if how == "complete":
            self.alive.discard(holders[held])

    @rule(held=tokens)
    def settle_a_dead_letter(self, held: UUID) -> None:
        entry = self.world.dead.take()
        if entry is not None:
            self.world.dead.abandon(token(entry))

    @rule(ms=st.integers(1, 1_500))
    def time_passes(self, ms: int) -> None:
        self.world.clock.now += ms
        self.world.queue.run_due()

    @rule()
    def restart(self) -> None:
        self.world.queue = self.world.restarted()

    @invariant()
    def every_message_is_in_exactly_one_place(self) -> None:
        here = [entry.seq for entry in self.world.queue.peek(0, 1_000)]
        dead = [entry.seq for entry in self.world.dead.peek(0, 1_000)]
        assert sorted(here + dead) == sorted(self.alive)

    @invariant()
    def the_notebook_agrees(self) -> None:
        written = {
            (name, number): (e.state, e.lock, e.failures) for (name, number), e in self.world.notebook.kept.items()
        }
        actual = {
            (queue.name, e.seq): (e.state, e.lock, e.failures)
            for queue in (self.world.queue, self.world.dead)
            for e in queue.peek(0, 1_000)
        }
        assert written == actual


TestAnyOrderOfEvents = AnyOrderOfEvents.TestCase
TestAnyOrderOfEvents.settings = effort(max_examples=60, stateful_step_count=30, deadline=None)
