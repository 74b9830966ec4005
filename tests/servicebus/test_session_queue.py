"""Sessions' rules, without network, disk or waiting."""

from dataclasses import replace

import pytest
from hypothesis import settings as effort
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from slipway.local.servicebus.entry import Entry, Settings
from slipway.local.servicebus.message import Content, section
from slipway.local.servicebus.queue import Queue
from slipway.local.servicebus.session_queue import Hold, SessionQueue
from tests.servicebus.test_queue import Clock, Notebook, refused, seq, token

LOCK_MS = 1_000


class World:
    """A queue with sessions and its dead letters, a clock and a notebook."""

    def __init__(self, **settings: object) -> None:
        self.clock = Clock()
        self.notebook = Notebook()
        self.settings = replace(Settings(lock_ms=LOCK_MS, max_deliveries=3, sessions=True), **settings)  # type: ignore[arg-type]
        self.queue = self.build()

    def build(self) -> SessionQueue:
        dead = Queue("q/$DeadLetterQueue", Settings(lock_ms=LOCK_MS, max_deliveries=None), self.clock, self.notebook)
        return SessionQueue("q", self.settings, self.clock, self.notebook, dead)

    @property
    def dead(self) -> Queue:
        assert self.queue.dead_letters is not None
        return self.queue.dead_letters

    def hold(self, session: str | None) -> Hold:
        hold = self.queue.hold(session)
        assert hold is not None
        return hold

    def restart(self) -> None:
        """A queue that knows only what was written down; what has no end of a lock has no lock."""
        queue = self.build()
        for each in (queue, queue.dead_letters):
            assert each is not None
            entries = [replace(e) for (name, _), e in sorted(self.notebook.kept.items()) if name == each.name]
            for entry in entries:
                entry.lock = None if entry.lock is None or entry.lock.until_ms is None else entry.lock
            each.restore(self.queue.next_seq, entries, {})
        queue.restore_states(self.notebook.states)
        self.queue = queue


def a_message(session: str | None, ttl_ms: int | None = None) -> Content:
    return Content(False, None, ttl_ms, {}, section(0x73, [None] * 10 + [session]) + section(0x75, b"x"))


def test_a_holder_gets_its_session_in_order_and_nothing_else() -> None:
    world = World()
    sent = [world.queue.put(a_message(session)) for session in "abab"]
    a, b = world.hold("a"), world.hold("b")
    assert [seq(world.queue.take_for(a)) for _ in range(3)] == [sent[0], sent[2], None]
    assert [seq(world.queue.pop_for(b)) for _ in range(3)] == [sent[1], sent[3], None]


def test_an_abandoned_message_comes_before_the_younger_ones_of_its_session() -> None:
    world = World()
    first, second = world.queue.put(a_message("a")), world.queue.put(a_message("a"))
    hold = world.hold("a")
    world.queue.abandon(token(world.queue.take_for(hold)))
    assert [seq(world.queue.take_for(hold)), seq(world.queue.take_for(hold))] == [first, second]


def test_a_session_has_one_holder_and_another_when_that_lets_go() -> None:
    world = World()
    world.queue.put(a_message("a"))
    hold = world.hold("a")
    held = token(world.queue.take_for(hold))
    with refused("session-cannot-be-locked"):
        world.queue.hold("a")
    assert world.queue.hold(None) is None
    world.queue.let_go(hold)
    again = world.queue.take_for(world.hold("a"))
    assert again is not None and again.failures == 0
    with refused("session-lock-lost"):
        world.queue.complete(held)


def test_a_session_may_be_held_before_it_has_messages() -> None:
    world = World()
    hold = world.hold("a")
    assert not world.queue.has_for(hold)
    number = world.queue.put(a_message("a"))
    assert not world.queue.has_free_session()
    assert seq(world.queue.take_for(hold)) == number


def test_the_next_session_is_the_one_that_has_waited_longest() -> None:
    world = World()
    for session in "abca":
        world.queue.put(a_message(session))
    a = world.hold(None)
    assert (a.session_id, world.hold(None).session_id) == ("a", "b")
    world.queue.complete(token(world.queue.take_for(a)))
    world.queue.let_go(a)
    assert [world.hold(None).session_id, world.hold(None).session_id] == ["c", "a"]
    assert world.queue.hold(None) is None


def test_a_session_whose_messages_have_gone_is_no_next_one() -> None:
    world = World()
    world.queue.put(a_message("a", ttl_ms=100))
    world.clock.now += 100
    assert not world.queue.has_free_session()
    assert world.queue.hold(None) is None


