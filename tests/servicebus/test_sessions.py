"""Sessions through the synchronous SDK."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from azure.servicebus import (
    NEXT_AVAILABLE_SESSION,
    AutoLockRenewer,
    ServiceBusClient,
    ServiceBusMessage,
    ServiceBusReceiveMode,
    ServiceBusReceiver,
    ServiceBusSender,
    ServiceBusSubQueue,
)
from azure.servicebus.exceptions import (
    OperationTimeoutError,
    ServiceBusError,
    SessionCannotBeLockedError,
    SessionLockLostError,
)

from tests.servicebus.conftest import BrokerProcess, Opener, body, receive_one


@pytest.fixture(scope="module")
def client(broker: BrokerProcess) -> ServiceBusClient:
    return broker.client(retry_total=0)


@pytest.fixture(scope="module")
def sender(client: ServiceBusClient, opened: Opener) -> ServiceBusSender:
    return opened(client.get_queue_sender("talks"))


@pytest.fixture
def session() -> str:
    """Each test has sessions of its own."""
    return uuid4().hex


def send(sender: ServiceBusSender, session: str, *texts: str) -> None:
    sender.send_messages([ServiceBusMessage(text, session_id=session) for text in texts])


@contextmanager
def receiving(client: ServiceBusClient, session: str, queue: str = "talks") -> Iterator[ServiceBusReceiver]:
    with client.get_queue_receiver(queue, session_id=session) as receiver:
        yield receiver


def test_a_session_is_received_in_order_by_one_receiver_with_its_state(
    client: ServiceBusClient, sender: ServiceBusSender, session: str
) -> None:
    send(sender, session, "a", "b", "c")
    send(sender, session + "-other", "x")
    with receiving(client, session) as receiver:
        assert receiver.session.session_id == session
        until = receiver.session.locked_until_utc
        assert until is not None
        assert timedelta(seconds=25) < until - datetime.now(UTC) <= timedelta(seconds=30)
        with pytest.raises(SessionCannotBeLockedError), receiving(client, session):
            pass
        first = receive_one(receiver)
        assert (body(first), first.session_id) == ("a", session)
        receiver.abandon_message(first)
        for text in ("a", "b"):
            message = receive_one(receiver)
            assert body(message) == text
            receiver.complete_message(message)
        assert receiver.session.get_state() is None
        receiver.session.set_state("two of three")
        assert receiver.session.renew_lock() > until
        in_hand = receive_one(receiver)
        assert [body(message) for message in receiver.peek_messages(9, sequence_number=1)] == ["c"]
    with receiving(client, session) as receiver:
        assert bytes(receiver.session.get_state()) == b"two of three"
        again = receive_one(receiver)
        assert (body(again), again.delivery_count) == (body(in_hand), 0)
        receiver.dead_letter_message(again, reason="enough")
        receiver.session.set_state(None)
        assert receiver.session.get_state() is None
    with client.get_queue_receiver("talks", sub_queue=ServiceBusSubQueue.DEAD_LETTER) as graves:
        dead = receive_one(graves)
        assert (body(dead), dead.session_id, dead.dead_letter_reason) == ("c", session, "enough")
        graves.complete_message(dead)


def test_deferred_and_scheduled_messages_belong_to_their_session(
    client: ServiceBusClient, sender: ServiceBusSender, session: str
) -> None:
    due = datetime.now(UTC) + timedelta(seconds=0.2)
    numbers = sender.schedule_messages([ServiceBusMessage(text, session_id=session) for text in "ab"], due)
    with receiving(client, session) as receiver:
        later = receive_one(receiver)
        assert (body(later), later.sequence_number) == ("a", numbers[0])
        receiver.defer_message(later)
        now = receive_one(receiver)
        assert body(now) == "b"
        receiver.complete_message(now)
        (fetched,) = receiver.receive_deferred_messages(numbers[0])
        assert (body(fetched), fetched.session_id) == ("a", session)
        receiver.complete_message(fetched)


def test_the_next_available_session_is_waited_for_and_has_messages(
    client: ServiceBusClient, opened: Opener, session: str
) -> None:
    sender = opened(client.get_queue_sender("next-talks"))
    with ThreadPoolExecutor(2) as pool:

        def take(_: int) -> tuple[str, str]:
            with client.get_queue_receiver(
                "next-talks", session_id=NEXT_AVAILABLE_SESSION, max_wait_time=20
            ) as receiver:
                message = receive_one(receiver)
                receiver.complete_message(message)
                return str(receiver.session.session_id), body(message)

        taken = [pool.submit(take, each) for each in range(2)]
        send(sender, session + "-1", "one")
        send(sender, session + "-2", "two")
        assert sorted(each.result(30) for each in taken) == [(session + "-1", "one"), (session + "-2", "two")]


def test_waiting_for_a_session_ends_when_the_client_says(client: ServiceBusClient) -> None:
    receiver = client.get_queue_receiver("brief-talks", session_id=NEXT_AVAILABLE_SESSION, max_wait_time=1)
    began = time.monotonic()
    with pytest.raises(OperationTimeoutError):
        receiver.receive_messages()
    assert time.monotonic() - began < 10
    receiver.close()


def test_a_session_whose_lock_ran_out_is_lost_to_its_receiver_and_free_for_the_next(
    client: ServiceBusClient, opened: Opener, session: str
) -> None:
    send(opened(client.get_queue_sender("brief-talks")), session, "slow")
    with receiving(client, session, "brief-talks") as receiver:
        late = receive_one(receiver)
        with client.get_queue_receiver(
            "brief-talks", session_id=NEXT_AVAILABLE_SESSION, max_wait_time=20
        ) as next_receiver:
            assert next_receiver.session.session_id == session
            again = receive_one(next_receiver)
            assert (body(again), again.delivery_count) == ("slow", 1)
            next_receiver.complete_message(again)
            with pytest.raises(SessionLockLostError):
                receiver.complete_message(late)
            # That was the SDK, by its own clock. Now it believes in the lock and the broker must know better.
            receiver.session._locked_until_utc = datetime.now(UTC) + timedelta(hours=1)
            with pytest.raises(SessionLockLostError):
                receiver.complete_message(late)


def test_an_auto_renewed_session_outlives_its_first_lock(
    client: ServiceBusClient, opened: Opener, session: str
) -> None:
    send(opened(client.get_queue_sender("renewed-talks")), session, "long work")
    with AutoLockRenewer() as renewer, receiving(client, session, "renewed-talks") as receiver:
        first_until = receiver.session.locked_until_utc
        renewer.register(receiver, receiver.session, max_lock_renewal_duration=30)
        message = receive_one(receiver)
        deadline = time.monotonic() + 30
        while datetime.now(UTC) < first_until + timedelta(seconds=1):
            assert time.monotonic() < deadline
            assert receiver.peek_messages(1, sequence_number=1) != []
        receiver.complete_message(message)


def test_sessions_can_be_listed(client: ServiceBusClient, sender: ServiceBusSender, session: str) -> None:
    send(sender, session, "a")
    assert session in client.list_queue_sessions("talks")
    before = datetime.now(UTC) - timedelta(seconds=1)
    with receiving(client, session) as receiver:
        assert session not in client.list_queue_sessions("talks", state_updated_after=before)
        receiver.session.set_state(b"s")
        assert session in client.list_queue_sessions("talks", state_updated_after=before)
        receiver.session.set_state(None)
        receiver.complete_message(receive_one(receiver))
    assert session not in client.list_queue_sessions("talks")


def test_a_session_can_be_received_and_deleted(
    client: ServiceBusClient, sender: ServiceBusSender, session: str
) -> None:
    send(sender, session, "a", "b")
    mode = ServiceBusReceiveMode.RECEIVE_AND_DELETE
    with client.get_queue_receiver("talks", session_id=session, receive_mode=mode) as receiver:
        assert [body(receive_one(receiver)), body(receive_one(receiver))] == ["a", "b"]
        assert receiver.peek_messages(1, sequence_number=1) == []


def test_what_has_sessions_takes_no_message_and_no_receiver_without(
    client: ServiceBusClient, sender: ServiceBusSender, session: str
) -> None:
    with pytest.raises(ServiceBusError, match="needs a session id"):
        sender.send_messages([ServiceBusMessage("a", session_id=session), ServiceBusMessage("b")])
    with pytest.raises(ServiceBusError, match="needs a session id"):
        sender.schedule_messages(ServiceBusMessage("b"), datetime.now(UTC))
    receiver = client.get_queue_receiver("talks")
    with pytest.raises(ServiceBusError, match="takes only receivers of a session"):
        receiver.receive_messages(max_wait_time=5)
    receiver.close()
    with receiving(client, session) as receiver:
        assert receiver.peek_messages(1, sequence_number=1) == []
