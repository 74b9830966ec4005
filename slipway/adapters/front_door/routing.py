"""Dividing traffic between the live and the idle side by the weights of two origins of a Front Door.

The handle is `{"kind": "intended"}` while a write may have to be made (again), `{"kind": "written"}` while it is
followed; `wrote` counts. What Azure has taken is read back. That users meet it is not said by anything here: it takes
up to 20 minutes and more, and is seen in telemetry.
"""

from datetime import timedelta
from typing import Any

from slipway.adapters import clock
from slipway.adapters.azure_errors import AzureProblem, FaultKind
from slipway.adapters.front_door.profile import POLL_S, Origins, Place, Profile, place_of
from slipway.promotion.outcomes import Answer, broken, iso, moment, passed, running
from slipway.promotion.plan import Target
from slipway.promotion.port_values import Split
from slipway.settings import Settings, settings

_SOON_S = 2.0
_MOST_WRITES = 3
_REFUSED = {FaultKind.DENIED, FaultKind.MISSING, FaultKind.INVALID}


class FrontDoorRouter:
    """Its targets are of the kind `front-door`: see `slipway.promotion.front_door`. `settle_s`: how long what Azure
    shows of an origin may differ from what it has accepted."""

    def __init__(self, settings_: Settings | None = None, settle_s: float = 60.0) -> None:
        self._settings = settings_ or settings()
        self._settle = timedelta(seconds=settle_s)

    def read_split(self, target: Target, version: str) -> Split:
        """What the origins' weights say now. Raises AzureProblem."""
        origins = self._profile(place_of(target)).origins()
        return Split(round(origins.pair.share, 6), bool(origins.busy), origins.others)

    def start_split(self, target: Target, version: str, share: float, operation: str, resuming: bool) -> Answer:
        """Give the idle side's origin `share` (0..1); passed at once when it has it already.

        A repeated start needs no other care than a first one: it looks, and writes what is missing.
        """
        return self.poll_split(target, {"kind": "intended", "operation": operation}, version, share)

    def poll_split(self, target: Target, handle: dict[str, Any], version: str, share: float) -> Answer:
        """Passed when Azure shows the share; broken WEIGHT_NOT_APPLIED when it does not after a while,
        LIVE_ORIGIN_DISABLED when only the release's side would be left, and ROUTER_REFUSED in Azure's words."""
        try:
            place = place_of(target)
            if handle["kind"] == "written" and (more := self._followed(place, handle)):
                return more
            return self._answering(place, handle, share)
        except AzureProblem as problem:
            if problem.fault.kind in _REFUSED:
                return broken("ROUTER_REFUSED", f"{target.name}: {problem.fault.words}")
            return problem.fault.answer(handle, _SOON_S)

    def _followed(self, place: Place, handle: dict[str, Any]) -> Answer | None:
        """None when Resource Manager has carried out the change."""
        if not handle.get("poll_url"):
            return None
        try:
            goes_on = self._profile(place).follow(handle["poll_url"])
        except AzureProblem as problem:
            if problem.fault.kind in (FaultKind.MISSING, FaultKind.DENIED):
                return None  # Azure forgets operations, and may keep them beside the profile: what it shows counts
            raise
        return running(handle, goes_on.after_s, f"Azure carries out the change of {place.name}") if goes_on else None

    def _answering(self, place: Place, handle: dict[str, Any], share: float) -> Answer:
        origins = self._profile(place).origins()
        pair = origins.pair
        if not pair.live.enabled:
            words = f"the live side's origin {place.live} of {place.name} is disabled: all users are with {place.idle}"
            return broken("LIVE_ORIGIN_DISABLED", f"{words}; enable it, or say why it is off")
        if origins.busy:  # changes queue behind each other, and a second one would be refused
            return running(handle, POLL_S, f"a change of {origins.busy} of {place.name} is under way")
        write = pair.next_write(share)
        if write is None:
            return _in_effect(place, origins, already=not handle.get("wrote"))
        if handle["kind"] == "written":
            return self._differs(place, origins, handle, share)
        begun = self._profile(place).write(write)
        wrote = int(handle.get("wrote", 0)) + 1
        written = {"operation": handle.get("operation", ""), "kind": "written", "wrote": wrote}
        written |= {"poll_url": begun.poll_url, "written_at": iso(clock.now()), "shows": repr(pair.after(write))}
        return running(written, begun.after_s if begun.poll_url else _SOON_S, f"{share:.1%} is on its way")

    def _differs(self, place: Place, origins: Origins, handle: dict[str, Any], share: float) -> Answer:
        """The change is there and was the first of two; or it is not there, or not any more."""
        if repr(origins.pair) == handle["shows"] and handle["wrote"] < _MOST_WRITES:
            kept = {name: handle[name] for name in ("operation", "wrote")}
            return running({**kept, "kind": "intended"}, _SOON_S, "a share of two changes: the second one")
        shows = f"{place.name} gives {place.idle} {origins.pair.share:.1%}, not {share:.1%}"
        if clock.now() - moment(handle["written_at"]) < self._settle:
            return running(handle, _SOON_S, shows)
        return broken("WEIGHT_NOT_APPLIED", f"{shows}: Azure has not kept it, or somebody else has changed it")

    def _profile(self, place: Place) -> Profile:
        return Profile(self._settings, place)


def _in_effect(place: Place, origins: Origins, already: bool) -> Answer:
    share = round(origins.pair.share, 6)
    words = f"{place.name} {'already gives' if already else 'gives'} {place.idle} {share:.1%}"
    return passed(words, share=share, others=list(origins.others))
