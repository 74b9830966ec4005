"""Messages through the real SDK to the broker over TLS."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from azure.servicebus import ServiceBusClient, ServiceBusReceiver

from slipway.adapters.azure_errors import AzureProblem
from slipway.adapters.service_bus import ServiceBus
from slipway.settings import Settings
from tests.laptop import AzureStandin, Bus, run_broker


def settings_for(azure: AzureStandin, tls_port: int) -> Settings:
    return Settings(
        ca_file=azure.settings.ca_file,
        servicebus_namespace="localhost",
        servicebus_endpoint=f"sb://localhost:{tls_port}",
    )


@pytest.fixture(scope="module")
def to_broker(azure: AzureStandin, broker: Bus) -> Settings:
    return settings_for(azure, broker.ready["tls_port"])


@pytest.fixture(scope="module")
def client(broker: Bus) -> Iterator[ServiceBusClient]:
    with broker.client() as client:
        yield client


@pytest.fixture(scope="module")
def builds(client: ServiceBusClient) -> Iterator[ServiceBusReceiver]:
    with client.get_queue_receiver("plain", receive_mode="receiveanddelete") as receiver:
        yield receiver


def test_a_message_arrives_as_it_was_sent(to_broker: Settings, builds: ServiceBusReceiver) -> None:
    ServiceBus(to_broker).send("plain", b'{"service":"checkout"}', "m-1", {"code": "X"}, subject="build")
    (message,) = builds.receive_messages(1, max_wait_time=30)
    assert b"".join(message.body) == b'{"service":"checkout"}'
    assert (message.message_id, message.subject, message.content_type) == ("m-1", "build", "application/json")
    assert message.application_properties == {b"code": b"X"}


def test_many_threads_send_and_nothing_is_lost(to_broker: Settings, builds: ServiceBusReceiver) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: ServiceBus(to_broker).send("plain", b"{}", f"many-{n}", {}), range(40)))
    seen: list[str] = []
    deadline = time.monotonic() + 30
    while len(seen) < 40 and time.monotonic() < deadline:
        seen += [str(message.message_id) for message in builds.receive_messages(40, max_wait_time=2)]
    assert sorted(seen) == sorted(f"many-{n}" for n in range(40))


def test_an_open_sender_is_used_again(to_broker: Settings, builds: ServiceBusReceiver) -> None:
    bus = ServiceBus(to_broker)
    bus.send("plain", b"{}", "warm", {})
    started = time.perf_counter()
    for n in range(20):
        bus.send("plain", b"{}", f"quick-{n}", {})
    assert time.perf_counter() - started < 5.0, "opening one each time takes half a second each"
    deadline = time.monotonic() + 30
    left = 21
    while left and time.monotonic() < deadline:
        left -= len(builds.receive_messages(left, max_wait_time=2))
    assert left == 0


def test_an_event_reaches_the_topics_subscription(to_broker: Settings, client: ServiceBusClient) -> None:
    ServiceBus(to_broker).publish("plain-topic", b'{"type":"x"}', "e-1", {"type": "x"}, subject="checkout--1.0")
    with client.get_subscription_receiver("plain-topic", "audit", receive_mode="receiveanddelete") as receiver:
        (message,) = receiver.receive_messages(1, max_wait_time=30)
    assert message.content_type == "application/cloudevents+json"
    assert message.subject == "checkout--1.0"


def test_a_queue_that_is_not_there_is_named_as_missing(to_broker: Settings) -> None:
    with pytest.raises(AzureProblem) as problem:
        ServiceBus(to_broker).send("no-such-queue", b"{}", "m", {})
    assert problem.value.code == "AZURE_MISSING"


REFUSED = {
    "plain": ("com.microsoft:server-busy", "AZURE_THROTTLED"),
    "builds": ("amqp:internal-error", "AZURE_UNAVAILABLE"),
    "builds-rejected": ("com.microsoft:timeout", "AZURE_UNKNOWN"),
    "plain-topic": ("com.microsoft:entity-disabled", "AZURE_CONFLICT"),
    "promotions": ("amqp:unauthorized-access", "AZURE_DENIED"),
}


def test_what_the_service_refuses_is_told_apart_and_is_taken_once_it_can_be(
    azure: AzureStandin, tmp_path: Path
) -> None:
    # Twice, since the SDK tries a second time; a right that is missing is not tried again.
    refusals = [f"--refuse={entity}={said}" for entity, (said, _) in REFUSED.items() for _ in range(2)]

    def published(entity: str) -> tuple[str, str]:
        """The code of the first try and of the one after the last refusal."""
        codes = []
        for _ in range(3):
            try:
                ServiceBus(there).publish(entity, b"{}", f"to-{entity}", {})
            except AzureProblem as problem:
                codes.append(problem.code)
                assert problem.code != "AZURE_DENIED" or "needs the role Azure Service Bus Data Sender" in str(problem)
            else:
                codes.append("")
        return codes[0], codes[-1]

    with run_broker(tmp_path, azure.ready["cert"], *refusals) as refusing:
        there = settings_for(azure, refusing.ready["tls_port"])
        with ThreadPoolExecutor(len(REFUSED)) as pool:
            told = dict(zip(REFUSED, pool.map(published, REFUSED), strict=True))
    assert told == {entity: (code, "") for entity, (_, code) in REFUSED.items()}


def sent_to_one_that_was_killed(azure: AzureStandin, tmp_path: Path) -> tuple[ServiceBus, tuple[str, ...]]:
    """A client that knows a broker which is no more, and the options that put another one in its place."""
    with run_broker(tmp_path, azure.ready["cert"]) as killed:
        bus = ServiceBus(settings_for(azure, killed.ready["tls_port"]))
        bus.send("plain", b"{}", "before", {})
        killed.process.kill()
        killed.process.wait()
    return bus, ("--port", str(killed.ready["port"]), "--tls-port", str(killed.ready["tls_port"]))


def test_a_broker_that_was_killed_and_came_back_is_sent_to_again(azure: AzureStandin, tmp_path: Path) -> None:
    bus, same_ports = sent_to_one_that_was_killed(azure, tmp_path)
    with pytest.raises(AzureProblem) as away:
        bus.send("plain", b"{}", "meanwhile", {})
    assert away.value.code == "AZURE_UNAVAILABLE"
    with run_broker(tmp_path, azure.ready["cert"], *same_ports):
        bus.send("plain", b"{}", "after", {})


def test_a_link_that_died_is_opened_again_once(azure: AzureStandin, tmp_path: Path) -> None:
    """The broker comes back before the next message, and refuses: the SDK's two tries are not enough."""
    bus, same_ports = sent_to_one_that_was_killed(azure, tmp_path)
    busy = ["--refuse=plain=com.microsoft:server-busy"] * 2
    with (
        run_broker(tmp_path, azure.ready["cert"], *same_ports, *busy) as again,
        Bus(again.ready).watch("plain") as seen,
    ):
        bus.send("plain", b"{}", "after", {})
        assert [message.message_id for message in seen.new()] == ["after"]
