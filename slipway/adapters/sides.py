"""What the switches outside of a target have in common: how its sides are called and reached, and what users meet."""

import re
from dataclasses import dataclass
from typing import Any

from slipway.adapters.azure_errors import AzureFault, AzureProblem, FaultKind
from slipway.adapters.http_probe import read_version
from slipway.promotion.plan import Target
from slipway.settings import Settings

BLUE, GREEN = "blue", "green"
LOOKS = 5  # at what users meet: a resolver of ours may be one of many
_VERSION_TIMEOUT_S = 5.0
_ID = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)/providers/Microsoft\.Network/(?P<rest>.+?)/?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Resource:
    """A resource of Microsoft.Network: `path` is what stands below the provider, type and name by turns."""

    subscription: str
    group: str
    path: tuple[str, ...]


@dataclass(frozen=True)
class Met:
    """What users were answered, in so many looks: `new` by the side that they should meet."""

    looks: int
    new: int
    version: str = ""

    @property
    def all_new(self) -> bool:
        return self.new == self.looks


def other_side(side: str) -> str:
    """Raises KeyError for what is no side."""
    return {BLUE: GREEN, GREEN: BLUE}[side]


def section_of(target: Target, name: str) -> dict[str, Any]:
    """The target's section of that name. Raises AzureProblem where there is none."""
    found = target.settings.get(name)
    if isinstance(found, dict):
        return found
    raise invalid(f"target {target.name} has no section {name}")


def resource_of(target: Target, id: str, *types: str) -> Resource:
    """The parts of a resource id whose types, without the provider, are these. Raises AzureProblem."""
    found = _ID.fullmatch(id)
    path = tuple(found["rest"].split("/")) if found else ()
    if found is None or len(path) != 2 * len(types) or [each.lower() for each in path[::2]] != [*map(str.lower, types)]:
        raise invalid(f"target {target.name}: {id} is not the resource id of a Microsoft.Network/{'/'.join(types)}")
    return Resource(found["subscription"], found["group"], path)


def invalid(words: str, code: str = "InvalidTarget") -> AzureProblem:
    """What comes of a target, or of something at Azure, that is not as it must be."""
    return AzureProblem(AzureFault(FaultKind.INVALID, code, words))


def address_of(section: dict[str, Any], name: str, host: str, settings_: Settings) -> str:
    """Where `users`, or a side, are reached: as the target says, else by the platform's own name, `""` without one."""
    told = (section.get("addresses") or {}).get(name)
    return str(told) if told else f"{settings_.site_scheme}://{host}" if host else ""


def version_path_of(section: dict[str, Any]) -> str:
    return str(section.get("version_path") or "/version")


def what_users_meet(users: str, side: str, version_path: str, settings_: Settings) -> Met | None:
    """How many of a few requests to the users' address are answered by the version of the side at the address `side`;
    None where that side does not say its version, so that nothing could tell."""
    wanted = read_version(side + version_path, _VERSION_TIMEOUT_S, settings_) if side else None
    if wanted is None:
        return None
    found = [read_version(users + version_path, _VERSION_TIMEOUT_S, settings_) for _ in range(LOOKS)]
    return Met(LOOKS, found.count(wanted), wanted)
