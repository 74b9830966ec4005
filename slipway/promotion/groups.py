"""Groups: targets of a stage that are switched as one, in an order; perhaps of several services, its members.

Without an order and without members a stage has no group, and its targets are switched all at once.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.promotion.stored import known

MOST_MEMBERS = 10  # a stage asks all their locks in one generation, whose history has room for no more


@dataclass(frozen=True)
class GroupPlan:
    """How the targets of a stage belong together.

    `levels` are the names of its targets in the order of the switch: those of a level side by side, the next level once
    this one was verified live; the way back is the reverse. `members` says which service each target is of; empty
    where all are of the pipeline's own. `packages` is where the artifact of each target lies, with its placeholders;
    of those that it does not name it is the pipeline's.
    """

    levels: tuple[tuple[str, ...], ...] = ()
    members: dict[str, str] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)

    @property
    def services(self) -> tuple[str, ...]:
        """The members that have a target here, in the order of their names."""
        return tuple(sorted(set(self.members.values())))

    def targets_of(self, service: str) -> tuple[str, ...]:
        """The names of a member's targets."""
        return tuple(target for target, member in self.members.items() if member == service)


@dataclass(frozen=True)
class MemberLock:
    """What a stage has of a member's lock: its fence, and what is live there by that lock: version and promotion."""

    fence: int = 0
    live: str = ""
    promotion: str = ""


def load_group(data: Mapping[str, Any] | None) -> GroupPlan | None:
    """A stage's group from its JSON, if it has one."""
    if not data:
        return None
    levels = tuple(tuple(level) for level in data.get("levels", ()))
    return GroupPlan(**{**known(GroupPlan, data), "levels": levels})


def digest_of_members(members: Mapping[str, str]) -> str:
    """What tells one composition of a group from another: `sha256:…` of its members' versions."""
    return f"sha256:{hashlib.sha256(json.dumps(dict(members), sort_keys=True).encode()).hexdigest()}"


def package_at(address: str, service: str, version: str) -> str:
    """An artifact's address without its placeholders; of no version, `{version}` stays in it."""
    return address.replace("{service}", service).replace("{version}", version or "{version}")
