"""The asynchronous SDK: the same broker, the same answers."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from azure.servicebus import NEXT_AVAILABLE_SESSION, ServiceBusMessage, ServiceBusReceivedMessage, TransportType
from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver, ServiceBusSender
from azure.servicebus.exceptions import (
    MessageSizeExceededError,
    OperationTimeoutError,
    SessionCannotBeLockedError,
    SessionLockLostError,
)

from tests.servicebus.conftest import BrokerProcess, body
from tests.servicebus.test_tls import AioIdentity

pytestmark = pytest.mark.asyncio(loop_scope="module")

Ends = tuple[ServiceBusSender, ServiceBusReceiver]


async def next_of(receiver: ServiceBusReceiver) -> ServiceBusReceivedMessage:
    messages = await receiver.receive_messages(max_message_count=1, max_wait_time=5)
    assert messages, "no message within 5 s"
    return messages[0]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ends(broker: BrokerProcess) -> AsyncIterator[Ends]:
    async with (
        ServiceBusClient.from_connection_string(broker.connection_string, retry_total=0) as client,
        client.get_queue_sender("aio") as sender,
        client.get_queue_receiver("aio") as receiver,
    ):
        yield sender, receiver


async def test_everything_a_receiver_can_do_with_a_message(ends: Ends) -> None:
    sender, receiver = ends
    await sender.send_messages([ServiceBusMessage("a"), ServiceBusMessage("b" * 200_000)])

    message = await next_of(receiver)
    await receiver.abandon_message(message)
    message = await next_of(receiver)
    assert (body(message), message.delivery_count) == ("a", 1)
    await receiver.defer_message(message)

    large = await next_of(receiver)
    assert body(large) == "b" * 200_000
    await receiver.dead_letter_message(large, reason="Large", error_description="too large to print")

    assert message.sequence_number is not None
    (deferred,) = await receiver.receive_deferred_messages(message.sequence_number)
    until = deferred.locked_until_utc
    renewed = await receiver.renew_message_lock(deferred)
    assert until is not None and renewed >= until
    await receiver.complete_message(deferred)
    assert await receiver.peek_messages(5, sequence_number=1) == []

    due = datetime.now(UTC) + timedelta(seconds=0.3)
    _, cancelled = await sender.schedule_messages([ServiceBusMessage("due"), ServiceBusMessage("no")], due)
    await sender.cancel_scheduled_messages(cancelled)
    message = await next_of(receiver)
    assert body(message) == "due"
    await receiver.complete_message(message)
    assert await receiver.peek_messages(5, sequence_number=1) == []

    with pytest.raises(MessageSizeExceededError):
        await sender.send_messages(ServiceBusMessage(b"x" * 300_000))


async def test_an_iterating_receiver_sees_messages_as_they_come(ends: Ends) -> None:
    sender, receiver = ends

    async def send() -> None:
        for number in range(20):
            await sender.send_messages(ServiceBusMessage(str(number)))

    sending = asyncio.create_task(send())
    got: list[str] = []
    async for message in receiver:
        got.append(body(message))
        await receiver.complete_message(message)
        if len(got) == 20:
            break
    await sending
    assert got == [str(number) for number in range(20)]
    assert await receiver.peek_messages(5, sequence_number=1) == []


async def test_a_session_over_tls(broker: BrokerProcess, certificate: dict[str, Path]) -> None:
    client = ServiceBusClient(
        "shop.servicebus.windows.net",
        AioIdentity(),  # type: ignore[arg-type]
        custom_endpoint_address=f"sb://localhost:{broker.tls_port}",
        transport_type=TransportType.Amqp,
        connection_verify=str(certificate["ca"]),
        retry_total=0,
    )
    async with client, client.get_queue_sender("aio-talks") as sender:
        await sender.send_messages([ServiceBusMessage(text, session_id="s") for text in "abc"])
        async with client.get_queue_receiver("aio-talks", session_id=NEXT_AVAILABLE_SESSION) as receiver:
            assert receiver.session.session_id == "s"
            with pytest.raises(SessionCannotBeLockedError):
                await client.get_queue_receiver("aio-talks", session_id="s").receive_messages()
            nobody = client.get_queue_receiver("aio-talks", session_id=NEXT_AVAILABLE_SESSION, max_wait_time=1)
            with pytest.raises(OperationTimeoutError):
                await nobody.receive_messages()
            await receiver.session.set_state(b"here")
            assert bytes(await receiver.session.get_state()) == b"here"
            later = await next_of(receiver)
            await receiver.defer_message(later)
            await receiver.session.renew_lock()
            assert later.sequence_number is not None
            (deferred,) = await receiver.receive_deferred_messages(later.sequence_number)
            await receiver.complete_message(deferred)
            message = await next_of(receiver)
            assert body(message) == "b"
            await receiver.complete_message(message)
        # Nobody renews: the broker ends the link of a receiver that waits and does not ask.
        async with client.get_queue_sender("brief-talks") as brief_sender:
            await brief_sender.send_messages(ServiceBusMessage("b", session_id="aio"))
        async with client.get_queue_receiver("brief-talks", session_id="aio") as receiver:
            held = await next_of(receiver)
            with pytest.raises(SessionLockLostError):
                while True:
                    await receiver.receive_messages(max_wait_time=10)
        async with client.get_queue_receiver("brief-talks", session_id="aio") as receiver:
            again = await next_of(receiver)
            assert (body(again), again.sequence_number, again.delivery_count) == ("b", held.sequence_number, 1)
            await receiver.complete_message(again)
