"""What the domain needs from outside, one Protocol per need. The values that cross it are in `port_values`.

The adapters in `slipway.adapters` are one implementation each, on the official SDK of their service.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from slipway.promotion.audit import AuditRecord
from slipway.promotion.flags.document import Document
from slipway.promotion.flags.setting import FlagSetting
from slipway.promotion.judge.windows import Window
from slipway.promotion.load_judgement import LoadMeasurement
from slipway.promotion.outcomes import Answer
from slipway.promotion.plan import Target
from slipway.promotion.port_values import Cell, ProbeResult, Receipt, Row, SiteState, Split, SwitchState
from slipway.promotion.release_parts.configuration import Place, Setting, Snapshot
from slipway.promotion.telemetry import Cohorts, CohortsQuestion, Question


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

    def stop_idle(self, target: Target, version: str) -> Answer: ...

    def start_idle(self, target: Target, version: str, live: str, version_path: str = "/version") -> Answer:
        """Start the idle side, which was stopped, and wait until it answers `version`. Broken when it holds another
        one, or `live` is not live any more. Safe to repeat."""

    def stop_old_side(self, target: Target, version: str, live: str, version_path: str = "/version") -> Answer:
        """Stop the idle side, which holds `version`, while `live` is live; whatever else is there is left alone. Passed
        with `stopped`: whether it stands still. Safe to repeat."""


class TrafficRouter(Protocol):
    """Divides a target's traffic between the live release and the one on its idle side.

    `version` is the release that the ramp brings. `share` (0..1) is rounded to the router's grain, never upwards to
    more than asked for; 0 takes away the rule, so that all goes to the live release. Setting what is set already is
    a no-op that says so. Answers pass with the result `share`: what the platform answers after the write.
    """

    def read_split(self, target: Target, version: str) -> Split: ...

    def start_split(self, target: Target, version: str, share: float, operation: str, resuming: bool) -> Answer: ...

    def poll_split(self, target: Target, handle: dict[str, Any], version: str, share: float) -> Answer: ...


class Switch(Protocol):
    """Sends users to one of two sides, blue and green, that both stand ready."""

    def read(self, target: Target) -> SwitchState: ...  # raises AzureProblem
    def start(
        self, target: Target, side: str, operation: str, resuming: bool
    ) -> Answer: ...  # running(handle) | passed | broken…
    def poll(self, target: Target, handle: dict[str, Any], side: str) -> Answer: ...


class FlagStore(Protocol):
    """Feature flags of one store. What is missing is None; a write counts only when nobody wrote meanwhile."""

    def read(self, name: str, label: str) -> FlagSetting | None: ...

    def write(self, setting: FlagSetting, document: Document, tags: Mapping[str, str]) -> FlagSetting | None:
        """The flag as it is then; None when it changed since `setting` was read, or is gone."""

    def create(self, name: str, label: str, document: Document, tags: Mapping[str, str]) -> FlagSetting | None:
        """None when it is there already."""

    def all(self) -> Sequence[FlagSetting]:
        """All of them, by name and label."""


class FlagsBefore(Protocol):
    """What flags were before a release changed them, and what it wrote last: `before` and `after`, each a document with
    its etag, or None. A release is named by the id of its stage."""

    def read(self, release: str, name: str, label: str) -> dict[str, Any] | None: ...

    def keep(self, release: str, name: str, label: str, before: dict[str, Any] | None) -> None:
        """In place of what was kept of that flag."""

    def wrote(self, release: str, name: str, label: str, after: dict[str, Any]) -> None: ...


class ConfigurationStore(Protocol):
    """Settings by label, and immutable snapshots of them."""

    def settings(self, place: Place) -> Sequence[Setting]: ...

    def snapshot(self, name: str) -> Snapshot | None: ...

    def in_snapshot(self, name: str) -> Sequence[Setting]: ...

    def start_snapshot(self, place: Place, service: str) -> None: ...

    def recover(self, name: str) -> None: ...


class Telemetry(Protocol):
    """What users met, by release."""

    def windows(self, question: Question) -> list[Window]:
        """One window a span, in their order. A source that cannot be asked, or answers in part or in another form,
        gives windows with `fault`: nothing is raised for it."""

    def cohorts(self, question: CohortsQuestion) -> Cohorts:
        """The users of a flag's comparison by variant; with `fault` where they cannot be told."""


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


class Probe(Protocol):
    def __call__(
        self, url: str, version_url: str, expected_version: str, timeout_s: float, *, headers: Mapping[str, str]
    ) -> ProbeResult: ...


class LoadDriver(Protocol):
    def __call__(
        self, url: str, rate_per_s: float, duration_s: float, timeout_s: float, *, headers: Mapping[str, str]
    ) -> LoadMeasurement: ...


class LoadRuns(Protocol):
    """Runs of a service that drives loads itself, by our operation's id for each."""

    def go_on(
        self, id: str, called: str, variables: Mapping[str, str], handle: dict[str, Any], needs_course: bool
    ) -> Answer:
        """Begin it, unless it is there, and say how it goes; passed with a `RunMeasurement` as its result."""

    def stopped(self, id: str, handle: dict[str, Any]) -> str:
        """Stop it, if there is one; words for what is left of it."""


class SecretStore(Protocol):
    """Secrets by name. Their values live in the memory of the process that asked, and nowhere else of ours."""

    def read(self, name: str) -> str: ...
