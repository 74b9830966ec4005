"""kill -9 while messages are in flight, then the same command line again."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from azure.servicebus import (
    ServiceBusClient,
    ServiceBusMessage,
    ServiceBusReceivedMessage,
    ServiceBusReceiver,
    ServiceBusSender,
)
from azure.servicebus.exceptions import ServiceBusError

from tests.servicebus.conftest import BrokerProcess, Opener, body, config_json, receive_one, running

BACKLOG = 300
BEFORE_THE_KILL = 200


@dataclass
class Load:
    """What a sender and a receiver know for sure at the moment when the broker dies."""

    acknowledged: set[str] = field(default_factory=set)
    attempted: set[str] = field(default_factory=set)
    completed: set[str] = field(default_factory=set)

    def send(self, sender: ServiceBusSender) -> None:
        number = 0
        while True:
            try:
                sender.send_messages(ServiceBusMessage(str(number)))
            except ServiceBusError:
                return
            self.acknowledged.add(str(number))
            number += 1

    def complete(self, receiver: ServiceBusReceiver) -> None:
        while True:
            try:
                for message in receiver.receive_messages(20, max_wait_time=5):
                    self.attempted.add(body(message))
                    receiver.complete_message(message)
                    self.completed.add(body(message))
            except ServiceBusError:
                return


@dataclass
class Aftermath:
    """The broker after its restart, what was known before, and a message in the hands of an old receiver."""

    broker: BrokerProcess
    load: Load
    remaining: list[str]
    holder: ServiceBusReceiver
    held: ServiceBusReceivedMessage


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory, opened: Opener) -> Iterator[Aftermath]:
    folder = tmp_path_factory.mktemp("killed")
    config = folder / "Config.json"
    config.write_text(config_json({"busy": {}, "held": {"LockDuration": "PT5M"}}, []))
    with running(BrokerProcess(config, folder / "broker.sqlite")) as broker:
        client = broker.client()
        opened(client.get_queue_sender("held")).send_messages(ServiceBusMessage("in hand"))
        holder = opened(client.get_queue_receiver("held"))
        held = receive_one(holder)
        load = under_load_until_killed(broker, broker.client(retry_total=0))
        broker.start()
        remaining = everything_in(opened(client.get_queue_receiver("busy")))
        yield Aftermath(broker, load, remaining, holder, held)


def under_load_until_killed(broker: BrokerProcess, client: ServiceBusClient) -> Load:
    load = Load()
    sender, receiver = client.get_queue_sender("busy"), client.get_queue_receiver("busy")
    threads = [
        threading.Thread(target=load.send, args=[sender]),
        threading.Thread(target=load.complete, args=[receiver]),
    ]
    threads[0].start()
    wait_for(lambda: len(load.acknowledged) > BACKLOG)
    threads[1].start()
    wait_for(lambda: len(load.completed) > BEFORE_THE_KILL)
    broker.kill()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return load


def everything_in(receiver: ServiceBusReceiver) -> list[str]:
    """The bodies of all messages of a queue, locked ones included."""
    found: list[str] = []
    while page := receiver.peek_messages(200, sequence_number=1 if not found else 0):
        found += [body(message) for message in page]
    return found


def wait_for(condition: Callable[[], bool], within_s: float = 60) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)


def test_nothing_acknowledged_is_lost(aftermath: Aftermath) -> None:
    load = aftermath.load
    assert load.acknowledged - load.attempted - set(aftermath.remaining) == set()
    assert load.acknowledged - load.attempted, "the test must catch messages in flight"


def test_no_completed_message_is_seen_again(aftermath: Aftermath) -> None:
    assert len(aftermath.load.completed) > BEFORE_THE_KILL
    assert aftermath.load.completed & set(aftermath.remaining) == set()


def test_no_message_is_there_twice(aftermath: Aftermath) -> None:
    assert len(aftermath.remaining) == len(set(aftermath.remaining))


def test_a_lock_survives_and_its_token_still_settles(aftermath: Aftermath, opened: Opener) -> None:
    other = opened(aftermath.broker.client().get_queue_receiver("held"))
    assert everything_in(other) == ["in hand"]
    assert other.receive_messages(max_wait_time=0.3) == []
    aftermath.holder.complete_message(aftermath.held)
    assert everything_in(other) == []


def test_a_broker_asked_to_stop_keeps_everything(aftermath: Aftermath, opened: Opener) -> None:
    assert aftermath.broker.stop() == 0
    aftermath.broker.start()
    receiver = opened(aftermath.broker.client().get_queue_receiver("busy"))
    assert everything_in(receiver) == aftermath.remaining


def test_a_broker_that_can_no_longer_write_ends_without_a_promise(tmp_path: Path, opened: Opener) -> None:
    config = tmp_path / "Config.json"
    config.write_text(config_json({"full": {}}, []))
    with running(BrokerProcess(config, tmp_path / "broker.sqlite"), largest_file=300_000) as broker:
        sender = opened(broker.client(retry_total=0).get_queue_sender("full"))
        acknowledged: list[str] = []
        with pytest.raises(ServiceBusError):
            while True:
                text = str(len(acknowledged))
                sender.send_messages(ServiceBusMessage(text.ljust(5_000)))
                acknowledged.append(text)
        assert broker.gone() == 1
        broker.start()
        receiver = opened(broker.client().get_queue_receiver("full"))
        assert [text.strip() for text in everything_in(receiver)] == acknowledged != []


def test_a_second_broker_on_the_same_state_is_refused(aftermath: Aftermath, tmp_path: Path) -> None:
    second = BrokerProcess(aftermath.broker.config, aftermath.broker.state)
    with pytest.raises(AssertionError, match=r"cannot use .* database is locked"):
        second.start()
    assert second.process is not None and second.process.wait(60) == 2
