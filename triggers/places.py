"""Of what place a role has to be, for what a request is about: a service's stages, as its promotion was frozen."""

from collections.abc import Iterable, Mapping
from typing import Any

from slipway.promotion.approval import Person
from slipway.promotion.errors import Forbidden
from slipway.promotion.plan import PromotionPlan, StagePlan
from slipway.promotion.role_claims import Place
from triggers.http import NotFound
from triggers.identity import READERS, may_read, require, require_for_service

Rows = Mapping[str, Mapping[str, Any]]


def service_of(promotion: str) -> str:
    """The service that a promotion's id names: known before anything is read, so that whoever may not ask learns
    nothing of what is there."""
    return promotion.partition("--")[0]


def place_of(stage: StagePlan, service: str) -> Place:
    """A ring is an environment by its own name and by the one that it is written under."""
    return Place(stage.environments, service)


def places_of_plan(plan: PromotionPlan) -> tuple[Place, ...]:
    """Wherever a build of that plan goes."""
    return tuple(dict.fromkeys(place_of(stage, plan.service) for stage in plan.stages))


def places_of_stage(rows: Rows, promotion: str, stage: str = "") -> tuple[Place, ...]:
    """The places of one stage, of all rings of a stage that is written with rings, or, without a name or of one that is
    not there, of all stages. Of a promotion that has not begun nobody knows its stages: all environments."""
    frozen = rows.get("promotion", {}).get("frozen_plan")
    if not frozen:
        return (Place((), service_of(promotion)),)
    plan = PromotionPlan.load(frozen)
    meant = [each for each in plan.stages if stage in (each.name, each.ring.of if each.ring else None)]
    return tuple(dict.fromkeys(place_of(each, plan.service) for each in meant or plan.stages))


def require_at(person: Person, places: Iterable[Place], *roles: str) -> None:
    """Raise Forbidden unless the person holds one of `roles` in each of the places."""
    for place in places:
        require(person, *roles, at=place)


def check_reading(person: Person, service: str) -> None:
    """Raise Forbidden unless the person may read of that service."""
    if not may_read(person, service):
        require_for_service(person, service, *READERS)


def check_outcome(person: Person, promotion: str, rows: Rows) -> None:
    """Raise Forbidden unless the person may read that promotion: as a reader, or because it is what they submitted.
    Raises NotFound while it has not begun and nobody knows who did."""
    if may_read(person, service_of(promotion)):
        return
    if "promotion" not in rows:
        raise NotFound("UNKNOWN_PROMOTION", f"{promotion} has not begun yet")
    if rows["promotion"].get("submitted_by") != person.oid:
        raise Forbidden("FORBIDDEN", f"{person.name} did not submit {promotion}; that needs the role reader")
