"""What lies in the audit container (azure-storage-blob): every chain by name, and each of them part by part."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slipway.adapters.audit_log import ROLE, SUFFIX, container_of
from slipway.adapters.azure_errors import AzureProblem, explain
from slipway.promotion.audit_checkpoint import Head
from slipway.settings import Settings, settings

_LAST = 16 * 1024  # bytes in which a chain's last record is looked for first


@dataclass(frozen=True)
class ChainSeen:
    """A chain as the list of blobs has it: `size` in bytes, `grew_at` by the storage's clock."""

    name: str
    size: int
    grew_at: datetime


class AuditReading:
    """Reads only. Raises AzureProblem when the storage refuses or cannot answer."""

    def __init__(self, settings_: Settings | None = None) -> None:
        self._settings = settings_ or settings()

    def chains(self, prefix: str = "") -> Iterator[ChainSeen]:
        """Every chain that has a record, by name."""
        after: str | None = None
        while True:
            seen, after = self.page(5000, after, prefix)
            yield from seen
            if not after:
                return

    def page(self, top: int, after: str | None, prefix: str = "") -> tuple[list[ChainSeen], str | None]:
        """At most `top` of them, and where the next ones begin; None when these were the last."""
        from azure.core.exceptions import AzureError, ResourceNotFoundError

        pages: Any = (
            container_of(self._settings).list_blobs(prefix or None, results_per_page=top).by_page(after or None)
        )
        try:
            blobs = list(next(pages))
        except (ResourceNotFoundError, StopIteration):
            return [], None
        except AzureError as error:
            raise AzureProblem(explain(error, ROLE)) from error
        seen = [
            ChainSeen(each.name.removesuffix(SUFFIX), each.size, each.last_modified)
            for each in blobs
            if each.name.endswith(SUFFIX) and each.size
        ]
        return seen, pages.continuation_token or None

    def part(self, name: str, offset: int, most: int) -> tuple[bytes, int]:
        """At most `most` bytes of a chain from `offset` on, and the size of it all; nothing where it has none."""
        from azure.core.exceptions import AzureError, ResourceNotFoundError

        blob = self._blob(name)
        try:
            size = blob.get_blob_properties().size
            if offset >= size:
                return b"", size
            return bytes(blob.download_blob(offset, min(most, size - offset)).readall()), size
        except ResourceNotFoundError:
            return b"", 0
        except AzureError as error:
            raise AzureProblem(explain(error, ROLE)) from error

    def head(self, name: str) -> Head | None:
        """How far the chain has come; None when it has no record. Each record is one block of its blob."""
        from azure.core.exceptions import AzureError

        blob = self._blob(name)
        try:
            seen = blob.get_blob_properties()
            if not seen.size:
                return None
            last = json.loads(_last_line(blob, seen.size))
        except AzureError as error:
            raise AzureProblem(explain(error, ROLE)) from error
        return Head(name, seen.append_blob_committed_block_count, seen.size, last["hash"])

    def last_line(self, name: str) -> tuple[bytes, int]:
        """The chain's last line without its line end, and where the next one begins."""
        from azure.core.exceptions import AzureError

        blob = self._blob(name)
        try:
            size = blob.get_blob_properties().size
            return (_last_line(blob, size), size) if size else (b"", 0)
        except AzureError as error:
            raise AzureProblem(explain(error, ROLE)) from error

    def _blob(self, name: str) -> Any:
        return container_of(self._settings).get_blob_client(f"{name}{SUFFIX}")


def _last_line(blob: Any, size: int) -> bytes:
    wanted = _LAST
    while True:
        start = max(0, size - wanted)
        text = bytes(blob.download_blob(start, size - start).readall()).removesuffix(b"\n")
        _, found, line = text.rpartition(b"\n")
        if found or start == 0:
            return line
        wanted *= 8
