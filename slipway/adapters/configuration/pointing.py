"""Configuration by a pointer (kind `configuration`): a release's settings are a snapshot, and one setting names it.

Applications read the pointer, then load the snapshot that it names. To deploy is to fix the snapshot and to say how it
differs from the one that is read now; to switch is one conditional write.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from slipway.adapters.app_service.arm import invalid
from slipway.adapters.azure_errors import AzureProblem
from slipway.adapters.configuration.fixing import Fixing
from slipway.adapters.configuration.pointer import Pointers, Pointing
from slipway.adapters.configuration.store import Configuration
from slipway.promotion.outcomes import Answer, Outcome, broken, passed, running
from slipway.promotion.plan import Target
from slipway.promotion.planned_changes import (
    CONFIGURATION,
    CREATE,
    DELETE,
    HIDDEN,
    MODIFY,
    PLAN_CHANGED,
    PLANNED,
    SAME,
    Change,
    PlannedChanges,
    digest_of,
    shown,
)
from slipway.promotion.port_values import SiteState
from slipway.promotion.release_parts.configuration import ARCHIVED, REFERENCE, Place, Setting, fingerprint_of
from slipway.settings import Settings, settings

__all__ = ["PointedConfiguration"]

SOON_S = 2.0
_AZURES = ".azconfig.io"
_RESOURCE = re.compile(r".*/providers/Microsoft\.AppConfiguration/configurationStores/(?P<name>[^/]+)/?", re.IGNORECASE)
Handle = dict[str, Any]


@dataclass(frozen=True)
class Spot:
    """The pointer of a target, and how the snapshots of its releases are named."""

    key: str
    label: str
    service: str
    pattern: Place

    def place(self, version: str) -> Place:
        named = (each.replace("{version}", version) for each in (self.pattern.label, self.pattern.snapshot))
        label, snapshot = named
        return Place(label, self.pattern.key_filter, snapshot)

    def version(self, snapshot: str) -> str:
        """The version whose snapshot has that name; empty when it is none of this service's."""
        before, _, after = self.pattern.snapshot.partition("{version}")
        rest = re.escape(after).replace(re.escape("{version}"), "(?P=version)")
        found = re.fullmatch(rf"{re.escape(before)}(?P<version>.+?){rest}", snapshot)
        return found["version"] if found else ""


