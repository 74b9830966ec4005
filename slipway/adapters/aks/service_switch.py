"""The Kubernetes Service as a switch: its selector names the Helm release whose pods get the users.

The write counts only while the Service is as it was read. It is no command: one could be late, or find no room in a
cluster in trouble, when a release has to be taken back.
"""

from datetime import timedelta
from typing import Any

from slipway.adapters import clock
from slipway.adapters.aks import scripts
from slipway.adapters.aks.api import Api
from slipway.adapters.aks.clusters import Clusters
from slipway.adapters.aks.place import SIDES, Place, place_of
from slipway.adapters.aks.steps import SOON_S, Handle
from slipway.adapters.azure_errors import AzureFault, AzureProblem, FaultKind
from slipway.promotion.outcomes import Answer, broken, iso, moment, passed, running
from slipway.promotion.plan import Target
from slipway.promotion.port_values import SwitchState
from slipway.settings import Settings, settings

_REFUSED = {FaultKind.DENIED, FaultKind.MISSING, FaultKind.INVALID}


class ServiceSwitch:
    """`settle_s`: how long what the cluster shows may differ from what was written."""

    def __init__(self, settings_: Settings | None = None, settle_s: float = 60.0) -> None:
        chosen = settings_ or settings()
        self._api = Api(chosen, Clusters(chosen))
        self._settle = timedelta(seconds=settle_s)

    def read(self, target: Target) -> SwitchState:
        """What the Service's selector says. Raises AzureProblem."""
        return self._service(place_of(target))[0]

    def start(self, target: Target, side: str, operation: str, resuming: bool) -> Answer:
        """Send the users to the side; passed at once when it has them. A repeated start needs no other care than a
        first one: it looks, and writes what is missing."""
        return self.poll(target, {"kind": "intended", "operation": operation}, side)

    def poll(self, target: Target, handle: dict[str, Any], side: str) -> Answer:
        """Passed when only pods of the side answer for the Service; broken SWITCH_NOT_APPLIED when they do not after a
        while, SWITCH_REFUSED in the cluster's words."""
        try:
            return self._go_on(place_of(target), handle, side)
        except AzureProblem as problem:
            if problem.fault.kind in _REFUSED:
                return broken("SWITCH_REFUSED", f"{target.name}: {problem.fault.words}")
            return problem.fault.answer(handle, SOON_S)

    def _go_on(self, place: Place, handle: Handle, side: str) -> Answer:
        state, resource_version = self._service(place)
        if state.side != side:
            if handle["kind"] == "intended":
                self._api.patch(place, scripts.sends_users(place, side, resource_version))
                return running(_written(handle), SOON_S, f"the Service {place.release} sends users to the {side} side")
            return self._differs(handle, f"the Service {place.release} sends users to {state.side or 'no side'}")
        ready, of_side = self._api.endpoints(place, side)
        if ready and ready <= of_side:
            done = "already has" if handle["kind"] == "intended" else "has"
            return passed(f"the {side} side of {place.release} {done} the users", side=side)
        if handle["kind"] == "intended":
            handle = _written(handle)
        return self._differs(handle, f"the endpoints of {place.release} are not those of the {side} side yet")

    def _differs(self, handle: Handle, shows: str) -> Answer:
        if clock.now() - moment(handle["written_at"]) < self._settle:
            return running(handle, SOON_S, shows)
        words = f"{shows}: the cluster has not kept it, somebody else has changed it, or no pod of the side is ready"
        return broken("SWITCH_NOT_APPLIED", words)

    def _service(self, place: Place) -> tuple[SwitchState, str]:
        """What the Service says, and its version."""
        (service,) = self._api.documents(place, place.path("api/v1", f"services/{place.release}"))
        if service is None:
            words = f"{place.namespace} of {place.cluster} has no Service {place.release}, which users would come by"
            raise AzureProblem(AzureFault(FaultKind.MISSING, "NoService", words))
        chosen = ((service.get("spec") or {}).get("selector") or {}).get(scripts.INSTANCE)
        side = next((each for each in SIDES if place.release_of(each) == chosen), "")
        state = SwitchState(side, place.address, {each: place.preview.get(each, "") for each in SIDES})
        return state, str((service.get("metadata") or {}).get("resourceVersion") or "")


def _written(handle: Handle) -> Handle:
    return {**handle, "kind": "written", "written_at": iso(clock.now())}
