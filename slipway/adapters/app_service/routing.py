"""Dividing a site's traffic between production and its slot, by a routing rule that points to the slot.

The rule is a setting of the site and not of a release: who swaps takes it away first (`swap`), or the swap would
turn the shares round. The handle is `{"kind": "intended"}` while the write may have to be made (again), and
`{"kind": "written"}` while only its effect is awaited: a rule that somebody else changed meanwhile is not fought over.
"""

from datetime import timedelta
from typing import Any

from slipway.adapters import clock
from slipway.adapters.app_service.rules import RoutingRules, Rules, percent_of
from slipway.adapters.app_service.site import Place, Sites, place_of
from slipway.adapters.azure_errors import AzureProblem, FaultKind
from slipway.promotion.outcomes import Answer, broken, iso, moment, passed, running
from slipway.promotion.plan import Target
from slipway.promotion.port_values import Split
from slipway.settings import Settings, settings

_SOON_S = 2.0
_REFUSED = {FaultKind.DENIED, FaultKind.MISSING, FaultKind.INVALID}


class SlotRouter:
    """`settle_s`: how long what Azure shows of a rule may differ from what it has accepted.

    Azure applies a rule by itself, with hundredths of a percent as its grain; a browser that was drawn keeps its side
    for an hour by a cookie, other clients are drawn at each request.
    """

    def __init__(self, settings_: Settings | None = None, settle_s: float = 60.0) -> None:
        self._sites = Sites(settings_ or settings())
        self._rules = RoutingRules(self._sites)
        self._settle = timedelta(seconds=settle_s)

    def read_split(self, target: Target, version: str) -> Split:
        """What the site's rules say now. Raises AzureProblem."""
        rules = self._rules.read(place_of(target))
        return Split(rules.share, others=rules.names_of_others)

    def start_split(self, target: Target, version: str, share: float, operation: str, resuming: bool) -> Answer:
        """Send `share` (0..1) to the slot by one rule, or by none; passed at once when it is so already.

        A repeated start needs no other care than a first one: it looks, and writes what is missing.
        """
        return self._answering(target, {"kind": "intended", "operation": operation}, percent_of(share))

    def poll_split(self, target: Target, handle: dict[str, Any], version: str, share: float) -> Answer:
        """Passed when Azure shows the share; broken WEIGHT_NOT_APPLIED when it does not after a while, and
        ROUTER_REFUSED in Azure's words."""
        return self._answering(target, handle, percent_of(share))

    def _answering(self, target: Target, handle: dict[str, Any], percent: float) -> Answer:
        try:
            place = place_of(target)
            rules = self._rules.read(place)
            if rules.say(percent):
                return _in_effect(place, rules, already=handle["kind"] == "intended")
            if handle["kind"] == "intended":
                return self._write(place, rules, handle, percent)
            return self._differs(place, rules, handle, percent)
        except AzureProblem as problem:
            if problem.fault.kind in _REFUSED:
                return broken("ROUTER_REFUSED", f"{target.name}: {problem.fault.words}")
            return problem.fault.answer(handle, _SOON_S)

    def _write(self, place: Place, rules: Rules, handle: dict[str, Any], percent: float) -> Answer:
        host = ""
        if percent:
            slot = self._sites.idle_side(place)
            if slot.state != "Running":
                words = f"{place.name}/{place.slot} is {slot.state or 'in no known state'}: it gets no traffic"
                return broken("SLOT_NOT_RUNNING", words)
            host = slot.host
        self._rules.write(place, percent, host, rules.others)
        written = {**handle, "kind": "written", "written_at": iso(clock.now())}
        try:
            seen = self._rules.read(place)
        except AzureProblem as problem:
            return problem.fault.answer(written, _SOON_S)
        return _in_effect(place, seen) if seen.say(percent) else self._differs(place, seen, written, percent)

    def _differs(self, place: Place, rules: Rules, handle: dict[str, Any], percent: float) -> Answer:
        shows = f"the routing of {place.name} to {place.slot} says {rules.percent:g} %, not {percent:g} %"
        if clock.now() - moment(handle["written_at"]) < self._settle:
            return running(handle, _SOON_S, shows)
        return broken("WEIGHT_NOT_APPLIED", f"{shows}: Azure has not kept it, or somebody else has changed it")


def _in_effect(place: Place, rules: Rules, already: bool = False) -> Answer:
    sends = f"{rules.percent:g} % to {place.slot}" if rules.ours else "all to production"
    words = f"{place.name} {'already sends' if already else 'sends'} {sends}"
    return passed(words, share=rules.share, others=list(rules.names_of_others))
