"""Containers of Slipway's own storage account, and append blobs in them (azure-storage-blob)."""

from contextlib import suppress
from typing import TYPE_CHECKING

from slipway.adapters import patience
from slipway.adapters.credentials import credential
from slipway.adapters.once import once_per_process
from slipway.settings import Settings

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient, ContainerClient


@once_per_process
def container_called(name: str, settings: Settings) -> "ContainerClient":
    """The container of that name."""
    from azure.storage.blob import ContainerClient, LinearRetry

    return ContainerClient(
        settings.needed("blobs_endpoint"),
        name,
        credential=credential(settings.client_id),
        connection_timeout=patience.CONNECT_S,
        read_timeout=patience.READ_S,
        retry_policy=LinearRetry(
            backoff=patience.BLOB_PAUSE_S, random_jitter_range=patience.BLOB_PAUSE_S, retry_total=3
        ),
        **settings.client_options,
    )


def create_blob(blob: "BlobClient", container: "ContainerClient") -> None:
    """Make the append blob, and its container when that is missing too; whoever is second finds it made."""
    from azure.core import MatchConditions
    from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError

    for _ in range(2):
        try:
            with suppress(ResourceExistsError, ResourceModifiedError):
                blob.create_append_blob(match_condition=MatchConditions.IfMissing)
            return
        except ResourceNotFoundError:
            with suppress(ResourceExistsError):
                container.create_container()
