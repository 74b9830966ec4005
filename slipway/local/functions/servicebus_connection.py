"""Service Bus connections by the name of an app setting, as the Functions host reads them."""

from collections.abc import Mapping
from typing import Any

from azure.identity.aio import DefaultAzureCredential
from azure.servicebus import TransportType
from azure.servicebus.aio import ServiceBusClient

from slipway.local.functions.refusal import AppRefused

# an operation gives up after 0.2 + 0.4 + 0.8 s: whoever waits longer does it itself, and says so
RETRIES: Mapping[str, Any] = {"retry_total": 3, "retry_backoff_factor": 0.1}


class Connections:
    """One client per connection name. A client opens nothing; each of its handlers has its own socket."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings
        self._clients: dict[str, ServiceBusClient] = {}
        self._credentials: list[DefaultAzureCredential] = []

    def client(self, name: str) -> ServiceBusClient:
        """The client of the connection.

        Setting `name` holds a connection string, or `name__fullyQualifiedNamespace` a host name that is
        reached with DefaultAzureCredential. For a broker on a laptop the latter takes two more:
        `name__customEndpointAddress` (`sb://localhost:5671`) and `name__caFile`. As in Azure each name
        may also begin with `AzureWebJobs`. Raises AppRefused.
        """
        if name not in self._clients:
            self._clients[name] = self._open(name)
        return self._clients[name]

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()
        for credential in self._credentials:
            await credential.close()

    def _open(self, name: str) -> ServiceBusClient:
        connection_string = self._setting(name)
        if connection_string:
            try:
                return ServiceBusClient.from_connection_string(connection_string, **RETRIES)
            except ValueError as error:
                raise AppRefused(f"the connection '{name}' is not a connection string: {error}") from error
        namespace = self._setting(f"{name}__fullyQualifiedNamespace")
        if not namespace:
            raise AppRefused(f"the connection '{name}' is missing: set {name} or {name}__fullyQualifiedNamespace")
        credential = DefaultAzureCredential(managed_identity_client_id=self._setting(f"{name}__clientId"))
        self._credentials.append(credential)
        endpoint = self._setting(f"{name}__customEndpointAddress")
        if endpoint is None:
            return ServiceBusClient(namespace, credential, **RETRIES)
        return ServiceBusClient(
            namespace,
            credential,
            custom_endpoint_address=endpoint,
            transport_type=TransportType.Amqp,  # with a custom address the SDK would take web sockets
            connection_verify=self._setting(f"{name}__caFile"),
            **RETRIES,
        )

    def _setting(self, name: str) -> str | None:
        return self._settings.get(name) or self._settings.get(f"AzureWebJobs{name}") or None
