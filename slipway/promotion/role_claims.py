"""What a role claim gives, and where: `approver`, `approver@production`, `approver@production/storefront`.

Without a place a role holds everywhere; `*` stands for all environments, or all services. A claim that is written in
no such way gives nothing.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from slipway.promotion.ids import is_name

ANY = "*"
MOST = 200  # claims that are looked at: a token with more was not made for a person
LONGEST = 120  # characters; Entra ID takes no longer one
_ROLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


@dataclass(frozen=True)
class Place:
    """Where something is done. `environments`: one environment, under each of its names, as a ring has two; none is all
    of them. `service`: empty is all of them. Only a right that holds for all does where all are meant."""

    environments: tuple[str, ...] = ()
    service: str = ""

    @property
    def words(self) -> str:
        """`production of storefront`; empty where all is meant."""
        environment = self.environments[0] if self.environments else ""
        if environment and self.service:
            return f"{environment} of {self.service}"
        return environment or (f"every environment of {self.service}" if self.service else "")


EVERYWHERE = Place()


@dataclass(frozen=True)
class Right:
    """A role in an environment and for a service; `*` is all of them."""

    role: str
    environment: str = ANY
    service: str = ANY

    def holds_at(self, place: Place) -> bool:
        return self.environment in (ANY, *place.environments) and self.service in (ANY, place.service)


def right_of(claim: str) -> Right | None:
    """What a claim gives; None where it is no such claim."""
    role, at, place = claim.partition("@")
    if len(claim) > LONGEST or not _ROLE.match(role):
        return None
    if not at:
        return Right(role)
    environment, slash, service = place.partition("/")
    if not slash:
        service = ANY
    return Right(role, environment, service) if _is_part(environment) and _is_part(service) else None


def roles_at(claims: Iterable[str], place: Place) -> tuple[str, ...]:
    """The roles that the claims give there, by their plain names."""
    return tuple(dict.fromkeys(right.role for right in _rights(claims) if right.holds_at(place)))


def roles_anywhere(claims: Iterable[str]) -> tuple[str, ...]:
    """The roles that the claims give in some place at least."""
    return tuple(dict.fromkeys(right.role for right in _rights(claims)))


def roles_for_service(claims: Iterable[str], service: str) -> tuple[str, ...]:
    """The roles that the claims give for that service in some environment at least."""
    return tuple(dict.fromkeys(right.role for right in _rights(claims) if right.service in (ANY, service)))


def _rights(claims: Iterable[str]) -> Iterable[Right]:
    return (right for right in map(right_of, islice(claims, MOST)) if right)


def _is_part(text: str) -> bool:
    return text == ANY or is_name(text)
