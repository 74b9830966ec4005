"""AKS (azure-mgmt-containerservice, api 2026-08-01, and the Kubernetes API): a Helm release for each of two sides."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from slipway.adapters import clock
from slipway.adapters.aks.api import Api
from slipway.adapters.aks.clusters import Clusters
from slipway.adapters.aks.deployment import Deployments
from slipway.adapters.aks.place import other, place_of
from slipway.adapters.aks.registry import AZURES
from slipway.adapters.aks.rollout import replicas_of, version_before
from slipway.adapters.aks.sides import Sides
from slipway.adapters.aks.steps import SOON_S, Steps
from slipway.adapters.aks.swap import Swaps, intent
from slipway.adapters.azure_errors import AzureProblem
from slipway.adapters.switches import switch_of
from slipway.promotion.outcomes import Answer
from slipway.promotion.plan import Target
from slipway.promotion.port_values import SiteState
from slipway.settings import Settings, settings


class Aks:
    """Two sides, blue and green, which keep their addresses; a switch says which of them has the users. A package is a
    chart here, with the image that it runs after a space. What the idle side answers counts before what Helm says that
    it holds: a release that crashes has to be found, too, to be stopped.
    """

    def __init__(
        self,
        settings_: Settings | None = None,
        settle_s: float = 60.0,
        stuck_after_s: float = 600.0,
        registries: tuple[str, ...] = AZURES,
    ) -> None:
        self._settings = settings_ or settings()
        clusters = Clusters(self._settings)
        api = Api(self._settings, clusters)
        self._api = api
        stuck_after = timedelta(seconds=stuck_after_s)
        self._sides = Sides(self._settings, api, stuck_after)
        self._deployments = Deployments(self._settings, self._sides, Steps(clusters), stuck_after, registries)
        self._swaps = Swaps(self._sides, settle_s)

    def read_live(self, target: Target, version_path: str = "/version") -> SiteState:
        """What both sides answer now; in progress while a command of ours may still come to the idle one. Raises
        AzureProblem."""
        place, state = place_of(target), switch_of(target, self._settings).read(target)
        idle = other(state.side)
        live_address, idle_address = state.sides.get(state.side, ""), state.sides.get(idle, "")
        found, _ = self._api.deployment(place, idle)
        runs = found is not None and replicas_of(found) > 0
        answers = self._sides.version_at(idle_address, version_path) if runs else None
        held = self._api.release(place, idle).version or version_before(found)
        return SiteState(
            production_address=state.users,
            live_address=live_address,
            idle_address=idle_address,
            production_version=self._sides.version_at(live_address, version_path),
            idle_version=answers or held or None,
            in_progress=state.in_progress or self._api.note(place, idle).may_come(clock.now()),
            last_swap_at=None,
            idle_state="Running" if runs else "Stopped",
            held_version=self._api.release(place, state.side).version if state.side else "",
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
        """Install or upgrade the release of the side without users; passed at once when it is there already, be it with
        the users. A repeated start looks at Helm's record first."""
        return self.poll_deployment(
            target, {"kind": "intended", "package": package_url, "operation": operation}, version, version_path
        )

    def poll_deployment(
        self, target: Target, handle: dict[str, Any], version: str, version_path: str = "/version"
    ) -> Answer:
        """Passed, with the side's `address`, when its rollout is done and its autoscaler at rest; failed
        DEPLOYMENT_FAILED with the log of Helm or of the pod; broken COMMAND_NOT_RUN,
        RELEASE_CHANGED when somebody else upgrades it meanwhile, and SWITCHED_ELSEWHERE while
        nobody can tell which side users are to have."""
        try:
            switch = switch_of(target, self._settings)
            return self._deployments.go_on(place_of(target), partial(switch.read, target), handle, version)
        except AzureProblem as problem:
            return problem.fault.answer(handle, SOON_S)

    def start_swap(
        self,
        target: Target,
        version: str,
        operation: str,
        intent_at: datetime,
        resuming: bool,
        version_path: str = "/version",
    ) -> Answer:
        """Send the users to the side that holds `version`; passed at once when they meet it already."""
        return self.poll_swap(target, intent(operation, intent_at, resuming), version, version_path)

    def poll_swap(self, target: Target, handle: dict[str, Any], version: str, version_path: str = "/version") -> Answer:
        """Passed when users meet `version`; failed SWAP_NOT_EFFECTIVE, and broken as the switch is, and
        SWITCHED_ELSEWHERE, too."""
        try:
            return self._swaps.go_on(target, handle, version, version_path)
        except AzureProblem as problem:
            return problem.fault.answer(handle, SOON_S)

    def stop_idle(self, target: Target, version: str) -> Answer:
        """Scale the side that holds the version to nothing when it has no users; running, to be asked again, while the
        cluster cannot."""
        return self._sides.stop_idle(target, version)

    def start_idle(self, target: Target, version: str, live: str, version_path: str = "/version") -> Answer:
        """Give the side that holds `version` its replicas again; passed when it answers `version`."""
        return self._sides.start(target, version, live, version_path)

    def stop_old_side(self, target: Target, version: str, live: str, version_path: str = "/version") -> Answer:
        """Scale the side that holds `version` to nothing while the other one, with the users, answers `live`."""
        return self._sides.stop(target, version, live, version_path)
