"""A new revision beside the live one: `PATCH` with a template whose suffix names the version, at weight 0.

The revision's name is ours to choose, so a repeated start finds what the first one made. The handle is `{"kind":
"intended"}` while it may have to be made (again), `{"kind": "revision"}` while it is awaited.
"""

from datetime import timedelta
from typing import Any

from slipway.adapters import clock
from slipway.adapters.azure_errors import AzureProblem
from slipway.adapters.container_apps.apps import App, Apps, Place, Revision
from slipway.adapters.container_apps.sides import outlived
from slipway.promotion.outcomes import Answer, broken, failed, iso, moment, passed, running

_SOON_S = 2.0
_LOST_AFTER = timedelta(seconds=90)


class Deployments:
    def __init__(self, apps: Apps) -> None:
        self._apps = apps

    def start(self, place: Place, image: str, operation: str, version: str) -> Answer:
        return self._go_on(place, {"kind": "intended", "image": image, "operation": operation}, version)

    def poll(self, place: Place, handle: dict[str, Any], version: str) -> Answer:
        return self._go_on(place, handle, version)

    def _go_on(self, place: Place, handle: dict[str, Any], version: str) -> Answer:
        try:
            app, name = self._apps.app(place), place.revision_of(version)
            if app.hindrance:
                code, words = app.hindrance
                return broken(code, f"{place.name}: {words}")
            found = self._apps.revision(place, name)
            if app.in_progress and handle["kind"] == "intended":
                return running(handle, _SOON_S, f"an update of {place.name} is under way")
            if found is None:
                if handle["kind"] == "intended":
                    self._stop_outlived(place, app)
                return self._make(place, app, handle, name)
            if handle["kind"] == "intended" and self._apps.withdraw(place, app, name):
                # No user may meet what is not verified.
                return running(handle, _SOON_S, f"the share of {name} is taken away first")
            return self._judge(place, handle, found)
        except AzureProblem as problem:
            return problem.fault.answer(handle, _SOON_S)

    def _stop_outlived(self, place: Place, app: App) -> None:
        for revision in outlived(place, app, self._apps.revisions(place)):
            self._apps.deactivate(place, revision.name)

    def _make(self, place: Place, app: App, handle: dict[str, Any], name: str) -> Answer:
        if handle["kind"] == "revision" and clock.now() - moment(handle["started_at"]) < _LOST_AFTER:
            return running(handle, _SOON_S, f"Azure does not show {name} yet")
        first, *beside = app.template.get("containers") or [{}]
        template = {
            **app.template,
            "revisionSuffix": name.removeprefix(f"{place.name}--"),
            "containers": [{**first, "image": handle["image"]}, *beside],
        }
        self._apps.change(place, {"template": template})
        return running({**handle, "kind": "revision", "started_at": iso(clock.now())}, _SOON_S)

    def _judge(self, place: Place, handle: dict[str, Any], found: Revision) -> Answer:
        if found.image != handle["image"]:
            words = f"the revision {found.name} holds {found.image}, not {handle['image']}: its name is taken"
            return broken("IDLE_HOLDS_ANOTHER", words)
        if not found.active:  # even one that failed before: what it lacked then may be there now
            self._apps.activate(place, found.name)
            return running(handle, _SOON_S, f"{found.name} was not active; activated")
        if found.failed:
            first_line, _, rest = found.error.partition("\n")
            return failed("DEPLOYMENT_FAILED", f"the revision {found.name} failed: {first_line or found.state}", rest)
        if not found.ready:
            return running(handle, _SOON_S, f"{found.name}: {found.state}")
        done = "is already there" if handle["kind"] == "intended" else "is deployed"
        return passed(f"{found.name} {done}", revision=found.name, address=self._apps.address(found.host))
