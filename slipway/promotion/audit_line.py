"""Whether a line of a chain is one of ours, byte for byte. Fast: it is asked of every record that was ever kept.

A record's hash is over the line itself without its member `hash`. That is the same as hashing the canonical JSON anew,
because a line that is not in canonical form (`slipway.promotion.audit`) is no record, whatever its hash: keys in order
and once, no space, ASCII, no NaN, nothing before or after.
"""

import json
from hashlib import sha256
from typing import Any, NoReturn

import msgspec

LONGEST = 8 * 1024 * 1024  # bytes; a block of an append blob that we write is far smaller
_HASH = b',"hash":"'  # in a string its quotes would be escaped, and behind the hash there are only strings
_HASH_LENGTH = len(_HASH) + 64 + 1


class Record(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A record as it lies in its chain, its members in canonical order."""

    action: str
    actor: str
    at: str
    evidence: dict[str, Any]
    hash: str
    id: str
    prev: str
    words: str


class _FloatFound(Exception):
    """Floats are written differently by the fast encoder: `json` decides."""


def _float_found(text: str) -> NoReturn:
    raise _FloatFound


_decode = msgspec.json.Decoder(Record, float_hook=_float_found).decode
_encode = msgspec.json.Encoder(order="sorted").encode


def record_of(line: bytes) -> Record | None:
    """The record that `line` (without its line end) is; None when it is none, or its hash is not its own."""
    try:
        record = _decode(line)
        canonical = _encode(record) == line
    except Exception:  # noqa: BLE001 - whatever it is: the slow way knows
        canonical = False
    if not canonical:
        found = _slowly(line)
        if found is None:
            return None
        record = found
    at = line.rfind(_HASH)
    found_hash = sha256(line[:at])
    found_hash.update(line[at + _HASH_LENGTH :])
    return record if found_hash.hexdigest() == record.hash else None


def _slowly(line: bytes) -> Record | None:
    """The same by the standard library: text beyond ASCII, floats, large integers."""
    try:
        text = line.decode("ascii")
        if len(text) > LONGEST:
            return None
        value = json.loads(text)
        canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
        return msgspec.convert(value, Record, strict=True) if canonical == text else None
    except (ValueError, RecursionError, msgspec.ValidationError):
        return None
