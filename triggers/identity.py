"""Who is asking: the principal that App Service authentication vouches for, and what it may do.

The platform strips the header from outside requests only while its authentication is on; so the header
counts only while the platform's own switch says that it is. No identity ever comes from a key or a body.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

import azure.functions as func

from slipway.promotion.approval import Person
from slipway.promotion.errors import Forbidden, SlipwayError
from slipway.settings import settings

HEADER = "X-MS-CLIENT-PRINCIPAL"
OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
TENANT_ID = "http://schemas.microsoft.com/identity/claims/tenantid"
READERS = ("reader", "operator", "approver", "admin")


class NotSignedIn(SlipwayError):
    """No principal, or none that can be trusted. Answered as 401."""


@dataclass(frozen=True)
class Claims:
    """The claims of a principal, by type; a type may come several times."""

    values: tuple[tuple[str, str], ...]
    role_type: str

    def of(self, *types: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value for type_, value in self.values if type_ in types))

    def one(self, *types: str) -> str:
        return next(iter(self.of(*types)), "")


def person_of(request: func.HttpRequest) -> Person:
    """The signed-in person. Raises NotSignedIn."""
    if not settings().auth_enabled:
        raise NotSignedIn("AUTHENTICATION_OFF", "the platform's authentication is off, so nobody can be trusted")
    header = request.headers.get(HEADER)
    if not header:
        raise NotSignedIn("NOT_SIGNED_IN", "no sign-in came with this request; use `slipway login`")
    claims = _claims(header)
    oid, tenant = claims.one(OBJECT_ID, "oid"), claims.one(TENANT_ID, "tid")
    if not oid:
        raise NotSignedIn("NOT_SIGNED_IN", "the sign-in names no object id")
    if settings().tenant and tenant != settings().tenant:
        raise NotSignedIn("WRONG_TENANT", f"the sign-in is of tenant {tenant or 'unknown'}, not ours")
    if settings().audience and settings().audience not in claims.of("aud"):
        raise NotSignedIn("WRONG_AUDIENCE", "the sign-in is meant for another application")
    name = claims.one("name", "preferred_username") or oid
    return Person(oid, name, claims.of(claims.role_type, "roles"), claims.of("groups"))


def require(person: Person, *roles: str) -> None:
    """Raise Forbidden unless the person holds one of `roles`; `admin` holds them all."""
    if "admin" not in person.roles and not set(roles) & set(person.roles):
        raise Forbidden("FORBIDDEN", f"{person.name} needs the role {' or '.join(roles)}")


def _claims(header: str) -> Claims:
    try:
        principal: dict[str, Any] = json.loads(base64.b64decode(header, validate=True))
        if principal["auth_typ"] != "aad":
            raise NotSignedIn("NOT_SIGNED_IN", f"sign-in by {principal['auth_typ']} is not accepted")
        values = tuple((str(claim["typ"]), str(claim["val"])) for claim in principal["claims"])
        return Claims(values, str(principal.get("role_typ") or "roles"))
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise NotSignedIn("NOT_SIGNED_IN", "the sign-in's principal cannot be read") from error
