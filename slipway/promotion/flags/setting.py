"""A flag as it lies in its store: the document, and the tags in which Slipway keeps what it must know of it later."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from slipway.promotion.flags.document import Document, FlagRefused, share_of

OWNER, EXPIRES, PIPELINE, LAST_WRITE, SWITCHED_OFF = "owner", "expires", "pipeline", "slipway-write", "slipway-off"
COMPARED = "slipway-compared"  # which variant a comparison kept, when and why
BY_COMPARISON = "a comparison"  # whose word keeps a flag off whose control was kept, in place of a person's name
LONGEST_TAG = 256
_SAME_ID = 88  # of an id that is too long the end is a hash, so that one below it does not begin with all of it


@dataclass(frozen=True)
class FlagSetting:
    """`document` is empty where the value cannot be read. `locked`: somebody made it read-only in the store.
    `description` is the setting's own, beside that of the document."""

    name: str
    label: str
    document: Document
    etag: str
    tags: Mapping[str, str] = field(default_factory=dict)
    changed_at: datetime | None = None
    locked: bool = False
    description: str | None = None

    @property
    def share(self) -> float | None:
        """The share (0..1) of users who have it; None when its shape is not known."""
        try:
            return share_of(self.document) if self.document else None
        except FlagRefused:
            return None

    @property
    def is_as_written(self) -> bool:
        """Whether its document is the one that Slipway wrote last: everybody who edits a flag leaves our mark or takes
        it away, and the mark fits no other document."""
        return self.tags.get(LAST_WRITE, "").partition(" ")[0] == fingerprint(self.document)

    @property
    def writer(self) -> str:
        """Whose write Slipway's last one was: promotion and stage, or what an operator asked for; empty when somebody
        has changed the flag since."""
        return ":".join(self._operation.split(":")[:2]) if self.is_as_written else ""

    @property
    def _operation(self) -> str:
        return self.tags.get(LAST_WRITE, "").partition(" ")[2]

    def is_of(self, release: str) -> bool:
        """Whether that release (the id of its stage) wrote it last; without one, whether any of Slipway's did."""
        return self.is_as_written and (not release or self._operation.startswith(f"{release}:"[:_SAME_ID]))

    def is_ramped_by_another(self, release: str) -> bool:
        """Whether another release of Slipway's has it on for testers, or for a part of the users: it is under way with
        the flag. One that is off, or on for everybody, is free to be changed."""
        given, share = bool(self.document.get("enabled")), self.share
        return given and share is not None and share < 1 and self.is_as_written and not self.is_of(release)

    @property
    def off_words(self) -> str:
        """Whose word switched it off last; it holds while the flag is off, whatever else of it is edited."""
        return "" if self.document.get("enabled") else self.tags.get(SWITCHED_OFF, "")

    @property
    def where(self) -> str:
        return f"{self.name} ({self.label})" if self.label else self.name

    def written(self, document: Document, operation: str, off: str = "", **tags: str) -> dict[str, str]:
        """The tags that go with `document`, once `operation` writes it; `off` says who switched it off. A word that
        keeps the flag off stays with it while it is off."""
        off = off or ("" if document.get("enabled") else self.off_words)
        kept = {name: value for name, value in self.tags.items() if name != SWITCHED_OFF}
        kept |= {name: shortened(value) for name, value in tags.items() if value}
        kept[LAST_WRITE] = shortened(f"{fingerprint(document)} {operation}")
        return kept | ({SWITCHED_OFF: shortened(off)} if off else {})

    def is_written_by(self, operation: str) -> bool:
        """Whether that operation wrote it last, and nobody has since: an answer that was lost had its effect."""
        return (
            self.is_as_written
            and self._operation == shortened(f"{fingerprint(self.document)} {operation}").partition(" ")[2]
        )


def by_comparison(words: str) -> str:
    """Whose word it is that keeps a flag off after its comparison."""
    return f"{BY_COMPARISON}: {words}"


def fingerprint(document: Document) -> str:
    """The document's, whatever the order and spacing in which it is written."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def shortened(text: str) -> str:
    """At most as long as a tag may be."""
    return text if len(text) <= LONGEST_TAG else f"{text[: LONGEST_TAG - 1]}…"
