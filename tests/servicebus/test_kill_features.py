"""kill -9, and what sessions, rules, duplicates, schedules and forwarding are afterwards."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from azure.servicebus import (
    NEXT_AVAILABLE_SESSION,
    ServiceBusClient,
    ServiceBusMessage,
    ServiceBusReceiver,
    ServiceBusSender,
)
from azure.servicebus.exceptions import ServiceBusConnectionError, ServiceBusError, SessionLockLostError

from tests.servicebus.conftest import BrokerProcess, Opener, body, config_json, receive_one, running, sql_rule
from tests.servicebus.test_kill import everything_in, wait_for
from tests.servicebus.test_subscriptions import ask, rules_of

SESSIONS = ("red", "green", "blue")
SENT_AT_LEAST, COMPLETED_AT_LEAST = 200, 100
TOPIC = {
    "Name": "counted",
    "Subscriptions": [
        {"Name": "all", "Properties": {"RequiresSession": True}},
        {"Name": "even", "Rules": [sql_rule("even", "n % 2 = 0")]},
        {"Name": "tens", "Rules": [sql_rule("tens", "n % 10 = 0", "SET tens = n / 10")]},
    ],
}


@dataclass
class Load:
    """A sender to all sessions and a receiver of the first, and what they know for sure when the broker dies."""

    acknowledged: list[int] = field(default_factory=list)
    completed: list[int] = field(default_factory=list)

    def send(self, sender: ServiceBusSender) -> None:
        number = 0
        while True:
            message = ServiceBusMessage(
                str(number), session_id=SESSIONS[number % 3], application_properties={"n": number}
            )
            try:
                sender.send_messages(message)
            except ServiceBusError:
                return
            self.acknowledged.append(number)
            number += 1

    def complete(self, client: ServiceBusClient) -> None:
        receiver = client.get_subscription_receiver("counted", "all", session_id=SESSIONS[0])
        try:
            while True:
                for message in receiver.receive_messages(20, max_wait_time=5):
                    receiver.complete_message(message)
                    self.completed.append(int(body(message)))
        except ServiceBusError:
            return


@dataclass
class Aftermath:
    broker: BrokerProcess
    load: Load
    holder: ServiceBusReceiver
    in_hand: object
    deferred: int
    scheduled: list[int]


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory, opened: Opener) -> Iterator[Aftermath]:
    folder = tmp_path_factory.mktemp("killed")
    config = folder / "Config.json"
    queues = {
        "talks": {"RequiresSession": True, "LockDuration": "PT5M"},
        "unique": {"RequiresDuplicateDetection": True, "ForwardTo": "end"},
        "end": {},
    }
    config.write_text(config_json(queues, [TOPIC]))
    with running(BrokerProcess(config, folder / "broker.sqlite")) as broker:
        client = broker.client(retry_total=0)
        talks = opened(client.get_queue_sender("talks"))
        talks.send_messages([ServiceBusMessage(text, session_id="bob") for text in "abc"])
        holder = opened(client.get_queue_receiver("talks", session_id="bob"))
        holder.session.set_state("half-way")
        later = receive_one(holder)
        holder.defer_message(later)
        in_hand = receive_one(holder)
        opened(client.get_queue_sender("unique")).send_messages(ServiceBusMessage("once", message_id="1"))
        due = datetime.now(UTC) + timedelta(hours=1)
        scheduled = opened(client.get_queue_sender("unique")).schedule_messages(ServiceBusMessage("later"), due)
        manager = opened(client.get_subscription_receiver("counted", "even"))
        thirds = {"sql-filter": {"expression": "n % 3 = 0"}}
        ask(manager, "add-rule", {"rule-name": "thirds", "rule-description": thirds})
        load = until_killed(broker)
        broker.start()
        assert later.sequence_number is not None
        yield Aftermath(broker, load, holder, in_hand, later.sequence_number, scheduled)


def until_killed(broker: BrokerProcess) -> Load:
    load = Load()
    client = broker.client(retry_total=0)
    sender = client.get_topic_sender("counted")
    threads = [
        threading.Thread(target=load.send, args=[sender]),
        threading.Thread(target=load.complete, args=[client]),
    ]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(load.acknowledged) > SENT_AT_LEAST and len(load.completed) > COMPLETED_AT_LEAST)
    broker.kill()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return load


def numbers_in(aftermath: Aftermath, opened: Opener, subscription: str) -> list[int]:
    session = {"session_id": "nobody"} if subscription == "all" else {}
    receiver = opened(aftermath.broker.client().get_subscription_receiver("counted", subscription, **session))
    return [int(text) for text in everything_in(receiver)]


def test_each_message_is_in_all_the_subscriptions_that_it_belongs_to_or_in_none(
    aftermath: Aftermath, opened: Opener
) -> None:
    load = aftermath.load
    even = numbers_in(aftermath, opened, "even")
    whole = range(max(even) + 1)
    assert len(load.acknowledged) > SENT_AT_LEAST
    assert even == [n for n in whole if n % 2 == 0 or n % 3 == 0]  # the rule added while it ran holds
    assert set(load.acknowledged) - set(even) == {n for n in load.acknowledged if n % 2 and n % 3}
    assert numbers_in(aftermath, opened, "tens") == [n for n in whole if n % 10 == 0]


def test_a_session_goes_on_where_it_was_in_its_order(aftermath: Aftermath, opened: Opener) -> None:
    load = aftermath.load
    client = aftermath.broker.client()
    last = max(n for n in load.acknowledged if n % 3 == 0)
    done = load.completed
    assert done == list(range(0, 3 * len(done), 3))
    red = opened(client.get_subscription_receiver("counted", "all", session_id="red"))
    rest: list[int] = []
    while not rest or rest[-1] < last:
        message = receive_one(red)
        rest.append(int(body(message)))
        red.complete_message(message)
    assert rest[0] in (3 * len(done), 3 * len(done) + 3)  # the first may have been completed and not told so
    assert rest == list(range(rest[0], rest[-1] + 1, 3))
    assert not set(rest) & set(done)


def test_a_session_keeps_its_state_and_gives_its_messages_to_the_next_holder(
    aftermath: Aftermath, opened: Opener
) -> None:
    with pytest.raises((ServiceBusConnectionError, SessionLockLostError)):
        aftermath.holder.complete_message(aftermath.in_hand)  # type: ignore[arg-type]
    client = aftermath.broker.client()
    receiver = opened(client.get_queue_receiver("talks", session_id=NEXT_AVAILABLE_SESSION, max_wait_time=20))
    assert receiver.session.session_id == "bob"
    assert bytes(receiver.session.get_state()) == b"half-way"
    (deferred,) = receiver.receive_deferred_messages(aftermath.deferred)
    assert body(deferred) == "a"
    receiver.complete_message(deferred)
    for text in "bc":
        message = receive_one(receiver)
        assert (body(message), message.delivery_count) == (text, 0)
        receiver.complete_message(message)


def test_duplicates_are_still_known_and_forwarded_messages_have_arrived_once(
    aftermath: Aftermath, opened: Opener
) -> None:
    client = aftermath.broker.client()
    sender = opened(client.get_queue_sender("unique"))
    sender.send_messages([ServiceBusMessage("again", message_id="1"), ServiceBusMessage("new", message_id="2")])
    assert everything_in(opened(client.get_queue_receiver("end"))) == ["once", "new"]
    sender.cancel_scheduled_messages(aftermath.scheduled)


def test_rules_of_clients_hold_until_the_configuration_says_something_else(
    aftermath: Aftermath, opened: Opener
) -> None:
    broker = aftermath.broker
    receiver = opened(broker.client().get_subscription_receiver("counted", "even"))
    assert set(rules_of(receiver)) == {"even", "thirds"}
    broker.stop()
    broker.config.write_text(broker.config.read_text().replace("n % 2 = 0", "n % 4 = 0"))
    broker.start()
    receiver = opened(broker.client().get_subscription_receiver("counted", "even"))
    ((name, (its_filter, _)),) = rules_of(receiver).items()
    assert (name, its_filter[0]) == ("even", b"n % 4 = 0")
