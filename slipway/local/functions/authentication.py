"""The part of App Service authentication: a bearer token in, `X-MS-CLIENT-PRINCIPAL` headers out.

Whatever a client sends under the names of these headers is dropped, always. Claim types are those of App
Service: object and tenant id under their long names, all else under the token's own.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

import jwt

from slipway.local.functions.openid import IssuerKeys, UnknownKey
from slipway.local.functions.refusal import AppRefused
from slipway.local.functions.settings import is_on

RESERVED = ("x-ms-client-principal", "x-ms-token-")
LONG_TYPES = {
    "oid": "http://schemas.microsoft.com/identity/claims/objectidentifier",
    "tid": "http://schemas.microsoft.com/identity/claims/tenantid",
    "sub": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier",
}
NAME = "preferred_username"


class InvalidToken(Exception):
    """The bearer token proves nothing: 401."""


def without_reserved(headers: Mapping[str, str]) -> dict[str, str]:
    """The client's headers without those that only the platform may set."""
    return {name: value for name, value in headers.items() if not name.lower().startswith(RESERVED)}


class Authentication:
    """Judges bearer tokens of one issuer for one audience."""

    def __init__(self, issuer: str, audience: str, keys: IssuerKeys) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = keys

    @classmethod
    def from_settings(cls, settings: Mapping[str, str]) -> "Authentication | None":
        """None while `WEBSITE_AUTH_ENABLED` is not true. Raises AppRefused when a setting is missing."""
        if not is_on(settings, "WEBSITE_AUTH_ENABLED"):
            return None
        missing = [n for n in ("WEBSITE_AUTH_OPENID_ISSUER", "WEBSITE_AUTH_CLIENT_ID") if not settings.get(n)]
        if missing:
            raise AppRefused(f"WEBSITE_AUTH_ENABLED is true, but {' and '.join(missing)} is not set")
        issuer = settings["WEBSITE_AUTH_OPENID_ISSUER"]
        keys = IssuerKeys(issuer, settings.get("WEBSITE_AUTH_CA_FILE"))
        return cls(issuer, settings["WEBSITE_AUTH_CLIENT_ID"], keys)

    async def principal_headers(self, authorization: str) -> dict[str, str]:
        """The headers that tell the app who calls; none for no token, or another scheme than Bearer.

        Raises InvalidToken; IssuerUnavailable when the issuer's keys cannot be read.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return {}
        return principal_headers(await self._claims(token.strip()))

    async def _claims(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") != "RS256":
                raise InvalidToken("the token is not signed with RS256")
            key = await self._keys.key(str(header.get("kid")))
            return jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=self._audience,
                issuer=self._issuer,
                options={"require": ["exp", "iss", "aud"]},
            )
        except (jwt.PyJWTError, UnknownKey, ValueError) as error:
            raise InvalidToken(f"{type(error).__name__}: {error}") from error


def principal_headers(claims: Mapping[str, Any]) -> dict[str, str]:
    """App Service's four headers for the claims of a token that was found good."""
    principal = {
        "auth_typ": "aad",
        "name_typ": NAME,
        "role_typ": "roles",
        "claims": [{"typ": LONG_TYPES.get(name, name), "val": value} for name, value in _flat(claims)],
    }
    who = str(claims.get("oid") or claims.get("sub") or "")
    return {
        "X-MS-CLIENT-PRINCIPAL": base64.b64encode(json.dumps(principal).encode()).decode(),
        "X-MS-CLIENT-PRINCIPAL-ID": who,
        "X-MS-CLIENT-PRINCIPAL-NAME": str(claims.get(NAME) or claims.get("name") or who),
        "X-MS-CLIENT-PRINCIPAL-IDP": "aad",
    }


def _flat(claims: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in claims.items():
        for one in value if isinstance(value, list) else [value]:
            yield name, one if isinstance(one, str) else json.dumps(one)
