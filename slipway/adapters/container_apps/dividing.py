"""Giving a revision its part of an app's traffic: read, write, read back.

The handle is `{"kind": "intended"}` while the write may have to be made (again), and `{"kind": "written"}` while only
its effect is awaited: weights that somebody else changed meanwhile are not fought over.
"""

from datetime import timedelta
from typing import Any

from slipway.adapters import clock
from slipway.adapters.azure_errors import AzureFault, FaultKind
from slipway.adapters.container_apps.apps import App, Apps, Place
from slipway.promotion.outcomes import Answer, broken, iso, moment, passed, running

SOON_S = 2.0
_REFUSED = {FaultKind.DENIED, FaultKind.MISSING, FaultKind.INVALID}


class Dividing:
    """`settle_s`: how long what Azure shows may differ from what it has accepted. Raises AzureProblem."""

    def __init__(self, apps: Apps, settle_s: float) -> None:
        self._apps = apps
        self._settle = timedelta(seconds=settle_s)

    def give(self, place: Place, handle: dict[str, Any], revision: str, percent: int | None) -> Answer:
        """`percent` for the revision, and what it and the live one have besides for that one; None is all of it.

        Passed with the result `share` and `others`, revisions that keep a part of their own. Where no revision runs
        that could take a release's traffic, 0 changes nothing and passes with the share that stays: a swap to the
        version before, which wakes what it needs, is the way back.

        Towards less traffic for a release its revisions are named, whether or not the app followed the latest one:
        what somebody else has set must not keep users where they come to harm.
        """
        app = self._apps.app(place)
        if app.hindrance and not _takes_from_the_latest(app, revision, percent):
            if percent == 0 and not self._runs(place, revision):
                return passed(f"{place.name} does not run {revision}", share=0.0, others=[])
            code, words = app.hindrance
            return broken(code, f"{place.name}: {words}")
        if app.in_progress:
            return running(handle, SOON_S, f"an update of {place.name} is under way")
        live = app.weights.live(but=revision)
        wanted = app.weights.percent(revision) + app.weights.percent(live) if percent is None else percent
        if app.weights.percent(revision) == wanted:
            return _in_effect(place, app, revision, live, already=handle["kind"] == "intended")
        if not wanted and not self._is_beside(place, app, live):
            words = f"no revision runs beside {revision}: only the way back by a version takes its traffic"
            return passed(words, share=app.weights.percent(revision) / 100, others=[])
        if handle["kind"] == "intended":
            return self._write(place, app, handle, revision, wanted, live)
        return self._differs(place, app, handle, revision, wanted)

    def _is_beside(self, place: Place, app: App, live: str) -> bool:
        """Whether there is a revision to take all the traffic. One with a weight is; Azure lets nobody stop it."""
        return bool(live) and (app.weights.percent(live) > 0 or self._runs(place, live))

    def _runs(self, place: Place, revision: str) -> bool:
        found = self._apps.revision(place, revision)
        return found is not None and found.active

    def _write(self, place: Place, app: App, handle: dict[str, Any], revision: str, percent: int, live: str) -> Answer:
        found = self._apps.revision(place, revision) if percent else None
        if percent and (found is None or not found.ready or not found.active):
            words = f"the revision {revision} is {found.state if found else 'not there'}: it gets no more traffic"
            return broken("REVISION_NOT_READY", words)
        try:
            weights = app.weights.divided(revision, percent, live)
        except ValueError as error:
            return broken("ROUTER_REFUSED", f"{place.name}: {error}")
        self._apps.divide(place, weights)
        written = {**handle, "kind": "written", "written_at": iso(clock.now())}
        return running(written, SOON_S, f"{percent} % for {revision} is accepted")

    def _differs(self, place: Place, app: App, handle: dict[str, Any], revision: str, percent: int) -> Answer:
        shows = f"{place.name} gives {revision} {app.weights.percent(revision)} %, not {percent} %"
        if clock.now() - moment(handle["written_at"]) < self._settle:
            return running(handle, SOON_S, shows)
        return broken("WEIGHT_NOT_APPLIED", f"{shows}: Azure has not kept it, or somebody else has changed it")


def refused_or_later(place: str, fault: AzureFault, handle: dict[str, Any]) -> Answer:
    """What a fault of Azure's means for a change of traffic."""
    if fault.kind in _REFUSED:
        return broken("ROUTER_REFUSED", f"{place}: {fault.words}")
    return fault.answer(handle, SOON_S)


def _takes_from_the_latest(app: App, revision: str, percent: int | None) -> bool:
    """Whether a release that people meet because it is the latest would have less: by a smaller part for it, or by all
    for another one, as the way back to the version before is."""
    if app.single or not app.weights.follows_latest:
        return False
    if percent is None:
        return revision != app.weights.latest
    return percent < app.weights.percent(revision)


def _in_effect(place: Place, app: App, revision: str, live: str, already: bool) -> Answer:
    percent = app.weights.percent(revision)
    words = f"{place.name} {'already gives' if already else 'gives'} {revision} {percent} %"
    return passed(words, share=percent / 100, others=list(app.weights.others(revision, live)))
