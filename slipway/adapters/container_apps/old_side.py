"""The revision before the live one: deactivated when its time is over, activated to go back to it.

Only one of ours, by its name: what was live before Slipway came is somebody else's to stop. It keeps its entry in the
weights, without any, by which it is found again.
"""

from slipway.adapters.azure_errors import AzureProblem
from slipway.adapters.container_apps.apps import App, Apps, Place, place_of
from slipway.adapters.container_apps.sides import held_by
from slipway.promotion.outcomes import Answer, broken, passed, running
from slipway.promotion.plan import Target

_SOON_S = 2.0


def start(apps: Apps, target: Target, version: str, live: str, version_path: str) -> Answer:
    """As `SlotPlatform.start_idle`."""
    try:
        place = place_of(target)
        app = apps.app(place)
        # A release that is down may go back, too: what answers nothing is what its image says.
        found = apps.revision(place, app.weights.live())
        serves = (apps.version_at(found.host, version_path) or held_by(place, found)) if found else ""
        if serves != live:
            return broken("NOT_LIVE", f"{place.name} answers {serves or 'nothing'}, not {live}")
        found = apps.revision(place, place.revision_of(version))
        if found is None:  # of before there was Slipway, and never stopped by it
            return passed(f"{place.name} has no revision of ours with {version}; what is there is looked at next")
        if not found.active:
            apps.activate(place, found.name)
            return running({}, _SOON_S, f"{found.name} was not active; activated")
        answers = apps.version_at(found.host, version_path)
    except AzureProblem as problem:
        return problem.fault.answer({}, _SOON_S)
    if answers == version:
        return passed(f"{found.name} runs again, with {version}")
    if answers is None:
        return running({}, _SOON_S, f"{found.name} does not answer yet")
    return broken("NOTHING_TO_RETURN_TO", f"{found.name} answers {answers}, not {version}, which is to serve again")


def stop(apps: Apps, target: Target, version: str, live: str, version_path: str) -> Answer:
    """As `SlotPlatform.stop_old_side`."""
    try:
        place = place_of(target)
        app = apps.app(place)
        if app.in_progress:
            return running({}, _SOON_S, f"an update of {place.name} is under way")
        if words := _not_live(apps, place, app, live, version_path):
            return passed(f"{words}: nothing is stopped", stopped=False)
        found = apps.revision(place, place.revision_of(version))
        if found is None or held_by(place, found) != version:
            words = f"{place.name} has no revision of ours with {version}, so none is stopped"
            return passed(words, stopped=False)
        if not found.active:
            return passed(f"{found.name} is stopped", stopped=True)
        if app.weights.percent(found.name) or app.weights.is_labelled(found.name):
            words = f"{found.name} has a weight or a label of somebody's, and is left as it is"
            return passed(words, stopped=False)
        apps.deactivate(place, found.name)
    except AzureProblem as problem:
        return problem.fault.answer({}, _SOON_S)
    return passed(f"{found.name} is stopped", stopped=True)


def _not_live(apps: Apps, place: Place, app: App, live: str, version_path: str) -> str:
    """In words, when the revision with most of the traffic does not answer `live`."""
    found = apps.revision(place, app.weights.live())
    answers = apps.version_at(found.host, version_path) if found else None
    return "" if answers == live else f"{place.name} answers {answers or 'nothing'}, not {live}"