class PointedConfiguration:
    """`SlotPlatform` on the store that SLIPWAY_APP_CONFIGURATION names, whose idle side is a snapshot nothing names."""

    def __init__(self, settings_: Settings | None = None) -> None:
        self._settings = settings_ or settings()
        self._store = Configuration(self._settings)
        self._pointers = Pointers(self._settings)

    def read_live(self, target: Target, version_path: str = "/version") -> SiteState:
        """Which release the pointer names, and which one it named before. Raises AzureProblem."""
        spot = self._spot(target)
        found = self._pointers.read(spot.key, spot.label)
        if found is None:
            return SiteState.without_address("", "")
        return SiteState.without_address(spot.version(found.snapshot), found.previous)

    def start_deployment(
        self,
        target: Target,
        package_url: str,
        operation: str,
        intent_at: datetime,
        resuming: bool,
        version: str = "",
        version_path: str = "/version",
    ) -> Answer:
        """Fix the version's settings, and say how they differ from those that are read now."""
        return self.poll_deployment(target, {"kind": "snapshot"}, version)

    def poll_deployment(self, target: Target, handle: Handle, version: str, version_path: str = "/version") -> Answer:
        """Passed with `changes` and `planned`; broken as `Fixing.fix` is."""
        try:
            spot = self._spot(target)
            fixed = Fixing(self._store).fix(spot.place(version), spot.service)
            if fixed.state != Outcome.PASSED:
                return fixed
            found = self._foreseen(spot, self._pointers.read(spot.key, spot.label), version)
        except AzureProblem as problem:
            return problem.fault.answer(handle, SOON_S)
        words = f"{spot.key} would name {spot.place(version).snapshot}: {found.words}"
        return passed(words, changes=found.text, planned=found.fingerprint)

    def start_swap(
        self,
        target: Target,
        version: str,
        operation: str,
        intent_at: datetime,
        resuming: bool,
        version_path: str = "/version",
    ) -> Answer:
        """Write the pointer; passed at once when it names the version's snapshot."""
        return self.poll_swap(target, {"kind": "intended"}, version)

    def poll_swap(self, target: Target, handle: Handle, version: str, version_path: str = "/version") -> Answer:
        """Passed when the pointer names the snapshot; broken PLAN_CHANGED when it, or a snapshot, is not what was
        planned on; NOTHING_TO_RETURN_TO when there is no such snapshot any more."""
        try:
            spot = self._spot(target)
            snapshot, now = spot.place(version).snapshot, self._pointers.read(spot.key, spot.label)
            if now and now.snapshot == snapshot:
                return passed(f"{spot.key} names {snapshot}")
            if refused := self._not_there(snapshot) or self._not_as_planned(target, spot, now, version):
                return refused
            previous = spot.version(now.snapshot) if now else ""
            if not self._pointers.write(spot.key, spot.label, now, snapshot, previous):
                return running(handle, 0.0, f"somebody else has written to {spot.key} just now")
            return running(handle, 0.0, f"{snapshot} is written to {spot.key}")
        except AzureProblem as problem:
            return problem.fault.answer(handle, SOON_S)

    def stop_idle(self, target: Target, version: str) -> Answer:
        return passed(f"{target.name}: the snapshot of {version} stays, and nothing names it")

    def start_idle(self, target: Target, version: str, live: str, version_path: str = "/version") -> Answer:
        """Passed when the version's snapshot is there."""
        try:
            snapshot = self._spot(target).place(version).snapshot
            return self._not_there(snapshot) or passed(f"{target.name}: {snapshot} is there")
        except AzureProblem as problem:
            return problem.fault.answer({}, SOON_S)

    def stop_old_side(self, target: Target, version: str, live: str, version_path: str = "/version") -> Answer:
        return passed(f"{target.name}: there is no old side that runs", stopped=False)

    def _spot(self, target: Target) -> Spot:
        found, told = _RESOURCE.fullmatch(target.resource), target.settings.get(CONFIGURATION) or {}
        if found is None or not told:
            raise invalid(f"target {target.name}: {target.resource} is no configuration store, or has no configuration")
        store = urlsplit(self._settings.needed("app_configuration")).hostname or ""
        if store.endswith(_AZURES) and store.removesuffix(_AZURES) != found["name"].lower():
            raise invalid(f"target {target.name} is in {found['name']}, and SLIPWAY_APP_CONFIGURATION names {store}")
        pointer = target.settings["pointer"]
        return Spot(str(pointer["key"]), str(pointer.get("label") or ""), str(told["service"]), Place.load(told))

    def _not_there(self, snapshot: str) -> Answer | None:
        """Why the snapshot cannot be read; one that was archived is made to stay."""
        found = self._store.snapshot(snapshot)
        if found is None:
            return broken("NOTHING_TO_RETURN_TO", f"the store has no snapshot {snapshot}")
        if found.status == ARCHIVED:
            self._store.recover(snapshot)
        return None

    def _not_as_planned(self, target: Target, spot: Spot, now: Pointing | None, version: str) -> Answer | None:
        planned = target.settings.get(PLANNED)
        if not planned:
            return None  # nobody has planned a way back
        found = self._foreseen(spot, now, version)
        if found.fingerprint == planned:
            return None
        names = now.snapshot if now else "nothing"
        whose = "" if now is None or now.is_ours else ", which Slipway has not written there"
        words = f"{spot.key} is not what was planned on any more: it names {names}{whose}"
        return broken(PLAN_CHANGED, f"{words}; now: {found.words}. Nothing was changed", found.text)

    def _foreseen(self, spot: Spot, now: Pointing | None, version: str) -> PlannedChanges:
        before = self._store.in_snapshot(now.snapshot) if now else []
        after = self._store.in_snapshot(spot.place(version).snapshot)
        keys = sorted({each.key for each in (*before, *after)})
        was, will = ({each.key: each for each in every} for every in (before, after))
        changes = tuple(_change(key, was.get(key), will.get(key)) for key in keys)
        of = digest_of([now.snapshot if now else "", fingerprint_of(before), fingerprint_of(after)])
        return PlannedChanges(changes, "setting", of)


def _change(key: str, before: Setting | None, after: Setting | None) -> Change:
    if before == after:
        return Change(SAME, key)
    if after is None:
        return Change(DELETE, key)
    if before is None:
        return Change(CREATE, key, (_shown(after),))
    old, new = _shown(before), _shown(after)
    told = old != new and HIDDEN not in (old, new)  # what one side hides the other may show
    return Change(MODIFY, key, (f"{old} → {new}" if told else "its value changes",))


def _shown(setting: Setting) -> str:
    if setting.content_type.startswith(REFERENCE):
        return "a reference to a secret"
    return shown(setting.key, setting.value or "")
