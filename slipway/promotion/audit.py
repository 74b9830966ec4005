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
_FIELDS = {"id", "at", "actor", "action", "words", "evidence", "prev", "hash"}


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
    return _canonical({**body, "hash": _hash(body)}) + "\n"


def verify(lines: Iterable[str]) -> int | None:
    """The number (from 1) of the first line that is broken or does not follow its predecessor; None = intact."""
    prev = BEGINNING
    for number, line in enumerate(lines, start=1):
        found = _hash_if_follows(line, prev)
        if found is None:
            return number
        prev = found
    return None


def _hash_if_follows(line: str, prev: str) -> str | None:
    try:
        record = json.loads(line)
        if not isinstance(record, dict) or set(record) != _FIELDS or record["prev"] != prev:
            return None
        found = str(record.pop("hash"))
        return found if found == _hash(record) else None
    except (ValueError, RecursionError):
        return None  # no JSON, or JSON that no record of ours can hold


def _hash(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical(body).encode()).hexdigest()


def _canonical(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
