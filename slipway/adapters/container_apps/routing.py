"""Dividing a container app's traffic between the live revision and that of a new version, in whole percent."""

from typing import Any

from slipway.adapters.azure_errors import AzureProblem
from slipway.adapters.container_apps.apps import Apps, place_of
from slipway.adapters.container_apps.dividing import Dividing, refused_or_later
from slipway.adapters.container_apps.weights import percent_of
from slipway.promotion.outcomes import Answer
from slipway.promotion.plan import Target
from slipway.promotion.port_values import Split
from slipway.settings import Settings, settings


class RevisionRouter:
    """A share is rounded down to whole percent, but any share at all is at least 1 %. Azure draws each request."""

    def __init__(self, settings_: Settings | None = None, settle_s: float = 60.0) -> None:
        self._apps = Apps(settings_ or settings())
        self._dividing = Dividing(self._apps, settle_s)

    def read_split(self, target: Target, version: str) -> Split:
        """What the app's weights say now. Raises AzureProblem."""
        place = place_of(target)
        app, revision = self._apps.app(place), place.revision_of(version)
        others = app.weights.others(revision, app.weights.live(but=revision))
        return Split(app.weights.percent(revision) / 100, app.in_progress, others)

    def start_split(self, target: Target, version: str, share: float, operation: str, resuming: bool) -> Answer:
        """Give the version's revision `share` (0..1); passed at once when it has it already.

        A repeated start needs no other care than a first one: it looks, and writes what is missing.
        """
        return self.poll_split(target, {"kind": "intended", "operation": operation}, version, share)

    def poll_split(self, target: Target, handle: dict[str, Any], version: str, share: float) -> Answer:
        """Passed when Azure shows the weight; broken WEIGHT_NOT_APPLIED when it does not after a while,
        REVISION_NOT_READY, REVISION_MODE_SINGLE, LATEST_REVISION_PINNED, and ROUTER_REFUSED in Azure's words."""
        percent = percent_of(share)
        try:
            place = place_of(target)
            return self._dividing.give(place, handle, place.revision_of(version), percent)
        except AzureProblem as problem:
            return refused_or_later(target.name, problem.fault, handle)
