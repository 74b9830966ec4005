"""The audit trail: hash-chained JSON lines in append blobs (azure-storage-blob), in Azure under a WORM policy.

A block is appended only at the position up to which we have read: the tail's hash is the right one then, and
a repeat after a lost answer (the SDK repeats appends) finds its own id in the tail instead of doubling it.
"""

import json
import random
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from slipway.adapters.azure_errors import AzureFault, AzureProblem, FaultKind, explain
from slipway.adapters.blobs import container_called, create_blob
from slipway.promotion.audit import BEGINNING, AuditRecord, chained
from slipway.promotion.outcomes import moment
from slipway.settings import Settings, settings

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient, ContainerClient

ROLE = "Storage Blob Data Contributor"
SUFFIX = ".jsonl"
_TAIL = 64 * 1024
_TRIES = 40
_LATE = timedelta(hours=1)  # how long after it was made a record may have been appended first


class AuditLog:
    """Chains by name, each the blob `{name}.jsonl`. Raises AzureProblem when one cannot be read or written."""

    def __init__(self, settings_: Settings | None = None) -> None:
        self._settings = settings_ or settings()

    def append(self, name: str, record: AuditRecord) -> None:
        """Append the record once, however often it is called with that id and however many append at once."""
        from azure.core.exceptions import AzureError

        blob = self._blob(name)
        for turn in range(_TRIES):
            try:
                if self._is_appended(blob, record):
                    return
            except AzureError as error:
                raise AzureProblem(explain(error, ROLE)) from error
            time.sleep(random.uniform(0, 0.01 * (turn + 1)))  # another one was first: its hash comes next
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
            raise AzureProblem(explain(error, ROLE)) from error

    def read(self, name: str) -> list[dict[str, Any]]:
        """The chain's records, oldest first."""
        return [json.loads(line) for line in self.lines(name)]

    def _is_appended(self, blob: "BlobClient", record: AuditRecord) -> bool:
        """One try. False when somebody else's block came in between."""
        from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

        try:
            size, lines = _tail(blob, record.at - _LATE)
        except ResourceNotFoundError:
            create_blob(blob, container_of(self._settings))
            size, lines = 0, []
        if any(line["id"] == record.id for line in lines):
            return True
        line = chained(record, lines[-1]["hash"] if lines else BEGINNING)
        try:
            blob.append_block(line.encode(), appendpos_condition=size)
        except HttpResponseError as error:
            if error.status_code != 412:
                raise
            return False
        return True

    def _blob(self, name: str) -> "BlobClient":
        return container_of(self._settings).get_blob_client(f"{name}{SUFFIX}")


def _tail(blob: "BlobClient", back_to: datetime) -> tuple[int, list[dict[str, Any]]]:
    """The blob's size, and its last records: those of the last 64 KB, and more while all of these are younger than
    `back_to`: a record that was made then, and comes again, may lie before them."""
    from azure.core.exceptions import HttpResponseError

    try:
        first = blob.download_blob(offset=0, length=_TAIL)  # all of most chains, in one request
    except HttpResponseError as error:
        if error.status_code != 416:
            raise
        return 0, []  # an empty blob has no range
    size = int(str(first.properties.content_range).rpartition("/")[2])
    whole, start, wanted = bytes(first.readall()), 0, _TAIL
    while True:
        lines = [json.loads(line) for line in whole.splitlines()] if size <= len(whole) or start else []
        if size <= len(whole) or (lines and moment(lines[0]["at"]) < back_to):
            return size, lines
        start = max(0, size - wanted)
        text = bytes(blob.download_blob(offset=start, length=size - start).readall())
        whole = text if start == 0 else text.partition(b"\n")[2]  # the first line is cut somewhere
        wanted *= 4


def container_of(settings_: Settings) -> "ContainerClient":
    """The container in which every chain is a blob."""
    return container_called(settings_.audit_container, settings_)
