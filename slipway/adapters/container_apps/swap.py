"""Making a version's revision the live one: all that it and the live one have of the traffic goes to it.

Idempotent, other than a swap of slots: it says which revision is to have everything.
"""

from datetime import timedelta
from typing import Any

from slipway.adapters import clock
from slipway.adapters.container_apps.apps import Apps, Place
from slipway.adapters.container_apps.dividing import SOON_S, Dividing
from slipway.adapters.container_apps.sides import held_by
from slipway.promotion.outcomes import Answer, broken, moment, running

_MAY_BE_SILENT_FOR = timedelta(seconds=60)


class Swaps:
    """Raises AzureProblem."""

    def __init__(self, apps: Apps, settle_s: float) -> None:
        self._apps = apps
        self._dividing = Dividing(apps, settle_s)

    def go_on(self, place: Place, handle: dict[str, Any], version: str, version_path: str) -> Answer:
        name = handle.get("revision") or self._named(place, version, version_path)
        handle = {**handle, "revision": name}
        if handle["kind"] == "intended":
            unready = self._not_ready(place, handle, name, version, version_path)
            if unready is not None:
                return unready
        return self._dividing.give(place, handle, name, None)

    def _named(self, place: Place, version: str, version_path: str) -> str:
        """The version's revision: ours, or else one that somebody made before there was Slipway, if it answers so."""
        ours, revisions = place.revision_of(version), self._apps.revisions(place)
        if ours in [each.name for each in revisions]:
            return ours
        others = (each for each in revisions if each.active and not held_by(place, each))
        return next((each.name for each in others if self._apps.version_at(each.host, version_path) == version), ours)

    def _not_ready(
        self, place: Place, handle: dict[str, Any], name: str, version: str, version_path: str
    ) -> Answer | None:
        """Why it cannot have the traffic yet, or ever; None when it answers as that version."""
        found = self._apps.revision(place, name)
        if found is None:
            return broken("IDLE_HOLDS_ANOTHER", f"{place.name} has no revision {name}, which {version} would be")
        if not found.active:
            self._apps.activate(place, name)
            return running(handle, SOON_S, f"{name} was not active; activated")
        answers = self._apps.version_at(found.host, version_path)
        if answers == version:
            return None
        if answers is not None:
            words = f"{name} answers {answers}, not {version}: giving it the traffic would make that live"
            return broken("IDLE_HOLDS_ANOTHER", words)
        if clock.now() - moment(handle["intent_at"]) > _MAY_BE_SILENT_FOR:
            return broken("IDLE_SILENT", f"{name} does not say which version it is, so it gets no traffic")
        return running(handle, SOON_S, f"{name} does not answer yet")
