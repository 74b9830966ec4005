"""The signing keys of an OpenID issuer: discovery document, key set, cached."""

import asyncio
import ssl
import time
from dataclasses import dataclass, field
from typing import Any

import jwt
from aiohttp import ClientError, ClientSession, ClientTimeout

KEEP_SECONDS = 3600.0
RETRY_SECONDS = 5.0  # an unknown key id asks the issuer again, but not more often than this
TIMEOUT = ClientTimeout(total=10)


class IssuerUnavailable(Exception):
    """The issuer's documents cannot be read, so that no token can be judged."""


class UnknownKey(Exception):
    """The issuer does not publish a key of this id."""


@dataclass
class IssuerKeys:
    """Keys of `issuer` by key id (OpenID Connect Discovery 1.0, RFC 7517).

    `ca_file`: certificates to trust for TLS instead of the system's.
    """

    issuer: str
    ca_file: str | None = None
    _keys: dict[str, jwt.PyJWK] = field(default_factory=dict)
    _read_at: float = -KEEP_SECONDS
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def key(self, key_id: str) -> jwt.PyJWK:
        """Raises UnknownKey, IssuerUnavailable."""
        async with self._reading:
            age = time.monotonic() - self._read_at
            if age >= KEEP_SECONDS or (key_id not in self._keys and age >= RETRY_SECONDS):
                self._keys = await self._read()
                self._read_at = time.monotonic()
        if key_id not in self._keys:
            raise UnknownKey(key_id)
        return self._keys[key_id]

    async def _read(self) -> dict[str, jwt.PyJWK]:
        trust = ssl.create_default_context(cafile=self.ca_file) if self.ca_file else True
        try:
            async with ClientSession(timeout=TIMEOUT, raise_for_status=True) as session:
                address = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
                async with session.get(address, ssl=trust) as answer:
                    discovery: dict[str, Any] = await answer.json(content_type=None)
                if discovery.get("issuer") != self.issuer:
                    raise IssuerUnavailable(f"{address} speaks for {discovery.get('issuer')}, not for {self.issuer}")
                async with session.get(discovery["jwks_uri"], ssl=trust) as answer:
                    published = jwt.PyJWKSet.from_dict(await answer.json(content_type=None))
        except (ClientError, OSError, KeyError, TypeError, ValueError, jwt.PyJWTError) as error:
            raise IssuerUnavailable(f"cannot read the keys of {self.issuer}: {error}") from error
        return {key.key_id: key for key in published.keys if key.key_id}
