"""Service Bus triggers and outputs against the broker, through the real SDK on both sides."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import trustme
from azure.servicebus import ServiceBusClient, ServiceBusMessage, ServiceBusReceiver, ServiceBusSubQueue

from tests import plain_http
from tests.functions_host.identity import IdentityEndpoint
from tests.functions_host.processes import Process, a_broker, a_host, eventually

QUEUES = ("orders", "flaky", "hopeless", "slow", "seen", "talks")
LOCK_SECONDS = 5
PROPERTIES = {"MaxDeliveryCount": 3, "LockDuration": f"PT{LOCK_SECONDS}S"}
CONFIG: dict[str, Any] = {
    "UserConfig": {
        "Namespaces": [
            {
                "Name": "sbemulatorns",
                "Queues": [
                    {"Name": name, "Properties": PROPERTIES | {"RequiresSession": name == "talks"}} for name in QUEUES
                ],
                "Topics": [
                    {
                        "Name": "news",
                        "Properties": {},
                        "Subscriptions": [
                            {
                                "Name": "reader",
                                "Rules": [
                                    {
                                        "Name": "mine",
                                        "Properties": {
                                            "FilterType": "Sql",
                                            "SqlFilter": {"SqlExpression": "sys.SessionId IS NULL"},
                                        },
                                    }
                                ],
                            },
                            {
                                "Name": "talks",
                                "Properties": {"RequiresSession": True},
                                "Rules": [
                                    {
                                        "Name": "talk",
                                        "Properties": {
                                            "FilterType": "Correlation",
                                            "CorrelationFilter": {"Label": "talk"},
                                        },
                                    }
                                ],
                            },
                        ],
                    }
                ],
            }
        ],
        "Logging": {"Type": "Console"},
    }
}


class Bus:
    """The test's own connection: sends anywhere, reads `seen`."""

    def __init__(self, connection: str) -> None:
        self._client = ServiceBusClient.from_connection_string(connection)
        self._seen = self._client.get_queue_receiver("seen")
        self._senders = {name: self._client.get_queue_sender(name) for name in QUEUES}
        self._senders["news"] = self._client.get_topic_sender("news")

    def close(self) -> None:
        """All at once: each takes up to a second."""
        with ThreadPoolExecutor(max_workers=8) as threads:
            for handler in (self._seen, *self._senders.values()):
                threads.submit(handler.close)
        self._client.close()

    def send(self, queue: str, **message: Any) -> str:
        message_id = uuid4().hex
        self._senders[queue].send_messages(ServiceBusMessage(message_id=message_id, **message))
        return message_id

    def seen(self, message_id: str | None = None) -> dict[str, Any]:
        """What a function saw of that message (None: of whichever is next)."""
        for _ in range(20):
            for message in self._seen.receive_messages(max_message_count=1, max_wait_time=15):
                self._seen.complete_message(message)
                seen: dict[str, Any] = json.loads(str(message))
                if message_id in (None, seen["message_id"]):
                    return seen
        raise AssertionError(f"no function saw message {message_id}")

    def dead_letters(self, queue: str) -> ServiceBusReceiver:
        return self._client.get_queue_receiver(queue, sub_queue=ServiceBusSubQueue.DEAD_LETTER)


