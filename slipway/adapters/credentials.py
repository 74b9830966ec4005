"""Who we are towards Azure: the app's managed identity, else what azure-identity finds."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from slipway.adapters import patience
from slipway.adapters.once import once_per_process
from slipway.settings import Settings

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

# The audience of management calls is Azure's own, whatever endpoint answers them.
MANAGEMENT_SCOPE = "https://management.azure.com/.default"

Client = TypeVar("Client")


@once_per_process
def credential(client_id: str = "") -> "TokenCredential":
    """The credential of this process, one for all clients because it keeps the tokens.

    App Service gives its apps `IDENTITY_ENDPOINT`: then the managed identity is asked directly, instead
    of after the other ways that DefaultAzureCredential would try. `client_id` chooses a user-assigned one.
    """
    import os

    from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

    if "IDENTITY_ENDPOINT" in os.environ:
        return ManagedIdentityCredential(client_id=client_id or None)
    return DefaultAzureCredential(managed_identity_client_id=client_id or None)


def management_client(kind: Callable[..., Client], settings_: Settings, subscription: str) -> Client:
    """An SDK's client of Resource Manager; all of them wait equally long, which fences rely on, and take turns."""
    from slipway.adapters.arm_policy import ArmPolicy

    return kind(
        credential(settings_.client_id),
        subscription,
        base_url=settings_.arm_endpoint.rstrip("/"),
        credential_scopes=[MANAGEMENT_SCOPE],
        connection_timeout=patience.CONNECT_S,
        read_timeout=patience.READ_S,
        per_retry_policies=[ArmPolicy()],
        **settings_.client_options,
    )
