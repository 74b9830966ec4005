"""Swapping the idle slot with production: `POST …/slots/{slot}/slotsswap`, 202, then its `Location`.

A second swap undoes the first, so it is posted only when nothing is under way, production does not answer
the version yet and the slot does; where production answers nothing, not before anybody's last swap has settled. Every
routing rule to the slot is taken away before: it is the site's and would stay, and send its share to the release that
was just swapped out. The handle `{"kind": "intended"}` means that nothing is known to have been started: the next poll
looks again before it posts.
"""

from datetime import datetime, timedelta
from typing import Any

from slipway.adapters import clock
from slipway.adapters.app_service.arm import POLL_S, Reply
from slipway.adapters.app_service.rules import RoutingRules
from slipway.adapters.app_service.site import Place, Sites
from slipway.adapters.azure_errors import AzureProblem, FaultKind, explain
from slipway.promotion.outcomes import Answer, broken, failed, iso, moment, passed, running
from slipway.promotion.port_values import SiteState

_SOON_S = 2.0
_IDLE_MAY_BE_SILENT_FOR = timedelta(seconds=60)
_CLOCKS_DIFFER_BY = timedelta(seconds=5)


class Swaps:
    """Swaps of one slot; `settle_s` is how long the front ends may take to show what a swap did."""

    def __init__(self, sites: Sites, settle_s: float) -> None:
        self._sites = sites
        self._rules = RoutingRules(sites)
        self._settle = timedelta(seconds=settle_s)

    def start(
        self,
        place: Place,
        version: str,
        operation: str,
        intent_at: datetime,
        resuming: bool,
        version_path: str,
    ) -> Answer:
        intended = {"kind": "intended", "operation": operation, "intent_at": iso(intent_at)}
        try:
            state = self._sites.read_live(place, version_path)
            if state.in_progress:
                return running(intended, _SOON_S, f"another operation is under way on {place.name}")
            if self._rules.remove(place):
                return running(intended, _SOON_S, f"what routes users to {place.slot} is taken away before the swap")
            if state.production_version == version:
                return passed(f"{version} is already live on {place.name}", already=True)
            if (resuming or not state.production_version) and self._may_be_settling(state, intent_at):
                return running(intended, _SOON_S, "a swap has just ended; its effect is awaited")
            if state.idle_version != version:
                return self._idle_is_not_ready(place, state, version, intended)
            return self._post(place, state, intended)
        except AzureProblem as problem:
            return problem.fault.answer(intended, _SOON_S)

    def poll(self, place: Place, handle: dict[str, Any], version: str, version_path: str) -> Answer:
        if handle["kind"] == "intended":
            intent_at = moment(handle["intent_at"])
            return self.start(place, version, handle["operation"], intent_at, True, version_path)
        try:
            under_way_s, refusal = self._follow(place, handle)
            if under_way_s:
                return running(handle, under_way_s)
            state = self._sites.read_live(place, version_path)
        except AzureProblem as problem:
            return problem.fault.answer(handle, POLL_S)
        if state.production_version == version:
            return passed(f"{version} is live on {place.name}", before=handle.get("before"))
        if state.in_progress:
            return running(handle, _SOON_S)
        if refusal:
            return failed("SWAP_FAILED", f"the swap of {place.name}/{place.slot} failed: {refusal}")
        return self._not_effective_yet(place, handle, state, version)

    def _post(self, place: Place, state: SiteState, intended: dict[str, Any]) -> Answer:
        from azure.core.exceptions import AzureError

        said: dict[str, str] = {}

        def keep(response: Any) -> None:
            said.update({name.lower(): value for name, value in response.http_response.headers.items()})

        try:
            self._sites.arm(place).client.web_apps.begin_swap_slot(
                place.group,
                place.name,
                place.slot,
                {"targetSlot": "production", "preserveVnet": True},
                polling=False,
                retry_total=0,
                raw_response_hook=keep,
            )
        except AzureError as error:
            raise AzureProblem(explain(error)) from error
        reply = Reply(202, {}, said)
        handle = {**intended, "kind": "swap", "poll_url": reply.poll_url, "before": state.production_version}
        return running(handle, reply.after_s)

    def _idle_is_not_ready(self, place: Place, state: SiteState, version: str, intended: dict[str, Any]) -> Answer:
        where = f"{place.name}/{place.slot}"
        if state.idle_state != "Running":
            self._sites.start_idle(place)
            return running(intended, _SOON_S, f"{where} was {state.idle_state}; started")
        if state.idle_version is not None:
            words = f"{where} answers {state.idle_version}, not {version}: swapping it would make that live"
            return broken("IDLE_HOLDS_ANOTHER", words)
        if clock.now() - moment(intended["intent_at"]) > _IDLE_MAY_BE_SILENT_FOR:
            return broken("IDLE_SILENT", f"{where} does not say which version it is, so it is not swapped")
        return running(intended, _SOON_S, f"{where} does not answer yet")

    def _may_be_settling(self, state: SiteState, intent_at: datetime) -> bool:
        """Whether a swap ended so lately that the front ends may not show it yet: one that may be ours; or anybody's,
        where production answers nothing, and the slot alone says what is live."""
        swapped_at = state.last_swap_at
        if swapped_at is None or (state.production_version and swapped_at < intent_at - _CLOCKS_DIFFER_BY):
            return False
        return clock.now() - swapped_at < self._settle

    def _follow(self, place: Place, handle: dict[str, Any]) -> tuple[float, str]:
        """In how many seconds to ask again (0 = the swap is over), and Azure's words when it failed."""
        arm = self._sites.arm(place)
        url = str(handle.get("poll_url") or "")
        if not url or not arm.may_poll(url):
            return 0.0, ""  # the site itself shows whether anything is under way
        try:
            reply = arm.poll(url)
            return (reply.after_s if reply.status == 202 else 0.0), ""
        except AzureProblem as problem:
            if problem.fault.kind is FaultKind.MISSING:
                return 0.0, ""  # Azure forgets operations after a while
            if problem.fault.kind in (FaultKind.CONFLICT, FaultKind.INVALID):
                return 0.0, f"{problem.fault.code}: {problem.fault.said}"
            raise

    def _not_effective_yet(self, place: Place, handle: dict[str, Any], state: SiteState, version: str) -> Answer:
        ended_at = moment(handle["ended_at"]) if "ended_at" in handle else clock.now()
        if clock.now() - ended_at < self._settle:
            return running({**handle, "ended_at": iso(ended_at)}, _SOON_S, "swapped; the front end follows")
        answers = state.production_version or "no version"
        words = f"the swap of {place.name}/{place.slot} ended, but production answers {answers}, not {version}"
        return failed("SWAP_NOT_EFFECTIVE", words)
