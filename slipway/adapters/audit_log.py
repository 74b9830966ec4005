"""The audit trail: hash-chained JSON lines in append blobs (azure-storage-blob), in Azure under a WORM policy.

A block is appended only at the position up to which we have read: the tail's hash is the right one then, and
a repeat after a lost answer (the SDK repeats appends) finds its own id in the tail instead of doubling it.
"""

import json
import random
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from slipway.adapters.azure_errors import AzureFault, AzureProblem, FaultKind, explain
from slipway.adapters.credentials import credential
from slipway.adapters.once import once_per_process
from slipway.promotion.audit import BEGINNING, AuditRecord, chained
from slipway.settings import Settings, settings

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient, ContainerClient

_TAIL = 64 * 1024
_TRIES = 40
# Its own way is to wait 15 s before the first repeat, with the activity's thread held all the while.
_REPEAT_SOON: dict[str, Any] = {"initial_backoff": 0.3, "increment_base": 2, "random_jitter_range": 0.2}


class AuditLog:
    """Chains by name, each the blob `{name}.jsonl`. Raises AzureProblem when one cannot be read or written."""

    def __init__(self, settings_: Settings | None = None) -> None:
        self._settings = settings_ or settings()

    def append(self, name: str, record: AuditRecord) -> None:
        """Append the record once, however often it is called with that id and however many append at once."""
        from azure.core.exceptions import AzureError, HttpResponseError

        blob = self._blob(name)
        for turn in range(_TRIES):
            try:
                size, lines = _tail(blob)
                if any(line["id"] == record.id for line in lines):
                    return
                line = chained(record, lines[-1]["hash"] if lines else BEGINNING)
                blob.append_block(line.encode(), appendpos_condition=size)
                return
            except HttpResponseError as error:
                if error.status_code == 404:
                    self._create(blob)
                elif error.status_code != 412:
                    raise AzureProblem(explain(error)) from error
                else:
                    time.sleep(random.uniform(0, 0.01 * (turn + 1)))  # another one was first: read its hash
            except AzureError as error:
                raise AzureProblem(explain(error)) from error
        words = f"{_TRIES} others were first at the end of {name}"
        raise AzureProblem(AzureFault(FaultKind.CONFLICT, "AppendContended", words))

    def lines(self, name: str) -> list[str]:
        """The chain as it is stored, for `audit.verify`; empty when there is none."""
        from azure.core.exceptions import AzureError, ResourceNotFoundError

        try:
            return bytes(self._blob(name).download_blob().readall()).decode().splitlines()
        except ResourceNotFoundError:
            return []
        except AzureError as error:
            raise AzureProblem(explain(error)) from error

    def read(self, name: str) -> list[dict[str, Any]]:
        """The chain's records, oldest first."""
        return [json.loads(line) for line in self.lines(name)]

    def _blob(self, name: str) -> "BlobClient":
        return _container(self._settings).get_blob_client(f"{name}.jsonl")

    def _create(self, blob: "BlobClient") -> None:
        """Make the blob, and the container when that is missing too; whoever is second finds it made."""
        from azure.core import MatchConditions
        from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError

        try:
            with suppress(ResourceExistsError, ResourceModifiedError):
                blob.create_append_blob(match_condition=MatchConditions.IfMissing)
        except ResourceNotFoundError:
            with suppress(ResourceExistsError):
                _container(self._settings).create_container()


def _tail(blob: "BlobClient") -> tuple[int, list[dict[str, Any]]]:
    """The blob's size, and its last records: those of the last 64 KB, at least one if there is any."""
    size = blob.get_blob_properties().size
    wanted = _TAIL
    while size:
        start = max(0, size - wanted)
        text = bytes(blob.download_blob(offset=start, length=size - start).readall())
        whole = text if start == 0 else text.partition(b"\n")[2]  # the first line is cut somewhere
        if whole or start == 0:
            return size, [json.loads(line) for line in whole.splitlines()]
        wanted *= 4
    return 0, []


@once_per_process
def _container(settings_: Settings) -> "ContainerClient":
    from azure.storage.blob import ContainerClient

    return ContainerClient(
        settings_.needed("blobs_endpoint"),
        settings_.audit_container,
        credential=credential(settings_.client_id),
        connection_timeout=10,
        read_timeout=30,
        retry_total=3,
        **_REPEAT_SOON,
        **settings_.client_options,
    )
