"""Key Vault's REST for keys: create, read, sign. Each version is a real key, whose private half no answer holds."""

import base64
import sqlite3
import uuid
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from slipway.local.azure.clock import Now
from slipway.local.azure.state import transaction
from slipway.local.azure.tokens import TokenRefused, Tokens
from slipway.local.azure.vault.api import AUDIENCE, NAME, VaultRefused, missing_token

_KINDS = {"EC": "ES256", "RSA": "RS256"}
_SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE, version TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL, pem TEXT NOT NULL, enabled INTEGER NOT NULL DEFAULT 1, created INTEGER NOT NULL);
"""


@dataclass(frozen=True)
class Key:
    name: str
    version: str
    kind: str
    pem: str
    enabled: int
    created: int

    @property
    def private(self) -> Any:
        return serialization.load_pem_private_key(self.pem.encode(), None)


class KeyStore:
    """`database` is the vault's own."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        database.executescript(_SCHEMA)

    def add(self, name: str, kind: str, at: int) -> Key:
        """A new version, which is the current one from now on."""
        made: Any = ec.generate_private_key(ec.SECP256R1()) if kind == "EC" else rsa.generate_private_key(65537, 2048)
        pem = made.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        key = Key(name, uuid.uuid4().hex, kind, pem.decode(), 1, at)
        with transaction(self._database) as database:
            database.execute(
                "INSERT INTO keys (name, version, kind, pem, created) VALUES (?, ?, ?, ?, ?)",
                (key.name, key.version, key.kind, key.pem, key.created),
            )
        return key

    def get(self, name: str, version: str = "") -> Key | None:
        row = self._database.execute(
            "SELECT name, version, kind, pem, enabled, created FROM keys WHERE name = ? AND (? = '' OR version = ?)"
            " ORDER BY number DESC LIMIT 1",
            (name, version, version),
        ).fetchone()
        return Key(**row) if row else None

    def enable(self, key: Key, enabled: bool) -> Key:
        with transaction(self._database) as database:
            database.execute("UPDATE keys SET enabled = ? WHERE version = ?", (int(enabled), key.version))
        return Key(**{**vars(key), "enabled": int(enabled)})


class KeysApi:
    """`now` is the clock."""

    def __init__(self, store: KeyStore, tokens: Tokens, now: Now) -> None:
        self._store, self._tokens, self._now = store, tokens, now

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/keys/{name}/create", self._guarded),
            web.post("/keys/{name}/{version}/sign", self._guarded),
            web.patch("/keys/{name}/{version}", self._guarded),
            web.get("/keys/{name}", self._guarded),
            web.get("/keys/{name}/{version:[^/]*}", self._guarded),
        ]

    async def _guarded(self, request: web.Request) -> web.Response:
        try:
            self._tokens.check(request.headers.get("Authorization"), (AUDIENCE,))
            return web.json_response(await self._answer(request))
        except TokenRefused as refusal:
            return missing_token(self._tokens.issuer, refusal)
        except VaultRefused as refusal:
            return web.json_response(refusal.body, status=refusal.status)

    async def _answer(self, request: web.Request) -> dict[str, Any]:
        name, version = request.match_info["name"], request.match_info.get("version", "")
        if not NAME.fullmatch(name):
            raise VaultRefused(400, "BadParameter", "The name of a key is 1-127 letters, digits and hyphens.")
        if request.path.endswith("/create"):
            kind = (await request.json()).get("kty")
            if kind not in _KINDS:
                raise VaultRefused(400, "BadParameter", f"The key type {kind} is not in this stand-in.")
            return self._bundle(self._store.add(name, kind, int(self._now().timestamp())))
        key = self._store.get(name, version)
        if key is None:
            raise VaultRefused(404, "KeyNotFound", f"A key with (name/id) {name} was not found in this key vault.")
        if request.method == "PATCH":
            enabled = (await request.json()).get("attributes", {}).get("enabled", True)
            return self._bundle(self._store.enable(key, enabled))
        if not request.path.endswith("/sign"):
            return self._bundle(key)
        return _signed(key, await request.json()) | {"kid": self._id(key)}

    def _id(self, key: Key) -> str:
        return f"{self._tokens.issuer.base}/keys/{key.name}/{key.version}"

    def _bundle(self, key: Key) -> dict[str, Any]:
        attributes = {"enabled": bool(key.enabled), "created": key.created, "updated": key.created}
        return {"key": {"kid": self._id(key), "key_ops": ["sign", "verify"], **_public(key)}, "attributes": attributes}


def _public(key: Key) -> dict[str, str]:
    numbers = key.private.public_key().public_numbers()
    if key.kind == "EC":
        return {"kty": "EC", "crv": "P-256", "x": _text(numbers.x, 32), "y": _text(numbers.y, 32)}
    return {"kty": "RSA", "n": _text(numbers.n, 256), "e": _text(numbers.e, 3)}


def _signed(key: Key, asked: dict[str, Any]) -> dict[str, Any]:
    if not key.enabled:
        raise VaultRefused(403, "Forbidden", "Operation sign is not allowed on a disabled key.", "KeyDisabled")
    if asked.get("alg") != _KINDS[key.kind]:
        raise VaultRefused(400, "BadParameter", f"Key and signing algorithm are incompatible: {asked.get('alg')}.")
    digest = base64.urlsafe_b64decode(asked["value"] + "==")
    if len(digest) != 32:
        raise VaultRefused(400, "BadParameter", "The digest is not of the length that the algorithm has.")
    prehashed = utils.Prehashed(hashes.SHA256())
    if key.kind == "RSA":
        return {"value": _base64url(key.private.sign(digest, padding.PKCS1v15(), prehashed))}
    r, s = utils.decode_dss_signature(key.private.sign(digest, ec.ECDSA(prehashed)))
    return {"value": _base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))}


def _text(number: int, length: int) -> str:
    return _base64url(number.to_bytes(length, "big"))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
