"""A role of Azure's, and a place that it is given on."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """The narrowest scope on which a role is of use."""

    RESOURCE = "resource"
    GROUP = "resource group"
    SUBSCRIPTION = "subscription"


@dataclass(frozen=True)
class Role:
    """What Slipway needs in one place, and nothing else: `actions` of Resource Manager, `data_actions` of a service's
    own. `says` is its description. With a `built_in` (its GUID) it is one of Azure's own, whose rights are not told
    here."""

    name: str
    says: str
    actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    at: Level = Level.RESOURCE
    built_in: str = ""


@dataclass(frozen=True)
class Unknown:
    """A resource that a pipeline does not name by its id: `name` is that of the parameter which stands for it, `says`
    what it is, `find` the arguments of `az` that print its id, none where only a person knows. `below` is what is meant
    below it."""

    name: str
    says: str
    find: tuple[str, ...] = ()
    below: str = ""


Place = str | Unknown  # a scope's id, or what stands for one


@dataclass(frozen=True)
class Need:
    """One role on one place, and in words which pipeline, stage and kind need it there."""

    role: Role
    place: Place
    why: str


def group_of(resource: str) -> str:
    """The id of the resource group that a resource lies in."""
    return "/".join(resource.split("/")[:5])
