"""What is kept of a release for the next one's gates: a large set (findings, say) lies in a blob, by its digest.

The container is beside audit's (SLIPWAY_EVIDENCE_CONTAINER). A blob is named by what it holds, so that writing it twice
is writing it once, and one that was changed is known.
"""

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from slipway.adapters.azure_errors import AzureProblem, explain
from slipway.adapters.blobs import container_called, create_blob
from slipway.promotion.errors import SlipwayError
from slipway.settings import Settings

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient

MOST_BYTES = 8 * 1024  # of JSON that travels through orchestrations and the ledger
_FOLDED = "blob"
_ROLE = "Storage Blob Data Contributor"


def folded(kept: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """`kept` itself when it is small; else its digest, once it is stored. Raises AzureProblem."""
    text = json.dumps(kept, separators=(",", ":"), sort_keys=True).encode()
    if len(text) <= MOST_BYTES:
        return kept
    digest = sha256(text).hexdigest()
    _write(f"kept/{digest}.json", text, settings)
    return {_FOLDED: f"sha256:{digest}"}


def unfolded(kept: dict[str, Any] | None, settings: Settings) -> dict[str, Any] | None:
    """The reverse. Raises AzureProblem, and SlipwayError EVIDENCE_KEPT_LOST, EVIDENCE_ALTERED for a set that is gone or
    is not what was stored."""
    from azure.core.exceptions import AzureError, ResourceNotFoundError

    if kept is None or _FOLDED not in kept:
        return kept
    digest = str(kept[_FOLDED]).removeprefix("sha256:")
    try:
        text = bytes(_container(settings).get_blob_client(f"kept/{digest}.json").download_blob().readall())
    except ResourceNotFoundError as error:
        words = f"what was kept of the live release (sha256:{digest}) is gone from {settings.evidence_container}"
        raise SlipwayError("EVIDENCE_KEPT_LOST", words) from error
    except AzureError as error:
        raise AzureProblem(explain(error, _ROLE)) from error
    if sha256(text).hexdigest() != digest:
        raise SlipwayError("EVIDENCE_ALTERED", f"what was kept of the live release is not sha256:{digest} any more")
    found: dict[str, Any] = json.loads(text)
    return found


def _write(name: str, text: bytes, settings: Settings) -> None:
    """As one block of an append blob, at its beginning: whoever is second finds it written, and one that was made and
    never written is written now. Where the container is missing it is made."""
    from azure.core.exceptions import AzureError, HttpResponseError

    container = _container(settings)
    blob = container.get_blob_client(name)
    try:
        create_blob(blob, container)
        blob.append_block(text, appendpos_condition=0)
    except HttpResponseError as error:
        if error.status_code != 412:
            raise AzureProblem(explain(error, _ROLE)) from error
    except AzureError as error:
        raise AzureProblem(explain(error, _ROLE)) from error


def _container(settings: Settings) -> "ContainerClient":
    return container_called(settings.evidence_container, settings)
