"""Audit trails in a file, as an export makes them, signed with a key of the test's own."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from slipway.promotion.audit import BEGINNING, AuditRecord, chained
from slipway.promotion.audit_checkpoint import Checkpoint, Head, next_number, place_of
from slipway.promotion.audit_file import chain_line, end, header, verify_file
from slipway.promotion.audit_findings import Verified
from slipway.promotion.audit_keys import to_base64url
from slipway.promotion.audit_scope import Scope
from slipway.promotion.outcomes import iso

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class SigningKey:
    """A key with its private half."""

    jwk: dict[str, str]
    private: Any

    def sign(self, digest: bytes) -> str:
        if self.jwk["kty"] == "RSA":
            return to_base64url(self.private.sign(digest, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256())))
        r, s = utils.decode_dss_signature(self.private.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256()))))
        return to_base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


@cache
def signing_key(kid: str = "https://vault.example/keys/audit/1", kind: str = "EC") -> SigningKey:
    if kind == "RSA":
        private = rsa.generate_private_key(65537, 2048)
        of_rsa = private.public_key().public_numbers()
        numbers = {"n": to_base64url(of_rsa.n.to_bytes(256, "big")), "e": to_base64url(of_rsa.e.to_bytes(3, "big"))}
        return SigningKey({"kid": kid, "kty": "RSA", **numbers}, private)
    of_ec = ec.generate_private_key(ec.SECP256R1())
    point = of_ec.public_key().public_numbers()
    numbers = {"x": to_base64url(point.x.to_bytes(32, "big")), "y": to_base64url(point.y.to_bytes(32, "big"))}
    return SigningKey({"kid": kid, "kty": "EC", "crv": "P-256", **numbers}, of_ec)


def lines_of(chain: str, count: int, **changes: Any) -> list[bytes]:
    """A chain of so many records."""
    lines, prev = [], BEGINNING
    for number in range(1, count + 1):
        told = {"code": "OK", "n": number, "hash": "no", "share": 0.5 if number % 3 == 0 else 1, **changes}
        at = NOON + timedelta(seconds=number)
        record = AuditRecord(f"{chain}:{number}", at, "slipway", "stage.deploying", f"deploys, “{number}”", told)
        line = chained(record, prev)
        prev = json.loads(line)["hash"]
        lines.append(line.encode())
    return lines


def head_of(chain: str, lines: list[bytes]) -> Head:
    return Head(chain, len(lines), sum(map(len, lines)), json.loads(lines[-1])["hash"])


@dataclass
class Trail:
    """What an export has. A test changes it and asks what is found."""

    chains: dict[str, list[bytes]] = field(default_factory=dict)
    checkpoints: list[bytes] = field(default_factory=list)
    newest: Checkpoint | None = None
    exported_at: datetime = NOON + timedelta(hours=1)
    scope: Scope = field(default_factory=Scope)

    def check(self, at: datetime, *heads: Head, key: SigningKey | None = None) -> None:
        """One more checkpoint."""
        key = key or signing_key()
        number, prev = next_number(self.newest)
        since = self.newest.at if self.newest else iso(at)
        self.newest = Checkpoint(number, iso(at), since, prev, key.jwk, heads)
        self.checkpoints.append(self.newest.line(key.sign(self.newest.digest)).encode())

    def file(self) -> list[bytes]:
        chains = {place_of(iso(NOON)): self.checkpoints, **self.chains} if self.checkpoints else self.chains
        lines = [header(iso(self.exported_at), self.scope).encode()]
        for name, records in chains.items():
            lines += [chain_line(name).encode(), *records]
        return [*lines, end(len(chains), sum(map(len, chains.values()))).encode()]

    def verified(self, keys: dict[str, dict[str, str]] | None = None) -> Verified:
        return verify_file(self.file(), keys)

    def found(self) -> list[tuple[str, str, int]]:
        return [(each.what, each.chain, each.number) for each in self.verified().findings]


def a_trail(records: int = 6) -> Trail:
    """Two promotions; the checkpoints came after 3, after 5 and after all but the last of their records."""
    trail = Trail({name: lines_of(name, records) for name in ("checkout--1.0.0", "orders--2.0.0")})
    for minutes, count in ((5, 3), (10, 5), (15, records - 1)):
        heads = [head_of(name, lines[:count]) for name, lines in trail.chains.items()]
        trail.check(NOON + timedelta(minutes=minutes), *heads)
    return trail


def rewritten(lines: list[bytes]) -> list[bytes]:
    """The same records chained anew by somebody who may write, and knows how: every hash is right again."""
    prev, again = BEGINNING, []
    for line in lines:
        body = {**json.loads(line), "prev": prev}
        body.pop("hash")
        text = json.dumps(body, sort_keys=True, separators=(",", ":"))
        prev = hashlib.sha256(text.encode()).hexdigest()
        again.append(json.dumps({**body, "hash": prev}, sort_keys=True, separators=(",", ":")).encode() + b"\n")
    return again
