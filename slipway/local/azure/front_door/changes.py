"""Changes of Front Door profiles: checked before they are accepted, carried out for as long as an operation takes."""

import uuid
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from slipway.local.azure.clock import Now
from slipway.local.azure.config import FrontDoorConfig
from slipway.local.azure.container_apps.updates import merged
from slipway.local.azure.front_door.resources import MODELS, NEW, kinds_of
from slipway.local.azure.front_door.store import Change, Document, FrontDoorStore, Resource

REAL_OPERATION_S, VIRTUAL_OPERATION_S = 0.5, 30.0
REAL_PROPAGATION_S, VIRTUAL_PROPAGATION_S = 1.0, 1200.0
NO_ORIGIN = (
    "Please make sure that the originGroup is created successfully and at least one enabled origin is created"
    " under the origin group."
)
LAST_ORIGIN = (
    "Cannot disable or delete the last origin when the origin group is still associated with a route or a rule."
    " Please disassociate the origin group and try again."
)


class Busy(Exception):
    """Another change of the same resource is under way."""


class ChangeRefused(Exception):
    """Why this cannot be, in Azure's words."""


@dataclass
class Times:
    """How long changes take, in seconds. `never` so many of the next ones never come to the edge, `failing` so many
    fail, and the next one needs `next_propagation_s`."""

    operation_s: float
    propagation_s: float
    next_propagation_s: float | None = None
    never: int = 0
    failing: int = 0


def times_of(front_door: FrontDoorConfig, pace: float, virtual_time: bool) -> Times:
    operation_s = VIRTUAL_OPERATION_S if virtual_time else REAL_OPERATION_S * pace
    propagation_s = VIRTUAL_PROPAGATION_S if virtual_time else REAL_PROPAGATION_S
    return Times(
        operation_s if front_door.operation_s is None else front_door.operation_s,
        propagation_s if front_door.propagation_s is None else front_door.propagation_s,
    )


class Changes:
    """`times` by profile."""

    def __init__(self, store: FrontDoorStore, times: dict[str, Times], now: Now) -> None:
        self._store = store
        self.times = times
        self._now = now

    def begin(self, profile: str, path: str, name: str, asked: Document | None, whole: bool = False) -> Change:
        """Accepts a change of a resource's properties: a JSON merge patch (RFC 7396), all of them (`whole`), or its end
        (None). Raises Busy, ChangeRefused, or ValueError for what is no such properties."""
        if self._store.under_way(profile, path):
            raise Busy
        resources = self._store.accepted(profile)
        properties = None if asked is None else self._after(resources.get(path), path, asked, whole)
        if properties is None:
            _check_end(resources, path)
        else:
            _check(resources, path, properties)
        times = self.times[profile]
        failed = _next(times, "failing")
        ends = self._now() + timedelta(seconds=times.operation_s)
        change = Change(0, str(uuid.uuid4()), profile, path, name, properties, ends, None, failed)
        propagation = None if failed else self._propagation(times)
        below = [each for each in resources.values() if properties is None and each.path.startswith(f"{path}/")]
        for each in below:  # what is below it goes with it
            self._store.add(replace(change, id=str(uuid.uuid4()), path=each.path, name=each.name), propagation)
        self._store.add(change, timedelta(0) if below and propagation is not None else propagation)
        return change

    def ended(self, change: Change) -> bool:
        return change.ends <= self._now()

    def _after(self, former: Resource | None, path: str, asked: Document, whole: bool) -> Document:
        kinds = kinds_of(path)
        asked = _said(asked)
        MODELS[kinds].model_validate(asked)
        before: Any = NEW.get(kinds, {}) if whole or former is None else former.properties
        after: Document = merged(before, asked)
        return after

    def _propagation(self, times: Times) -> timedelta | None:
        if _next(times, "never"):
            return None
        seconds = times.propagation_s if times.next_propagation_s is None else times.next_propagation_s
        times.next_propagation_s = None
        return timedelta(seconds=seconds)


def enabled_origins(resources: dict[str, Resource], group: str) -> list[str]:
    """The paths of those origins of the group at that path."""
    return [
        path
        for path, each in resources.items()
        if path.startswith(f"{group}/origins/") and each.properties["enabledState"] == "Enabled"
    ]


def below_profile(id: str) -> str:
    """`/subscriptions/…/profiles/edge/originGroups/Shop` → `origingroups/shop`. Raises ChangeRefused."""
    _, found, rest = id.lower().partition("/providers/microsoft.cdn/profiles/")
    _, _, path = rest.partition("/")
    if not found or not path:
        raise ChangeRefused(f"'{id}' is no resource of a profile.")
    return path


def _said(asked: Document) -> Document:
    """Without what is null: only probes can be taken away."""
    said = {key: _said(value) if isinstance(value, dict) else value for key, value in asked.items()}
    return {key: value for key, value in said.items() if value is not None or key == "healthProbeSettings"}


def _next(times: Times, what: str) -> bool:
    left: int = getattr(times, what)
    if left:
        setattr(times, what, left - 1)
    return left > 0


def _check(resources: dict[str, Resource], path: str, properties: Document) -> None:
    kinds = kinds_of(path)
    for id in _groups_named(kinds, properties):
        group = below_profile(id)
        if group not in resources or not enabled_origins(resources, group):
            raise ChangeRefused(NO_ORIGIN)
    for each in properties.get("ruleSets") or []:
        if below_profile(each["id"]) not in resources:
            raise ChangeRefused(f"The rule set '{each['id']}' does not exist.")
    if kinds == "origingroups/origins" and properties["enabledState"] == "Disabled":
        group = path.partition("/origins/")[0]
        if enabled_origins(resources, group) == [path] and group in _groups_used(resources):
            raise ChangeRefused(LAST_ORIGIN)
    if kinds == "rulesets/rules" and not properties.get("actions"):
        raise ValueError("actions: a rule needs an action")


def _check_end(resources: dict[str, Resource], path: str) -> None:
    attached = [
        each.name
        for each in resources.values()
        if any(below_profile(rule_set["id"]) == path for rule_set in each.properties.get("ruleSets") or [])
    ]
    if attached:
        raise ChangeRefused(f"The rule set is still associated with the route '{attached[0]}'.")


def _groups_used(resources: dict[str, Resource]) -> set[str]:
    return {
        below_profile(id) for path, each in resources.items() for id in _groups_named(kinds_of(path), each.properties)
    }


def _groups_named(kinds: str, properties: Document) -> list[str]:
    """The ids of the origin groups to which a route or a rule leads."""
    if kinds == "afdendpoints/routes":
        return [properties["originGroup"]["id"]]
    if kinds == "rulesets/rules":
        overrides = [each["parameters"]["originGroupOverride"] for each in properties.get("actions") or []]
        return [each["originGroup"]["id"] for each in overrides]
    return []
