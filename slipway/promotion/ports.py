"""What the domain needs from outside, one Protocol per need, and the values that cross it.

The adapters in `slipway.adapters` are one implementation each, on the official SDK of their service.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from slipway.promotion.audit import AuditRecord
from slipway.promotion.load_judgement import LoadMeasurement
from slipway.promotion.outcomes import Answer
from slipway.promotion.plan import Target

Cell = str | int | float | bool | datetime


@dataclass(frozen=True)
class Row:
    """A stored row. `values["doc"]`, when there, is JSON text for what does not fit into columns."""

    partition: str
    key: str
    values: dict[str, Cell]
    etag: str = ""

    @property
    def doc(self) -> Any:
        """The nested part, parsed; an empty dict when the row has none."""
        return json.loads(str(self.values["doc"])) if "doc" in self.values else {}


class RowStore(Protocol):
    """One table. Every write is a single row; the etag decides between two writers."""

    def insert(self, partition: str, key: str, values: Mapping[str, Cell]) -> bool:
        """False when the row is there already."""

    def get(self, partition: str, key: str) -> Row | None: ...

    def replace(self, row: Row, etag: str) -> bool:
        """False when the row changed since it had `etag`, or is gone."""

    def upsert(self, partition: str, key: str, values: Mapping[str, Cell], merge: bool) -> None:
        """With `merge`, columns that are not named stay."""

    def delete(self, partition: str, key: str) -> None:
        """Nothing happens when it is not there."""

    def query(
        self,
        partition: str | None,
        from_key: str | None = None,
        to_key: str | None = None,
        top: int | None = None,
    ) -> list[Row]:
        """Rows with `from_key <= key < to_key`, in the order of their keys."""


@dataclass(frozen=True)
class SiteState:
    """What a target answers now. A version is None when the side does not say one."""

    production_address: str
    idle_address: str
    production_version: str | None
    idle_version: str | None
    in_progress: bool
    last_swap_at: datetime | None
    idle_state: str


class SlotPlatform(Protocol):
    """A platform with a live and an idle side. Starting twice what one operation asked for does it once.

    `resuming` says that an earlier try of the operation may have had its effect; `version_path` is where a
    release says which version it is.
    """

    def read_live(self, target: Target, version_path: str = "/version") -> SiteState: ...

    def start_deployment(
        self,
        target: Target,
        package_url: str,
        operation: str,
        intent_at: datetime,
        resuming: bool,
        version: str = "",
        version_path: str = "/version",
    ) -> Answer: ...

    def poll_deployment(
        self, target: Target, handle: dict[str, Any], version: str, version_path: str = "/version"
    ) -> Answer: ...

    def start_swap(
        self,
        target: Target,
        version: str,
        operation: str,
        intent_at: datetime,
        resuming: bool,
        version_path: str = "/version",
    ) -> Answer: ...

    def poll_swap(
        self, target: Target, handle: dict[str, Any], version: str, version_path: str = "/version"
    ) -> Answer: ...

    def stop_idle(self, target: Target) -> Answer: ...


@dataclass(frozen=True)
class Receipt:
    """What is known of an operation: when it was first meant, what was started, how it ended.

    `new` is true for exactly one `begin`: whoever sees false may be repeating something that had its effect.
    """

    new: bool
    intent_at: datetime
    handle: dict[str, Any] | None = None
    answer: Answer | None = None


class ReceiptBook(Protocol):
    """Receipts of operations, so that a repeated step answers what the first one did."""

    def begin(self, promotion: str, operation: str) -> Receipt: ...

    def started(self, promotion: str, operation: str, handle: dict[str, Any]) -> None: ...

    def ended(self, promotion: str, operation: str, answer: Answer) -> Answer:
        """The answer that counts: the first one that was given."""


class AuditTrail(Protocol):
    """Append-only, hash-chained records by the name of their chain."""

    def append(self, name: str, record: AuditRecord) -> None:
        """Once, however often it is called with that record's id."""

    def read(self, name: str) -> list[dict[str, Any]]: ...


class MessageBus(Protocol):
    """Queues and topics."""

    def send(
        self,
        queue: str,
        body: bytes,
        message_id: str,
        application_properties: Mapping[str, str],
        subject: str | None = None,
        content_type: str = "application/json",
    ) -> None: ...

    def publish(
        self,
        topic: str,
        body: bytes,
        message_id: str,
        application_properties: Mapping[str, str],
        subject: str | None = None,
        content_type: str = "application/cloudevents+json",
    ) -> None: ...


@dataclass(frozen=True)
class ProbeResult:
    """One look at a running release. `status` is 0 when nothing answered; `words` say what was wrong."""

    ok: bool
    status: int
    version: str | None
    latency_ms: float
    words: str = ""


class Probe(Protocol):
    def __call__(
        self, url: str, version_url: str, expected_version: str, timeout_s: float, *, headers: Mapping[str, str]
    ) -> ProbeResult: ...


class LoadDriver(Protocol):
    def __call__(
        self, url: str, rate_per_s: float, duration_s: float, timeout_s: float, *, headers: Mapping[str, str]
    ) -> LoadMeasurement: ...


class SecretStore(Protocol):
    """Secrets by name. Their values live in the memory of the process that asked, and nowhere else of ours."""

    def read(self, name: str) -> str: ...


class PipelineText(NamedTuple):
    """A pipeline as it lies in its file; `digest` is `sha256:…` of the text."""

    text: str
    file: str
    digest: str
