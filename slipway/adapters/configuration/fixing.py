"""Fixing the configuration of a release, and looking later whether it is still what was fixed."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slipway.adapters.configuration.store import Configuration
from slipway.promotion.outcomes import Answer, broken, passed, running
from slipway.promotion.plain import plain
from slipway.promotion.release_parts import before
from slipway.promotion.release_parts.configuration import (
    ARCHIVED,
    CHANGED,
    FAILED,
    MISSING,
    PROVISIONING,
    TAKEN,
    KeptConfiguration,
    Place,
    differing,
    fingerprint_of,
    kept,
)

if TYPE_CHECKING:
    from slipway.promotion.ports import ConfigurationStore

SOON_S = 1.0


@dataclass
class Fixing:
    """Raises AzureProblem."""

    store: "ConfigurationStore" = field(default_factory=Configuration)

    def fix(self, place: Place, service: str) -> Answer:
        """The settings of a release, kept as a snapshot. Looks before it acts, so it can be asked again and again.

        Result: a `KeptConfiguration`. Running while the snapshot is made. Broken CONFIGURATION_MISSING without any
        setting; CONFIGURATION_CHANGED when the snapshot that Slipway made has other settings, SNAPSHOT_TAKEN when
        somebody else's has; SNAPSHOT_FAILED.
        """
        settings = self.store.settings(place)
        if not settings:
            words = f"no setting {place.key_filter} has the label {place.label}: write the settings of this version"
            return broken(MISSING, f"{words} before it is promoted")
        snapshot = self.store.snapshot(place.snapshot)
        if snapshot is None:
            self.store.start_snapshot(place, service)
            return running({"kind": "snapshot"}, SOON_S, f"the snapshot {place.snapshot} is made")
        if snapshot.status == PROVISIONING:
            return running({"kind": "snapshot"}, SOON_S, f"the snapshot {place.snapshot} is being made")
        if snapshot.status == FAILED:
            words = f"App Configuration could not make the snapshot {place.snapshot}, and its name is taken"
            return broken("SNAPSHOT_FAILED", f"{words}: a snapshot holds 1 MB at most; promote another version")
        fixed = self.store.in_snapshot(place.snapshot)
        if fingerprint_of(fixed) != fingerprint_of(settings):
            return _other(place, differing(fixed, settings), snapshot.service, service)
        if snapshot.status == ARCHIVED:
            self.store.recover(place.snapshot)
        found = kept(place, settings)
        return passed(found.words, **plain(found))

    def look(self, fixed: KeptConfiguration) -> Answer:
        """Whether the settings are still there as they were fixed. Result: `state` of `release_parts.before`."""
        if not fixed.label:
            return passed("none was fixed with it", state=before.NONE)
        now = self.store.settings(fixed.place)
        if fingerprint_of(now) == fixed.fingerprint:
            return passed(f"{fixed.label} is as it was verified{self._lacks(fixed.snapshot)}", state=before.SAME)
        in_snapshot = self.store.in_snapshot(fixed.snapshot)
        has = fingerprint_of(in_snapshot) == fixed.fingerprint
        where = f"the snapshot {fixed.snapshot} has them" if has else f"no snapshot {fixed.snapshot} has them, either"
        if not now:
            how = "; import it under the label" if has else ""
            return passed(f"no setting has the label {fixed.label} any more; {where}{how}", state=before.GONE)
        which = f" ({differing(in_snapshot, now)})" if has else ""
        words = f"{fixed.label} is not what was verified any more{which}; {where.replace('them', 'what was')}"
        return passed(words, state=before.CHANGED)

    def _lacks(self, name: str) -> str:
        """What those should know who load the snapshot by its name."""
        snapshot = self.store.snapshot(name)
        if snapshot is None:
            return f" (its snapshot {name} is gone)"
        return f" (its snapshot {name} is archived, and ends)" if snapshot.status == ARCHIVED else ""


def _other(place: Place, keys: str, made_for: str, service: str) -> Answer:
    if made_for == service:
        words = f"the settings with the label {place.label} are not those of the snapshot {place.snapshot} any more"
        return broken(CHANGED, f"{words} ({keys}): put them back, or promote another version")
    if made_for:
        words = f"{made_for} has a snapshot of the name {place.snapshot} already, of other settings ({keys})"
        return broken(TAKEN, f"{words}: label the settings of {service} otherwise, so that both names differ")
    words = f"somebody else's snapshot has the name {place.snapshot} and other settings ({keys})"
    return broken(TAKEN, f"{words}: archive it and wait for its end, or promote another version")
