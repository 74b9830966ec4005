"""The way a host with a managed identity takes: TLS, a token, and a CA of one's own."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.servicebus import ServiceBusClient, ServiceBusMessage, TransportType
from azure.servicebus.aio import ServiceBusClient as AioServiceBusClient
from azure.servicebus.exceptions import ServiceBusError

from tests.servicebus.conftest import BrokerProcess, Opener, body, receive_one


class Identity:
    """A credential as azure-identity gives it."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        assert scopes == ("https://servicebus.azure.net//.default",)
        return AccessToken("token", int(time.time()) + 3600)


class AioIdentity(Identity):
    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:  # type: ignore[override]
        return super().get_token(*scopes)

    async def close(self) -> None:
        pass

    async def __aenter__(self) -> "AioIdentity":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


@pytest.fixture
def options(broker: BrokerProcess, certificate: dict[str, Path]) -> Iterator[dict[str, Any]]:
    yield {
        "fully_qualified_namespace": "shop.servicebus.windows.net",
        "custom_endpoint_address": f"sb://localhost:{broker.tls_port}",
        "transport_type": TransportType.Amqp,
        "connection_verify": str(certificate["ca"]),
        "retry_total": 0,
    }


def test_a_token_and_our_ca_get_in_over_tls(options: dict[str, Any], opened: Opener) -> None:
    client = ServiceBusClient(credential=Identity(), **options)
    opened(client.get_queue_sender("secure")).send_messages(ServiceBusMessage("s" * 200_000))
    receiver = opened(client.get_queue_receiver("secure"))
    message = receive_one(receiver)
    receiver.renew_message_lock(message)
    assert body(message) == "s" * 200_000
    receiver.complete_message(message)
    receiver.close()


async def test_the_asynchronous_client_gets_in_over_tls_too(options: dict[str, Any]) -> None:
    client = AioServiceBusClient(credential=AioIdentity(), **options)
    async with (
        client,
        client.get_queue_sender("secure") as sender,
        client.get_queue_receiver("secure") as receiver,
    ):
        await sender.send_messages(ServiceBusMessage("s"))
        (message,) = await receiver.receive_messages(max_wait_time=5)
        await receiver.complete_message(message)


def test_a_client_that_does_not_know_the_ca_stays_outside(options: dict[str, Any]) -> None:
    del options["connection_verify"]
    client = ServiceBusClient(credential=Identity(), **options)
    sender = client.get_queue_sender("secure")
    with pytest.raises(ServiceBusError):
        sender.send_messages(ServiceBusMessage("x"))
    sender.close()
