"""What is to be given: needs of many plans put together, each role and place once, in an order that stays."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.promotion.rights.role import Need, Place, Role, Unknown, group_of

OURS = uuid.UUID("6a0c3f3e-2f0a-5a55-9d0d-7f5b8a1c4e21")  # the namespace of the ids that we make


@dataclass(frozen=True)
class Assignment:
    """One role on one place, and why, by each that needs it."""

    role: Role
    place: Place
    why: tuple[str, ...]

    @property
    def place_text(self) -> str:
        """Its id; of an unknown one with the name of its parameter in braces."""
        return text_of(self.place)

    def id(self, principal: str) -> str:
        """The same one for the same role, place and principal, whenever it is asked for."""
        return str(uuid.uuid5(OURS, f"{self.place_text.lower()}|{self.role.name}|{principal.lower()}"))


@dataclass(frozen=True)
class Grants:
    """`suffix` goes behind the name of each custom role, whose names are unique in a tenant. `unknown` are the places
    that somebody still has to name."""

    assignments: tuple[Assignment, ...]
    suffix: str = ""
    unknown: tuple[Unknown, ...] = ()

    @property
    def roles(self) -> tuple[Role, ...]:
        """The custom roles among them, each once."""
        by_name = {each.role.name: each.role for each in self.assignments if not each.role.built_in}
        return tuple(by_name[name] for name in sorted(by_name))

    def groups_of(self, role: Role) -> tuple[str, ...]:
        """The ids of the resource groups in which it is given, as far as its places are known: nowhere else may it."""
        places = (each.place for each in self.assignments if each.role.name == role.name)
        groups = {group_of(place).lower(): group_of(place) for place in places if isinstance(place, str)}
        return tuple(groups[key] for key in sorted(groups))

    def unknown_of(self, role: Role) -> tuple[str, ...]:
        """The parameters of its other places."""
        places = (each.place for each in self.assignments if each.role.name == role.name)
        return tuple(sorted({place.name for place in places if isinstance(place, Unknown)}))

    def role_id(self, role: Role) -> str:
        """The GUID of its definition."""
        return role.built_in or str(uuid.uuid5(OURS, role.name + self.suffix))


def granted(needs: Iterable[Need], known: Mapping[str, str], suffix: str = "") -> Grants:
    """`known`: the ids of what pipelines do not name, by the names of their parameters."""
    whys: dict[tuple[str, str], tuple[Role, Place, list[str]]] = {}
    for need in needs:
        place = _found(need.place, known)
        _, _, why = whys.setdefault((text_of(place).lower(), need.role.name), (need.role, place, []))
        if need.why not in why:
            why.append(need.why)
    assignments = tuple(Assignment(role, place, tuple(why)) for _, (role, place, why) in sorted(whys.items(), key=_key))
    unknown = {each.place.name: each.place for each in assignments if isinstance(each.place, Unknown)}
    return Grants(assignments, suffix, tuple(unknown[name] for name in sorted(unknown)))


def text_of(place: Place) -> str:
    """A place as one text."""
    return f"{{{place.name}}}{place.below}" if isinstance(place, Unknown) else place


def document(grants: Grants, principal: str = "") -> dict[str, Any]:
    """As JSON; an id is empty where it depends on what is not known yet."""
    return {
        "roles": [
            {
                "id": grants.role_id(role),
                "name": role.name + grants.suffix,
                "description": role.says,
                "actions": list(role.actions),
                "dataActions": list(role.data_actions),
                "assignableScopes": [*grants.groups_of(role), *(f"{{{name}}}" for name in grants.unknown_of(role))],
            }
            for role in grants.roles
        ],
        "assignments": [
            {
                "id": each.id(principal) if principal and isinstance(each.place, str) else "",
                "role": each.role.name + ("" if each.role.built_in else grants.suffix),
                "roleId": grants.role_id(each.role),
                "scope": each.place_text,
                "principal": principal,
                "why": list(each.why),
            }
            for each in grants.assignments
        ],
        "parameters": {each.name: each.says for each in grants.unknown},
    }


def _found(place: Place, known: Mapping[str, str]) -> Place:
    if isinstance(place, Unknown) and known.get(place.name):
        return known[place.name].rstrip("/") + place.below
    return place


def _key(each: tuple[tuple[str, str], object]) -> tuple[str, str]:
    return each[0]
