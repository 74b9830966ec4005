"""The audit chain: every record holds the hash of the one before it, so that a changed or lost one shows.

A record's hash is SHA-256 over its canonical JSON (sorted keys, no spaces, ASCII) with `prev` and without
`hash`. A chain is lines of JSON; the first record's `prev` is 64 zeros.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from slipway.promotion.outcomes import iso

BEGINNING = "0" * 64


@dataclass(frozen=True)
class AuditRecord:
    """Who did what, when, and on what evidence (plain JSON). `id` makes a repeated append harmless."""

    id: str
    at: datetime
    actor: str
    action: str
    words: str
    evidence: dict[str, Any] = field(default_factory=dict)


def chained(record: AuditRecord, prev: str) -> str:
    """The record as a line (with its newline) that follows the record whose hash is `prev`."""
    body = {**vars(record), "at": iso(record.at), "prev": prev}
    return canonical({**body, "hash": _hash(body)}) + "\n"


def verify(lines: Iterable[str]) -> int | None:
    """The number (from 1) of the first line that is broken or does not follow its predecessor; None = intact."""
    from slipway.promotion.audit_line import record_of  # its decoder is not for whoever only appends

    prev = BEGINNING
    for number, line in enumerate(lines, start=1):
        record = record_of(line.removesuffix("\n").encode("utf-8", "replace"))
        if record is None or record.prev != prev:
            return number
        prev = record.hash
    return None


def _hash(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(body).encode()).hexdigest()


def canonical(value: Mapping[str, Any]) -> str:
    """JSON in the one form that is hashed and signed: sorted keys, no spaces, ASCII, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
