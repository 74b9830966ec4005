"""Dividing users between the live side and a new release by the weights of a profile's two endpoints.

The release's side is the one that answers its version: endpoints carry no note of it. What Azure has taken is read
back; that users meet it takes as long as resolvers keep their answers, and is seen in telemetry.
"""

from typing import Any

from slipway.adapters.azure_errors import AzureFault, AzureProblem, FaultKind
from slipway.adapters.http_probe import read_version
from slipway.adapters.sides import BLUE, GREEN, other_side
from slipway.adapters.traffic_manager.giving import SOON_S, Giving
from slipway.adapters.traffic_manager.profile import REFUSED, Place, Shown, place_of
from slipway.promotion.outcomes import Answer, broken, passed
from slipway.promotion.plan import Target
from slipway.promotion.port_values import Split
from slipway.settings import Settings, settings

_VERSION_TIMEOUT_S = 5.0


class TrafficManagerRouter:
    """Its targets have a section `traffic-manager`."""

    def __init__(self, settings_: Settings | None = None, settle_s: float = 60.0) -> None:
        self._settings = settings_ or settings()
        self._giving = Giving(self._settings, settle_s)

    def read_split(self, target: Target, version: str) -> Split:
        """What is answered now: a side whose probes fail has no share while the other one is well. Raises
        AzureProblem."""
        place = place_of(target)
        shown = self._giving.profile(place).show()
        side = self._side_of(place, shown, version)
        return Split(round(shown.met(side), 6), others=shown.others)

    def start_split(self, target: Target, version: str, share: float, operation: str, resuming: bool) -> Answer:
        """Give the release's side `share` (0..1); passed at once when it has it already.

        A repeated start needs no other care than a first one: it looks, and writes what is missing.
        """
        return self.poll_split(target, {"kind": "intended", "operation": operation}, version, share)

    def poll_split(self, target: Target, handle: dict[str, Any], version: str, share: float) -> Answer:
        """Passed when Azure shows the weights; broken WEIGHT_NOT_APPLIED when it does not after a while,
        SIDE_NOT_HEALTHY where a side whose probes fail would get more, and ROUTER_REFUSED in Azure's words."""
        try:
            place = place_of(target)
            shown = self._giving.profile(place).show()
            side = str(handle.get("side") or self._side_of(place, shown, version))
            handle = {**handle, "side": side}  # it may fall silent on the way
            mine = shown.sides[side]
            if mine.ill and not shown.sides[other_side(side)].ill and share > shown.pair(side).share:
                return broken("SIDE_NOT_HEALTHY", f"{mine.name} of {place.profile} is {mine.health}: it gets no more")
            return self._giving.towards(place, shown, handle, side, share) or _in_effect(place, shown, handle, side)
        except AzureProblem as problem:
            if problem.fault.kind in REFUSED:
                return broken("ROUTER_REFUSED", f"{target.name}: {problem.fault.words}")
            return problem.fault.answer(handle, SOON_S)

    def _side_of(self, place: Place, shown: Shown, version: str) -> str:
        """The side of a release: the one that answers its version, else the one beside another version. Where both do
        it is the one with fewer users. Raises AzureProblem while neither side says anything."""
        profile = self._giving.profile(place)
        found = {}
        for side in (BLUE, GREEN):
            url = profile.address(side, shown.sides[side].target) + place.version_path
            found[side] = read_version(url, _VERSION_TIMEOUT_S, self._settings)
        if not any(found.values()):
            words = f"neither side of {place.profile} says its version, so which one is {version}'s is not known"
            raise AzureProblem(AzureFault(FaultKind.UNAVAILABLE, "SidesSilent", words))
        theirs = [side for side in found if found[side] == version]
        if not theirs:
            theirs = [side for side in found if found[other_side(side)] not in (None, version)]
        return min(theirs, key=lambda side: shown.pair(side).share)


def _in_effect(place: Place, shown: Shown, handle: dict[str, Any], side: str) -> Answer:
    share = round(shown.pair(side).share, 6)
    gives = "gives" if "shows" in handle else "already gives"
    words = f"{place.profile} {gives} {shown.sides[side].name} {share:.1%}"
    return passed("; ".join(filter(None, (words, shown.warning))), share=share, others=list(shown.others))
