"""Roles and their assignments, as `slipway roles --format json` prints them, and what they allow.

The stand-in has one principal of Slipway's own, the app's managed identity: an assignment without a principal, or with
any, is its. Whoever else comes with a token (applications, jobs, a test as the owner of all) may do everything: what
these may do is not Slipway's to ask for.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from pydantic import BaseModel, ConfigDict, Field

from slipway.local.azure.clock import Now

MOST_REMEMBERED = 10_000


class GivenRole(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    name: str
    actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = Field(default=(), alias="dataActions")


class GivenAssignment(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    role: str
    scope: str


class GivenRights(BaseModel):
    """Assignments of roles that are not told, such as Azure's own, allow nothing here."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    roles: tuple[GivenRole, ...]
    assignments: tuple[GivenAssignment, ...]


@dataclass(frozen=True)
class Demand:
    """What a request takes: all of the `actions` on the resource `scope`. `because` is the action that they come
    along with, and the resource that it is on, where they are asked for on a linked one."""

    scope: str
    actions: tuple[str, ...]
    because: tuple[str, str] | None = None


@dataclass
class Withheld:
    """Actions that are refused although they are given: so many `times`, or until then; for good without either."""

    actions: frozenset[str]
    times: int | None
    until: datetime | None


class Rights:
    """`given` None: everything is allowed. `asked` are the actions that the app's identity has asked for, in small
    letters."""

    def __init__(self, given: GivenRights | None, now: Now) -> None:
        self._given = given
        self._now = now
        roles = {role.name: role for role in given.roles} if given else {}
        self._assignments = [
            (each.scope.lower().rstrip("/"), _patterns(roles[each.role]))
            for each in (given.assignments if given else ())
            if each.role in roles
        ]
        self._decided: dict[tuple[str, str], bool] = {}
        self._withheld: list[Withheld] = []
        self.asked: set[str] = set()

    def withhold(self, actions: Iterable[str], times: int | None, for_s: float | None) -> None:
        """As if an assignment had not reached every part of Azure yet."""
        until = self._now() + timedelta(seconds=for_s) if for_s is not None else None
        self._withheld.append(Withheld(frozenset(action.lower() for action in actions), times, until))

    def give_back(self) -> None:
        self._withheld.clear()

    def lacking(self, demand: Demand) -> tuple[str, ...]:
        """The actions of the demand that are not allowed."""
        self.asked.update(action.lower() for action in demand.actions)
        return tuple(action for action in demand.actions if not self._may(action.lower(), demand.scope.lower()))

    def _may(self, action: str, scope: str) -> bool:
        if self._withheld and self._is_withheld(action):
            return False
        if self._given is None:
            return True
        key = (action, scope)
        if (decided := self._decided.get(key)) is None:
            if len(self._decided) >= MOST_REMEMBERED:
                self._decided.clear()
            decided = self._decided[key] = any(
                _covers(at, scope) and any(fnmatchcase(action, pattern) for pattern in patterns)
                for at, patterns in self._assignments
            )
        return decided

    def _is_withheld(self, action: str) -> bool:
        now = self._now()
        for each in self._withheld:
            if action in each.actions and (each.until is None or now < each.until) and each.times != 0:
                each.times = each.times - 1 if each.times is not None else None
                return True
        return False


def _patterns(role: GivenRole) -> tuple[str, ...]:
    return tuple(action.lower() for action in (*role.actions, *role.data_actions))


def _covers(at: str, scope: str) -> bool:
    return scope == at or scope.startswith(f"{at}/")
