"""Who is asking: the principal that App Service authentication vouches for, and what it may do where.

The platform strips the header from outside requests only while its authentication is on; so the header
counts only while the platform's own switch says that it is. No identity ever comes from a key or a body.
What changes something also wants the bearer token that the platform has judged: a browser's cookie alone, which any
page may have sent along, changes nothing.
"""

import base64
import binascii
import json
from dataclasses import dataclass, replace
from typing import Any

import azure.functions as func

from slipway.promotion.approval import Person
from slipway.promotion.errors import Forbidden, SlipwayError
from slipway.promotion.role_claims import EVERYWHERE, Place, roles_anywhere, roles_at, roles_for_service
from slipway.settings import settings

HEADER = "X-MS-CLIENT-PRINCIPAL"
OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
TENANT_ID = "http://schemas.microsoft.com/identity/claims/tenantid"
LARGEST_PRINCIPAL = 64 * 1024  # characters; two hundred groups and as many roles are half of it
READERS = ("reader", "operator", "approver", "admin")
ACTION_GROUPS = "ActionGroupsSecureWebhook"
# What a workload's identity may be: it says what was built and what was seen, and decides nothing.
OF_APPLICATIONS = ("submitter", "reader", "auditor", ACTION_GROUPS)
_SAFE = ("GET", "HEAD")
_SCOPES = ("scp", "http://schemas.microsoft.com/identity/claims/scope")


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

    def only(self, *types: str) -> str:
        """The one value; empty where there is none, or where there are several and nobody can say which counts."""
        found = self.of(*types)
        return found[0] if len(found) == 1 else ""

    @property
    def of_an_application(self) -> bool:
        """Whether the token is a workload's own: it says so, or somebody's application got it in nobody's name."""
        return "app" in self.of("idtyp") or bool(self.of("azp", "appid") and not self.of(*_SCOPES))

    @property
    def groups_left_out(self) -> bool:
        """Whether there are more groups than the token may hold: it then says only where to ask for them."""
        elsewhere = any("groups" in each for each in self.of("_claim_names"))
        return elsewhere or "true" in (each.lower() for each in self.of("hasgroups"))


def person_of(request: func.HttpRequest) -> Person:
    """The signed-in person. Raises NotSignedIn."""
    if not settings().auth_enabled:
        raise NotSignedIn("AUTHENTICATION_OFF", "the platform's authentication is off, so nobody can be trusted")
    header = request.headers.get(HEADER)
    if not header:
        raise NotSignedIn("NOT_SIGNED_IN", "no sign-in came with this request; use `slipway login`")
    if request.method not in _SAFE and not _is_bearer(request.headers.get("Authorization", "")):
        words = "what changes something needs the token as `Authorization: Bearer …`; a cookie alone does not do"
        raise NotSignedIn("BEARER_NEEDED", words)
    claims = _claims(header)
    oid, tenant = claims.only(OBJECT_ID, "oid"), claims.only(TENANT_ID, "tid")
    if not oid:
        raise NotSignedIn("NOT_SIGNED_IN", "the sign-in names no object id, or several")
    if settings().tenant and tenant != settings().tenant:
        raise NotSignedIn("WRONG_TENANT", f"the sign-in is of tenant {tenant or 'unknown'}, not ours")
    if settings().audience and settings().audience not in claims.of("aud"):
        raise NotSignedIn("WRONG_AUDIENCE", "the sign-in is meant for another application")
    name = claims.one("name", "preferred_username") or oid
    roles, application = claims.of(claims.role_type, "roles"), claims.of_an_application
    if application:
        roles = tuple(claim for claim in roles if claim.partition("@")[0] in OF_APPLICATIONS)
    return Person(oid, name, roles, claims.of("groups"), application, claims.groups_left_out)


def require(person: Person, *roles: str, at: Place = EVERYWHERE) -> None:
    """Raise Forbidden unless the person holds one of `roles` there, or `admin`, which holds them all. Without a place
    only a role that holds everywhere does."""
    _check(person, roles, roles_at(person.roles, at), at.words, roles_anywhere(person.roles))


def require_somewhere(person: Person, *roles: str) -> None:
    """Raise Forbidden unless the person holds one of `roles`, or `admin`, in some place at least: where the thing that
    is asked for is found, the route asks again by `require`."""
    _check(person, roles, roles_anywhere(person.roles))


def require_for_service(person: Person, service: str, *roles: str) -> None:
    """Raise Forbidden unless the person holds one of `roles`, or `admin`, for that service in some environment."""
    held = roles_for_service(person.roles, service)
    _check(person, roles, held, service, roles_anywhere(person.roles))


def may_read(person: Person, service: str) -> bool:
    """Whether a person who may read something may read of that service. What is read is of a service as a whole: how
    it came to production cannot be told without how it fared before."""
    return bool(set(READERS) & set(roles_for_service(person.roles, service)))


def here(person: Person, at: Place) -> Person:
    """The person with the roles that hold there, by their plain names: what a pipeline's `role:x` asks for."""
    return replace(person, roles=roles_at(person.roles, at))


def _check(
    person: Person, roles: tuple[str, ...], held: tuple[str, ...], where: str = "", elsewhere: tuple[str, ...] = ()
) -> None:
    if "admin" in held or set(roles) & set(held):
        return
    if person.application and not set(roles) & set(OF_APPLICATIONS):
        raise Forbidden("NOT_A_PERSON", f"{person.name} is an application, and this is for people to say")
    wanted = f"{person.name} needs the role {' or '.join(roles)}"
    if {"admin", *roles} & set(elsewhere):
        wanted += f" for {where}" if where else " without a place: it concerns every service"
    raise Forbidden("FORBIDDEN", wanted)


def _is_bearer(authorization: str) -> bool:
    scheme, _, token = authorization.partition(" ")
    return scheme.lower() == "bearer" and bool(token.strip())


def _claims(header: str) -> Claims:
    if len(header) > LARGEST_PRINCIPAL:
        raise NotSignedIn("NOT_SIGNED_IN", f"the sign-in's principal has more than {LARGEST_PRINCIPAL} characters")
    try:
        principal: dict[str, Any] = json.loads(base64.b64decode(header, validate=True))
        if principal["auth_typ"] != "aad":
            raise NotSignedIn("NOT_SIGNED_IN", f"sign-in by {principal['auth_typ']} is not accepted")
        values = tuple((str(claim["typ"]), str(claim["val"])) for claim in principal["claims"])
        return Claims(values, str(principal.get("role_typ") or "roles"))
    except (binascii.Error, ValueError, KeyError, TypeError, RecursionError) as error:
        raise NotSignedIn("NOT_SIGNED_IN", "the sign-in's principal cannot be read") from error
