"""App Service with slots (azure-mgmt-web, api 2025-05-01): deploy to the idle slot, swap, read back."""

from datetime import datetime
from typing import Any

from slipway.adapters.app_service import old_side
from slipway.adapters.app_service.deployment import Deployments
from slipway.adapters.app_service.routing import SlotRouter
from slipway.adapters.app_service.rules import RoutingRules
from slipway.adapters.app_service.site import Sites, place_of
from slipway.adapters.app_service.swap import Swaps
from slipway.adapters.azure_errors import AzureProblem
from slipway.promotion.outcomes import Answer, passed
from slipway.promotion.plan import Target
from slipway.promotion.port_values import SiteState
from slipway.settings import Settings, settings

__all__ = ["AppService", "SlotRouter"]


class AppService:
    """Starts answer at once with a handle; polls take it and answer again. All but `read_live` never raise
    for what Azure says: it is in the Answer. `version_path` is where a release says which version it is.
    """

    def __init__(self, settings_: Settings | None = None, settle_s: float = 20.0) -> None:
        self._sites = Sites(settings_ or settings())
        self._deployments = Deployments(self._sites)
        self._swaps = Swaps(self._sites, settle_s)

    def read_live(self, target: Target, version_path: str = "/version") -> SiteState:
        """What both sides answer now. Raises AzureProblem."""
        return self._sites.read_live(place_of(target), version_path)

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
        """Deploy the package to the idle slot; passed at once when that slot already answers `version`.

        `resuming` says that an earlier try of this operation may have reached Azure: then what was started
        since `intent_at` is followed instead of started again.
        """
        try:
            place = place_of(target)
        except AzureProblem as problem:
            return problem.fault.answer({}, 0)
        return self._deployments.start(place, package_url, operation, intent_at, resuming, version, version_path)

    def poll_deployment(
        self, target: Target, handle: dict[str, Any], version: str, version_path: str = "/version"
    ) -> Answer:
        """Passed when it is deployed and the slot runs; failed DEPLOYMENT_FAILED with the log's tail."""
        return self._deployments.poll(place_of(target), handle, version, version_path)

    def start_swap(
        self,
        target: Target,
        version: str,
        operation: str,
        intent_at: datetime,
        resuming: bool,
        version_path: str = "/version",
    ) -> Answer:
        """Make `version`, which the slot must answer, live; passed at once when it is live already."""
        try:
            place = place_of(target)
        except AzureProblem as problem:
            return problem.fault.answer({}, 0)
        return self._swaps.start(place, version, operation, intent_at, resuming, version_path)

    def poll_swap(self, target: Target, handle: dict[str, Any], version: str, version_path: str = "/version") -> Answer:
        """Passed when production answers `version`; failed SWAP_FAILED or SWAP_NOT_EFFECTIVE."""
        return self._swaps.poll(place_of(target), handle, version, version_path)

    def stop_idle(self, target: Target, version: str) -> Answer:
        """Stop the idle slot, whatever it holds, once no rule sends users there; running, to be asked again, while
        Azure cannot."""
        try:
            place = place_of(target)
            RoutingRules(self._sites).remove(place)
            self._sites.stop_idle(place)
        except AzureProblem as problem:
            return problem.fault.answer({}, 2.0)
        return passed(f"{target.name}: slot {target.slot} is stopped")

    def start_idle(self, target: Target, version: str, live: str, version_path: str = "/version") -> Answer:
        """Start the idle slot, if it is stopped; passed when it answers `version`."""
        return old_side.start(self._sites, target, version, live, version_path)

    def stop_old_side(self, target: Target, version: str, live: str, version_path: str = "/version") -> Answer:
        """Stop the idle slot, if it answers `version` and production `live`."""
        return old_side.stop(self._sites, target, version, live, version_path)
