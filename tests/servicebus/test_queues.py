"""Queues through the synchronous SDK."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from azure.servicebus import (
    AutoLockRenewer,
    ServiceBusClient,
    ServiceBusMessage,
    ServiceBusMessageState,
    ServiceBusReceiveMode,
    ServiceBusReceiver,
    ServiceBusSender,
    ServiceBusSubQueue,
)
from azure.servicebus.exceptions import (
    MessageLockLostError,
    MessageNotFoundError,
    MessageSizeExceededError,
)

from tests.servicebus.conftest import BrokerProcess, Opener, body, receive_one


@pytest.fixture(scope="module")
def client(broker: BrokerProcess) -> Iterator[ServiceBusClient]:
    yield broker.client(retry_total=0)


@pytest.fixture(scope="module")
def sender(client: ServiceBusClient, opened: Opener) -> ServiceBusSender:
    return opened(client.get_queue_sender("orders"))


@pytest.fixture(scope="module")
def receiver(client: ServiceBusClient, opened: Opener) -> ServiceBusReceiver:
    return opened(client.get_queue_receiver("orders"))


@pytest.fixture(scope="module")
def dead_letters(client: ServiceBusClient, opened: Opener) -> ServiceBusReceiver:
    return opened(client.get_queue_receiver("orders", sub_queue=ServiceBusSubQueue.DEAD_LETTER))


@pytest.fixture(scope="module")
def brief_sender(client: ServiceBusClient, opened: Opener) -> ServiceBusSender:
    return opened(client.get_queue_sender("brief"))


@pytest.fixture(scope="module")
def brief_receiver(client: ServiceBusClient, opened: Opener) -> ServiceBusReceiver:
    return opened(client.get_queue_receiver("brief"))


def empty(receiver: ServiceBusReceiver) -> bool:
    return receiver.peek_messages(1, sequence_number=1) == []


def test_a_message_arrives_with_everything_that_was_put_into_it(
    sender: ServiceBusSender, receiver: ServiceBusReceiver
) -> None:
    sent = ServiceBusMessage(
        b"\x00\xffbinary",
        application_properties={"text": "ü", "number": 7, "yes": True, "part": 0.5},
        message_id="id-1",
        correlation_id="cause",
        subject="placed",
        content_type="application/json",
        reply_to="answers",
        to="someone",
        time_to_live=timedelta(minutes=5),
        partition_key="key",
    )
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    sender.send_messages(sent)
    got = receive_one(receiver)
    assert b"".join(got.body) == b"\x00\xffbinary"
    assert got.application_properties == {b"text": "ü".encode(), b"number": 7, b"yes": True, b"part": 0.5}
    assert (got.message_id, got.correlation_id, got.subject) == ("id-1", "cause", "placed")
    assert (got.content_type, got.reply_to, got.to) == ("application/json", "answers", "someone")
    assert (got.time_to_live, got.partition_key) == (timedelta(minutes=5), "key")
    assert got.delivery_count == 0
    assert got.state == ServiceBusMessageState.ACTIVE
    assert got.enqueued_time_utc is not None and got.locked_until_utc is not None
    assert before <= got.enqueued_time_utc <= datetime.now(UTC)
    assert timedelta(seconds=25) < got.locked_until_utc - datetime.now(UTC) <= timedelta(seconds=30)
    receiver.complete_message(got)
    assert empty(receiver)


def test_an_abandoned_message_comes_back_first_until_it_is_dead_lettered(
    sender: ServiceBusSender, receiver: ServiceBusReceiver, dead_letters: ServiceBusReceiver
) -> None:
    sender.send_messages([ServiceBusMessage("poison"), ServiceBusMessage("good")])
    for failures in range(3):
        message = receive_one(receiver)
        assert (body(message), message.delivery_count) == ("poison", failures)
        receiver.abandon_message(message)
    message = receive_one(receiver)
    assert body(message) == "good"
    receiver.complete_message(message)
    dead = receive_one(dead_letters)
    assert (body(dead), dead.dead_letter_reason) == ("poison", "MaxDeliveryCountExceeded")
    dead_letters.complete_message(dead)
    assert empty(dead_letters)


def test_a_dead_lettered_message_says_why_and_keeps_its_properties(
    sender: ServiceBusSender, receiver: ServiceBusReceiver, dead_letters: ServiceBusReceiver
) -> None:
    sender.send_messages(ServiceBusMessage("bad", application_properties={"tries": 3}))
    receiver.dead_letter_message(receive_one(receiver), reason="Malformed", error_description="no version")
    (peeked,) = dead_letters.peek_messages(5, sequence_number=1)
    assert body(peeked) == "bad"
    dead = receive_one(dead_letters)
    assert (dead.dead_letter_reason, dead.dead_letter_error_description) == ("Malformed", "no version")
    assert dead.application_properties is not None and dead.application_properties[b"tries"] == 3
    dead_letters.abandon_message(dead)
    dead_letters.complete_message(receive_one(dead_letters))


def test_dead_lettering_needs_no_reason(
    sender: ServiceBusSender, receiver: ServiceBusReceiver, dead_letters: ServiceBusReceiver
) -> None:
    sender.send_messages(ServiceBusMessage("bad"))
    receiver.dead_letter_message(receive_one(receiver))
    dead = receive_one(dead_letters)
    assert dead.dead_letter_reason is None
    dead_letters.complete_message(dead)


def test_a_deferred_message_is_fetched_by_its_number_and_only_so(
    sender: ServiceBusSender, receiver: ServiceBusReceiver
) -> None:
    sender.send_messages([ServiceBusMessage("later"), ServiceBusMessage("now")])
    later = receive_one(receiver)
    receiver.defer_message(later)
    now = receive_one(receiver)
    assert body(now) == "now"
    receiver.complete_message(now)
    assert later.sequence_number is not None
    (peeked,) = receiver.peek_messages(5, sequence_number=1)
    assert peeked.state == ServiceBusMessageState.DEFERRED
    (fetched,) = receiver.receive_deferred_messages(later.sequence_number)
    assert (body(fetched), fetched.delivery_count) == ("later", 1)
    receiver.renew_message_lock(fetched)
    receiver.complete_message(fetched)
    with pytest.raises(MessageNotFoundError):
        receiver.receive_deferred_messages(later.sequence_number)
    assert empty(receiver)


def test_a_deferred_message_can_be_dead_lettered_with_a_reason(
    sender: ServiceBusSender, receiver: ServiceBusReceiver, dead_letters: ServiceBusReceiver
) -> None:
    sender.send_messages(ServiceBusMessage("x"))
    message = receive_one(receiver)
    receiver.defer_message(message)
    assert message.sequence_number is not None
    (fetched,) = receiver.receive_deferred_messages(message.sequence_number)
    receiver.dead_letter_message(fetched, reason="Late", error_description="too late")
    dead = receive_one(dead_letters)
    assert (dead.dead_letter_reason, dead.dead_letter_error_description) == ("Late", "too late")
    dead_letters.complete_message(dead)


def test_a_scheduled_message_appears_when_due_under_the_number_it_was_given(
    sender: ServiceBusSender, receiver: ServiceBusReceiver
) -> None:
    due = datetime.now(UTC) + timedelta(seconds=0.3)
    (number,) = sender.schedule_messages(ServiceBusMessage("planned"), due)
    (peeked,) = receiver.peek_messages(5, sequence_number=1)
    assert (peeked.state, peeked.sequence_number) == (ServiceBusMessageState.SCHEDULED, number)
    message = receive_one(receiver)
    assert datetime.now(UTC) >= due - timedelta(milliseconds=1)
    assert (body(message), message.sequence_number) == ("planned", number)
    receiver.complete_message(message)


def test_a_message_may_carry_its_own_time_to_appear(sender: ServiceBusSender, receiver: ServiceBusReceiver) -> None:
    due = datetime.now(UTC) + timedelta(seconds=0.3)
    sender.send_messages(ServiceBusMessage("planned", scheduled_enqueue_time_utc=due))
    message = receive_one(receiver)
    assert datetime.now(UTC) >= due - timedelta(milliseconds=1)
    receiver.complete_message(message)


def test_cancelled_messages_never_appear(sender: ServiceBusSender, receiver: ServiceBusReceiver) -> None:
    due = datetime.now(UTC) + timedelta(hours=1)
    numbers = sender.schedule_messages([ServiceBusMessage("a"), ServiceBusMessage("b")], due)
    assert len(numbers) == 2
    sender.cancel_scheduled_messages(numbers)
    assert empty(receiver)
    with pytest.raises(MessageNotFoundError):
        sender.cancel_scheduled_messages(numbers)


def test_peeking_pages_through_everything_and_changes_nothing(
    sender: ServiceBusSender, receiver: ServiceBusReceiver
) -> None:
    sender.send_messages([ServiceBusMessage(str(n)) for n in range(5)])
    locked = receive_one(receiver)
    first = receiver.peek_messages(3, sequence_number=1)
    rest = receiver.peek_messages(10)
    assert [body(message) for message in first + rest] == ["0", "1", "2", "3", "4"]
    assert all(message.delivery_count == 0 for message in first + rest)
    receiver.abandon_message(locked)
    for number in range(5):
        message = receive_one(receiver)
        assert body(message) == str(number)
        receiver.complete_message(message)


def test_a_batch_arrives_whole_and_in_order(sender: ServiceBusSender, receiver: ServiceBusReceiver) -> None:
    batch = sender.create_message_batch()
    for number in range(200):
        batch.add_message(ServiceBusMessage(str(number).ljust(1_000)))
    sender.send_messages(batch)
    got: list[str] = []
    while len(got) < 200:
        messages = receiver.receive_messages(100, max_wait_time=5)
        assert messages
        for message in messages:
            got.append(body(message).strip())
            receiver.complete_message(message)
    assert got == [str(number) for number in range(200)]


def test_a_large_message_travels_in_many_frames(sender: ServiceBusSender, receiver: ServiceBusReceiver) -> None:
    content = bytes(range(256)) * 900
    sender.send_messages(ServiceBusMessage(content))
    message = receive_one(receiver)
    assert b"".join(message.body) == content
    receiver.complete_message(message)


def test_a_message_over_the_limit_is_refused_and_the_sender_goes_on(
    sender: ServiceBusSender, receiver: ServiceBusReceiver
) -> None:
    with pytest.raises(MessageSizeExceededError):
        sender.send_messages(ServiceBusMessage(b"x" * 300_000))
    sender.send_messages(ServiceBusMessage("small"))
    message = receive_one(receiver)
    assert body(message) == "small"
    receiver.complete_message(message)


def test_receive_and_delete_leaves_nothing_to_settle(
    client: ServiceBusClient, sender: ServiceBusSender, receiver: ServiceBusReceiver, opened: Opener
) -> None:
    taker = opened(client.get_queue_receiver("orders", receive_mode=ServiceBusReceiveMode.RECEIVE_AND_DELETE))
    sender.send_messages([ServiceBusMessage("a"), ServiceBusMessage("b")])
    got = [receive_one(taker), receive_one(taker)]
    assert [body(message) for message in got] == ["a", "b"]
    assert empty(receiver)
    with pytest.raises(ValueError):
        taker.complete_message(got[0])


def test_messages_a_closing_receiver_never_handed_out_are_free_again_uncounted(
    client: ServiceBusClient, sender: ServiceBusSender, receiver: ServiceBusReceiver
) -> None:
    sender.send_messages([ServiceBusMessage(str(n)) for n in range(3)])
    with client.get_queue_receiver("orders", prefetch_count=3) as hoarder:
        hoarder.complete_message(receive_one(hoarder))
    for number in (1, 2):
        message = receive_one(receiver)
        assert (body(message), message.delivery_count) == (str(number), 0)
        receiver.complete_message(message)


def test_a_message_whose_lock_ran_out_comes_again_and_the_first_receiver_cannot_settle_it(
    brief_sender: ServiceBusSender, brief_receiver: ServiceBusReceiver
) -> None:
    brief_sender.send_messages(ServiceBusMessage("slow"))
    late = receive_one(brief_receiver)
    again = receive_one(brief_receiver)
    assert (body(again), again.delivery_count) == ("slow", 1)
    with pytest.raises(MessageLockLostError):
        brief_receiver.complete_message(late)
    # That was the SDK, by its own clock. Now it believes in the lock and the broker must know better.
    late._expiry = datetime.now(UTC) + timedelta(hours=1)
    for settle in (brief_receiver.complete_message, brief_receiver.renew_message_lock):
        with pytest.raises(MessageLockLostError, match="expired or was settled before"):
            settle(late)
    brief_receiver.complete_message(again)


def test_an_auto_renewed_lock_outlives_its_first_time(client: ServiceBusClient, opened: Opener) -> None:
    receiver = opened(client.get_queue_receiver("renewed"))
    opened(client.get_queue_sender("renewed")).send_messages(ServiceBusMessage("long work"))
    message = receive_one(receiver)
    first_until = message.locked_until_utc
    with AutoLockRenewer() as renewer:
        renewer.register(receiver, message, max_lock_renewal_duration=30)
        assert receiver.receive_messages(max_wait_time=6) == []
        assert first_until is not None and message.locked_until_utc is not None
        assert message.locked_until_utc > first_until
        receiver.complete_message(message)


def test_an_expired_message_goes_to_the_dead_letters_where_the_queue_says_so(
    client: ServiceBusClient, brief_sender: ServiceBusSender, opened: Opener
) -> None:
    graves = opened(client.get_queue_receiver("brief", sub_queue=ServiceBusSubQueue.DEAD_LETTER))
    brief_sender.send_messages(ServiceBusMessage("stale", time_to_live=timedelta(seconds=1)))
    dead = receive_one(graves)
    assert (body(dead), dead.dead_letter_reason) == ("stale", "TTLExpiredException")
    graves.complete_message(dead)


def test_a_repeated_message_id_is_accepted_but_stored_once(client: ServiceBusClient, opened: Opener) -> None:
    sender = opened(client.get_queue_sender("unique"))
    receiver = opened(client.get_queue_receiver("unique"))
    sender.send_messages([ServiceBusMessage("a", message_id="1"), ServiceBusMessage("b", message_id="2")])
    sender.send_messages(ServiceBusMessage("again", message_id="1"))
    assert [body(message) for message in receiver.peek_messages(10)] == ["a", "b"]
