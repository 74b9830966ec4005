"""A checkpoint: how far each chain has come, signed, and chained to the checkpoint before it.

It lists the chains that grew since the one before, so that it costs what happened and not what was ever kept: all
checkpoints together say how long every chain must be and which hash its records end with at each of these lengths.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from slipway.promotion.audit import BEGINNING, canonical
from slipway.promotion.audit_keys import ALGORITHMS, KeyUnreadable, check_usable, public_jwk
from slipway.promotion.errors import SlipwayError

FORMAT = "slipway-checkpoint/1"
FOLDER = "checkpoints/"
_FAMILY = FORMAT.partition("/")[0] + "/"
_MEMBERS = {"alg", "at", "format", "heads", "key", "number", "prev", "signature", "since"}


class NotACheckpoint(SlipwayError):
    """`code` is AUDIT_CHECKPOINT_BROKEN, or AUDIT_FORMAT_NEWER for one that a newer Slipway wrote."""


@dataclass(frozen=True)
class Head:
    """How far a chain has come: its first `records` records are its first `size` bytes, and end with `hash`."""

    chain: str
    records: int
    size: int
    hash: str


@dataclass(frozen=True)
class Checkpoint:
    """`since` and `at` (ISO 8601) are when it and the one before it began to look; `prev` is the digest of that one,
    `key` the public key (JWK with `kid`) that it is signed with."""

    number: int
    at: str
    since: str
    prev: str
    key: dict[str, str]
    heads: tuple[Head, ...]

    @property
    def digest(self) -> bytes:
        """What is signed: SHA-256 over the canonical JSON without the signature."""
        return hashlib.sha256(canonical(self._body()).encode()).digest()

    def line(self, signature: str) -> str:
        """Itself as it is kept, with its newline. `signature` is base64url."""
        return canonical({**self._body(), "signature": signature}) + "\n"

    def _body(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "number": self.number,
            "at": self.at,
            "since": self.since,
            "prev": self.prev,
            "alg": ALGORITHMS[self.key["kty"]],
            "key": self.key,
            "heads": [[head.chain, head.records, head.size, head.hash] for head in self.heads],
        }


def read_checkpoint(line: bytes) -> tuple[Checkpoint, str]:
    """A checkpoint and its signature, which is not checked here. Raises NotACheckpoint."""
    try:
        found = json.loads(line)
        format_ = found["format"]
        if format_ != FORMAT:
            _not_ours(format_)
        heads = tuple(Head(*each) for each in found["heads"])
        read = Checkpoint(found["number"], found["at"], found["since"], found["prev"], public_jwk(found["key"]), heads)
        signature = found["signature"]
        if set(found) != _MEMBERS or not isinstance(signature, str) or not all(map(_is_sound, heads)):
            raise _broken("its members are not those of a checkpoint")
        if read.line(signature).encode() != line.removesuffix(b"\n") + b"\n":
            raise _broken("it is not written as a checkpoint is")
        check_usable(read.key)
    except (KeyUnreadable, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _broken("it is no checkpoint") from error
    return read, signature


def next_number(last: Checkpoint | None) -> tuple[int, str]:
    """The number and `prev` of the checkpoint that follows `last`."""
    return (last.number + 1, last.digest.hex()) if last else (1, BEGINNING)


def place_of(at: str) -> str:
    """The chain in which the checkpoint of that moment lies: one a month, so that no blob has too many blocks."""
    return f"{FOLDER}{at[:7]}"


def _is_sound(head: Head) -> bool:
    texts, numbers = (head.chain, head.hash), (head.records, head.size)
    return all(isinstance(each, str) for each in texts) and all(type(each) is int and each > 0 for each in numbers)


def _not_ours(format_: Any) -> None:
    if isinstance(format_, str) and format_.startswith(_FAMILY):
        raise NotACheckpoint("AUDIT_FORMAT_NEWER", f"{format_[:40]} is of a newer Slipway: verify it with that one")
    raise _broken("it is no checkpoint")


def _broken(words: str) -> NotACheckpoint:
    return NotACheckpoint("AUDIT_CHECKPOINT_BROKEN", words)
