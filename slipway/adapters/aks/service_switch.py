"""The Kubernetes Service as a switch: its selector names the Helm release whose pods get the users.

The write is a command; what is read is the API's: the selector, then the endpoints that follow it.
"""

from datetime import timedelta
from typing import Any

from slipway.adapters import clock
from slipway.adapters.aks import scripts
from slipway.adapters.aks.clusters import Clusters, Result, refused_by
from slipway.adapters.aks.place import SIDES, Place, place_of
from slipway.adapters.aks.reads import Reads
from slipway.adapters.aks.steps import SOON_S, Handle, Steps
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
        clusters = Clusters(chosen)
        self._reads = Reads(chosen, clusters)
        self._steps = Steps(clusters)
        self._settle = timedelta(seconds=settle_s)

    def read(self, target: Target) -> SwitchState:
        """What the Service's selector says. Raises AzureProblem."""
        return self._state(place_of(target))

    def start(self, target: Target, side: str, operation: str, resuming: bool) -> Answer:
        """Send the users to the side; passed at once when it has them. A repeated start needs no other care than a
        first one: it looks, and writes what is missing."""
        return self.poll(target, {"kind": "intended", "operation": operation}, side)

    def poll(self, target: Target, handle: dict[str, Any], side: str) -> Answer:
        """Passed when only pods of the side answer for the Service; broken SWITCH_NOT_APPLIED when they do not after a
        while, SWITCH_REFUSED in the cluster's words."""
        try:
            place = place_of(target)
            if handle["kind"] == "command":
                ended = self._steps.ended(place, handle)
                if not isinstance(ended, Result):
                    return ended
                if ended.exit_code:
                    raise AzureProblem(refused_by(place, ended))
                handle = {**handle, "kind": "written", "written_at": iso(clock.now())}
            return self._go_on(place, handle, side)
        except AzureProblem as problem:
            if problem.fault.kind in _REFUSED:
                return broken("SWITCH_REFUSED", f"{target.name}: {problem.fault.words}")
            return problem.fault.answer(handle, SOON_S)

    def _go_on(self, place: Place, handle: Handle, side: str) -> Answer:
        state = self._state(place)
        if state.side != side:
            if handle["kind"] == "intended":
                return self._steps.start(place, handle, scripts.send_users(place, side))
            return self._differs(handle, f"the Service {place.release} sends users to {state.side or 'no side'}")
        ready, of_side = self._reads.endpoints(place, side)
        if ready and ready <= of_side:
            done = "already has" if handle["kind"] == "intended" else "has"
            return passed(f"the {side} side of {place.release} {done} the users", side=side)
        if handle["kind"] == "intended":
            handle = {**handle, "kind": "written", "written_at": iso(clock.now())}
        return self._differs(handle, f"the endpoints of {place.release} are not those of the {side} side yet")

    def _differs(self, handle: Handle, shows: str) -> Answer:
        if clock.now() - moment(handle["written_at"]) < self._settle:
            return running(handle, SOON_S, shows)
        words = f"{shows}: the cluster has not kept it, somebody else has changed it, or no pod of the side is ready"
        return broken("SWITCH_NOT_APPLIED", words)

    def _state(self, place: Place) -> SwitchState:
        (service,) = self._reads.documents(place, place.path("api/v1", f"services/{place.release}"))
        if service is None:
            words = f"{place.namespace} of {place.cluster} has no Service {place.release}, which users would come by"
            raise AzureProblem(AzureFault(FaultKind.MISSING, "NoService", words))
        chosen = ((service.get("spec") or {}).get("selector") or {}).get(scripts.INSTANCE)
        side = next((each for each in SIDES if place.release_of(each) == chosen), "")
        return SwitchState(side, place.address, {each: place.preview.get(each, "") for each in SIDES})
