"""Dividing users between the live side and a new release by the weights of a profile's two endpoints.

The release's side is the one that answers its version, and where that does not say, the one that it was deployed to by
Helm's record: endpoints carry no note of it. Where neither says it, nothing is written. What Azure has taken is read
back; that users meet it takes as long as resolvers keep their answers, and is seen in telemetry.
"""

from typing import Any

from slipway.adapters.aks.given import sides_given
from slipway.adapters.azure_errors import AzureFault, AzureProblem, FaultKind
from slipway.adapters.http_probe import read_version
from slipway.adapters.sides import other_side
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
        side = self._side_of(target, place, shown, version, self._answers(place, shown))
        return Split(round(shown.met(side), 6), others=shown.others)

    def start_split(self, target: Target, version: str, share: float, operation: str, resuming: bool) -> Answer:
        """Give the release's side `share` (0..1); passed at once when it has it already.

        A repeated start needs no other care than a first one: it looks, and writes what is missing.
        """
        return self.poll_split(target, {"kind": "intended", "operation": operation}, version, share)

    def poll_split(self, target: Target, handle: dict[str, Any], version: str, share: float) -> Answer:
        """Passed when Azure shows the weights; broken WEIGHT_NOT_APPLIED when it does not after a while,
        SIDE_NOT_HEALTHY where a side whose probes fail would get more, IDLE_HOLDS_ANOTHER where one that answers
        another version would, and ROUTER_REFUSED in Azure's words."""
        try:
            place = place_of(target)
            shown = self._giving.profile(place).show()
            if not (side := str(handle.get("side") or "")):
                answers = self._answers(place, shown)
                side = self._side_of(target, place, shown, version, answers)
                if share > shown.pair(side).share and answers[side] not in (None, version):
                    words = f"{shown.sides[side].name} answers {answers[side]}, not {version}: it gets no more"
                    return broken("IDLE_HOLDS_ANOTHER", words)
            handle = {**handle, "side": side}  # it may fall silent on the way
            mine = shown.sides[side]
            if mine.ill and not shown.sides[other_side(side)].ill and share > shown.pair(side).share:
                return broken("SIDE_NOT_HEALTHY", f"{mine.name} of {place.profile} is {mine.health}: it gets no more")
            return self._giving.towards(place, shown, handle, side, share) or _in_effect(place, shown, handle, side)
        except AzureProblem as problem:
            if problem.fault.kind in REFUSED:
                return broken("ROUTER_REFUSED", f"{target.name}: {problem.fault.words}")
            return problem.fault.answer(handle, SOON_S)

    def _answers(self, place: Place, shown: Shown) -> dict[str, str | None]:
        """The version that each side answers."""
        profile = self._giving.profile(place)
        urls = {side: profile.address(side, each.target) + place.version_path for side, each in shown.sides.items()}
        return {side: read_version(url, _VERSION_TIMEOUT_S, self._settings) for side, url in urls.items()}

    def _side_of(self, target: Target, place: Place, shown: Shown, version: str, answers: dict[str, str | None]) -> str:
        """The side of a release. Raises AzureProblem where it cannot be told."""
        theirs = [side for side, answer in answers.items() if answer == version]
        if len(theirs) != 1:
            given = sides_given(target, version, self._settings)
            theirs = [side for side in given if side in theirs] if len(given) > 1 else given
        if len(theirs) == 1:
            return theirs[0]
        told = " and ".join(f"{shown.sides[side].name} answers {answers[side] or 'nothing'}" for side in answers)
        words = f"{told}: which side of {place.profile} is {version}'s is not known, so nothing is changed"
        raise AzureProblem(AzureFault(FaultKind.UNAVAILABLE, "SideUnknown", words))


def _in_effect(place: Place, shown: Shown, handle: dict[str, Any], side: str) -> Answer:
    share = round(shown.pair(side).share, 6)
    gives = "gives" if "shows" in handle else "already gives"
    words = f"{place.profile} {gives} {shown.sides[side].name} {share:.1%}"
    return passed("; ".join(filter(None, (words, shown.warning))), share=share, others=list(shown.others))
