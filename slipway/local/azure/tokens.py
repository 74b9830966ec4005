"""Tokens as Entra ID issues them: RS256 JWTs for people and for the app's managed identity."""

import base64
import hashlib
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from slipway.local.azure.config import Application, Person

LIFETIME_S = 3600
# A token for an Azure resource lives for a day, as a managed identity's does.
RESOURCE_LIFETIME_S = 86_400
MOST_REMEMBERED = 1000

RESOURCE_MANAGER = ("https://management.azure.com", "https://management.core.windows.net")
STORAGE = ("https://storage.azure.com",)
# azure-data-tables asks for Cosmos DB's audience on any host that is not Azure Storage's own.
TABLES = (*STORAGE, "https://cosmos.azure.com")


# Whom tokens are for: Slipway, the applications and jobs that run, and the owner of everything, who is no part of it.
SLIPWAY, APPLICATIONS, OWNER = "managed-identity", "applications", "owner"


class TokenRefused(Exception):
    """Why a bearer token was not accepted."""


@dataclass(frozen=True)
class Issuer:
    """`base` is the server's address, e.g. https://localhost:8443; `tenant` a GUID."""

    base: str
    tenant: str

    @property
    def issuer(self) -> str:
        return f"{self.base}/{self.tenant}/v2.0"

    def challenge(self, resource: str) -> str:
        """The `WWW-Authenticate` of the storage services."""
        return f"Bearer authorization_uri={self.base}/{self.tenant}/oauth2/authorize resource_id={resource}"

    @property
    def jwks(self) -> str:
        return f"{self.base}/{self.tenant}/discovery/v2.0/keys"

    @property
    def token_endpoint(self) -> str:
        return f"{self.base}/{self.tenant}/oauth2/v2.0/token"


def new_signing_key() -> bytes:
    """A fresh RSA key as PEM."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


class Tokens:
    def __init__(self, signing_key: bytes, issuer: Issuer) -> None:
        key = serialization.load_pem_private_key(signing_key, password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("the signing key must be an RSA key")
        self._key = key
        # By token: its audience, whose it is, and its end in epoch seconds.
        self._read: dict[str, tuple[str, str, int]] = {}
        self.issuer = issuer
        numbers = key.public_key().public_numbers()
        self._kid = _b64(hashlib.sha256(str(numbers.n).encode()).digest()[:15])
        self._jwk = {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self._kid,
            "n": _b64(numbers.n.to_bytes(256, "big")),
            "e": _b64(numbers.e.to_bytes(3, "big")),
            "issuer": issuer.issuer,
        }

    def jwks(self) -> dict[str, Any]:
        """RFC 7517."""
        return {"keys": [self._jwk]}

    def for_person(self, person: Person, audience: str) -> str:
        return self._sign(
            {
                "aud": audience,
                "sub": person.oid,
                "oid": person.oid,
                "name": person.name,
                "preferred_username": person.email,
                "roles": list(person.roles),
                "groups": list(person.groups),
            },
            LIFETIME_S,
        )

    def for_application(self, application: Application, audience: str) -> str:
        """In nobody's name: no scope, no name, and no groups."""
        oid = application.oid
        told = {"aud": audience, "sub": oid, "oid": oid, "azp": application.id, "idtyp": "app"}
        return self._sign({**told, "roles": list(application.roles)}, LIFETIME_S)

    def for_resource(self, resource: str, whose: str = SLIPWAY) -> tuple[str, int]:
        """A token of a managed identity for an Azure resource, and its end in epoch seconds."""
        oid = self.object_id(whose)
        token = self._sign({"aud": resource, "sub": oid, "oid": oid, "idtyp": "app"}, RESOURCE_LIFETIME_S)
        return token, int(time.time()) + RESOURCE_LIFETIME_S

    def object_id(self, whose: str) -> str:
        """Of a managed identity."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.issuer.tenant}/{whose}"))

    def slipway_in(self, authorization: str | None) -> str | None:
        """The object id of Slipway's identity, where the header has a token of its; None for anybody else's."""
        scheme, _, token = (authorization or "").partition(" ")
        try:
            _, oid = self._of(token.strip()) if scheme.lower() == "bearer" else ("", "")
        except TokenRefused:
            return None
        return oid if oid == self.object_id(SLIPWAY) else None

    def check(self, authorization: str | None, audiences: tuple[str, ...]) -> None:
        """Accepts an `Authorization` header that names a token of ours for one of `audiences`, or for this
        server itself (some clients ask for a token with the endpoint as audience); raises TokenRefused."""
        if not authorization:
            raise TokenRefused("the 'Authorization' header is missing")
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise TokenRefused("the authentication scheme must be Bearer")
        audience, _ = self._of(token.strip())
        if audience.rstrip("/") not in (*audiences, self.issuer.base):
            raise TokenRefused(f"the token's audience {json.dumps(audience)} is not this service")

    def _of(self, token: str) -> tuple[str, str]:
        """Audience and object id of a token of ours that has not ended. Raises TokenRefused.

        A client sends the same one for a day, and reading it costs as much as all the rest of a small request.
        """
        audience, oid, ends = self._read.get(token, ("", "", 0))
        if time.time() < ends:
            return audience, oid
        claims = self._claims(token)
        if len(self._read) >= MOST_REMEMBERED:
            self._read.clear()
        audience, oid = str(claims["aud"]), str(claims.get("oid", ""))
        self._read[token] = audience, oid, int(claims["exp"])
        return audience, oid

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key.public_key(),
                algorithms=["RS256"],
                issuer=self.issuer.issuer,
                options={"require": ["exp", "iss", "aud"], "verify_aud": False},
            )
        except jwt.InvalidTokenError as error:
            raise TokenRefused(str(error)) from error
        return claims

    def _sign(self, claims: dict[str, Any], lifetime_s: int) -> str:
        now = int(time.time())
        common = {
            "iss": self.issuer.issuer,
            "tid": self.issuer.tenant,
            "iat": now,
            "nbf": now,
            "exp": now + lifetime_s,
            "ver": "2.0",
        }
        return jwt.encode(common | claims, self._key, algorithm="RS256", headers={"kid": self._kid})


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
