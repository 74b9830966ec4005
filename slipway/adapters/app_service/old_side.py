"""The slot that holds the release before the live one: stopped when its time is over, started to go back to it.

A slot that is stopped answers nothing, so what it holds is seen only once it runs again.
"""

from slipway.adapters.app_service.rules import RoutingRules
from slipway.adapters.app_service.site import Sites, place_of
from slipway.adapters.azure_errors import AzureProblem
from slipway.promotion.outcomes import Answer, broken, passed, running
from slipway.promotion.plan import Target

_SOON_S = 2.0


def start(sites: Sites, target: Target, version: str, live: str, version_path: str) -> Answer:
    """As `SlotPlatform.start_idle`."""
    try:
        place = place_of(target)
        state = sites.read_live(place, version_path)
        where = f"{place.name}/{place.slot}"
        if state.production_version not in (live, None):  # a release that is down may go back, too
            return broken("NOT_LIVE", f"{place.name} answers {state.production_version}, not {live}")
        if state.in_progress:
            return running({}, _SOON_S, f"another operation is under way on {place.name}")
        if state.idle_state != "Running":
            sites.start_idle(place)
            return running({}, _SOON_S, f"{where} was {state.idle_state}; started")
    except AzureProblem as problem:
        return problem.fault.answer({}, _SOON_S)
    if state.idle_version == version:
        return passed(f"{where} runs again, with {version}")
    if state.idle_version is None:
        return running({}, _SOON_S, f"{where} does not answer yet")
    words = f"{where} holds {state.idle_version}, not {version}, which is to serve again"
    return broken("NOTHING_TO_RETURN_TO", words)


def stop(sites: Sites, target: Target, version: str, live: str, version_path: str) -> Answer:
    """As `SlotPlatform.stop_old_side`. A slot that is stopped already is the one that an earlier call has stopped, or
    whose stop somebody else has seen to."""
    try:
        place = place_of(target)
        state = sites.read_live(place, version_path)
        where = f"slot {place.slot} of {place.name}"
        if state.in_progress:
            return running({}, _SOON_S, f"another operation is under way on {place.name}")
        if state.production_version != live:
            answers = state.production_version or "nothing"
            return passed(f"{place.name} answers {answers}, not {live}: {where} is left as it is", stopped=False)
        if state.idle_state != "Running":
            return passed(f"{where} is stopped", stopped=True)
        if state.idle_version != version:
            holds = state.idle_version or "something that answers no version"
            return passed(f"{where} holds {holds}, not {version}, and is left as it is", stopped=False)
        RoutingRules(sites).remove(place)
        sites.stop_idle(place)
    except AzureProblem as problem:
        return problem.fault.answer({}, _SOON_S)
    return passed(f"{where}, with {version}, is stopped", stopped=True)
