"""Sending all users to one side by the weights of a profile's two endpoints.

A side that stood idle was not probed, so first it gets one answer in a thousand: then Traffic Manager looks at it, and
a side that it finds ill gets no more. Users are there when resolvers have forgotten the answers from before: after the
profile's TTL, and when what the users' address answers says so. The handle is `{"kind": "settling"}` from then on.
"""

from datetime import timedelta
from typing import Any

from slipway.adapters import clock
from slipway.adapters.azure_errors import AzureProblem
from slipway.adapters.settling import settled
from slipway.adapters.sides import BLUE, GREEN, other_side, what_users_meet
from slipway.adapters.traffic_manager.giving import SOON_S, Giving
from slipway.adapters.traffic_manager.profile import REFUSED, Place, Shown, place_of
from slipway.promotion.outcomes import Answer, broken, iso, running
from slipway.promotion.plan import Target
from slipway.promotion.port_values import SwitchState
from slipway.settings import Settings, settings

PROBED = 0.001
_PROBES_S = 10.0


class TrafficManagerSwitch:
    """Its targets have a section `traffic-manager`."""

    def __init__(self, settings_: Settings | None = None, settle_s: float = 60.0) -> None:
        self._settings = settings_ or settings()
        self._giving = Giving(self._settings, settle_s)

    def read(self, target: Target) -> SwitchState:
        """Where users are sent now: also there where only Traffic Manager sends them, since the other side is ill.
        Raises AzureProblem."""
        place = place_of(target)
        profile = self._giving.profile(place)
        shown = profile.show()
        side = shown.most
        return SwitchState(
            side=side,
            users=profile.address("users", shown.host),
            sides={each: profile.address(each, shown.sides[each].target) for each in (BLUE, GREEN)},
            share=round(1 - shown.met(side), 6) if side else 0.0,
        )

    def start(self, target: Target, side: str, operation: str, resuming: bool) -> Answer:
        """Send all users to `side`; passed at once when they are sent there already, unless it may be since a moment
        ago (`resuming`)."""
        return self._going_on(target, {"kind": "intended", "operation": operation}, side, first=not resuming)

    def poll(self, target: Target, handle: dict[str, Any], side: str) -> Answer:
        """Passed when users meet the side; broken SIDE_NOT_HEALTHY, WEIGHT_NOT_APPLIED when Azure does not show what
        was written, and SWITCH_REFUSED in Azure's words."""
        return self._going_on(target, handle, side, first=False)

    def _going_on(self, target: Target, handle: dict[str, Any], side: str, first: bool) -> Answer:
        try:
            place = place_of(target)
            shown = self._giving.profile(place).show()
            if first and shown.pair(side).says(1.0):
                name = shown.sides[side].name
                return settled(f"{place.profile} already sends all users to {name}", shown.warning, side, None, 0.0)
            if handle["kind"] == "settling":
                return self._settling(place, shown, handle, side)
            return self._sending(place, shown, handle, side)
        except AzureProblem as problem:
            if problem.fault.kind in REFUSED:
                return broken("SWITCH_REFUSED", f"{target.name}: {problem.fault.words}")
            return problem.fault.answer(handle, SOON_S)

    def _sending(self, place: Place, shown: Shown, handle: dict[str, Any], side: str) -> Answer:
        mine, live = shown.sides[side], shown.sides[other_side(side)]
        if handle.get("withdrawn") or (mine.ill and live.weight.enabled and not live.ill):
            return self._withdraw(place, shown, handle, side)
        is_looked_at_first = live.weight.enabled and not live.ill and mine.unsure
        if is_looked_at_first and mine.weight.enabled:
            return running(handle, _PROBES_S, f"{mine.name} of {place.profile} is being probed: {mine.health}")
        share = PROBED if is_looked_at_first else 1.0
        if goes_on := self._giving.towards(place, shown, handle, side, share):
            return goes_on
        until = iso(clock.now() + timedelta(seconds=shown.ttl_s))
        return self._settling(place, shown, {**handle, "kind": "settling", "until": until}, side)

    def _withdraw(self, place: Place, shown: Shown, handle: dict[str, Any], side: str) -> Answer:
        """Take away what it was given for the probes, and refuse."""
        mine = shown.sides[side]
        said = handle.get("withdrawn") or f"{mine.name} of {place.profile} is {mine.health}: no users are sent there"
        if "shows" in handle and (goes_on := self._giving.towards(place, shown, handle, side, 0.0)):
            return running({**goes_on.handle, "withdrawn": said}, SOON_S, said) if goes_on.running else goes_on
        return broken("SIDE_NOT_HEALTHY", str(said))

    def _settling(self, place: Place, shown: Shown, handle: dict[str, Any], side: str) -> Answer:
        name = shown.sides[side].name
        if not shown.pair(side).says(1.0):
            words = f"{place.profile} gives {name} {shown.pair(side).share:.1%} by now: somebody else has changed it"
            return broken("WEIGHT_NOT_APPLIED", words)
        profile = self._giving.profile(place)
        users = profile.address("users", shown.host)
        met = what_users_meet(
            users, profile.address(side, shown.sides[side].target), place.version_path, self._settings
        )
        words = f"{place.profile} sends all users to {name}"
        return settled(words, shown.warning, side, met, shown.ttl_s, handle)