def connection_string(port: int) -> str:
    return (
        f"Endpoint=sb://localhost:{port};SharedAccessKeyName=RootManageSharedAccessKey;"
        "SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true"
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("messages")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def identity() -> Iterator[IdentityEndpoint]:
    endpoint = IdentityEndpoint()
    yield endpoint
    endpoint.close()


@pytest.fixture(scope="module")
def broker(folder: Path, authority: trustme.CA) -> Iterator[Process]:
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    broker = a_broker(folder, CONFIG, "--cert", str(folder / "server.pem"))
    broker.start()
    yield broker
    broker.end()


@pytest.fixture(scope="module")
def settings(broker: Process, folder: Path) -> dict[str, str]:
    return {"BUS": connection_string(broker.ready["port"]), "SEEN_QUEUE": "seen", "GATE_FOLDER": str(folder)}


@pytest.fixture(scope="module")
def host(settings: dict[str, str], folder: Path) -> Iterator[Process]:
    host = a_host("messages", folder, settings)
    host.start()
    yield host
    host.end()


@pytest.fixture(scope="module")
def bus(settings: dict[str, str], host: Process) -> Iterator[Bus]:
    bus = Bus(settings["BUS"])
    yield bus
    bus.close()


def test_function_sees_the_message_and_its_output_is_sent(bus: Bus) -> None:
    message_id = bus.send(
        "orders",
        body="a loaf",
        content_type="text/x-order",
        correlation_id="c-1",
        subject="bread",
        application_properties={"count": 2, "sliced": True},
    )
    seen = bus.seen(message_id)
    assert seen["body"] == "a loaf"
    assert (seen["content_type"], seen["correlation_id"], seen["subject"]) == ("text/x-order", "c-1", "bread")
    assert seen["properties"] == seen["user_properties"] == {"count": 2, "sliced": True}
    assert seen["delivery_count"] == 1
    assert seen["enqueued"].endswith("+00:00")


def test_topic_output_reaches_the_subscription_of_another_function(bus: Bus, host: Process) -> None:
    assert plain_http.post(f"{host.ready['url']}/publish/news", content="fresh bread").text == "published"
    assert bus.seen()["body"] == "fresh bread"


def test_message_whose_function_raised_is_delivered_again(bus: Bus, host: Process) -> None:
    message_id = bus.send("flaky", body="try me")
    assert bus.seen(message_id)["delivery_count"] == 2
    assert "function flaky failed" in host.log
    assert "try me" not in host.log


def test_message_that_always_fails_ends_in_the_dead_letter_queue(bus: Bus, host: Process) -> None:
    message_id = bus.send("hopeless", body="poison")
    with bus.dead_letters("hopeless") as receiver:
        (message,) = receiver.receive_messages(max_wait_time=15)
        receiver.complete_message(message)
    assert (message.message_id, message.dead_letter_reason) == (message_id, "MaxDeliveryCountExceeded")
    assert host.log.count("function hopeless failed") == 3


def deliveries(folder: Path, name: str) -> list[str]:
    file = folder / "deliveries"
    return [line.split()[1] for line in file.read_text().splitlines() if line.startswith(name)] if file.exists() else []


def test_host_runs_as_many_calls_at_a_time_as_host_json_says(bus: Bus, folder: Path) -> None:
    sent = {bus.send("slow", body=f"crowd-{number}", subject="doors") for number in range(6)}
    eventually(lambda: len(deliveries(folder, "crowd")) == 4)
    (folder / "doors").touch()
    assert {bus.seen()["message_id"] for _ in sent} == sent
    assert deliveries(folder, "crowd") == ["1"] * 6


def notes(folder: Path, session: str) -> list[str]:
    file = folder / f"session-{session}"
    return file.read_text().splitlines() if file.exists() else []


def test_sessions_are_worked_through_in_order_one_message_at_a_time_and_beside_each_other(
    bus: Bus, folder: Path
) -> None:
    texts = ["first", "fails once", "third", "fourth"]
    sessions = ("ann", "bob", "eve", "zoe")
    sent = {bus.send("talks", body="first", session_id=session, subject="talks begin") for session in sessions}

    def begun() -> int:
        return sum(bool(notes(folder, session)) for session in sessions)

    eventually(lambda: begun() == 3)  # as many at once as host.json says
    for text in texts[1:]:
        sent |= {bus.send("talks", body=text, session_id=session) for session in sessions}
    assert begun() == 3
    (folder / "talks begin").touch()
    assert {bus.seen()["message_id"] for _ in sent} == sent
    for session in sessions:
        assert notes(folder, session) == [
            "begin first 1",
            "end first 1",
            "begin fails once 1",
            "fail fails once 1",
            "begin fails once 2",
            "end fails once 2",
            *(f"{event} {text} 1" for text in texts[2:] for event in ("begin", "end")),
        ]


def test_a_held_session_outlives_its_lock_while_its_function_runs(bus: Bus, folder: Path) -> None:
    message_id = bus.send("talks", body="long", session_id="long", subject="long ends")
    eventually(lambda: notes(folder, "long"))
    held_since = time.monotonic()
    eventually(lambda: time.monotonic() > held_since + LOCK_SECONDS + 0.5)
    (folder / "long ends").touch()
    assert bus.seen(message_id)["delivery_count"] == 1
    assert notes(folder, "long") == ["begin long 1", "end long 1"]


def test_a_subscription_with_sessions_has_a_trigger_too(bus: Bus) -> None:
    message_id = bus.send("news", body="hello", session_id="radio", subject="talk")
    assert bus.seen(message_id)["heard in"] == "radio"


def test_killed_host_leaves_its_message_to_the_next_which_renews_locks(bus: Bus, host: Process, folder: Path) -> None:
    orphan = bus.send("slow", body="orphan", subject="gate")
    eventually(lambda: deliveries(folder, "orphan"))
    host.kill()
    host.start()
    held = bus.send("slow", body="held", subject="gate")
    eventually(lambda: deliveries(folder, "held"))
    held_since = time.monotonic()
    eventually(lambda: len(deliveries(folder, "orphan")) == 2)
    eventually(lambda: time.monotonic() > held_since + LOCK_SECONDS + 0.5)
    (folder / "gate").touch()
    seen = {seen["message_id"]: seen["delivery_count"] for seen in (bus.seen(), bus.seen())}
    assert seen == {orphan: 2, held: 1}
    assert (deliveries(folder, "orphan"), deliveries(folder, "held")) == (["1", "2"], ["1"])


def test_namespace_is_reached_over_tls_with_the_identity_of_the_app(
    tmp_path: Path, broker: Process, authority: trustme.CA, identity: IdentityEndpoint, bus: Bus
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    settings = {
        "BUS__fullyQualifiedNamespace": "shop.servicebus.windows.net",
        "BUS__customEndpointAddress": f"sb://localhost:{broker.ready['tls_port']}",
        "BUS__caFile": str(tmp_path / "ca.pem"),
        "IDENTITY_ENDPOINT": identity.url,
        "IDENTITY_HEADER": identity.secret,
        "SEEN_QUEUE": "seen",
        "GATE_FOLDER": str(tmp_path),
    }
    host = a_host("messages", tmp_path, settings)
    host.start()
    try:
        assert plain_http.post(f"{host.ready['url']}/publish/news", content="over tls").text == "published"
        assert bus.seen()["body"] == "over tls"
        assert identity.asked_for == {"https://servicebus.azure.net"}
    finally:
        host.end()


def test_trigger_comes_back_when_the_broker_was_away(
    host: Process, broker: Process, settings: dict[str, str], folder: Path
) -> None:
    port = broker.ready["port"]
    broker.kill()
    eventually(lambda: "cannot receive from orders and keeps trying" in host.log)
    again = a_broker(folder, CONFIG, "--port", str(port))
    again.start()
    try:
        bus = Bus(settings["BUS"])
        assert bus.seen(bus.send("orders", body="still there?"))["body"] == "still there?"
        message_id = bus.send("talks", body="and you?", session_id="later")
        assert bus.seen(message_id)["body"] == "and you?"
        bus.close()
        assert host.log.count("cannot receive from orders and keeps trying") == 1
        assert host.stop() == (0, "")
    finally:
        again.end()
