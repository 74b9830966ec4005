"""Messages to Service Bus queues and topics (azure-servicebus over AMQP).

A sender is kept open per queue or topic: opening one costs half a second, closing a second. It is not
thread-safe, so one message goes at a time; one whose link died is opened again, once.
"""

from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import UUID

from slipway.adapters.azure_errors import AzureProblem, explain
from slipway.adapters.credentials import credential
from slipway.adapters.once import once_per_process
from slipway.settings import Settings, settings

if TYPE_CHECKING:
    from azure.servicebus import ServiceBusClient, ServiceBusMessage, ServiceBusSender

_ROLE = "Azure Service Bus Data Sender"


class ServiceBus:
    """Sends to one namespace. Raises AzureProblem when a message was not, or perhaps not, taken."""

    def __init__(self, settings_: Settings | None = None) -> None:
        self._settings = settings_ or settings()

    def send(
        self,
        queue: str,
        body: bytes,
        message_id: str,
        application_properties: Mapping[str, Any],
        subject: str | None = None,
        content_type: str = "application/json",
    ) -> None:
        """Put one message on the queue. It may arrive twice; `message_id` tells."""
        message = _message(body, message_id, application_properties, subject, content_type)
        _outlet(self._settings, "queue", queue).send(message)

    def publish(
        self,
        topic: str,
        body: bytes,
        message_id: str,
        application_properties: Mapping[str, Any],
        subject: str | None = None,
        content_type: str = "application/cloudevents+json",
    ) -> None:
        """Put one message on the topic. It may arrive twice; `message_id` tells."""
        message = _message(body, message_id, application_properties, subject, content_type)
        _outlet(self._settings, "topic", topic).send(message)


class _Outlet:
    """A sender that stays open, used by one thread at a time."""

    def __init__(self, settings_: Settings, kind: str, name: str) -> None:
        self._settings = settings_
        self._kind = kind
        self._name = name
        self._lock = Lock()
        self._sender: ServiceBusSender | None = None

    def send(self, message: "ServiceBusMessage") -> None:
        from azure.core.exceptions import AzureError
        from azure.servicebus.exceptions import (
            MessageSizeExceededError,
            MessagingEntityNotFoundError,
            ServiceBusAuthorizationError,
        )

        for_good = (MessageSizeExceededError, MessagingEntityNotFoundError, ServiceBusAuthorizationError)
        with self._lock:
            tries = 1 if self._sender is None else 2  # an open link may have died since the last message
            while tries:
                tries -= 1
                try:
                    self._opened().send_messages(message, timeout=20)
                    return
                except AzureError as error:
                    if not isinstance(error, for_good):
                        self._drop()
                    if isinstance(error, for_good) or not tries:
                        raise AzureProblem(explain(error, _ROLE)) from error

    def _opened(self) -> "ServiceBusSender":
        if self._sender is None:
            bus, name = client(self._settings), self._name
            self._sender = bus.get_queue_sender(name) if self._kind == "queue" else bus.get_topic_sender(name)
        return self._sender

    def _drop(self) -> None:
        sender, self._sender = self._sender, None
        if sender is not None:
            sender.close()


@once_per_process
def _outlet(settings_: Settings, kind: str, name: str) -> _Outlet:
    return _Outlet(settings_, kind, name)


@once_per_process
def client(settings_: Settings) -> "ServiceBusClient":
    """The SDK's client of our namespace: opens a connection for each sender and receiver."""
    from azure.servicebus import ServiceBusClient, TransportType

    options: dict[str, Any] = dict(settings_.client_options)
    if settings_.servicebus_endpoint:
        # A custom endpoint makes the SDK choose WebSockets unless told otherwise.
        options |= {
            "custom_endpoint_address": settings_.servicebus_endpoint,
            "transport_type": TransportType.Amqp,
        }
    return ServiceBusClient(
        settings_.needed("servicebus_namespace"),
        credential(settings_.client_id),
        retry_total=1,
        retry_backoff_max=2,
        **options,
    )


def _message(
    body: bytes,
    message_id: str,
    application_properties: Mapping[str, Any],
    subject: str | None,
    content_type: str,
) -> "ServiceBusMessage":
    from azure.servicebus import ServiceBusMessage

    properties: dict[str | bytes, int | float | bytes | bool | str | UUID] = dict(application_properties.items())
    return ServiceBusMessage(
        body,
        message_id=message_id,
        application_properties=properties,
        subject=subject,
        content_type=content_type,
    )
