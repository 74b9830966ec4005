"""Container Apps (azure-mgmt-appcontainers, api 2026-07-01): a revision a version, made live by its weight."""

from datetime import datetime
from typing import Any

from slipway.adapters.azure_errors import AzureProblem
from slipway.adapters.container_apps import old_side
from slipway.adapters.container_apps.apps import Apps, place_of
from slipway.adapters.container_apps.deployment import Deployments
from slipway.adapters.container_apps.dividing import SOON_S, refused_or_later
from slipway.adapters.container_apps.routing import RevisionRouter
from slipway.adapters.container_apps.sides import held_by, idle_of, live_of
from slipway.adapters.container_apps.swap import Swaps
from slipway.promotion.outcomes import Answer, iso, passed, running
from slipway.promotion.plan import Target
from slipway.promotion.port_values import SiteState
from slipway.settings import Settings, settings

__all__ = ["ContainerApps", "RevisionRouter"]


class ContainerApps:
    """The live side is the revision with the largest weight, the idle side the newest active one without any.

    A package is an image here. Looks go to a revision's own address, since the app's is drawn; the idle side's changes
    with each version, so a deployment passes with `address`. An idle side that answers nothing is what its image says:
    one that crashes has to be found, too, to be stopped.
    """

    def __init__(self, settings_: Settings | None = None, settle_s: float = 60.0) -> None:
        self._apps = Apps(settings_ or settings())
        self._deployments = Deployments(self._apps)
        self._swaps = Swaps(self._apps, settle_s)

    def read_live(self, target: Target, version_path: str = "/version") -> SiteState:
        """What both sides answer now. Raises AzureProblem."""
        place = place_of(target)
        app, revisions = self._apps.app(place), self._apps.revisions(place)
        live, idle = live_of(app, revisions), idle_of(app, revisions)
        idle_version = self._apps.version_at(idle.host, version_path) or held_by(place, idle) if idle else ""
        return SiteState(
            production_address=self._apps.address(app.host),
            live_address=self._apps.address(live.host) if live else "",
            idle_address=self._apps.address(idle.host) if idle else "",
            production_version=self._apps.version_at(live.host, version_path) if live else None,
            idle_version=idle_version or None,
            in_progress=app.in_progress,
            last_swap_at=None,
            idle_state="Running" if idle and idle.active else "Stopped",
            held_version=held_by(place, live) if live else "",
        )

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
        """Run the image `package_url` as the version's revision; passed at once when it runs already."""
        try:
            place = place_of(target)
        except AzureProblem as problem:
            return problem.fault.answer({}, 0)
        return self._deployments.start(place, package_url, operation, version)

    def poll_deployment(
        self, target: Target, handle: dict[str, Any], version: str, version_path: str = "/version"
    ) -> Answer:
        """Passed when the revision runs; failed DEPLOYMENT_FAILED in Azure's words."""
        return self._deployments.poll(place_of(target), handle, version)

    def start_swap(
        self,
        target: Target,
        version: str,
        operation: str,
        intent_at: datetime,
        resuming: bool,
        version_path: str = "/version",
    ) -> Answer:
        """Give the version's revision what it and the live one have; passed at once when it is live already."""
        handle = {"kind": "intended", "operation": operation, "intent_at": iso(intent_at)}
        return self.poll_swap(target, handle, version, version_path)

    def poll_swap(self, target: Target, handle: dict[str, Any], version: str, version_path: str = "/version") -> Answer:
        """Passed when Azure shows the weights; broken as `RevisionRouter.poll_split` is."""
        try:
            return self._swaps.go_on(place_of(target), handle, version, version_path)
        except AzureProblem as problem:
            return refused_or_later(target.name, problem.fault, handle)

    def stop_idle(self, target: Target, version: str) -> Answer:
        """Deactivate the version's revision when it is not the live one, once it has no traffic; running, to be asked
        again, until then and while Azure cannot. Others stay as they are: one of them may be the way back."""
        try:
            place = place_of(target)
            app, found = self._apps.app(place), self._apps.revision(place, place.revision_of(version))
            if found is None or not found.active or found.name == app.weights.live():
                return passed(f"{target.name}: {version} does not run idle")
            if self._apps.withdraw(place, app, found.name):
                return running({}, SOON_S, f"{target.name}: the share of {found.name} is taken away first")
            self._apps.deactivate(place, found.name)
        except AzureProblem as problem:
            return problem.fault.answer({}, SOON_S)
        return passed(f"{target.name}: revision {found.name} is stopped")

    def start_idle(self, target: Target, version: str, live: str, version_path: str = "/version") -> Answer:
        """Activate the version's revision, if it is not active; passed when it answers `version`."""
        return old_side.start(self._apps, target, version, live, version_path)

    def stop_old_side(self, target: Target, version: str, live: str, version_path: str = "/version") -> Answer:
        """Deactivate the version's revision, if it is ours and has no traffic."""
        return old_side.stop(self._apps, target, version, live, version_path)
