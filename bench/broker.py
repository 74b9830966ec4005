"""The broker through the official SDK: one client, one queue, every message kept in the state file."""

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from azure.servicebus import ServiceBusClient, ServiceBusMessage, ServiceBusReceiver, ServiceBusSender

from bench.figure import Figure, per_second

QUEUE, TALKS, TOPIC = "builds", "talks", "prices"
SUBSCRIPTIONS = 10
SESSION = "one"
FILTERED: dict[str, Any] = {"application_properties": {"n": 7, "service": "checkout"}}
ROUNDS, MESSAGES, SINGLY = 5, 1000, 200
BATCH = 100
_BODY = json.dumps({"service": "checkout", "version": "1.0.0", "commit": "c0ffee", "branch": "main", "author": "bob"})
_ADDRESS = (
    "Endpoint=sb://localhost:{port};SharedAccessKeyName=R;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true"
)


def figures() -> Iterable[Figure]:
    sent, sent_singly, received, received_singly = [], [], [], []
    in_session, to_topic = [], []
    with _broker() as client, client.get_queue_sender(QUEUE) as sender, client.get_queue_receiver(QUEUE) as receiver:
        _send_batches(sender, BATCH)
        _receive(receiver, BATCH, BATCH)  # both links are up
        for _ in range(ROUNDS):
            sent.append(_rate(MESSAGES, lambda: _send_batches(sender, MESSAGES)))
            received.append(_rate(MESSAGES, lambda: _receive(receiver, MESSAGES, BATCH)))
            sent_singly.append(_rate(SINGLY, lambda: _send_singly(sender, SINGLY)))
            received_singly.append(_rate(SINGLY, lambda: _receive(receiver, SINGLY, 1)))
        with client.get_queue_sender(TALKS) as talks, client.get_topic_sender(TOPIC) as topic:
            _send_batches(talks, ROUNDS * MESSAGES, session_id=SESSION)
            _send_batches(topic, BATCH, **FILTERED)
            with client.get_queue_receiver(TALKS, session_id=SESSION) as held:
                for _ in range(ROUNDS):
                    in_session.append(_rate(MESSAGES, lambda: _receive(held, MESSAGES, BATCH)))
                    to_topic.append(_rate(MESSAGES, lambda: _send_batches(topic, MESSAGES, **FILTERED)))
    yield per_second(f"broker, durable: send, lists of {BATCH} (messages/s)", sent, 1000)
    yield per_second(f"broker, durable: receive up to {BATCH} at a time, complete each (messages/s)", received, 1000)
    yield per_second("  for information: send one by one (messages/s)", sent_singly, None)
    yield per_second("  for information: receive and complete one by one (messages/s)", received_singly, None)
    yield per_second("  for information: the same from a session, up to 100 at a time (messages/s)", in_session, None)
    filtered = f"  for information: send lists of {BATCH} to a topic, {SUBSCRIPTIONS} SQL filters (messages/s)"
    yield per_second(filtered, to_topic, None)


def _send_batches(sender: ServiceBusSender, count: int, **more: Any) -> None:
    for _ in range(count // BATCH):
        sender.send_messages([ServiceBusMessage(_BODY, **more) for _ in range(BATCH)])


def _send_singly(sender: ServiceBusSender, count: int) -> None:
    for _ in range(count):
        sender.send_messages(ServiceBusMessage(_BODY))


def _receive(receiver: ServiceBusReceiver, count: int, at_once: int) -> None:
    left = count
    while left:
        messages = receiver.receive_messages(min(at_once, left), max_wait_time=10)
        assert messages, f"{left} of {count} messages never came"
        for message in messages:
            receiver.complete_message(message)
        left -= len(messages)


def _rate(count: int, work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return count / (time.perf_counter() - began)


def _subscription(number: int) -> dict[str, object]:
    """One of them takes each message."""
    sql = {"SqlExpression": f"n % {SUBSCRIPTIONS} = {number} AND sys.To IS NULL"}
    return {"Name": f"s{number}", "Rules": [{"Name": "share", "Properties": {"FilterType": "Sql", "SqlFilter": sql}}]}


@contextmanager
def _broker() -> Iterator[ServiceBusClient]:
    """A broker in a process of its own, and an SDK client of it."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.json"
        queues = [{"Name": QUEUE}, {"Name": TALKS, "Properties": {"RequiresSession": True}}]
        topic = {"Name": TOPIC, "Subscriptions": [_subscription(n) for n in range(SUBSCRIPTIONS)]}
        namespace = {"Name": "bench", "Queues": queues, "Topics": [topic]}
        config.write_text(json.dumps({"UserConfig": {"Namespaces": [namespace], "Logging": {"Type": "File"}}}))
        files = ["--config", str(config), "--state", str(Path(folder) / "bus.sqlite"), "--port", "0"]
        command = [sys.executable, "-m", "slipway.local.servicebus", *files]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdout is not None
        try:
            port = json.loads(process.stdout.readline())["port"]
            with ServiceBusClient.from_connection_string(_ADDRESS.format(port=port)) as client:
                yield client
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(10)