def test_a_lock_that_ran_out_tells_its_holder_and_counts_what_was_in_hand() -> None:
    world = World()
    lost: list[str] = []
    for _ in range(2):
        world.queue.put(a_message("a"))
    hold = world.hold("a")
    hold.on_lost = lambda: lost.append("a")
    held = token(world.queue.take_for(hold))
    assert world.queue.next_moment == world.clock.now + LOCK_MS
    world.clock.now += LOCK_MS
    world.queue.run_due()
    assert lost == ["a"]
    for settle in (world.queue.complete, world.queue.abandon, world.queue.defer):
        with refused("session-lock-lost"):
            settle(held)
    for ask in (world.queue.renew_session, world.queue.state):
        with refused("session-lock-lost"):
            ask("a")
    again = world.hold("a")
    assert [each.failures for each in world.queue.peek(0, 9)] == [1, 0]
    world.queue.let_go(hold)  # the old receiver closes at last
    assert world.queue.has_for(again)


def test_a_renewed_session_holds_for_another_full_time() -> None:
    world = World()
    world.queue.put(a_message("a"))
    hold = world.hold("a")
    held = token(world.queue.take_for(hold))
    for _ in range(5):
        world.clock.now += 900
        assert world.queue.renew_session("a") == world.clock.now + LOCK_MS
    world.queue.complete(held)
    assert world.queue.peek(0, 9) == []


def test_a_message_has_no_lock_of_its_own_to_renew() -> None:
    world = World()
    world.queue.put(a_message("a"))
    entry = world.queue.take_for(world.hold("a"))
    assert entry is not None and entry.lock is not None and entry.lock.until_ms is None
    with refused("not-allowed"):
        world.queue.renew(token(entry))


def test_a_state_is_the_holders_and_outlives_messages_and_restarts() -> None:
    world = World()
    with refused("session-lock-lost"):
        world.queue.set_state("a", b"one")
    world.hold("a")
    assert world.queue.state("a") is None
    world.queue.set_state("a", b"one")
    world.restart()
    world.hold("a")
    assert world.queue.state("a") == b"one"
    world.queue.set_state("a", None)
    world.restart()
    world.hold("a")
    assert world.queue.state("a") is None


def test_sessions_are_listed_by_messages_and_states_or_by_when_a_state_was_set() -> None:
    world = World()
    world.queue.put(a_message("with a message"))
    world.hold("with a state")
    world.queue.set_state("with a state", b"s")
    assert world.queue.sessions(None) == ["with a message", "with a state"]
    assert world.queue.sessions(world.clock.now) == ["with a state"]
    assert world.queue.sessions(world.clock.now + 1) == []


def test_a_message_without_a_session_is_refused_or_dead_lettered_when_it_came_by_itself() -> None:
    world = World()
    with refused("needs a session id"):
        world.queue.check(a_message(None))
    world.queue.put(a_message(None))
    (dead,) = world.dead.peek(0, 9)
    assert b"Session ID is null" in dead.content.bare
    assert world.queue.peek(0, 9) == []


def test_a_queue_that_has_sessions_only_now_dead_letters_what_belongs_to_none() -> None:
    world = World()
    plain = Queue("q", world.settings, world.clock, world.notebook)
    for session in (None, "a"):
        plain.put(a_message(session))
    plain.take()
    world.queue.next_seq = plain.next_seq
    world.restart()
    assert [entry.session for entry in world.queue.peek(0, 9)] == ["a"]
    assert len(world.dead.peek(0, 9)) == 1


def test_dead_letters_are_received_without_sessions() -> None:
    world = World(max_deliveries=1)
    world.queue.put(a_message("a"))
    world.queue.abandon(token(world.queue.take_for(world.hold("a"))))
    dead = world.dead.take()
    assert dead is not None and dead.content.session_id() == "a"


def test_a_deferred_message_is_for_the_holder_of_its_session() -> None:
    world = World()
    number = world.queue.put(a_message("a"))
    a = world.hold("a")
    world.queue.defer(token(world.queue.take_for(a)))
    with refused("say the session"):
        world.queue.take_deferred([number])
    with refused("session-lock-lost"):
        world.queue.take_deferred([number], "b")
    world.hold("b")
    with refused("not of session 'b'"):
        world.queue.pop_deferred([number], "b")
    (entry,) = world.queue.take_deferred([number], "a")
    world.queue.complete(token(entry))


