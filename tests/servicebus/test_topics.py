"""Topics through the SDK: every subscription gets its own copy."""

from datetime import UTC, datetime, timedelta

import pytest
from azure.servicebus import ServiceBusMessage, ServiceBusReceiver, ServiceBusSender, ServiceBusSubQueue

from tests.servicebus.conftest import BrokerProcess, Opener, body, receive_one


@pytest.fixture(scope="module")
def sender(broker: BrokerProcess, opened: Opener) -> ServiceBusSender:
    return opened(broker.client(retry_total=0).get_topic_sender("news"))


@pytest.fixture(scope="module")
def east(broker: BrokerProcess, opened: Opener) -> ServiceBusReceiver:
    return opened(broker.client(retry_total=0).get_subscription_receiver("news", "east"))


@pytest.fixture(scope="module")
def west(broker: BrokerProcess, opened: Opener) -> ServiceBusReceiver:
    return opened(broker.client(retry_total=0).get_subscription_receiver("news", "west"))


def test_each_subscription_gets_a_copy_and_settles_it_on_its_own(
    broker: BrokerProcess,
    sender: ServiceBusSender,
    east: ServiceBusReceiver,
    west: ServiceBusReceiver,
    opened: Opener,
) -> None:
    sender.send_messages([ServiceBusMessage("a"), ServiceBusMessage("b")])
    for text in ("a", "b"):
        message = receive_one(east)
        assert body(message) == text
        east.complete_message(message)
    assert [body(message) for message in west.peek_messages(5, sequence_number=1)] == ["a", "b"]
    west.dead_letter_message(receive_one(west), reason="not for the west")
    west.complete_message(receive_one(west))
    client = broker.client(retry_total=0)
    graves = opened(client.get_subscription_receiver("news", "west", sub_queue=ServiceBusSubQueue.DEAD_LETTER))
    dead = receive_one(graves)
    assert (body(dead), dead.dead_letter_reason) == ("a", "not for the west")
    graves.complete_message(dead)


def test_a_message_scheduled_on_a_topic_reaches_the_subscriptions_when_due(
    sender: ServiceBusSender, east: ServiceBusReceiver, west: ServiceBusReceiver
) -> None:
    due = datetime.now(UTC) + timedelta(seconds=0.5)
    _, cancelled = sender.schedule_messages([ServiceBusMessage("planned"), ServiceBusMessage("no")], due)
    sender.cancel_scheduled_messages(cancelled)
    assert east.peek_messages(5, sequence_number=1) == []
    for receiver in (east, west):
        message = receive_one(receiver)
        assert body(message) == "planned"
        receiver.complete_message(message)
        assert receiver.peek_messages(5, sequence_number=1) == []
