"""What a verification finds, and what it could establish."""

from dataclasses import dataclass

from slipway.promotion.audit_checkpoint import Checkpoint


@dataclass(frozen=True)
class Finding:
    """`what` is altered, missing, reordered, doubled, forged, unsigned or stale; `number` (from 1) and `id` are of the
    first record that it shows at, 0 and empty where there is none."""

    what: str
    chain: str
    words: str
    number: int = 0
    id: str = ""

    def __str__(self) -> str:
        where = f"{self.chain}, record {self.number}" if self.number else self.chain
        named = f" ({self.id})" if self.id else ""
        return f"{self.what}: {where}{named}: {self.words}" if where else f"{self.what}: {self.words}"


@dataclass(frozen=True)
class Verified:
    """`unsigned` counts the records that came after the newest checkpoint; `thumbprints` are of the keys that signed,
    `pinned` says whether whoever verifies had named those keys."""

    findings: tuple[Finding, ...]
    chains: int
    records: int
    checkpoints: int
    newest: Checkpoint | None
    unsigned: int
    thumbprints: tuple[str, ...]
    pinned: bool
    exported_at: str
    chosen: dict[str, str]

    @property
    def intact(self) -> bool:
        return not self.findings
