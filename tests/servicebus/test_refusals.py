"""Links that the broker refuses, and the exception that the SDK makes of it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from azure.servicebus import ServiceBusClient
from azure.servicebus.exceptions import MessagingEntityNotFoundError, ServiceBusError

from tests.servicebus.conftest import BrokerProcess

Attempt = Callable[[ServiceBusClient], Any]

ATTEMPTS: dict[str, Attempt] = {
    "receive from nowhere": lambda client: client.get_queue_receiver("nowhere"),
    "send to nowhere": lambda client: client.get_queue_sender("nowhere"),
    "manage nowhere": lambda client: client.get_queue_sender("nowhere"),
    "receive a session": lambda client: client.get_queue_receiver("sent", session_id="s"),
    "receive from a topic": lambda client: client.get_queue_receiver("news"),
    "send to a subscription": lambda client: client.get_queue_sender("news/Subscriptions/east"),
}


@pytest.fixture(scope="module")
def outcomes(broker: BrokerProcess) -> dict[str, ServiceBusError]:
    """What each attempt ended with; made together, as the SDK takes a second to give up a link."""

    def outcome(name: str) -> ServiceBusError:
        handler = ATTEMPTS[name](broker.client(retry_total=0))
        with pytest.raises(ServiceBusError) as caught:
            if name.startswith("receive"):
                handler.receive_messages(max_wait_time=5)
            elif name.startswith("manage"):
                handler.cancel_scheduled_messages(1)
            else:
                handler.create_message_batch()
        handler.close()
        return caught.value

    with ThreadPoolExecutor(len(ATTEMPTS)) as pool:
        return dict(zip(ATTEMPTS, pool.map(outcome, ATTEMPTS), strict=True))


def test_an_unknown_queue_is_not_found_whatever_is_wanted_of_it(outcomes: dict[str, ServiceBusError]) -> None:
    for attempt in ("receive from nowhere", "send to nowhere", "manage nowhere"):
        assert isinstance(outcomes[attempt], MessagingEntityNotFoundError), attempt
        assert "'nowhere' could not be found" in str(outcomes[attempt])


def test_a_session_cannot_be_had_from_a_queue_without_sessions(outcomes: dict[str, ServiceBusError]) -> None:
    assert "sent does not have sessions" in str(outcomes["receive a session"])


def test_a_topic_is_only_for_sending(outcomes: dict[str, ServiceBusError]) -> None:
    assert "news cannot be received from" in str(outcomes["receive from a topic"])


def test_a_subscription_is_only_for_receiving(outcomes: dict[str, ServiceBusError]) -> None:
    assert "news/subscriptions/east cannot be sent to" in str(outcomes["send to a subscription"])