def test_a_restart_frees_every_session_and_forgets_no_message() -> None:
    world = World()
    for session in "ab":
        world.queue.put(a_message(session))
    held = token(world.queue.take_for(world.hold("a")))
    world.restart()
    with refused("session-lock-lost"):
        world.queue.complete(held)
    for session in "ab":
        entry = world.queue.take_for(world.hold(None))
        assert entry is not None and (entry.session, entry.failures) == (session, 0)


def test_peeking_may_keep_to_one_session() -> None:
    world = World()
    numbers = [world.queue.put(a_message(session)) for session in "aba"]
    assert [entry.seq for entry in world.queue.peek(0, 9, "a")] == [numbers[0], numbers[2]]
    assert [entry.seq for entry in world.queue.peek(0, 9)] == numbers


def test_many_holds_of_a_session_leave_nothing_behind() -> None:
    world = World()
    world.queue.put(a_message("a"))
    for _ in range(5_000):
        world.queue.let_go(world.hold("a"))
        world.clock.now += 10
        world.queue.run_due()
    assert len(world.queue._ends) <= LOCK_MS // 10 + 1
    assert len(world.queue._queues["a"]) == 1


SESSIONS = st.sampled_from("abc")


class AnyOrderOfEvents(RuleBasedStateMachine):
    """Whatever clients do: nothing is lost, a session has one holder, and it sees its messages in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(max_deliveries=None)
        self.waiting: dict[str, list[int]] = {session: [] for session in "abc"}
        self.holds: dict[str, Hold] = {}
        self.in_hand: dict[str, list[Entry]] = {session: [] for session in "abc"}

    def _back(self, session: str) -> None:
        """What was in hand is at its place again."""
        self.waiting[session] = sorted(self.waiting[session] + [entry.seq for entry in self.in_hand[session]])
        self.in_hand[session] = []
        self.holds.pop(session, None)

    @rule(session=SESSIONS)
    def send(self, session: str) -> None:
        self.waiting[session].append(self.world.queue.put(a_message(session)))

    @rule(session=SESSIONS)
    def hold(self, session: str) -> None:
        if session in self.holds:
            with pytest.raises(Exception, match="another receiver holds"):
                self.world.queue.hold(session)
        else:
            self._has(self.world.hold(session))

    @rule()
    def hold_any(self) -> None:
        hold = self.world.queue.hold(None)
        free = [each for each, waiting in self.waiting.items() if waiting and each not in self.holds]
        assert (hold is None) == (not free)
        if hold is not None:
            assert hold.session_id in free
            self._has(hold)

    def _has(self, hold: Hold) -> None:
        self.holds[hold.session_id] = hold
        hold.on_lost = lambda: self._back(hold.session_id)

    @rule(session=SESSIONS)
    def take(self, session: str) -> None:
        if session in self.holds:
            entry = self.world.queue.take_for(self.holds[session])
            assert seq(entry) == (self.waiting[session].pop(0) if self.waiting[session] else None)
            if entry is not None:
                self.in_hand[session].append(entry)

    @rule(session=SESSIONS)
    def complete(self, session: str) -> None:
        if self.in_hand[session]:
            self.world.queue.complete(token(self.in_hand[session].pop()))

    @rule(session=SESSIONS)
    def abandon(self, session: str) -> None:
        if self.in_hand[session]:
            entry = self.in_hand[session].pop(0)
            self.world.queue.abandon(token(entry))
            self.waiting[session] = sorted([*self.waiting[session], entry.seq])

    @rule(session=SESSIONS)
    def let_go(self, session: str) -> None:
        if session in self.holds:
            self.world.queue.let_go(self.holds[session])
            self._back(session)

    @rule(ms=st.integers(1, 1_500))
    def time_passes(self, ms: int) -> None:
        self.world.clock.now += ms
        self.world.queue.run_due()

    @rule()
    def restart(self) -> None:
        self.world.restart()
        for session in "abc":
            self._back(session)

    @invariant()
    def nothing_is_lost(self) -> None:
        waiting = [number for each in self.waiting.values() for number in each]
        known = sorted(waiting + [entry.seq for each in self.in_hand.values() for entry in each])
        assert [entry.seq for entry in self.world.queue.peek(0, 1_000)] == known


TestAnyOrderOfEvents = AnyOrderOfEvents.TestCase
TestAnyOrderOfEvents.settings = effort(max_examples=60, stateful_step_count=30, deadline=None)
